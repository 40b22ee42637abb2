//! What agents are told of their router.

use std::path::Path;

use berth_protocol::{AgentId, Size};

use super::*;
use crate::{
    agents::{self, injection::Injection},
    environment::Environment,
    router::{NAMES, Route},
};

fn spec(id: &str) -> &'static Spec {
    agents::find(&id.parse::<AgentId>().unwrap()).unwrap()
}

/// What is run for an agent whose programs are there, in an environment of the user's own.
fn plan(id: &str, transport: Transport, router: Option<&Route>) -> Result<Plan, LaunchError> {
    let folder = tempfile::tempdir().unwrap();
    for program in ["claude", "claude-agent-acp", "codex", "codex-acp", "goose"] {
        let path = folder.path().join(program);
        std::fs::write(&path, "").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let variables = [
        ("PATH", folder.path().to_str().unwrap()),
        ("ANTHROPIC_API_KEY", "the-users-own"),
        ("ANTHROPIC_MODEL", "opus"),
        ("EDITOR", "vi"),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::given("test", variables.into());
    let order = Order {
        session: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        workspace: Path::new("/work"),
        size: Size::default(),
        transport,
        permission_mode: None,
        command: None,
        agent_session: "s1",
        resume: false,
        injection: Injection::default(),
        private: Path::new("/private"),
        // They do not undo the router.
        secrets: &BTreeMap::from([(
            "ANTHROPIC_API_KEY".to_owned(),
            "the-agents-own".to_owned().into(),
        )]),
        router,
    };
    agents::plan(spec(id), &order, &environment)
}

fn text(launch: &crate::pty::Launch) -> (Vec<String>, BTreeMap<String, String>) {
    let text = |value: &std::ffi::OsString| value.to_str().unwrap().to_owned();
    let env = launch
        .env
        .iter()
        .map(|(name, value)| (text(name), text(value)));
    (launch.args.iter().map(text).collect(), env.collect())
}

fn route(kind: RouterKind) -> Route {
    let values = [
        ("router_url", "http://127.0.0.1:4001"),
        ("router_key", "k-1"),
        ("router_model", "main/m1"),
        ("router_small_model", "main/m2"),
        ("vertex_project", "p"),
        ("vertex_location", "global"),
    ];
    Route::of(kind, values)
}

#[test]
fn ccr_is_claude_code_behind_a_router_and_never_without() {
    let without = plan("ccr", Transport::Pty, None).unwrap_err();
    assert_eq!(
        without,
        LaunchError::RouterRequired("Claude Code Router".to_owned())
    );
    let route = route(RouterKind::CcrV1);
    for transport in [Transport::Pty, Transport::Acp] {
        let run = plan("ccr", transport, Some(&route)).unwrap().launch;
        let program = run.program.file_name().unwrap().to_str().unwrap();
        let (args, env) = text(&run);
        match transport {
            Transport::Pty => {
                assert_eq!(program, "claude");
                assert_eq!(args, ["--permission-mode", "manual", "--session-id", "s1"]);
            }
            Transport::Acp => {
                assert_eq!(program, "claude-agent-acp");
                assert!(env["CLAUDE_CODE_EXECUTABLE"].ends_with("/claude"));
            }
        }
        assert_eq!(env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:4001");
        assert_eq!(env["ANTHROPIC_AUTH_TOKEN"], "k-1");
        // They would go past the router or its routes.
        assert!(!env.contains_key("ANTHROPIC_API_KEY") && !env.contains_key("ANTHROPIC_MODEL"));
        assert_eq!(env["EDITOR"], "vi");
    }
}

#[test]
fn version_3_is_told_the_model() {
    let route = route(RouterKind::CcrV3);
    let (_, env) = text(&plan("claude", Transport::Pty, Some(&route)).unwrap().launch);
    assert_eq!(env["ANTHROPIC_MODEL"], "main/m1");
    assert_eq!(env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], "main/m2");

    let (args, env) = text(&plan("codex", Transport::Pty, Some(&route)).unwrap().launch);
    let model = args.iter().position(|arg| arg == "-m").unwrap();
    assert_eq!(args[model + 1], "main/m1");
    let provider = args.last().unwrap().split_once('=').unwrap().1;
    let provider: toml::Table = format!("provider={provider}").parse().unwrap();
    assert_eq!(
        provider["provider"]["base_url"].as_str(),
        Some("http://127.0.0.1:4001/v1")
    );
    let name = provider["provider"]["env_key"].as_str().unwrap();
    assert_eq!(env[name], "k-1");
    assert!(
        !args.iter().any(|arg| arg.contains("k-1")),
        "everybody can read arguments"
    );

    let (_, env) = text(&plan("codex", Transport::Acp, Some(&route)).unwrap().launch);
    let config: serde_json::Value = serde_json::from_str(&env["CODEX_CONFIG"]).unwrap();
    assert_eq!(config["model"], "main/m1");
}

#[test]
fn vertex_has_no_credentials_where_the_machine_provides_them() {
    let route = route(RouterKind::ClaudeVertex);
    let (_, env) = text(&plan("claude", Transport::Pty, Some(&route)).unwrap().launch);
    assert_eq!(env["CLAUDE_CODE_USE_VERTEX"], "1");
    assert_eq!(env["ANTHROPIC_VERTEX_PROJECT_ID"], "p");
    assert_eq!(env["CLOUD_ML_REGION"], "global");
    assert!(!env.contains_key("GOOGLE_APPLICATION_CREDENTIALS"));
}

#[test]
fn an_agent_that_knows_no_such_router_is_refused() {
    for (agent, kind) in [("codex", RouterKind::CcrV1), ("goose", RouterKind::CcrV3)] {
        let refused = plan(agent, Transport::Pty, Some(&route(kind))).unwrap_err();
        assert!(
            matches!(refused, LaunchError::NotRoutable { .. }),
            "{refused}"
        );
    }
}

#[test]
fn every_placeholder_of_the_agents_is_one_of_a_route() {
    for rules in agents::all().iter().flat_map(|spec| &spec.router) {
        let texts = rules
            .env
            .values()
            .chain(rules.acp_env.values())
            .chain(&rules.args);
        for text in texts {
            let rest = NAMES.iter().fold(text.clone(), |text, name| {
                text.replace(&format!("{{{name}}}"), "")
            });
            for marker in ["{router_", "{vertex_"] {
                assert!(!rest.contains(marker), "{text}");
            }
        }
    }
}
