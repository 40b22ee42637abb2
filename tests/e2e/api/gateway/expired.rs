//! A server that has forgotten the session of a gateway's connection.

use berth_tests::mcp_http::SessionServer;

use super::*;

#[tokio::test]
async fn an_agents_call_works_although_the_server_has_forgotten_the_session_of_the_gateway() {
    let server = SessionServer::start().await;
    let engine = mcp::engine(Setup::new()).await;
    let draft = json!({"name": "web", "server": {"type": "http", "url": server.mcp()}});
    let configuration = mcp::agreed(&engine.client, &draft).await;
    let (_, given) = mcp::session_in(&engine.client, &folder(&engine, "first"), "web").await;
    let given = given.expect("it is given the server");
    let agent = connect(&given.url, &given.token).await;
    let agent = agent.expect("it is let in");
    let (failed, before) = call(&agent, "one", json!({})).await;
    assert!(!failed, "{before}");
    let begun = server.asked("POST initialize").len();

    server.forget();
    let (failed, after) = call(&agent, "one", json!({})).await;
    assert!(!failed, "{after}");
    assert_ne!(before, after, "it is another session");
    assert_eq!(server.asked("POST initialize").len(), begun + 1);
    assert_eq!(names(&agent.tools().await.expect("tools")), ["one"]);

    let audit = engine.client.audit().await;
    let outcomes: Vec<_> = audit
        .iter()
        .filter(|it| it.action == "mcp.called")
        .map(|it| it.details["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["answered", "answered"]);
    let path = format!("/mcp/configurations/{}", configuration.id);
    let now: McpConfiguration = engine.client.get(&path).await.expect("it is there");
    assert!(
        matches!(now.state, McpState::Connected { .. }),
        "{:?}",
        now.state
    );
}
