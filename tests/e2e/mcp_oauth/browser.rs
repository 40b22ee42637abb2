//! A sign-in with nothing played: FastMCP with its own OAuth server, and Chromium, which follows the redirect.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use berth_mcp::{Connection, GrantState, Limits, Revoked, SignIn, Wish};
use berth_tests::{
    programs, skip, this_test, until,
    webdriver::{Driver, missing_program},
};
use serde_json::json;
use tempfile::TempDir;

use super::stage::{KEY, broker, challenge, reach};

/// A server whose users sign in to it, with a tool that doubles.
const SERVER: &str = r#"
import os
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

mcp = FastMCP(
    "Doubling",
    auth=InMemoryOAuthProvider(
        base_url=os.environ["BASE"],
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=["use"], default_scopes=["use"]
        ),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=["use"],
    ),
)

@mcp.tool
def double(number: int) -> int:
    return 2 * number
"#;

struct FastMcp {
    child: Child,
    base: String,
    _folder: TempDir,
}

impl Drop for FastMcp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server, unless it is not installed.
async fn fastmcp() -> Option<FastMcp> {
    let Some(program) = programs::fastmcp() else {
        skip(&this_test(), "fastmcp is not installed");
        return None;
    };
    let folder = programs::folder();
    std::fs::write(folder.path().join("server.py"), SERVER).expect("it can be written");
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    let port = taken.local_addr().expect("it has an address").port();
    drop(taken);
    let base = format!("http://127.0.0.1:{port}");
    let child = Command::new(program)
        .args(["run", "server.py:mcp", "--transport", "http", "--no-banner"])
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .current_dir(folder.path())
        .env("BASE", &base)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = FastMcp {
        child: child.expect("it can be started"),
        base,
        _folder: folder,
    };
    until("the server listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    Some(server)
}

#[tokio::test]
async fn a_real_browser_signs_in_to_a_real_server() {
    if let Some(missing) = missing_program(&["chromedriver"]) {
        skip(&this_test(), &format!("{missing} is not installed"));
        return;
    }
    let Some(server) = fastmcp().await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    let url = format!("{}/mcp", server.base);
    let signed_in = reach(&url, &broker);

    let mut wish = Wish::new(&url);
    wish.challenge = challenge(&signed_in).await;
    assert_eq!(wish.challenge.scopes, ["use"]);
    let begun = SignIn::begin(wish).await.expect("it begins");
    let driver = Driver::chromium();
    let page = driver.browser(&[]).await;
    // A page may close the window that it is alone in; here it is to be read.
    page.go(&server.base).await;
    let address = begun.url().to_owned();
    let (grant, ()) = tokio::join!(begun.finish(), page.go(&address));
    broker
        .keep(KEY, grant.expect("it works"))
        .await
        .expect("it is kept");
    page.reads("main", "You are signed in").await;
    let shown = page
        .until_js("the address is bare", "return location.href", &[])
        .await;
    assert!(
        !shown.as_str().unwrap_or_default().contains("code="),
        "{shown}"
    );

    let connection = Connection::open(&signed_in, Limits::default()).await;
    let connection = connection.expect("it lets its user in");
    let arguments = json!({"number": 21}).as_object().cloned();
    let doubled = connection
        .call("double", arguments)
        .await
        .expect("it is called");
    assert_eq!(doubled["content"][0]["text"], "42", "{doubled}");
    connection.close().await;

    let before = broker.access_token(KEY, &url).await.expect("there is one");
    let after = broker
        .renewed_token(KEY, &url, &before)
        .await
        .expect("it is refreshed");
    assert_ne!(before, after);
    let connection = Connection::open(&signed_in, Limits::default()).await;
    connection.expect("the new one is taken").close().await;

    let signed_out = broker.sign_out(KEY).await;
    assert!(matches!(signed_out, Ok(Revoked::Yes)), "{signed_out:?}");
    assert_eq!(
        broker.state(KEY, &url).await.unwrap(),
        GrantState::SignedOut
    );
    challenge(&signed_in).await;
}
