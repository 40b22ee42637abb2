//! One session in the sidebar.

use crate::view::prelude::*;
use berth_protocol::SessionId;

use crate::components::session_menu::SessionMenu;
use crate::components::status_dot::StatusDot;
use crate::components::when::When;
use crate::logic::route::{Route, Tab};
use crate::logic::status::{self, Tone};
use crate::state::{app, memo};

#[component]
pub fn SessionRow(id: SessionId) -> impl IntoView {
    let app = app();
    let session = app.session(id);
    let current = memo(move || app.ui.route.get().session() == Some(id));
    let read = move |pick: fn(&berth_protocol::Session) -> String| {
        session.see(|s| s.as_ref().map(pick).unwrap_or_default())
    };
    let title = memo(move || read(|s| s.title.clone()));
    let tone = Signal::derive(move || {
        session.see(|s| s.as_ref().map_or(Tone::Ended, |s| status::tone(&s.status)))
    });
    let word = memo(move || read(|s| status::word(&s.status)));
    let need = memo(move || session.see(|s| s.as_ref().and_then(status::need)));
    let agent = move || {
        session.see(|s| {
            s.as_ref()
                .map(|s| app.agent_name(&s.agent))
                .unwrap_or_default()
        })
    };
    let changes = move || {
        session.see(|s| s.as_ref().and_then(|s| s.changes)).filter(|c| c.files > 0).map(|changes| {
            view! {
                <span class="row-changes">
                    {(changes.added > 0).then(|| view! { <span class="plus">{format!("+{}", changes.added)}</span> })}
                    {(changes.removed > 0).then(|| view! { <span class="minus">{format!("−{}", changes.removed)}</span> })}
                </span>
            }
        })
    };
    let updated = move || session.see(|s| s.as_ref().map(|s| s.updated_at));
    view! {
        <li class="session-row" class:is-current=current data-testid="session-row" data-session=id.to_string()>
            <a
                href=Route::Session { id, tab: Tab::Chat }.fragment()
                aria-current=move || current.get().then_some("page")
            >
                <StatusDot tone=tone/>
                <span class="row-title">{title}</span>
                <span class="row-age">
                    {move || updated().map(|at| view! { <When at=at/> })}
                </span>
                <span class="row-line">
                    <span class="visually-hidden">{word}": "</span>
                    {move || match need.get() {
                        Some(need) => view! { <span class="row-need">{need}</span> }.into_any(),
                        None => {
                            view! {
                                <span class="row-agent">{agent}" · "{word}</span>
                                {changes}
                            }
                                .into_any()
                        }
                    }}
                </span>
            </a>
            <span class="row-actions">
                {move || view! { <SessionMenu id=id title=title.get()/> }}
            </span>
        </li>
    }
    .into_any()
}
