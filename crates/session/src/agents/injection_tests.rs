use super::*;

fn environment() -> Environment {
    Environment::own("test", None)
}

fn servers() -> Vec<SessionMcpServer> {
    vec![
        SessionMcpServer::Stdio {
            name: "files".to_owned(),
            command: "/opt/my files".to_owned(),
            args: vec!["--root=/a".to_owned(), "it's".to_owned()],
        },
        SessionMcpServer::Http {
            name: "docs".to_owned(),
            url: "https://example.com/mcp".to_owned(),
            bearer: None,
        },
    ]
}

fn given(agent: &str, instructions: Option<&str>, servers: &[SessionMcpServer]) -> Injected {
    let spec = crate::agents::find(&agent.parse().unwrap()).unwrap();
    let rules = Rules {
        prompt: spec.instructions.as_ref(),
        mcp: spec.mcp.as_ref(),
        config: spec.config,
    };
    let injection = Injection {
        instructions,
        mcp_servers: servers,
        berth: Some(Path::new("/opt/my berth")),
    };
    inject(rules, &injection, Path::new("/private"), &environment())
}

#[test]
fn an_agent_that_is_given_nothing_is_started_as_ever() {
    for spec in crate::agents::all() {
        let nothing = given(spec.id.as_str(), None, &[]);
        assert!(
            nothing.args.is_empty() && nothing.env.is_empty() && nothing.files.is_empty(),
            "{}",
            spec.id
        );
    }
}

#[test]
fn instructions_stand_in_a_file_where_the_agent_reads_one() {
    let injected = given("claude", Some("Be \"brief\"."), &[]);
    assert_eq!(
        injected.args[..2],
        ["--append-system-prompt-file", "/private/instructions.md"]
    );
    let file = PrivateFile {
        path: "/private/instructions.md".into(),
        content: "Be \"brief\".".to_owned(),
    };
    assert_eq!(injected.files, [file]);
}

#[test]
fn instructions_that_look_like_a_placeholder_or_an_option_stay_words() {
    let text = "--yolo {config} {instructions_file}";
    assert_eq!(
        given("goose", Some(text), &[]).args,
        [format!("--system={text}")]
    );
    let args = given("codex", Some("a \"b\"\n{c}"), &[]).args;
    assert_eq!(args[0], "-c");
    let read: toml::Table = toml::from_str(&args[1]).unwrap();
    assert_eq!(
        read["developer_instructions"].as_str(),
        Some("a \"b\"\n{c}")
    );
}

#[test]
fn each_agent_gets_servers_in_its_own_format() {
    let claude = given("claude", None, &servers());
    assert_eq!(claude.args, ["--mcp-config", "/private/config.json"]);
    let config: Value = serde_json::from_str(&claude.files[0].content).unwrap();
    assert_eq!(
        config,
        json!({"mcpServers": {
            "files": {"type": "stdio", "command": "/opt/my files", "args": ["--root=/a", "it's"]},
            "docs": {"type": "http", "url": "https://example.com/mcp"},
        }})
    );

    let codex = given("codex", None, &servers());
    let settings: toml::Table = toml::from_str(&codex.args[1]).unwrap();
    let files = &settings["mcp_servers"]["files"];
    assert_eq!(files["command"].as_str(), Some("/opt/my files"));
    assert_eq!(files["args"][1].as_str(), Some("it's"));
    assert_eq!(
        codex.args[3],
        "mcp_servers.docs={url=\"https://example.com/mcp\"}"
    );

    let goose = given("goose", None, &servers());
    assert_eq!(
        goose.args,
        [
            r"--with-extension=files:'/opt/my files' --root=/a 'it'\''s'",
            "--with-streamable-http-extension=https://example.com/mcp",
        ]
    );

    let opencode = given("opencode", None, &servers());
    let config: Value = serde_json::from_str(&opencode.env["OPENCODE_CONFIG_CONTENT"]).unwrap();
    assert_eq!(
        config["mcp"]["files"]["command"],
        json!(["/opt/my files", "--root=/a", "it's"])
    );

    let gemini = given("gemini", None, &servers());
    let config: Value = serde_json::from_str(&gemini.files[0].content).unwrap();
    assert_eq!(
        config["mcpServers"]["docs"]["httpUrl"],
        "https://example.com/mcp"
    );
}

#[test]
fn the_token_of_the_gateway_stands_in_private_settings_and_in_no_argument() {
    let gateway = SessionMcpServer::Http {
        name: "docs".to_owned(),
        url: "http://127.0.0.1:9/mcp/a/docs".to_owned(),
        bearer: Some(Secret::new("t0ken".to_owned())),
    };
    let servers = std::slice::from_ref(&gateway);
    let header = json!({"Authorization": "Bearer t0ken"});
    for (agent, pointer) in [
        ("claude", "/mcpServers/docs/headers"),
        ("gemini", "/mcpServers/docs/headers"),
        ("opencode", "/mcp/docs/headers"),
    ] {
        let given = given(agent, None, servers);
        assert!(!given.args.concat().contains("t0ken"), "{agent}");
        let mut files = given.files.iter().map(|file| &file.content);
        let config = files.next().or(given.env.get("OPENCODE_CONFIG_CONTENT"));
        let config: Value = serde_json::from_str(config.unwrap()).unwrap();
        assert_eq!(config.pointer(pointer), Some(&header), "{agent}");
        assert!(!format!("{:?}", given.files).contains("t0ken"), "{agent}");
    }
    let codex = given("codex", None, servers);
    assert_eq!(
        codex.args[1],
        "mcp_servers.docs={url=\"http://127.0.0.1:9/mcp/a/docs\",bearer_token_env_var=\"BERTH_MCP_TOKEN\"}"
    );
    assert_eq!(codex.env["BERTH_MCP_TOKEN"], "t0ken");
    let goose = given("goose", None, servers);
    assert_eq!(
        goose.args,
        ["--with-extension=docs:'/opt/my berth' mcp-bridge http://127.0.0.1:9/mcp/a/docs"]
    );
    assert_eq!(goose.env["BERTH_MCP_TOKEN"], "t0ken");
    for (agent, takes) in [
        ("claude", true),
        ("codex", true),
        ("goose", true),
        ("aider", false),
    ] {
        let spec = crate::agents::find(&agent.parse().unwrap()).unwrap();
        let taken = crate::agents::takes_mcp(spec, berth_protocol::Transport::Pty, &gateway);
        assert_eq!(taken, takes, "{agent}");
    }
}

#[test]
fn gemini_reads_instructions_from_a_folder_with_nothing_else_in_it() {
    let gemini = given("gemini", Some("Be brief."), &[]);
    assert_eq!(
        gemini.env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"],
        "/private/config.json"
    );
    let config: Value = serde_json::from_str(&gemini.files[0].content).unwrap();
    assert_eq!(
        config["context"]["includeDirectories"],
        json!(["/private/context"])
    );
    assert_eq!(
        gemini.files[1].path,
        Path::new("/private/context/GEMINI.md")
    );
    assert_eq!(gemini.files[1].content, "Be brief.");
}
