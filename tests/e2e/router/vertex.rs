//! Vertex AI, for which the model server stands in: there is no real project to ask.
//!
//! What cannot be tried so is a service account's own token, which Google's library fetches from a fixed
//! address; an identity of another kind may say where its token is to be had.

use std::fs;

use berth_protocol::{
    ProviderProtocol, RouterKind, RouterSettings, VertexCredentials, VertexSettings,
};
use berth_session::router::Route;
use berth_tests::routers::{provider, settings};
use serde_json::json;

use super::{agent, stage::Stage};

/// Credentials that are exchanged for a token at the model server.
fn credentials(stage: &Stage, url: &str) -> String {
    let subject = stage.path("agents/subject");
    fs::write(&subject, "subject").expect("it can be written");
    let file = stage.path("agents/credentials.json");
    let content = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{url}/token"),
        "credential_source": {"file": subject},
    });
    fs::write(&file, content.to_string()).expect("it can be written");
    file.to_str().expect("it is text").to_owned()
}

fn access(path: String) -> VertexSettings {
    VertexSettings {
        project: "my-project".to_owned(),
        location: "us-central1".to_owned(),
        credentials: VertexCredentials::ServiceAccountFile { path },
        model: None,
        small_model: None,
    }
}

async fn gemini_through(version: &str) {
    let Some(mut stage) = Stage::set(&[version, "claude"]) else {
        return;
    };
    let provider = provider("token-of-vertex");
    let mut settings = settings(
        RouterKind::CcrV1,
        ProviderProtocol::VertexGemini,
        &provider.base_url(),
    );
    settings.vertex = Some(access(credentials(&stage, &provider.base_url())));
    let running = stage.start(version, &settings, &Default::default()).await;
    let said = agent::claude(&stage, version, &running, "say: From Vertex.").await;
    assert_eq!(said.trim(), "From Vertex.");
    let path = "/v1beta1/projects/my-project/locations/us-central1/publishers/google/models/model-1:streamGenerateContent?alt=sse";
    let asked = provider.requests();
    assert!(
        asked.iter().any(|request| request.path == path),
        "{asked:?}"
    );
    running.instance.stop().await;
    stage.assert_home_untouched();
}

#[tokio::test]
async fn gemini_on_vertex_streams_through_version_1() {
    gemini_through("ccr-v1").await;
}

#[tokio::test]
async fn gemini_on_vertex_streams_through_version_2() {
    gemini_through("ccr-v2").await;
}

#[tokio::test]
async fn claude_on_vertex_needs_no_router() {
    let Some(stage) = Stage::set(&["ccr-v1", "claude"]) else {
        return;
    };
    let file = stage.path("agents/account.json");
    fs::write(&file, "{}").expect("it can be written");
    let settings = RouterSettings {
        kind: RouterKind::ClaudeVertex,
        providers: Vec::new(),
        routes: None,
        vertex: Some(VertexSettings {
            model: Some("claude-sonnet-5@20260101".to_owned()),
            ..access(file.to_str().expect("it is text").to_owned())
        }),
    };
    let environment = stage.environment("ccr-v1");
    let route = Route::to_vertex(&settings, &environment).expect("the settings can be used");
    let mut launch = agent::launch("claude", None, &route, &environment, &stage.path("work"));
    let get = |name: &str| {
        launch
            .env
            .get(std::ffi::OsStr::new(name))
            .and_then(|value| value.to_str())
    };
    assert_eq!(get("CLAUDE_CODE_USE_VERTEX"), Some("1"));
    assert_eq!(get("GOOGLE_APPLICATION_CREDENTIALS"), file.to_str());
    assert_eq!(get("ANTHROPIC_API_KEY"), None);

    // Google's own address cannot be had here, so Claude Code is told of another and asks it unsigned.
    let provider = berth_model_server::ModelServer::start(berth_model_server::Script::default());
    let provider = provider.expect("the model server starts");
    for (name, value) in [
        (
            "ANTHROPIC_VERTEX_BASE_URL",
            format!("{}/v1", provider.base_url()),
        ),
        ("CLAUDE_CODE_SKIP_VERTEX_AUTH", "1".to_owned()),
    ] {
        launch.env.insert(name.into(), value.into());
    }
    agent::print(&launch, "say: hello").await;
    let asked = provider.requests();
    let path = "/v1/projects/my-project/locations/us-central1/publishers/anthropic/models/claude-sonnet-5@20260101:streamRawPredict";
    assert!(
        asked.iter().any(|request| request.path.starts_with(path)),
        "{:?}",
        asked
            .iter()
            .map(|request| &request.path)
            .collect::<Vec<_>>()
    );
}
