//! An MCP server whose client acts for itself, in the editor.

use berth_protocol::McpList;
use berth_tests::webdriver::id;
use serde_json::json;

use crate::{
    form::{problem, select},
    mcp::open_mcp,
    stage::Stage,
};

#[tokio::test]
async fn a_client_of_its_own_has_to_be_named_and_is_asked_for_its_secret() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("add-mcp")).await;
    page.type_into(&id("mcp-name"), "own").await;
    select(&page, &id("mcp-kind"), "Address (http)").await;
    page.type_into(&id("mcp-url"), "https://example.com/mcp")
        .await;
    select(&page, &id("mcp-auth"), "With OAuth, as a client").await;
    page.sees(&id("mcp-client-secret")).await;
    page.click(&id("save-mcp")).await;
    let said = problem(&page, &id("mcp-client-id")).await;
    assert!(said.contains("Name the client"), "{said}");
    page.type_into(&id("mcp-client-id"), "mine").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    let listed = stage.engine.client.get("/mcp/configurations").await;
    let listed: McpList = listed.expect("they are listed");
    let made = &listed.configurations[0].draft;
    assert_eq!(
        json!(made.auth),
        json!({"type": "oauth", "provider": "discovered", "client_id": "mine", "scopes": [],
            "grant": "client_credentials"})
    );
    // Its card asks for the secret, and for no sign-in.
    page.sees("[data-testid=mcp-standing]").await;
    assert_eq!(page.count(&id("sign-in-mcp")).await, 0);
}
