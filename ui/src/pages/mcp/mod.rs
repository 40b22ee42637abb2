//! All MCP servers by scope.

use crate::view::prelude::*;

use crate::components::mcp_import::ImportMcp;
use crate::components::mcp_list::{AddMcp, McpList};
use crate::pages::page::Page;
use crate::state::app;
use crate::strings::{mcp, t};

#[component]
pub fn McpPage() -> impl IntoView {
    app().follow_mcp();
    let actions = view! { <ImportMcp/><AddMcp/> };
    view! {
        <Page title=t().mcp_servers text=mcp().text actions=actions>
            <McpList/>
        </Page>
    }
    .into_any()
}
