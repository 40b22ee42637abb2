//! The MCP servers that a session's agent has, and how each is doing for it. It is loaded with the session's activity.

use crate::view::prelude::*;
use berth_protocol::{Session, SessionId, SessionMcpState, Status};

use crate::components::icon::{IconName, icon, icon_name};
use crate::logic::route::Route;
use crate::state::{app, effect, memo};
use crate::strings::{audit, count};
use crate::web::task::spawn_local;
use crate::wire::ServerTools;

#[component]
pub fn SessionTools(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    // Its servers are there once it no longer starts, and go with its run.
    let run = memo(move || {
        session.with(|session| {
            let session = session.as_ref().filter(|it| it.status.is_live())?;
            Some((session.run, session.status == Status::Starting))
        })
    });
    let servers = RwSignal::new(Vec::new());
    let asked = StoredValue::new(0_u32);
    effect(move || {
        app.model.mcp_changed().track();
        // An organization that lets sessions have other tools tells that like this.
        app.model.org().track();
        let this = asked.get_value() + 1;
        asked.set_value(this);
        if run.get().is_none() {
            servers.set(Vec::new());
            return;
        }
        spawn_local(async move {
            let answer = app.api().session_tools(id).await;
            // What is asked for later is newer. What cannot be had stays as it was.
            if asked.try_get_value() == Some(this)
                && let Ok(tools) = answer
            {
                servers.set(tools.servers);
            }
        });
    });
    view! {
        {move || {
            let servers = servers.get();
            (!servers.is_empty()).then(|| {
                view! {
                    <section class="facts" data-testid="details-tools">
                        <h3><a href=Route::Mcp.fragment()>{audit().tools}</a></h3>
                        <ul class="details-tools">{servers.iter().map(row).collect_view()}</ul>
                    </section>
                }
            })
        }}
    }
    .into_any()
}

fn row(server: &ServerTools) -> AnyView {
    let (sign, text) = said(server);
    let why = server.why.clone();
    view! {
        <li data-testid="details-tool" data-name=server.name.clone()>
            <span class="details-tool-name">{server.name.clone()}</span>
            <span class="details-tool-state">{icon(sign)}{text}</span>
            {why.map(|why| view! { <span class="details-tool-why">{why}</span> })}
        </li>
    }
    .into_any()
}

/// How a server is doing, and the sign of that.
fn said(server: &ServerTools) -> (IconName, String) {
    let tools = server.tools.map(u64::from);
    let tools = tools.map(|tools| count(tools, audit().tools_one, audit().tools_many));
    let (sign, word) = match server.state {
        SessionMcpState::Connected => {
            let tools = tools.unwrap_or_else(|| audit().tools_connected.to_owned());
            return (icon_name!("check"), tools);
        }
        SessionMcpState::Quarantined => {
            let number = u64::from(server.tools.unwrap_or_default());
            let held_back = count(number, audit().tools_one_left, audit().tools_many_left);
            return (icon_name!("triangle-alert"), held_back);
        }
        SessionMcpState::Own => (icon_name!("plug"), audit().tools_own),
        SessionMcpState::Untried => (icon_name!("circle-dashed"), audit().tools_untried),
        SessionMcpState::NeedsSignIn => (icon_name!("log-in"), audit().tools_need_sign_in),
        SessionMcpState::Expired => (icon_name!("log-in"), audit().tools_expired),
        SessionMcpState::Withheld => (icon_name!("shield"), audit().tools_withheld),
        SessionMcpState::Failed => (icon_name!("circle-alert"), audit().tools_failed),
    };
    (sign, word.to_owned())
}
