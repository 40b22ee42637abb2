//! Removes an MCP server with its secrets.

use crate::view::prelude::*;
use berth_protocol::{Code, McpConfigurationId};

use super::Confirm;
use crate::components::button::Look;
use crate::state::{app, run};
use crate::strings::{dialogs, fill, t};
use crate::web::{clock, dom, task::spawn_local};

#[component]
pub fn RemoveMcpDialog(id: McpConfigurationId) -> impl IntoView {
    let app = app();
    let named = move || {
        let servers = app.model.mcp();
        servers.with_untracked(|servers| servers.named(id))
    };
    let Some((name, shown)) = named() else {
        return ().into_any();
    };
    let title = fill(dialogs().remove_mcp_title, &[&name]);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let confirm = Callback::new(move |()| {
        // Who is told that it has changed, and asks again, means what it is now.
        let version = named().map_or(shown, |(_, version)| version);
        let said = fill(dialogs().mcp_removed, &[&name]);
        run(busy, async move {
            match app.api().remove_mcp(id, version).await {
                Err(error) if error.code() != Some(Code::McpNotFound) => {
                    app.fetch_mcp();
                    failure.try_set(Some(error));
                }
                // Somebody else may have removed it meanwhile.
                _ => {
                    app.fetch_mcp();
                    app.ui.close_dialog();
                    app.ui.say(said);
                    focus_add();
                }
            }
        });
    });
    view! {
        <Confirm
            title=title
            text=app.kept_in(dialogs().remove_mcp_text)
            action=t().remove
            look=Look::Danger
            busy=busy
            failure=failure
            on_confirm=confirm
        />
    }
    .into_any()
}

/// Moves the focus to the button that adds a server: what had it is gone.
fn focus_add() {
    spawn_local(async move {
        clock::next_frame().await;
        dom::focus("[data-testid=add-mcp]");
    });
}
