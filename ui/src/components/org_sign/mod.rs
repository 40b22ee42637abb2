//! The sign of the active organization, at the foot of the sidebar. As long as it is there, what the organization wants
//! is asked for whenever somebody comes back to the window.

use crate::view::prelude::*;

use crate::logic::organization::sign;
use crate::logic::route::Route;
use crate::state::{App, Org, app, memo};
use crate::strings::{fill, org};
use crate::web::task::spawn_local;
use crate::web::{clock, dom};

/// Shortest time between two questions, in milliseconds: who goes to and fro between windows asks no more often.
const PAUSE: i64 = 10_000;

#[component]
pub fn OrgSign() -> impl IntoView {
    let known = Org::follow();
    look_when_somebody_comes(app());
    let shown = memo(move || {
        let state = known.state()?;
        let (_, name, standing) = sign(&state)?;
        Some((name, standing))
    });
    view! {
        {move || {
            let (name, standing) = shown.get()?;
            let whole = fill(org().sign, &[&name, standing.word]);
            let sign = view! {
                <a
                    class="org-sign"
                    href=Route::Organization.fragment()
                    aria-label=whole.clone()
                    data-testid="org-sign"
                    data-state=standing.name
                    data-tip=whole
                >
                    <span class=format!("dot {}", standing.tone.class()) aria-hidden="true"></span>
                    <span class="org-sign-name">{name}</span>
                </a>
            };
            Some(sign.into_any())
        }}
    }
    .into_any()
}

fn look_when_somebody_comes(app: App) {
    let looked = StoredValue::new(0_i64);
    for name in ["focus", "online"] {
        dom::listen(&dom::window(), name, move |_| {
            let now = clock::now();
            // The network is back: what was asked just before has found none.
            let is_back = name == "online";
            if !is_back && (0..PAUSE).contains(&(now - looked.get_value())) {
                return;
            }
            looked.set_value(now);
            spawn_local(async move {
                // The sign tells how synchronization stands, whatever becomes of this question.
                let _ = app.api().look_for_orgs().await;
            });
        });
    }
}
