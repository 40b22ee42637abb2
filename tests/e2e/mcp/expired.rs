//! A server over streamable HTTP that has forgotten the session of a connection.

use std::collections::BTreeMap;

use berth_mcp::{Connection, Limits, Reach};
use berth_protocol::Code;
use berth_tests::mcp_http::SessionServer;

async fn connected(server: &SessionServer) -> Connection {
    let reach = Reach::Http {
        url: server.mcp(),
        headers: BTreeMap::new(),
        bearer: None,
    };
    let connection = Connection::open(&reach, Limits::default()).await;
    connection.expect("it answers")
}

/// What the server's tool answers.
async fn called(connection: &Connection) -> String {
    let result = connection.call("one", None).await.expect("it is called");
    let text = result["content"][0]["text"].as_str();
    text.expect("it answers with words").to_owned()
}

#[tokio::test]
async fn a_session_that_its_server_has_forgotten_is_begun_anew_and_the_call_works() {
    let server = SessionServer::start().await;
    let connection = connected(&server).await;
    assert_eq!(called(&connection).await, "called in session-1");
    server.forget();
    assert_eq!(called(&connection).await, "called in session-2");
    assert!(!connection.is_closed());
    assert_eq!(connection.tools().await.expect("it tells them").len(), 1);

    let begun = server.sessions("POST initialize");
    assert_eq!(begun, ["", ""], "a new session begins without the old one");
    assert_eq!(
        server.sessions("POST notifications/initialized"),
        ["session-1", "session-2"]
    );
    // One of them found the session gone.
    assert_eq!(
        server.sessions("POST tools/call"),
        ["session-1", "session-1", "session-2"]
    );
}

#[tokio::test]
async fn calls_that_find_their_session_forgotten_at_once_begin_one_new_session() {
    let server = SessionServer::start().await;
    let connection = connected(&server).await;
    called(&connection).await;
    server.forget();
    let (first, second, third) = tokio::join!(
        called(&connection),
        called(&connection),
        called(&connection)
    );
    for said in [first, second, third] {
        assert_eq!(said, "called in session-2");
    }
    assert_eq!(server.asked("POST initialize").len(), 2);
}

#[tokio::test]
async fn a_server_that_forgets_each_session_is_asked_for_one_more_and_then_the_call_fails() {
    let server = SessionServer::start().await;
    let connection = connected(&server).await;
    called(&connection).await;
    server.forget_always();
    for more in 1..=2 {
        let failed = connection.call("one", None).await;
        let error = failed.expect_err("no session lasts");
        assert_eq!(error.code(), Code::McpUnreachable, "{error}");
        assert!(error.to_string().contains("404"), "{error}");
        assert_eq!(server.asked("POST initialize").len(), 1 + more);
    }
}
