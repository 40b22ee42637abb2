//! Forgets what is kept of an MCP server: its sign-in, its secrets, and how it was doing.

use crate::view::prelude::*;
use berth_protocol::McpConfigurationId;

use super::Confirm;
use crate::components::button::Look;
use crate::components::mcp_card::keep_focus;
use crate::state::{app, run};
use crate::strings::{dialogs, fill, t};

#[component]
pub fn ClearMcpDialog(id: McpConfigurationId) -> impl IntoView {
    let app = app();
    let Some(server) = app.mcp_now(id) else {
        return ().into_any();
    };
    let title = fill(dialogs().clear_mcp_title, &[&server.draft.name]);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let said = fill(dialogs().mcp_cleared, &[&server.draft.name]);
    let confirm = Callback::new(move |()| {
        let said = said.clone();
        run(busy, async move {
            match app.api().clear_mcp(id).await {
                Ok(server) => {
                    app.take_mcp(server);
                    app.ui.close_dialog();
                    app.ui.say(said);
                    keep_focus(id);
                }
                Err(error) => {
                    app.fetch_mcp();
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! {
        <Confirm
            title=title
            text=app.kept_in(dialogs().clear_mcp_text)
            action=t().mcp_clear
            look=Look::Danger
            busy=busy
            failure=failure
            on_confirm=confirm
        />
    }
    .into_any()
}
