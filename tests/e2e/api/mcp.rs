//! MCP servers: kept, agreed to, tried and called by hand.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use berth_protocol::{
    Code, McpCalled, McpConfiguration, McpImported, McpList, McpServer, McpState, McpTested,
    McpTools, Problem,
};
use berth_tests::{
    Answer, Client, Engine, Setup, keychain::Keychain, processes, programs, skip, this_test,
};
use reqwest::Method;
use serde_json::{Value, json};

fn refusal<T: std::fmt::Debug>(answer: Answer<T>) -> Problem {
    *answer.expect_err("it is refused")
}

/// A server's program, unless it is not installed.
fn everything() -> Option<PathBuf> {
    let program = programs::mcp_server("mcp-server-everything");
    if program.is_none() {
        skip(&this_test(), "mcp-server-everything is not installed");
    }
    program
}

fn stdio(name: &str, program: &Path) -> Value {
    json!({"name": name,
           "server": {"type": "stdio", "command": program, "args": ["stdio"], "env": {"MARK": name}}})
}

async fn add(client: &Client, draft: &Value) -> McpConfiguration {
    let made = client.post("/mcp/configurations", draft).await;
    made.expect("it is taken")
}

async fn edit(client: &Client, old: &McpConfiguration, draft: &Value) -> Answer<McpConfiguration> {
    let path = format!("/mcp/configurations/{}", old.id);
    let body = json!({"version": old.version, "configuration": draft});
    client
        .value(client.request(Method::PUT, &path).json(&body))
        .await
}

async fn agree(client: &Client, to: &McpConfiguration) -> McpConfiguration {
    let path = format!("/mcp/configurations/{}/consent", to.id);
    let agreed = client.post(&path, &json!({"version": to.version})).await;
    agreed.expect("it is taken")
}

async fn test(client: &Client, id: &McpConfiguration) -> Answer<McpTested> {
    client.post("/mcp/test", &json!({"id": id.id})).await
}

async fn now(client: &Client, of: &McpConfiguration) -> McpConfiguration {
    let found = client.get(&format!("/mcp/configurations/{}", of.id)).await;
    found.expect("it is there")
}

#[tokio::test]
async fn a_server_is_kept_agreed_to_tried_and_removed() {
    let Some(program) = everything() else { return };
    let engine = Engine::start().await;
    let client = &engine.client;
    let made = add(client, &stdio("everything", &program)).await;
    assert!(!made.consented);
    assert_eq!(made.state, McpState::Untried);

    let early = refusal(test(client, &made).await);
    assert_eq!(early.code, Code::McpNotConsented);
    assert!(early.detail.contains("mcp-server-everything"), "{early}");
    assert_eq!(processes::with("MARK", "everything"), [0; 0]);

    let agreed = agree(client, &made).await;
    assert!(agreed.consented);
    let tested = test(client, &agreed).await.expect("it answers");
    assert!(tested.probe.tools.iter().any(|tool| tool.name == "echo"));
    assert_eq!(processes::with("MARK", "everything"), [0; 0]);
    let told = match now(client, &made).await.state {
        McpState::Connected { tools, .. } => tools,
        other => panic!("{other:?}"),
    };
    assert_eq!(told as usize, tested.probe.tools.len());
    let path = format!("/mcp/configurations/{}", made.id);
    let tools: McpTools = client.get(&format!("{path}/tools")).await.expect("kept");
    assert_eq!(tools.tools, tested.probe.tools);
    let call = json!({"tool": "echo", "arguments": {"message": "secret-word"}});
    let called: McpCalled = client
        .post(&format!("{path}/call"), &call)
        .await
        .expect("it answers");
    assert!(!called.is_error);
    assert!(called.result.to_string().contains("secret-word"));

    client
        .delete(&format!("{path}?version=1"))
        .await
        .expect("it is removed");
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    assert_eq!(list.configurations, []);
    let audit = client.audit().await;
    let told: Vec<_> = audit
        .iter()
        .filter(|event| event.subject_kind == "mcp")
        .map(|event| event.action.as_str())
        .collect();
    assert_eq!(
        told,
        ["mcp.created", "mcp.consented", "mcp.called", "mcp.deleted"]
    );
    let text = serde_json::to_string(&audit).expect("it is JSON");
    assert!(
        !text.contains("secret-word"),
        "arguments stay out of the trail"
    );
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_changed_command_asks_again_and_a_changed_name_does_not() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let server = |args: Value| json!({"type": "stdio", "command": "/bin/true", "args": args});
    let first = json!({"name": "tool", "server": server(json!(["$(touch x)"]))});
    let made = add(client, &first).await;
    let agreed = agree(client, &made).await;
    let renamed = json!({"name": "better", "server": server(json!(["$(touch x)"]))});
    let renamed = edit(client, &agreed, &renamed).await.expect("it is taken");
    assert!(renamed.consented && renamed.version == 2);
    let other = json!({"name": "better", "server": server(json!(["--all"]))});
    let other = edit(client, &renamed, &other).await.expect("it is taken");
    assert!(!other.consented);
    let late = json!({"version": 2});
    let path = format!("/mcp/configurations/{}/consent", made.id);
    let late = refusal(client.post::<McpConfiguration>(&path, &late).await);
    assert_eq!(late.code, Code::McpConflict, "another command was shown");
    // Back to what was agreed to.
    let back = json!({"name": "better", "server": server(json!(["$(touch x)"]))});
    let back = edit(client, &other, &back).await.expect("it is taken");
    assert!(back.consented);
    let stale = refusal(edit(client, &renamed, &first).await);
    assert_eq!(stale.code, Code::McpConflict);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_field() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let bad = json!({"name": "a b", "server": {"type": "http", "url": "http://example.com/"}});
    let bad = refusal(
        client
            .post::<McpConfiguration>("/mcp/configurations", &bad)
            .await,
    );
    assert_eq!(bad.code, Code::McpInvalid);
    let fields: Vec<_> = bad.fields.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["name", "server.url"]);
    let good = json!({"name": "a", "server": {"type": "http", "url": "https://example.com/"}});
    add(client, &good).await;
    let again = refusal(
        client
            .post::<McpConfiguration>("/mcp/configurations", &good)
            .await,
    );
    assert_eq!(again.code, Code::McpExists);
    let nothing = refusal(client.post::<McpTested>("/mcp/test", &json!({})).await);
    assert_eq!(nothing.code, Code::BadRequest);
}

#[tokio::test]
async fn why_a_server_failed_is_told_and_survives_the_engine() {
    let mut engine = Engine::start().await;
    let client = &engine.client;
    let script = "echo no such luck >&2; exit 3";
    let server = json!({"type": "stdio", "command": "/bin/bash", "args": ["-c", script]});
    let made = add(client, &json!({"name": "broken", "server": server})).await;
    let made = agree(client, &made).await;
    let failed = refusal(test(client, &made).await);
    assert_eq!(failed.code, Code::McpEnded);
    assert!(failed.detail.contains("no such luck"), "{failed}");
    assert!(failed.hint.is_some(), "{failed}");
    engine.restart().await;
    match now(&engine.client, &made).await.state {
        McpState::Failed { problem, .. } => assert_eq!(problem.code, Code::McpEnded),
        other => panic!("{other:?}"),
    }
    // A draft says nothing of the server that is kept.
    let draft =
        json!({"name": "broken", "server": {"type": "stdio", "command": "no-such-program"}});
    let draft = json!({"id": made.id, "draft": draft});
    let missing = refusal(engine.client.post::<McpTested>("/mcp/test", &draft).await);
    assert!(missing.detail.contains("no-such-program"), "{missing}");
    match now(&engine.client, &made).await.state {
        McpState::Failed { problem, .. } => assert!(problem.detail.contains("no such luck")),
        other => panic!("{other:?}"),
    }
}

/// Writes its environment where the variable `INTO` says, and ends.
const TELLS_ENVIRONMENT: &str = r#"env > "$INTO""#;

#[tokio::test]
async fn a_program_gets_its_secrets_from_the_keychain_and_nothing_else_of_its_user() {
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        skip(&this_test(), "gnome-keyring is not installed");
        return;
    };
    let setup = keychain.of(setup).variable("OPENAI_API_KEY", "of-the-user");
    let engine = setup.start().await;
    let client = &engine.client;
    let into = engine.setup().folder().join("environment");
    let server = json!({"type": "stdio", "command": "/bin/bash", "args": ["-c", TELLS_ENVIRONMENT],
                        "env": {"INTO": into}, "secret_env": ["KEY"]});
    let made = add(client, &json!({"name": "tells", "server": server})).await;
    let made = agree(client, &made).await;
    let missing = refusal(test(client, &made).await);
    assert_eq!(missing.code, Code::McpSecretMissing);
    assert_eq!(missing.fields[0].field, "secrets.env/KEY");

    let path = format!("/mcp/configurations/{}", made.id);
    let key = format!("{path}/secrets/env%2FKEY");
    let set = client.request(Method::PUT, &key);
    let set = set.json(&json!({"value": "s3cret"}));
    let kept: McpConfiguration = client.value(set).await.expect("it is taken");
    assert_eq!(keychain.count().await, 1);
    assert!(kept.kept_secrets.contains("env/KEY"));
    refusal(test(client, &made).await);
    let environment = std::fs::read_to_string(&into).expect("it was started");
    assert!(environment.contains("KEY=s3cret\n"));
    assert!(environment.contains("PATH="));
    assert!(!environment.contains("OPENAI_API_KEY"), "{environment}");
    assert!(!environment.contains("DBUS_SESSION_BUS_ADDRESS"));

    // The same secret for another command is asked for again.
    let other = json!({"name": "tells", "server": {"type": "stdio", "command": "/bin/cat",
                       "secret_env": ["KEY"]}});
    let draft = json!({"id": made.id, "draft": other});
    let refused = refusal(client.post::<McpTested>("/mcp/test", &draft).await);
    assert_eq!(refused.code, Code::McpSecretMissing);
    let more = json!({"name": "tells", "server": {"type": "stdio", "command": "/bin/bash",
                      "args": ["-c", "true"], "secret_env": ["KEY"]}});
    let more = edit(client, &kept, &more).await.expect("it is taken");
    assert!(more.kept_secrets.contains("env/KEY"), "of the same program");
    let moved = edit(client, &more, &other).await.expect("it is taken");
    assert!(moved.kept_secrets.is_empty(), "another program gets none");
    assert_eq!(keychain.count().await, 0);
    let again = client.request(Method::PUT, &key);
    let again = again.json(&json!({"value": "s3cret"}));
    let again: McpConfiguration = client.value(again).await.expect("it is taken");
    let without = json!({"name": "tells", "server": {"type": "stdio", "command": "/bin/cat"}});
    let without = edit(client, &again, &without).await.expect("it is taken");
    assert!(without.kept_secrets.is_empty());
    assert_eq!(
        keychain.count().await,
        0,
        "what is no longer named is removed"
    );
    let trail = serde_json::to_string(&client.audit().await).expect("it is JSON");
    assert!(!trail.contains("s3cret"));
}

#[tokio::test]
async fn an_import_shows_what_a_file_names_and_starts_nothing() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let into = engine.setup().folder().join("started");
    let file = json!({"mcpServers": {
        "files": {"command": "touch", "args": [into], "env": {"API_KEY": "sk-123"}},
        "web": {"type": "http", "url": "http://example.com/mcp"},
        "odd": 3,
    }});
    let text = json!({"text": file.to_string()});
    let found: McpImported = client.post("/mcp/import", &text).await.expect("it is read");
    let names: Vec<_> = found.servers.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["files", "odd", "web"]);
    let files = &found.servers[0];
    assert!(files.secrets.contains("env/API_KEY"));
    let draft = files.draft.as_ref().expect("it is understood");
    assert!(matches!(&draft.server, McpServer::Stdio { command, .. } if command == "touch"));
    assert!(found.servers[1].draft.is_none() && !found.servers[1].notes.is_empty());
    assert_eq!(found.servers[2].problems[0].field, "server.url");
    let answer = serde_json::to_string(&found).expect("it is JSON");
    assert!(!answer.contains("sk-123"));
    assert!(!into.exists());
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    assert_eq!(list.configurations, []);
    let bad = refusal(
        client
            .post::<McpImported>("/mcp/import", &json!({"text": "{"}))
            .await,
    );
    assert_eq!(bad.code, Code::McpInvalid);
}

#[tokio::test]
async fn an_import_reads_a_large_file_with_comments_and_tells_whose_servers_they_are() {
    let engine = Engine::start().await;
    let typed = "x".repeat(3 * 1024 * 1024);
    let file = format!(
        r#"// Mine
        {{"history": "{typed}", "mcpServers": {{"db": {{"command": "db"}},}},
         "projects": {{"/shop": {{"mcpServers": {{"db": {{"command": "db", "args": ["shop"],}}}}}}}}}}"#
    );
    let text = json!({"text": file});
    let read = engine
        .client
        .post::<McpImported>("/mcp/import", &text)
        .await;
    let found = read.expect("it is read").servers;
    assert_eq!(found[0].projects, [""; 0]);
    assert_eq!(found[1].projects, ["/shop"]);
    let names = found
        .iter()
        .filter_map(|it| Some(it.draft.as_ref()?.name.as_str()));
    assert_eq!(names.collect::<Vec<_>>(), ["db", "db-shop"]);
}

#[tokio::test]
async fn a_file_of_a_project_starts_nothing_by_itself() {
    let engine = berth_tests::mcp::engine(Setup::new()).await;
    let client = &engine.client;
    let place = crate::folder(&engine, "project");
    let into = place.join("started");
    let servers = json!({"files": {"command": "touch", "args": [into]}});
    for (file, text) in [
        (".mcp.json", json!({"mcpServers": servers}).to_string()),
        (
            ".cursor/mcp.json",
            json!({"mcpServers": servers}).to_string(),
        ),
        (".vscode/mcp.json", json!({"servers": servers}).to_string()),
        (
            ".codex/config.toml",
            format!(
                "[mcp_servers.files]\ncommand = \"touch\"\nargs = [{}]\n",
                json!(into)
            ),
        ),
    ] {
        let path = place.join(file);
        let folder = path.parent().expect("it is in the project");
        std::fs::create_dir_all(folder).expect("a folder can be made");
        std::fs::write(path, text).expect("it can be written");
    }
    let (session, given) = berth_tests::mcp::session_in(client, &place, "files").await;
    assert!(given.is_none(), "{given:?}");
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    assert_eq!(list.configurations, []);
    client.stop(session.id).await;
    assert!(!into.exists());
}

#[tokio::test]
async fn a_server_that_cannot_be_read_is_shown_beside_the_others_and_can_be_removed() {
    let mut engine = Engine::start().await;
    let web = |name: &str| json!({"name": name, "server": {"type": "http", "url": "https://a.example/mcp"}});
    let broken = add(&engine.client, &web("broken")).await;
    let whole = add(&engine.client, &web("whole")).await;
    assert!(engine.stop().await.success());
    let change =
        r#"UPDATE mcp_configurations SET server = '{"type":"telepathy"}' WHERE name = 'broken'"#;
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()";
    let changed = Command::new("python3")
        .args(["-c", script])
        .arg(engine.data_dir().join("berth.db"))
        .arg(change)
        .status();
    if !changed.is_ok_and(|status| status.success()) {
        return skip(
            &this_test(),
            "python3 with sqlite3 is needed to change the data",
        );
    }
    engine.restart().await;
    let client = &engine.client;
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    let ids: Vec<_> = list.configurations.iter().map(|it| it.id).collect();
    assert_eq!(ids, [whole.id]);
    assert_eq!(list.unreadable.len(), 1);
    assert_eq!(list.unreadable[0].id, broken.id);
    assert_eq!(list.unreadable[0].name, "broken");
    assert_eq!(list.unreadable[0].parts, ["server"]);

    let path = format!("/mcp/configurations/{}?version=0", broken.id);
    client.delete(&path).await.expect("it is removed");
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    assert_eq!(list.unreadable, []);
    let again = refusal(client.delete(&path).await);
    assert_eq!(again.code, Code::McpNotFound);
    client.assert_audit_valid().await;
}
