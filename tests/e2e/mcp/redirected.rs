//! Servers over streamable HTTP that send whoever asks to another place. Nobody goes there: the token and what the user
//! says would go along.

use std::collections::BTreeMap;

use berth_mcp::{Connection, Limits, Reach, probe};
use berth_tests::{mcp_http::SessionServer, until};

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// A server that redirects, and another one.
struct Stage {
    server: SessionServer,
    other: SessionServer,
}

impl Stage {
    async fn set() -> Self {
        Self {
            server: SessionServer::start().await,
            other: SessionServer::start().await,
        }
    }

    /// Each redirect to a place of the server itself, and to the other one.
    fn redirects(&self) -> Vec<(u16, String)> {
        let places = [format!("{}/elsewhere", self.server.base), self.other.mcp()];
        let each = |place: String| REDIRECTS.map(|status| (status, place.clone()));
        places.into_iter().flat_map(each).collect()
    }

    fn reach(&self) -> Reach {
        Reach::Http {
            url: self.server.mcp(),
            headers: BTreeMap::from([("x-key".to_owned(), "key".to_owned().into())]),
            bearer: Some("token".to_owned().into()),
        }
    }

    async fn connected(&self) -> Connection {
        let connection = Connection::open(&self.reach(), Limits::default()).await;
        connection.expect("it answers")
    }

    fn assert_nobody_went(&self, to: &str) {
        assert!(self.other.asked("").is_empty(), "{to}");
        let asked = self.server.asked("");
        let elsewhere = asked.iter().find(|it| it.path != "/mcp");
        assert!(elsewhere.is_none(), "{to}: {elsewhere:?}");
    }
}

#[tokio::test]
async fn a_server_that_redirects_from_the_beginning_is_not_followed_and_the_error_says_so() {
    let stage = Stage::set().await;
    for (status, place) in stage.redirects() {
        stage.server.redirect(&["POST"], status, &place);
        let refused = probe(&stage.reach(), Limits::default()).await;
        let error = refused.expect_err("it answers nothing").to_string();
        assert!(error.contains(&format!("HTTP {status}")), "{error}");
        stage.assert_nobody_went(&place);
    }
}

#[tokio::test]
async fn a_call_that_is_redirected_fails_and_goes_nowhere_else() {
    let stage = Stage::set().await;
    let connection = stage.connected().await;
    for (status, place) in stage.redirects() {
        stage.server.redirect(&["POST tools/call"], status, &place);
        let failed = connection.call("one", None).await;
        let error = failed.expect_err("it is not answered").to_string();
        assert!(error.contains(&format!("HTTP {status}")), "{error}");
        stage.assert_nobody_went(&place);
    }
    stage.server.stay();
    let called = connection.call("one", None).await;
    called.expect("the connection is as good as before");
}

#[tokio::test]
async fn neither_the_stream_of_a_session_nor_its_end_follows_a_redirect() {
    let stage = Stage::set().await;
    let server = &stage.server;
    for (status, place) in stage.redirects() {
        server.redirect(&["GET", "DELETE"], status, &place);
        let (streams, ends) = (server.asked("GET").len(), server.asked("DELETE").len());
        let connection = stage.connected().await;
        until("the stream is asked for", || {
            server.asked("GET").len() > streams
        })
        .await;
        connection.call("one", None).await.expect("it is called");
        connection.close().await;
        until("the session is ended", || {
            server.asked("DELETE").len() > ends
        })
        .await;
        stage.assert_nobody_went(&place);
    }
}
