//! A sign-in with nothing played: FastMCP with its own OAuth server, and Chromium, which follows the redirect.

use berth_mcp::{Connection, GrantState, Limits, Revoked, SignIn, Wish};
use berth_tests::{
    oauth::fastmcp,
    skip, this_test,
    webdriver::{Driver, missing_program},
};
use serde_json::json;

use super::stage::{KEY, broker, challenge, reach};

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
    let finished = begun.finish(|grant| broker.keep(KEY, grant));
    let (kept, ()) = tokio::join!(finished, page.go(&address));
    kept.expect("it works and is kept");
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
