//! The head of a session: what it is, what it does, and the parts to look at.

use crate::view::prelude::*;
use berth_protocol::{Session, SessionId, WorkspaceKind};

use crate::components::button::{Button, IconButton};
use crate::components::icon::{icon, icon_name};
use crate::components::session_menu::SessionMenu;
use crate::components::status_dot::StatusChip;
use crate::logic::keys::Shortcut;
use crate::logic::route::{Route, Tab};
use crate::state::{DialogKind, app, memo};
use crate::strings::{fill, t};
use crate::web::dom;

#[component]
pub fn SessionHeader(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let busy = RwSignal::new(false);
    let title =
        memo(move || session.see(|s| s.as_ref().map(|s| s.title.clone()).unwrap_or_default()));
    let status = Signal::derive(move || session.see(|s| s.as_ref().map(|s| s.status.clone())));
    let live = memo(move || session.see(|s| s.as_ref().is_some_and(|s| s.status.is_live())));
    let archived =
        memo(move || session.see(|s| s.as_ref().is_some_and(|s| s.archived_at.is_some())));
    let line = move || {
        session.see(|s| {
            let s = s.as_ref()?;
            let workspace = match (&s.workspace.branch, s.workspace.kind) {
                (Some(branch), _) => branch.clone(),
                (None, WorkspaceKind::InPlace) => t().in_place.to_owned(),
                (None, WorkspaceKind::Worktree) => t().worktree.to_owned(),
            };
            Some([
                app.project_name(s.project_id),
                app.agent_name(&s.agent),
                workspace,
            ])
        })
    };
    view! {
        <header class="session-head">
            <div class="session-name">
                <h1 title=title>
                    <button
                        type="button"
                        class="title-button"
                        aria-label=move || fill(t().rename_named, &[&title.get()])
                        on:click=move |_| app.ui.open(DialogKind::RenameSession(id))
                    >
                        {title}
                    </button>
                </h1>
                <p class="session-line">
                    {move || {
                        line()
                            .map(|[project, agent, workspace]| {
                                view! {
                                    <span>{icon(icon_name!("folder"))}{project}</span>
                                    <span>{icon(icon_name!("bot"))}{agent}</span>
                                    <span class="session-branch">{icon(icon_name!("git-branch"))}<span>{workspace}</span></span>
                                }
                            })
                    }}
                </p>
            </div>
            <div class="session-actions">
                <StatusChip status=status/>
                {move || match (archived.get(), live.get()) {
                    (true, _) => view! {
                        <Button
                            label=t().bring_back
                            icon_name=icon_name!("archive-restore")
                            testid="restore"
                            busy=busy
                            on_click=Callback::new(move |()| app.session_action(id, "restore", busy))
                        />
                    }
                        .into_any(),
                    (false, true) => view! {
                        <Button
                            label=t().stop
                            icon_name=icon_name!("square")
                            testid="stop"
                            busy=busy
                            tip=t().stop_tip
                            on_click=Callback::new(move |()| app.session_action(id, "stop", busy))
                        />
                    }
                        .into_any(),
                    (false, false) => view! {
                        <Button
                            label=t().restart
                            icon_name=icon_name!("rotate-ccw")
                            testid="restart"
                            busy=busy
                            on_click=Callback::new(move |()| app.session_action(id, "restart", busy))
                        />
                    }
                        .into_any(),
                }}
                {move || view! { <SessionMenu id=id title=title.get()/> }}
                <DetailsToggle/>
            </div>
        </header>
    }
    .into_any()
}

#[component]
fn DetailsToggle() -> impl IntoView {
    let app = app();
    let open = app.prefs.details_open;
    view! {
        <IconButton
            name=icon_name!("panel-right")
            label=Signal::derive(move || if open.get() { t().hide_details } else { t().show_details }.to_owned())
            keys=Shortcut::Details.keys(dom::keyboard())
            pressed=Signal::derive(move || open.get())
            testid="toggle-details"
            on_click=Callback::new(move |()| app.toggle_details())
        />
    }
    .into_any()
}

/// The tabs of a session.
#[component]
pub fn SessionTabs(id: SessionId, session: Memo<Option<Session>>, tab: Memo<Tab>) -> impl IntoView {
    let app = app();
    let changed = move || {
        session
            .see(|s| s.as_ref().and_then(|s| s.changes))
            .map(|c| c.files)
            .filter(|n| *n > 0)
    };
    let keys = Shortcut::CycleTab.keys(dom::keyboard());
    let on_key = move |event: web_sys::KeyboardEvent| {
        let next = match event.key().as_str() {
            "ArrowRight" => tab.get_untracked().next(),
            "ArrowLeft" => tab.get_untracked().previous(),
            _ => return,
        };
        event.prevent_default();
        app.ui.show_tab(next);
        dom::focus(&format!("#tab-{}", next.slug()));
    };
    let names = [
        (
            Tab::Chat,
            t().chat,
            icon_name!("message-square"),
            "tab-chat",
        ),
        (
            Tab::Terminal,
            t().terminal,
            icon_name!("square-terminal"),
            "tab-terminal",
        ),
        (
            Tab::Changes,
            t().changes,
            icon_name!("file-diff"),
            "tab-changes",
        ),
    ];
    view! {
        <div class="tabs" role="tablist" aria-label=t().session_parts on:keydown=on_key>
            {names
                .map(|(this, label, name, testid)| {
                    view! {
                        <a
                            class="tab"
                            role="tab"
                            id=format!("tab-{}", this.slug())
                            href=Route::Session { id, tab: this }.fragment()
                            data-testid=testid
                            data-tip=label
                            data-tip-keys=keys.clone()
                            aria-selected=move || (tab.get() == this).to_string()
                            aria-controls="session-panel"
                            tabindex=move || if tab.get() == this { "0" } else { "-1" }
                            on:click=move |event| {
                                event.prevent_default();
                                app.ui.show_tab(this);
                            }
                        >
                            {icon(name)}
                            <span>{label}</span>
                            {(this == Tab::Changes)
                                .then_some(move || {
                                    changed().map(|n| view! { <span class="tab-count">{n}</span> })
                                })}
                        </a>
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}
