//! What an MCP server asks the user of a session.

use berth_mcp::Connection;
use berth_tests::webdriver::{Page, id, key};
use serde_json::{Value, json};

use crate::{
    form::{focused, write},
    mcp::{add, agree},
    stage::Stage,
};

/// A server over standard input and output, with a tool that asks what its arguments say and answers with what
/// comes of it.
const SERVER: &str = r"
const send = (message) => process.stdout.write(JSON.stringify({jsonrpc: '2.0', ...message}) + '\n');
let asked;
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  const {id, method, params, result} = JSON.parse(line);
  if (id === undefined) return;
  if (method === undefined) {
    send({id: asked, result: {content: [{type: 'text', text: JSON.stringify(result)}]}});
  } else if (method === 'initialize') {
    send({id, result: {protocolVersion: '2025-11-25', capabilities: {tools: {}},
                       serverInfo: {name: 'asks', version: '1'}}});
  } else if (method === 'tools/list') {
    send({id, result: {tools: [{name: 'ask', inputSchema: {type: 'object'}}]}});
  } else if (method === 'tools/call') {
    asked = id;
    send({id: 'q', method: 'elicitation/create', params: params.arguments});
  } else {
    send({id, error: {code: -32601, message: 'no such method'}});
  }
});";

/// A session whose agent may call the server, and its page.
async fn session(stage: &Stage) -> (Page, Connection) {
    let client = &stage.engine.client;
    berth_tests::mcp::add_agent(&stage.engine).await;
    let script = stage.engine.setup().folder().join("asks.js");
    std::fs::write(&script, SERVER).expect("it can be written");
    let server = json!({"type": "stdio", "command": "node", "args": [script]});
    let made = add(client, &json!({"name": "asks", "server": server})).await;
    agree(client, &made).await;
    let place = stage.repository.path.clone();
    let (session, given) = berth_tests::mcp::session_in(client, &place, "asks").await;
    let given = given.expect("it is given the server");
    let connection = given.connect().await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", session.id))
        .await;
    (page, connection)
}

/// What the server was answered, while the user does something.
async fn answered(connection: &Connection, ask: Value, act: impl Future<Output = ()>) -> Value {
    let asked = connection.call("ask", ask.as_object().cloned());
    let (said, ()) = tokio::join!(asked, act);
    let said = said.expect("it answers");
    let text = said["content"][0]["text"].as_str();
    serde_json::from_str(text.unwrap_or_default()).unwrap_or_else(|_| panic!("{said}"))
}

#[tokio::test]
async fn a_form_of_a_server_is_filled_in_by_its_fields() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let (page, connection) = session(&stage).await;
    let ask = json!({"mode": "form", "message": "Whom shall I greet?", "requestedSchema": {
    "type": "object", "required": ["name", "days"], "properties": {
        "name": {"type": "string", "title": "Your name", "description": "As on your card"},
        "age": {"type": "integer", "title": "Your age"},
        "days": {"type": "array", "title": "Which days", "items": {
            "anyOf": [{"const": "mon", "title": "Monday"}, {"const": "tue", "title": "Tuesday"}]}},
    }}});
    let fill = async {
        page.reads(".approval-question", "Whom shall I greet?")
            .await;
        page.press(&["1"]).await;
        page.reads(&id("mcp-asked-message"), "Whom shall I greet?")
            .await;
        let said = page.reads(&id("mcp-asked"), "Which days").await;
        for label in [
            "Your name",
            "As on your card",
            "Your age (optional)",
            "Tuesday",
        ] {
            assert!(said.contains(label), "{label}: {said}");
        }
        // What is wrong is said at its field, and nothing is sent.
        write(&page, ".mcp-asked .field:nth-of-type(1) input", "Ada").await;
        write(&page, ".mcp-asked .field:nth-of-type(2) input", "old").await;
        page.click(&id("send-mcp-asked")).await;
        page.reads(
            ".mcp-asked .field:nth-of-type(2) .field-problem",
            "whole number",
        )
        .await;
        page.reads(".mcp-asked .tool-several .field-problem", "needs")
            .await;
        write(&page, ".mcp-asked .field:nth-of-type(2) input", "36").await;
        page.click(".tool-several-choice:nth-of-type(2) input")
            .await;
        page.press(&[key::ENTER]).await;
        page.misses("dialog").await;
        page.misses(&id("approval")).await;
    };
    let said = answered(&connection, ask.clone(), fill).await;
    let content = json!({"name": "Ada", "age": 36, "days": ["tue"]});
    assert_eq!(said, json!({"action": "accept", "content": content}));

    // Closing the form is no answer; the user may still decline.
    let decline = async {
        page.click("[data-testid=approval-option]:nth-of-type(1)")
            .await;
        page.sees(&id("mcp-asked")).await;
        page.press(&[key::ESCAPE]).await;
        page.misses("dialog").await;
        focused(&page, "approval-option").await;
        page.click("[data-testid=approval-option]:nth-of-type(2)")
            .await;
        page.misses(&id("approval")).await;
    };
    let said = answered(&connection, ask, decline).await;
    assert_eq!(said, json!({"action": "decline"}));
    connection.close().await;
}

#[tokio::test]
async fn a_page_of_a_server_is_shown_before_it_is_opened() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let (page, connection) = session(&stage).await;
    // A page of the engine itself: nothing here leads into the internet.
    let target = format!("{}/health", stage.engine.client.endpoint().url);
    let ask = json!({"mode": "url", "message": "Read this", "url": target, "elicitationId": "1"});
    let open = async {
        let question = page.reads(".approval-question", "Read this").await;
        assert!(question.contains(&target), "{question}");
        assert_eq!(page.windows().await, 1, "nobody has opened it");
        page.click("[data-testid=approval-option]:nth-of-type(1)")
            .await;
        page.misses(&id("approval")).await;
    };
    let said = answered(&connection, ask, open).await;
    assert_eq!(said, json!({"action": "accept"}));
    assert_eq!(page.windows().await, 2);
    connection.close().await;
}
