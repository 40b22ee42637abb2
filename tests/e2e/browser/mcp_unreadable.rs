//! An MCP server that the store cannot read, in the UI.

use std::process::Command;

use berth_protocol::McpList;
use berth_tests::{skip, this_test, webdriver::id};
use serde_json::json;

use crate::{
    form::focused,
    mcp::{add, open_mcp},
    stage::Stage,
};

#[tokio::test]
async fn a_server_that_cannot_be_read_says_so_beside_the_others_and_can_be_removed() {
    let Some(mut stage) = Stage::new().await else {
        return;
    };
    for name in ["broken", "whole"] {
        let server = json!({"type": "http", "url": "https://a.example/mcp"});
        let draft = json!({"name": name, "server": server});
        add(&stage.engine.client, &draft).await;
    }
    assert!(stage.engine.stop().await.success());
    let change =
        r#"UPDATE mcp_configurations SET server = '{"type":"telepathy"}' WHERE name = 'broken'"#;
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); \
                  c.execute(sys.argv[2]); c.commit(); c.close()";
    let changed = Command::new("python3")
        .args(["-c", script])
        .arg(stage.engine.data_dir().join("berth.db"))
        .arg(change)
        .status();
    if !changed.is_ok_and(|status| status.success()) {
        let why = "python3 with sqlite3 is needed to change the data";
        return skip(&this_test(), why);
    }
    stage.engine.restart().await;

    let page = stage.page().await;
    open_mcp(&page).await;
    page.sees("[data-testid=mcp-card][data-name=whole]").await;
    let said = page.reads(&id("mcp-unreadable"), "broken").await;
    assert!(
        said.contains("Not understood of its settings: server"),
        "{said}"
    );
    page.click("[data-testid=mcp-unreadable] [data-testid=remove-mcp]")
        .await;
    page.reads("dialog", "“broken”").await;
    page.click(&id("confirm")).await;
    page.misses(&id("mcp-unreadable")).await;
    focused(&page, "add-mcp").await;
    let listed = stage.engine.client.get("/mcp/configurations").await;
    let listed: McpList = listed.expect("they are listed");
    assert_eq!(
        (listed.configurations.len(), listed.unreadable.len()),
        (1, 0)
    );
}
