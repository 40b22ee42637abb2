//! The description of the API.

use berth_protocol::Code;
use berth_tests::Engine;
use reqwest::Method;
use serde_json::Value;

/// Methods that an address may have.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Ends the engine, so it is asked last.
const STOP: &str = "/api/v1/engine/stop";

// That nothing else is served is a test of the engine, which can look at its own router.
#[tokio::test]
async fn exactly_what_is_described_answers() {
    let mut engine = Engine::start().await;
    let client = engine.client.clone();
    let response = client
        .send(client.bare(Method::GET, "/openapi.json"))
        .await
        .unwrap();
    let description: Value = response.json().await.unwrap();
    let printed = engine.setup().berth(&["openapi"]).await;
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, description, "the command prints the same");
    let docs = client
        .send(client.bare(Method::GET, "/docs/"))
        .await
        .unwrap();
    assert!(docs.text().await.unwrap().contains("swagger"));

    let nobody = "00000000-0000-7000-8000-000000000000";
    let answer = async |method: &Method, path: &str| {
        let request = client.bare(method.clone(), &path.replace("{id}", nobody));
        let request = request.bearer_auth(&client.endpoint().token);
        // The answer to a stream or an upgrade has come when its head has.
        client.send(request).await.map(drop)
    };
    let paths = description["paths"].as_object().unwrap();
    for (path, operations) in paths {
        for method in METHODS {
            let is_described = operations.get(method.as_str().to_lowercase()).is_some();
            if path == STOP && is_described {
                continue;
            }
            let problem = answer(&method, path).await.err();
            let code = problem.as_ref().map(|problem| problem.code);
            if !is_described {
                assert_eq!(code, Some(Code::MethodNotAllowed), "{method} {path}");
                continue;
            }
            // With no body and nothing to find, most have a problem of their own.
            let unknown = matches!(code, Some(Code::NotFound | Code::MethodNotAllowed));
            let failed = problem
                .as_ref()
                .is_some_and(|problem| problem.status >= 500);
            assert!(!unknown && !failed, "{method} {path}: {problem:?}");
        }
    }
    assert!(paths.contains_key(STOP));
    answer(&Method::POST, STOP).await.unwrap();
    assert!(engine.ended().await.success());
}
