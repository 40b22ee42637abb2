//! The router of a session: what is wrong with it, where the user looks, and its facts.

use crate::view::prelude::*;
use berth_protocol::{RouterState, Session, SessionId, SessionRouter};

use crate::components::button::Button;
use crate::components::icon::{icon, icon_name};
use crate::state::{App, app, memo};
use crate::strings::{fill, t};

/// Says that the session's router does not answer, and what helps.
#[component]
pub fn RouterNotice(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let state = memo(move || {
        session.with(|session| {
            let router = session.as_ref()?.router.as_ref()?;
            router.state.clone()
        })
    });
    let busy = RwSignal::new(false);
    view! {
        {move || match state.get() {
            Some(RouterState::Restarting { reason }) => {
                view! {
                    <div class="router-notice" role="status" data-testid="router-notice">
                        {icon(icon_name!("route"))}
                        <div><p>{t().router_restarting}</p><p class="router-reason">{fill(t().router_reason, &[&reason])}</p></div>
                    </div>
                }
                    .into_any()
            }
            Some(RouterState::Failed { reason }) => {
                let restart = Callback::new(move |()| app.session_action(id, "restart", busy));
                view! {
                    <div class="router-notice is-failed" role="alert" data-testid="router-notice">
                        {icon(icon_name!("circle-alert"))}
                        <div>
                            <p>{t().router_has_failed}</p>
                            <p class="router-reason">{fill(t().router_reason, &[&reason])}</p>
                        </div>
                        <Button label=t().restart_session icon_name=icon_name!("rotate-ccw") testid="restart-router" busy=busy on_click=restart/>
                    </div>
                }
                    .into_any()
            }
            _ => ().into_any(),
        }}
    }
    .into_any()
}

/// What is known of it, as names and values.
pub fn facts(app: App, router: &SessionRouter) -> Vec<(&'static str, String)> {
    app.need_routers();
    let known = app.model.routers().get();
    let found = known.all().iter().find(|known| known.id == router.id);
    let name = match (found, &known.list) {
        (Some(found), _) => found.name.clone(),
        (None, Some(_)) => t().router_gone.to_owned(),
        (None, None) => router.id.short(),
    };
    let mut facts = vec![(t().name, name)];
    if let Some(found) = found {
        facts.push((t().kind, found.settings.kind.name().to_owned()));
    }
    if let Some(state) = &router.state {
        facts.push((t().router_state, word(state).to_owned()));
    }
    facts
}

fn word(state: &RouterState) -> &'static str {
    match state {
        RouterState::Starting => t().router_state_starting,
        RouterState::Healthy => t().router_state_healthy,
        RouterState::Restarting { .. } => t().router_state_restarting,
        RouterState::Failed { .. } => t().router_state_failed,
        RouterState::Stopped => t().router_state_stopped,
    }
}
