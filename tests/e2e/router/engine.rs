//! Routers as clients of the engine have them: settings in the store, keys in a real keychain, an
//! instance beside each session.

use std::fs;

use berth_model_server::{ModelServer, Script};
use berth_protocol::{
    Code, CreateSession, Project, ProviderProtocol, Role, Router, RouterDraft, RouterId,
    RouterKind, RouterList, RouterSettings, RouterState, Session, SessionId,
};
use berth_tests::{
    Engine, Repository, Setup, agents,
    keychain::Keychain,
    processes,
    routers::{self, kind, of, provider, settings},
    session, skip, this_test, until,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::stage::content;

/// An engine with a keychain and one version of CCRouter.
pub struct Desk {
    pub engine: Engine,
    project: Project,
    keychain: Keychain,
    /// What the user's agents ask when no router stands before it: it must not be asked.
    pub direct: ModelServer,
}

impl Desk {
    /// `None`, and the test counts as skipped, where one of the programs is not installed.
    pub async fn set(version: &str) -> Option<Self> {
        if let Some(missing) = routers::missing(version, "claude") {
            skip(&this_test(), &format!("{missing} is not installed"));
            return None;
        }
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring or D-Bus is not installed");
            return None;
        };
        let direct = ModelServer::start(Script::default()).expect("the model server starts");
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let setup = agents::configure(setup, &direct, &repository.path);
        let setup = keychain.of(routers::with(setup, version));
        let engine = setup.start().await;
        let project = engine.client.add_project(&repository.path).await;
        Some(Self {
            engine,
            project,
            keychain,
            direct,
        })
    }

    pub async fn add(&self, name: &str, settings: RouterSettings) -> Router {
        add(&self.engine, name, settings).await
    }

    pub async fn set_key(&self, id: RouterId, key: &str) -> Router {
        let client = &self.engine.client;
        let request = client.request(Method::PUT, &format!("/routers/{id}/keys/main"));
        let set = client.value(request.json(&json!({"key": key})));
        set.await.expect("the key is kept")
    }

    async fn routers(&self) -> RouterList {
        let listed = self.engine.client.get("/routers");
        listed.await.expect("they are listed")
    }

    pub fn request(&self, agent: &str, router: Option<RouterId>) -> CreateSession {
        CreateSession {
            router,
            ..session(self.project.id, agent)
        }
    }

    async fn start(&self, agent: &str, router: RouterId) -> Session {
        let client = &self.engine.client;
        let session = client.start(&self.request(agent, Some(router))).await;
        client.waiting(session.id).await
    }

    async fn exchange(&self, id: SessionId, said: &str, answer: &str) {
        let client = &self.engine.client;
        client.chat(id, said).await.expect("the agent takes it");
        client.message_with(id, Role::Agent, answer).await;
    }

    async fn routed(&self, id: SessionId, wanted: impl Fn(&RouterState) -> bool) {
        let is_it = |session: &Session| {
            let state = session
                .router
                .as_ref()
                .and_then(|router| router.state.as_ref());
            state.is_some_and(&wanted)
        };
        let client = &self.engine.client;
        client.session_until(id, "has its router so", is_it).await;
    }

    /// The process of a session's router.
    fn router_of(&self, id: SessionId) -> u32 {
        let mut all = processes::with("BERTH_SESSION_ID", id.to_string()).into_iter();
        let router = all.find(|pid| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.contains("/ccr-v")
        });
        router.expect("its router runs")
    }

    fn assert_nothing_left_of(&self, id: SessionId) {
        let left = processes::with("BERTH_SESSION_ID", id.to_string());
        assert_eq!(left, [] as [u32; 0]);
        let folder = self.engine.data_dir().join("routers");
        let left = folder.read_dir().into_iter().flatten().flatten();
        let names: Vec<_> = left.map(|left| left.file_name().into_string()).collect();
        let is_of = |name: &Result<String, _>| {
            name.as_ref()
                .is_ok_and(|name| name.starts_with(&id.to_string()))
        };
        assert!(!names.iter().any(is_of), "{names:?}");
    }

    async fn actions(&self) -> Vec<String> {
        let events = self.engine.client.audit().await;
        events.into_iter().map(|event| event.action).collect()
    }
}

async fn add(engine: &Engine, name: &str, settings: RouterSettings) -> Router {
    let draft = RouterDraft {
        name: name.to_owned(),
        settings,
    };
    let added = engine.client.post("/routers", &draft);
    added.await.expect("the router is added")
}

/// Settings for a provider that is not on this machine, and so needs a key.
fn far(version: &str) -> RouterSettings {
    settings(
        kind(version),
        ProviderProtocol::OpenaiChat,
        "https://api.example.com",
    )
}

async fn a_session_runs_through(version: &str) {
    let Some(desk) = Desk::set(version).await else {
        return;
    };
    let client = &desk.engine.client;
    let program = desk.routers().await.program;
    assert_eq!(program.kind, Some(kind(version)), "{program:?}");
    let provider = provider("sk-1");
    let router = desk.add("Work", of(version, &provider)).await;
    desk.set_key(router.id, "sk-1").await;

    let first = desk.start("ccr", router.id).await;
    let second = desk.start("claude", router.id).await;
    desk.exchange(first.id, "say: One.", "One.").await;
    desk.exchange(second.id, "say: Two.", "Two.").await;
    assert!(desk.direct.requests().is_empty(), "it went past its router");

    // A crash is mended, and told.
    processes::kill(desk.router_of(first.id));
    desk.routed(first.id, |state| {
        matches!(state, RouterState::Restarting { .. })
    })
    .await;
    desk.routed(first.id, |state| *state == RouterState::Healthy)
        .await;
    desk.exchange(first.id, "say: Three.", "Three.").await;

    // The router goes with its session, however that ends.
    client.stop(first.id).await;
    desk.assert_nothing_left_of(first.id);
    client.chat(second.id, "/exit").await.ok();
    client.ended(second.id).await;
    desk.assert_nothing_left_of(second.id);
    let ended = client.session(first.id).await.router.expect("it had one");
    assert_eq!((ended.id, ended.state), (router.id, None));
    let actions = desk.actions().await;
    for action in [
        "router.created",
        "router.key_set",
        "session.routed",
        "router.restarted",
    ] {
        assert!(
            actions.iter().any(|told| told == action),
            "{action}: {actions:?}"
        );
    }
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn sessions_run_through_version_1_each_with_its_own_instance() {
    a_session_runs_through("ccr-v1").await;
}

#[tokio::test]
async fn sessions_run_through_version_3_each_with_its_own_instance() {
    a_session_runs_through("ccr-v3").await;
}

#[tokio::test]
async fn a_key_is_in_the_keychain_and_nowhere_else() {
    const KEY: &str = "sk-q1w2e3r4t5z6u7i8o9p0";
    let Some(mut desk) = Desk::set("ccr-v1").await else {
        return;
    };
    let provider = provider(KEY);
    let router = desk.add("Work", of("ccr-v1", &provider)).await;
    let router = desk.set_key(router.id, KEY).await;
    assert_eq!(router.keys, ["main"]);
    let session = desk.start("ccr", router.id).await;
    desk.exchange(session.id, "say: One.", "One.").await;
    let client = desk.engine.client.clone();
    for path in ["/routers", "/sessions", "/audit"] {
        let request = client.request(Method::GET, path);
        let answer = client.send(request).await.expect("it answers");
        let text = answer.text().await.expect("it is text");
        assert!(!text.contains(KEY), "{path} tells the key");
    }
    // Searched while the session runs, too: its router has files then.
    for (path, content) in content(desk.engine.setup().folder()) {
        let holds = content
            .windows(KEY.len())
            .any(|part| part == KEY.as_bytes());
        assert!(!holds, "{} holds the key", path.display());
    }
    assert_eq!(desk.keychain.count().await, 1);

    // It outlives the engine and goes with its router.
    desk.engine.restart().await;
    assert_eq!(desk.routers().await.routers[0].keys, ["main"]);
    let path = format!("/routers/{}", router.id);
    desk.engine.client.delete(&path).await.expect("it goes");
    assert_eq!(desk.keychain.count().await, 0);
}

#[tokio::test]
async fn a_key_goes_with_its_provider_or_when_asked() {
    let Some(desk) = Desk::set("ccr-v1").await else {
        return;
    };
    let client = &desk.engine.client;
    let router = desk.add("Work", far("ccr-v1")).await;
    desk.set_key(router.id, "sk-1").await;
    let path = format!("/routers/{}", router.id);
    let mut renamed = far("ccr-v1");
    renamed.providers[0].name = "other".to_owned();
    renamed.routes.as_mut().expect("there are some").default = "other,model-1".to_owned();
    renamed.routes.as_mut().expect("there are some").background = None;
    let draft = RouterDraft {
        name: "Work".to_owned(),
        settings: renamed,
    };
    let request = client.request(Method::PUT, &path).json(&draft);
    let changed: Router = client.value(request).await.expect("it is changed");
    assert_eq!((changed.version, changed.keys.len()), (2, 0));
    assert_eq!(desk.keychain.count().await, 0);

    let request = client.request(Method::PUT, &format!("{path}/keys/main"));
    let refused = client.value::<Router>(request.json(&json!({"key": "sk-1"})));
    let refused = refused.await.expect_err("it has no such provider");
    assert_eq!(refused.code, Code::RouterNotFound);
    for bad in [
        "",
        "  ",
        "sk 1",
        "sk-1\nX-Other: 1",
        "schlüssel",
        &"k".repeat(17 * 1024),
    ] {
        let request = client.request(Method::PUT, &format!("{path}/keys/other"));
        let refused = client.value::<Router>(request.json(&json!({"key": bad})));
        let refused = refused.await.expect_err("it is no key");
        assert_eq!(refused.code, Code::BadRequest);
        assert!(bad.is_empty() || bad == "  " || !refused.detail.contains(bad));
    }
}

#[tokio::test]
async fn a_restart_takes_the_settings_as_they_are_then() {
    let Some(desk) = Desk::set("ccr-v1").await else {
        return;
    };
    let client = &desk.engine.client;
    let (before, after) = (provider("sk-1"), provider("sk-2"));
    let router = desk.add("Work", of("ccr-v1", &before)).await;
    desk.set_key(router.id, "sk-1").await;
    let session = desk.start("ccr", router.id).await;
    desk.exchange(session.id, "say: Before.", "Before.").await;
    let draft = RouterDraft {
        name: "Work".to_owned(),
        settings: of("ccr-v1", &after),
    };
    let path = format!("/routers/{}", router.id);
    let request = client.request(Method::PUT, &path).json(&draft);
    client
        .value::<Router>(request)
        .await
        .expect("it is changed");
    desk.set_key(router.id, "sk-2").await;

    let refused = client.delete(&path).await.expect_err("it is in use");
    assert_eq!(refused.code, Code::RouterInUse);
    let restart = format!("/sessions/{}/restart", session.id);
    client
        .act::<Session>(&restart)
        .await
        .expect("it is restarted");
    client.waiting(session.id).await;
    desk.exchange(session.id, "say: After.", "After.").await;
    assert!(!after.requests().is_empty());

    client.stop(session.id).await;
    client.delete(&path).await.expect("nobody uses it");
    let refused = client.act::<Session>(&restart).await;
    let refused = refused.expect_err("its router is gone");
    assert_eq!(refused.code, Code::RouterNotFound);
    let ended = client.session(session.id).await;
    assert!(!ended.status.is_live(), "{:?}", ended.status);
}

#[tokio::test]
async fn what_an_engine_left_of_a_router_when_it_was_killed_is_ended_at_the_next_start() {
    let Some(mut desk) = Desk::set("ccr-v1").await else {
        return;
    };
    let provider = provider("sk-1");
    let router = desk.add("Work", of("ccr-v1", &provider)).await;
    desk.set_key(router.id, "sk-1").await;
    let session = desk.start("ccr", router.id).await;
    let left = desk.router_of(session.id);
    desk.engine.kill();
    assert!(processes::is_alive(left));
    desk.engine.restart().await;
    until("the router is ended", || !processes::is_alive(left)).await;
    desk.assert_nothing_left_of(session.id);
}

#[tokio::test]
async fn what_cannot_be_routed_is_refused_before_anything_is_made() {
    let Some(desk) = Desk::set("ccr-v1").await else {
        return;
    };
    let client = &desk.engine.client;
    let keyless = desk.add("Far", far("ccr-v1")).await;
    let other = desk.add("Other", of("ccr-v3", &desk.direct)).await;
    let local = desk.add("Local", of("ccr-v1", &desk.direct)).await;
    let nowhere = RouterId(Uuid::now_v7());
    for (agent, router, code) in [
        ("ccr", None, Code::RouterRequired),
        ("ccr", Some(nowhere), Code::RouterNotFound),
        ("ccr", Some(keyless.id), Code::RouterKeyMissing),
        ("claude", Some(other.id), Code::RouterUnsupported),
        ("shell", Some(local.id), Code::RouterInvalid),
    ] {
        let refused = client.try_start(&desk.request(agent, router)).await;
        let refused = refused.expect_err("it is refused");
        assert_eq!(refused.code, code, "{refused}");
        assert!(
            refused.hint.is_some() || code == Code::RouterInvalid,
            "{refused}"
        );
    }
    assert_eq!(client.sessions().await, []);

    let taken = RouterDraft {
        name: " local".to_owned(),
        settings: far("ccr-v1"),
    };
    let refused = client.post::<Router>("/routers", &taken).await;
    assert_eq!(refused.expect_err("it is taken").code, Code::RouterExists);
    let mut broken = far("ccr-v1");
    broken.providers[0].base_url = Some("http://api.example.com".to_owned());
    let draft = RouterDraft {
        name: "Broken".to_owned(),
        settings: broken,
    };
    let refused = client.post::<Router>("/routers", &draft).await;
    let refused = refused.expect_err("it would show the key to the network");
    assert_eq!(refused.code, Code::RouterInvalid);
    let fields: Vec<_> = refused
        .fields
        .iter()
        .map(|told| told.field.as_str())
        .collect();
    assert_eq!(fields, ["providers[0].base_url"]);
}

#[tokio::test]
async fn without_a_keychain_keys_are_refused_with_what_to_do() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let router = add(&engine, "Far", far("ccr-v1")).await;
    let path = format!("/routers/{}/keys/main", router.id);
    let request = client.request(Method::PUT, &path);
    let refused = client
        .value::<Router>(request.json(&json!({"key": "sk-1"})))
        .await;
    let refused = refused.expect_err("there is no keychain");
    assert_eq!(refused.code, Code::SecretsUnavailable);
    assert!(refused.hint.is_some_and(|hint| hint.contains("keychain")));
    // What is no body is refused without its words.
    for body in [
        "\"sk-1234\"",
        "{\"key\": 1234}",
        "{\"sk-1234\": 1}",
        "{\"key\": \"sk-1234\"",
    ] {
        let request = client.request(Method::PUT, &path).body(body);
        let request = request.header("content-type", "application/json");
        let refused = client.value::<Router>(request).await;
        let refused = refused.expect_err("it is no body");
        assert_eq!(refused.code, Code::BadRequest);
        assert!(!refused.to_string().contains("1234"), "{refused}");
    }
    let kept: RouterList = client.get("/routers").await.expect("they are listed");
    assert_eq!(kept.routers[0].keys.len(), 0);
    // A router that never had a key needs no keychain to go, and the trail tells of no removal.
    let path = format!("/routers/{}", router.id);
    client.delete(&path).await.expect("it goes");
    let actions = client.audit().await.into_iter().map(|event| event.action);
    assert!(
        !actions
            .into_iter()
            .any(|action| action == "router.key_removed")
    );
    assert_eq!(kept.program.kind, None::<RouterKind>);
    assert!(
        kept.program
            .hint
            .is_some_and(|hint| hint.contains("npm install"))
    );
}
