//! A tenant backend that whoever runs the engine has chosen.

use berth_protocol::{Code, tenant::OrgState};
use reqwest::Method;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_backend_that_was_chosen_at_the_start_is_changed_by_nobody() {
    let setup = Setup::new();
    let setup = setup
        .argument("--backend-url")
        .argument("http://127.0.0.1:1")
        .argument("--backend-key")
        .argument("sb_publishable_test");
    let engine = setup.start().await;
    let client = &engine.client;
    // What was kept is read beside the start.
    let backend = client
        .until("the backend is taken up", async || {
            let told: OrgState = client.get("/org").await.expect("it is told");
            told.backend
        })
        .await;
    assert_eq!(
        (backend.url.as_str(), backend.fixed),
        ("http://127.0.0.1:1", true)
    );
    let other = json!({"url": "http://127.0.0.1:2", "key": "sb_publishable_test"});
    let put = client.request(Method::PUT, "/org/backend").json(&other);
    let refused = client.value::<OrgState>(put).await;
    let refused = refused.expect_err("it is chosen already");
    assert_eq!(refused.code, Code::TenantInvalid);
}

#[tokio::test]
async fn a_backend_that_would_be_spoken_to_in_the_clear_starts_no_engine() {
    let setup = Setup::new();
    let url = ["serve", "--backend-url", "http://example.com"];
    let key = ["--backend-key", "sb_publishable_test"];
    let refused = setup.berth(&[&url[..], &key].concat()).await;
    assert!(!refused.status.success());
    assert!(err(&refused).contains("https"), "{}", err(&refused));
    let half = setup.berth(&url).await;
    assert!(!half.status.success());
    assert!(err(&half).contains("--backend-key"), "{}", err(&half));
}
