//! Messages reach the right provider with the right key, and nothing else of the user is touched.

use std::os::unix::fs::PermissionsExt;

use berth_protocol::{ProviderProtocol, RouterState};
use berth_tests::{
    STOP_LIMIT, processes,
    routers::{self, kind, provider, settings},
};
use serde_json::{Value, json};

use super::{
    agent,
    stage::{Running, Stage, content, keys},
};

/// A message as Claude Code sends it.
async fn ask(running: &Running, key: &str, stream: bool, text: &str) -> (u16, String) {
    let model = running
        .instance
        .route()
        .fill("{router_model}")
        .expect("a model is the default");
    let body = json!({
        "model": model,
        "max_tokens": 100,
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    });
    let request = reqwest::Client::new()
        .post(running.url("/v1/messages"))
        .bearer_auth(key)
        .json(&body);
    let answer = request.send().await.expect("the router answers");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("the answer is text"))
}

fn assert_no_key(running: &Running, key: &str) {
    let files = content(&running.folder);
    assert!(!files.is_empty());
    for (path, content) in files {
        let found = content
            .windows(key.len())
            .any(|part| part == key.as_bytes());
        assert!(!found, "{} holds the provider's key", path.display());
    }
}

#[tokio::test]
async fn three_routers_at_once_have_keys_of_their_own_and_leave_the_home_alone() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3", "claude"]) else {
        return;
    };
    let cases = [
        ("ccr-v1", ProviderProtocol::OpenaiChat, "sk-first-5e1f"),
        ("ccr-v1", ProviderProtocol::Anthropic, "sk-second-77a0"),
        ("ccr-v3", ProviderProtocol::OpenaiChat, "sk-third-c3d2"),
    ];
    let mut routers = Vec::new();
    for (version, protocol, key) in cases {
        let provider = provider(key);
        let settings = settings(kind(version), protocol, &provider.base_url());
        let running = stage.start(version, &settings, &keys(key)).await;
        routers.push((version, provider, running, key));
    }
    for (index, (version, provider, running, key)) in routers.iter().enumerate() {
        let said = agent::claude(&stage, version, running, &format!("say: Answer {index}.")).await;
        // Behind it stands that it does not know the model, when that is named.
        assert!(
            said.starts_with(&format!("Answer {index}.\n")),
            "{version}: {said}"
        );
        // The provider refuses every other key.
        let asked = provider.requests();
        assert!(!asked.is_empty());
        for request in asked {
            assert_eq!(request.status, Some(200), "{version}: {}", request.path);
            assert!(
                !request
                    .headers
                    .values()
                    .any(|value| value.contains(running.key().as_str()))
            );
        }
        assert_no_key(running, key);
    }
    // The key of one router is worth nothing at the others.
    for (_, provider, running, _) in &routers {
        let others = routers.iter().map(|(_, _, other, _)| other.key());
        for key in others.filter(|key| *key != running.key()) {
            let before = provider.requests().len();
            let (status, said) = ask(running, &key, false, "say: hello").await;
            assert_eq!(status, 401, "{said}");
            assert_eq!(
                provider.requests().len(),
                before,
                "the provider is not asked"
            );
        }
    }
    stage.assert_home_untouched();
    for (version, _, running, _) in routers {
        let alive = running.processes();
        assert!(!alive.is_empty());
        let Running {
            instance, folder, ..
        } = running;
        let state = instance.state();
        instance.stop().await;
        assert_eq!(
            processes::gone(&alive, STOP_LIMIT).await,
            [0; 0],
            "{version} goes on"
        );
        assert!(!folder.exists(), "{version}");
        assert_eq!(*state.borrow(), RouterState::Stopped);
    }
    stage.assert_home_untouched();
}

/// Every protocol of a version, streamed and not.
async fn speaks(version: &str) {
    let Some(mut stage) = Stage::set(&[version]) else {
        return;
    };
    for protocol in [
        ProviderProtocol::OpenaiChat,
        ProviderProtocol::OpenaiResponses,
        ProviderProtocol::Anthropic,
        ProviderProtocol::Gemini,
    ] {
        let key = "sk-of-the-provider-90ab";
        let provider = provider(key);
        let settings = settings(kind(version), protocol, &provider.base_url());
        let running = stage.start(version, &settings, &keys(key)).await;
        for stream in [false, true] {
            let (status, said) = ask(&running, &running.key(), stream, "say: Understood.").await;
            assert_eq!(status, 200, "{protocol:?}, streamed {stream}: {said}");
            assert!(said.contains("Understood."), "{protocol:?}: {said}");
        }
        assert_no_key(&running, key);
        running.instance.stop().await;
    }
    stage.assert_home_untouched();
}

#[tokio::test]
async fn version_1_speaks_to_every_kind_of_provider() {
    speaks("ccr-v1").await;
}

#[tokio::test]
async fn version_2_speaks_to_every_kind_of_provider() {
    speaks("ccr-v2").await;
}

#[tokio::test]
async fn version_3_speaks_to_every_kind_of_provider() {
    speaks("ccr-v3").await;
}

#[tokio::test]
async fn small_tasks_go_to_the_model_for_them() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let provider = provider("sk-1");
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let environment = stage.environment(version);
        let route = running.instance.route();
        let launch = agent::launch(
            "ccr",
            Some(&running),
            route,
            &environment,
            &stage.path("work"),
        );
        let small = launch
            .env
            .get(std::ffi::OsStr::new("ANTHROPIC_DEFAULT_HAIKU_MODEL"));
        // Version 1 is told nothing: it knows Claude Code's own small model by its name.
        let small = small.map_or("claude-haiku-4-5".to_owned(), |name| {
            name.to_string_lossy().into()
        });
        let body = json!({"model": small, "max_tokens": 9, "messages": [{"role": "user", "content": "say: ok"}]});
        let request = reqwest::Client::new().post(running.url("/v1/messages"));
        let answer = request.bearer_auth(running.key()).json(&body).send().await;
        assert!(answer.expect("the router answers").status().is_success());
        let asked = provider.requests();
        assert_eq!(
            asked.last().expect("the provider is asked").body["model"],
            "vendor/small:free"
        );
        running.instance.stop().await;
    }
}

#[tokio::test]
async fn codex_reaches_its_model_through_version_3() {
    let Some(mut stage) = Stage::set(&["ccr-v3", "codex"]) else {
        return;
    };
    let key = "sk-for-codex-11";
    let provider = provider(key);
    let settings = settings(
        kind("ccr-v3"),
        ProviderProtocol::OpenaiResponses,
        &provider.base_url(),
    );
    let running = stage.start("ccr-v3", &settings, &keys(key)).await;
    let said = agent::codex(&stage, "ccr-v3", &running, "say: Through the router.").await;
    assert!(said.contains("Through the router."), "{said}");
    assert_no_key(&running, key);
    running.instance.stop().await;
    stage.assert_home_untouched();
}

#[tokio::test]
async fn an_agent_gets_models_from_its_router_and_nothing_else() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v2", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v2", "ccr-v3"] {
        let key = "sk-not-for-agents";
        let provider = provider(key);
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys(key)).await;
        let client = reqwest::Client::new();
        for path in [
            "/api/config",
            "/providers",
            "/providers/main",
            "/api/transformers",
            "/ui/",
            "/config",
        ] {
            let answer = client
                .get(running.url(path))
                .bearer_auth(running.key())
                .send()
                .await;
            let answer = answer.expect("the router answers");
            assert_eq!(answer.status(), 404, "{version} {path}");
            assert!(!answer.text().await.expect("it is text").contains(key));
        }
        let elsewhere: Value = json!({"baseUrl": "http://127.0.0.1:1"});
        let changed = client
            .put(running.url("/providers/main"))
            .bearer_auth(running.key());
        let changed = changed
            .json(&elsewhere)
            .send()
            .await
            .expect("the router answers");
        assert_eq!(changed.status(), 404);
        running.instance.stop().await;
    }
}

#[tokio::test]
async fn only_the_user_can_read_what_a_router_has() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let provider = provider("k");
        let settings = routers::settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys("k")).await;
        let mode = |path: &std::path::Path| {
            let meta = path.metadata().expect("it is there");
            meta.permissions().mode() & 0o777
        };
        for folder in [
            &running.folder,
            &running.folder.join("home"),
            &running.folder.join("tmp"),
        ] {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
        for name in ["config.json", "config.sqlite"] {
            let file = running.folder.join("home/.claude-code-router").join(name);
            assert!(!file.exists() || mode(&file) == 0o600, "{}", file.display());
        }
        running.instance.stop().await;
    }
}
