use std::{collections::BTreeMap, ffi::OsString, path::Path};

use berth_protocol::{SessionMcpServer, Size, Transport};

use super::*;
use crate::{
    agents::{LaunchError, Order, Plan, find, injection::Injection, plan},
    environment::Environment,
};

fn definition(text: &str) -> AgentDefinition {
    serde_json::from_str(text).unwrap()
}

fn defined(text: &str) -> Spec {
    spec(&"mine".parse().unwrap(), &definition(text)).unwrap()
}

fn wrong(text: &str) -> Vec<(String, String)> {
    let problems = spec(&"mine".parse().unwrap(), &definition(text)).unwrap_err();
    let problems = problems.into_iter();
    problems.map(|told| (told.field, told.message)).collect()
}

fn planned(
    spec: &Spec,
    transport: Transport,
    mode: Option<&str>,
    injection: Injection,
) -> Result<Plan, LaunchError> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("mine");
    std::fs::write(&program, "").unwrap();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&program, mode).unwrap();
    }
    let path = OsString::from(folder.path());
    let environment = Environment::given("a test", BTreeMap::from([("PATH".into(), path)]));
    let secrets = BTreeMap::from([("MINE_KEY".to_owned(), "sk-1".to_owned().into())]);
    let order = Order {
        session: "019a0000-0000-7000-8000-000000000001".parse().unwrap(),
        workspace: Path::new("/work"),
        size: Size::DEFAULT,
        transport,
        permission_mode: mode,
        command: None,
        agent_session: "",
        resume: false,
        injection,
        private: Path::new("/private"),
        secrets: &secrets,
        router: None,
    };
    plan(spec, &order, &environment)
}

fn args(plan: &Plan) -> Vec<&str> {
    let args = plan.launch.args.iter();
    args.map(|arg| arg.to_str().unwrap()).collect()
}

const FULL: &str = r#"{
    "name": "Mine", "program": "mine", "args": ["chat", "a b; rm -rf $HOME"], "env": {"MINE": "1"},
    "secrets": ["MINE_KEY"], "version_args": ["version"], "acp_args": ["acp"],
    "instructions": {"args": ["--system={instructions}"], "env": {"SYSTEM_FILE": "{instructions_file}"}},
    "mcp": {"args": ["--mcp", "{config_file}"]},
    "permission_modes": [{"id": "ask", "name": "Ask", "args": ["--ask"]},
                         {"id": "all", "name": "All", "args": ["--all"], "env": {"YES": "1"}, "unchecked": true}],
    "screen": {"prompt": "^> ?(.*)$", "busy": ["^working"], "echo": "^You: (.*)$", "bullet": "^\\* ",
               "noise": ["^-+$"], "settle_ms": 300, "interrupt": "ctrl_c"}}"#;

#[test]
fn an_agent_is_started_as_its_definition_says() {
    let spec = defined(FULL);
    let server = SessionMcpServer::Http {
        name: "docs".to_owned(),
        url: "https://example.com".to_owned(),
        bearer: None,
    };
    let injection = Injection {
        instructions: Some("Be brief."),
        mcp_servers: std::slice::from_ref(&server),
        ..Injection::default()
    };
    let plan = planned(&spec, Transport::Pty, Some("all"), injection).unwrap();
    assert_eq!(
        args(&plan),
        [
            "chat",
            "a b; rm -rf $HOME",
            "--all",
            "--system=Be brief.",
            "--mcp",
            "/private/config.json"
        ]
    );
    let value = |name: &str| plan.launch.env.get(&OsString::from(name)).unwrap();
    assert_eq!(value("MINE"), "1");
    assert_eq!(value("YES"), "1");
    assert_eq!(value("MINE_KEY"), "sk-1");
    assert_eq!(value("SYSTEM_FILE"), "/private/instructions.md");
    assert_eq!(plan.files.len(), 2);
    assert!(!format!("{plan:?}").contains("sk-1"), "{plan:?}");

    let plan = planned(&spec, Transport::Pty, None, Injection::default()).unwrap();
    assert_eq!(args(&plan)[2..], ["--ask"]);
    let plan = planned(&spec, Transport::Acp, Some("all"), Injection::default()).unwrap();
    assert_eq!(args(&plan), ["acp", "--all"]);
    assert_eq!(plan.acp_mode, None);
}

#[test]
fn a_server_that_has_no_way_in_is_refused() {
    let spec = defined(
        r#"{"name":"Mine","program":"mine","mcp":{"each_stdio":["--ext","{command_line}"]}}"#,
    );
    let http = SessionMcpServer::Http {
        name: "docs".to_owned(),
        url: "https://example.com".to_owned(),
        bearer: None,
    };
    let stdio = SessionMcpServer::Stdio {
        name: "files".to_owned(),
        command: "files".to_owned(),
        args: Vec::new(),
    };
    let with = |servers: &[SessionMcpServer]| {
        let injection = Injection {
            mcp_servers: servers,
            ..Injection::default()
        };
        planned(&spec, Transport::Pty, None, injection)
    };
    assert_eq!(
        args(&with(std::slice::from_ref(&stdio)).unwrap()),
        ["--ext", "files"]
    );
    let refused = with(&[stdio, http]).unwrap_err();
    assert!(matches!(refused, LaunchError::NoMcp { .. }), "{refused}");
}

#[test]
fn an_agent_is_read_as_its_definition_says() {
    let spec = defined(FULL);
    assert_eq!(spec.screen.settle, Duration::from_millis(300));
    assert_eq!(spec.screen.interrupt_keys(), [b"\x03".to_vec()]);
    assert!(spec.screen.prompt.as_ref().unwrap().is_match("> hello"));
    let bare = defined(r#"{"name":"Mine","program":"mine"}"#);
    assert_eq!(bare.screen.settle, Duration::from_millis(SETTLE_WITHOUT));
    assert!(bare.screen.prompt.is_none());
    assert!(matches!(
        planned(
            &bare,
            Transport::Pty,
            None,
            Injection {
                instructions: Some("x"),
                ..Injection::default()
            }
        ),
        Err(LaunchError::NoInstructions { .. })
    ));
}

#[test]
fn a_variant_is_started_and_read_like_the_agent_that_it_is_like() {
    let spec = defined(
        r#"{"name":"Mine","program":"mine","like":"claude","args":["--model","opus"],"env":{"A":"1"}}"#,
    );
    let claude = find(&"claude".parse().unwrap()).unwrap();
    assert_eq!((spec.id.as_str(), spec.name.as_str()), ("mine", "Mine"));
    assert_eq!(spec.programs, ["mine"]);
    let prompt = |spec: &Spec| spec.screen.prompt.as_ref().unwrap().to_string();
    assert_eq!(prompt(&spec), prompt(claude));
    assert_eq!(spec.permission_modes.len(), claude.permission_modes.len());
    let plan = planned(&spec, Transport::Pty, Some("plan"), Injection::default()).unwrap();
    let args = args(&plan);
    assert!(
        args.windows(2).any(|two| two == ["--model", "opus"]),
        "{args:?}"
    );
    assert!(args.contains(&"plan"), "{args:?}");
    assert_eq!(plan.launch.env.get(&OsString::from("A")).unwrap(), "1");

    let same = defined(r#"{"name":"Mine","like":"claude"}"#);
    assert_eq!(same.programs, claude.programs);
}

#[test]
fn what_cannot_be_used_is_named_by_field() {
    let told = wrong(
        r#"{"name":"Mine","program":"mine","screen":{"prompt":"^> $","echo":"(","busy":["a","b)"],
            "noise":["\\w{1000}{1000}"]}}"#,
    );
    let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "screen.prompt",
            "screen.echo",
            "screen.busy[1]",
            "screen.noise[0]"
        ]
    );
    assert!(told[0].1.contains("group 1"), "{told:?}");
    assert!(told[1].1.contains("unclosed group"), "{told:?}");
    assert!(told[3].1.contains("too large"), "{told:?}");
    for like in ["nobody", "custom", "shell"] {
        let told = wrong(&format!(r#"{{"name":"Mine","like":"{like}"}}"#));
        assert_eq!(told[0].0, "like", "{told:?}");
    }
    assert_eq!(wrong(r#"{"name":"Mine"}"#)[0].0, "program");
}
