//! The gateway between an agent and MCP servers, with a server that does what it is told to be hostile.

use std::{fs, path::PathBuf};

use berth_mcp::{Connection, Limits, McpError, Reach};
use berth_protocol::{
    Attention, Code, McpConfiguration, McpState, McpTested, McpTool, Secret, Session, SessionId,
    Status,
};
use berth_tests::{Client, Engine, LIMIT, Setup, mcp};
use serde_json::{Value, json};

use crate::folder;

#[path = "gateway/address.rs"]
mod address;
#[path = "gateway/asked.rs"]
mod asked;
#[path = "gateway/bounds.rs"]
mod bounds;
#[path = "gateway/by_hand.rs"]
mod by_hand;
#[path = "gateway/case.rs"]
mod case;
#[path = "gateway/changed.rs"]
mod changed;
#[path = "gateway/cut_off.rs"]
mod cut_off;
#[path = "gateway/expired.rs"]
mod expired;
#[path = "gateway/given.rs"]
mod given;
#[path = "gateway/over_http.rs"]
mod over_http;
#[path = "gateway/passed.rs"]
mod passed;
#[path = "gateway/rules.rs"]
mod rules;

/// A server over standard input and output, whose tools stand in a file, and are told by fives. Each tool answers with
/// its arguments and everything that the server knows of who asks, after as many milliseconds as it is asked to wait; or
/// with what became of a question that it is told to ask. It says how far it is, and logs, as it is told. Files beside
/// that of its tools tell that a call has come, if it shall be marked so, and that one was given up. A late
/// question it asks when its tools are listed next.
const SERVER: &str = r"
const fs = require('fs');
const asking = {};
let later;
const send = (message) => process.stdout.write(JSON.stringify({jsonrpc: '2.0', ...message}) + '\n');
const answer = (id, text, isError) => send({id, result: {content: [{type: 'text', text}], isError}});
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  const {id, method, params, result, error} = JSON.parse(line);
  if (method === 'notifications/cancelled') fs.writeFileSync(process.argv[2] + '.cancelled', '');
  if (id === undefined) return;
  if (id === 'late') return fs.writeFileSync(process.argv[2] + '.late', JSON.stringify(result));
  if (method === undefined) return answer(asking[id], JSON.stringify(result || {error}));
  if (method === 'initialize') {
    fs.writeFileSync(process.argv[2] + '.offered', JSON.stringify(params.capabilities));
    send({id, result: {protocolVersion: '2025-11-25', capabilities: {tools: {}, logging: {}},
                       serverInfo: {name: 'fixture', version: '1'}}});
  } else if (method === 'tools/list') {
    if (later) send({id: 'late', method: 'elicitation/create', params: later});
    later = undefined;
    const all = JSON.parse(fs.readFileSync(process.argv[2])), from = Number((params || {}).cursor || 0), to = from + 5;
    send({id, result: {tools: all.slice(from, to), nextCursor: to < all.length ? String(to) : undefined}});
  } else if (method === 'tools/call') {
    const {wait, end, large, ask, by, late, steps, log, mark, ...rest} = params.arguments || {};
    if (mark) fs.writeFileSync(process.argv[2] + '.' + mark, '');
    for (let progress = 1; progress <= (steps || 0); progress += 1) {
      send({method: 'notifications/progress',
            params: {progressToken: params._meta.progressToken, progress, total: steps, message: `step\u200b ${progress}`}});
    }
    if (log) send({method: 'notifications/message', params: {level: 'info', data: log}});
    if (end) process.exit(1);
    if (late) {
      later = late;
      return answer(id, 'done');
    }
    if (ask) {
      asking[`ask-${id}`] = id;
      return send({id: `ask-${id}`, method: by || 'elicitation/create', params: ask});
    }
    const text = large ? 'x'.repeat(large) : JSON.stringify({rest, meta: params._meta, env: process.env, argv: process.argv});
    setTimeout(() => answer(id, text, params.name === 'fails'), wait || 0);
  } else if (method === 'logging/setLevel') {
    send({id, result: {}});
    send({method: 'notifications/message', params: {level: params.level, data: 'heard'}});
  } else {
    send({id, error: {code: -32601, message: 'no such method'}});
  }
});";

struct Stage {
    engine: Engine,
    tools: PathBuf,
    configuration: McpConfiguration,
}

fn tool(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description, "inputSchema": {"type": "object"}})
}

impl Stage {
    async fn set() -> Self {
        let engine = mcp::engine(Setup::new()).await;
        let place = folder(&engine, "server");
        let (script, tools) = (place.join("server.js"), place.join("tools.json"));
        fs::write(&script, SERVER).expect("it can be written");
        let draft = json!({"name": "fixture",
            "server": {"type": "stdio", "command": "node", "args": [script, tools]}});
        let configuration = mcp::agreed(&engine.client, &draft).await;
        let stage = Self {
            engine,
            tools,
            configuration,
        };
        stage.offer(&[tool("one", "The first."), tool("fails", "The other.")]);
        stage
    }

    fn offer(&self, tools: &[Value]) {
        fs::write(&self.tools, json!(tools).to_string()).expect("it can be written");
    }

    fn client(&self) -> &Client {
        &self.engine.client
    }

    /// A session in a folder of its own, with the address and the token that its agent was given.
    async fn session(&self, name: &str) -> (Session, String, String) {
        let place = folder(&self.engine, name);
        let (session, given) = mcp::session_in(self.client(), &place, "fixture").await;
        let given = given.expect("it is given the server");
        (session, given.url, given.token)
    }

    /// What the agent of a session in this folder was given last.
    fn given(&self, name: &str) -> (String, String) {
        let place = folder(&self.engine, name);
        let given = mcp::given_in(&place, "fixture").expect("it is given the server");
        (given.url, given.token)
    }

    async fn configuration_now(&self) -> McpConfiguration {
        let path = format!("/mcp/configurations/{}", self.configuration.id);
        self.client().get(&path).await.expect("it is there")
    }

    async fn state(&self) -> McpState {
        self.configuration_now().await.state
    }
}

async fn connect(url: &str, token: &str) -> Result<Connection, McpError> {
    let reach = Reach::Http {
        url: url.to_owned(),
        headers: Default::default(),
        bearer: Some(Secret::new(token.to_owned())),
    };
    Connection::open(&reach, Limits::default()).await
}

fn names(tools: &[McpTool]) -> Vec<&str> {
    tools.iter().map(|tool| tool.name.as_str()).collect()
}

async fn call(connection: &Connection, tool: &str, arguments: Value) -> (bool, String) {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    let called = connection
        .try_call(tool, arguments)
        .await
        .expect("an answer");
    let text = called.result["content"][0]["text"].as_str();
    (called.is_error, text.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_the_sessions_own_token_opens_its_gateway() {
    let stage = Stage::set().await;
    let (first, url, token) = stage.session("first").await;
    let (_, _, other) = stage.session("second").await;
    let engine = stage.client().endpoint();
    let http = reqwest::Client::new();
    let ask = |bearer: Option<&str>| {
        let request = http.post(&url).json(&json!({}));
        bearer.map_or(request.try_clone().expect("it can be"), |token| {
            request.bearer_auth(token)
        })
    };
    for wrong in [
        None,
        Some(other.as_str()),
        Some(engine.token.as_str()),
        Some(""),
    ] {
        let refused = ask(wrong).send().await.expect("it is answered");
        assert_eq!(refused.status(), 401, "{wrong:?}");
    }
    let evil = ask(Some(&token)).header("host", "evil.example");
    assert_eq!(evil.send().await.expect("an answer").status(), 403);
    let page = ask(Some(&token)).header("origin", "http://evil.example");
    assert_eq!(page.send().await.expect("an answer").status(), 403);
    let unknown = url.replace("/fixture", "/nothing");
    let unknown = http.post(unknown).bearer_auth(&token).send().await;
    assert_eq!(unknown.expect("an answer").status(), 404);
    let api = format!("{}/api/v1/sessions", engine.url);
    let api = http.get(api).bearer_auth(&token).send().await;
    assert_eq!(
        api.expect("an answer").status(),
        401,
        "it opens nothing else"
    );

    let connection = connect(&url, &token).await.expect("it is let in");
    assert_eq!(
        names(&connection.tools().await.expect("tools")),
        ["one", "fails"]
    );
    assert!(matches!(
        stage.state().await,
        McpState::Connected { tools: 2, .. }
    ));
    stage.client().stop(first.id).await;
    let refused = ask(Some(&token)).send().await.expect("it is answered");
    assert_eq!(refused.status(), 401, "it is closed with the session");
}

#[tokio::test]
async fn a_server_learns_nothing_of_who_asks_and_the_trail_nothing_of_what_was_said() {
    let stage = Stage::set().await;
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let secret = json!({"path": "/a/secret-word", "count": 3});
    let (failed, said) = call(&connection, "one", secret.clone()).await;
    assert!(!failed && said.contains("secret-word"), "{said}");
    assert!(!said.contains(&token), "{said}");
    assert!(!said.contains(&stage.client().endpoint().token), "{said}");
    let (failed, _) = call(&connection, "fails", secret).await;
    assert!(failed);
    let (refused, said) = call(&connection, "hidden", json!({})).await;
    assert!(refused && said.contains("hidden"), "{said}");
    let (lost, said) = call(&connection, "one", json!({"large": 5_000_000})).await;
    assert!(lost && said.contains("bytes"), "{said}");
    let (lost, _) = call(&connection, "one", json!({"end": true})).await;
    assert!(lost);
    let (failed, _) = call(&connection, "one", json!({})).await;
    assert!(!failed, "it is started again");

    let audit = stage.client().audit().await;
    let called: Vec<_> = audit
        .iter()
        .filter(|event| event.action == "mcp.called")
        .collect();
    let outcomes: Vec<_> = called
        .iter()
        .map(|event| event.details["outcome"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        outcomes,
        ["answered", "failed", "refused", "lost", "lost", "answered"]
    );
    assert!(
        called
            .iter()
            .all(|event| event.session_id == Some(session.id))
    );
    let first = &called[0].details;
    assert_eq!(
        first["arguments"],
        json!({"count": "number", "path": "string"})
    );
    let trail = serde_json::to_string(&audit).expect("it is JSON");
    for secret in ["secret-word", token.as_str()] {
        assert!(!trail.contains(secret));
    }
    stage.client().assert_audit_valid().await;
}

#[tokio::test]
async fn two_sessions_that_ask_the_same_at_once_get_their_own_answers() {
    let stage = Stage::set().await;
    let (_, first_url, first_token) = stage.session("first").await;
    let (_, second_url, second_token) = stage.session("second").await;
    let first = connect(&first_url, &first_token).await.expect("let in");
    let second = connect(&second_url, &second_token).await.expect("let in");
    for round in 0..5 {
        let one = json!({"word": format!("left-{round}"), "wait": 20});
        let other = json!({"word": format!("right-{round}"), "wait": 10});
        let (one, other) = tokio::join!(call(&first, "one", one), call(&second, "one", other));
        assert!(one.1.contains(&format!("left-{round}")), "{}", one.1);
        assert!(other.1.contains(&format!("right-{round}")), "{}", other.1);
    }
}

#[tokio::test]
async fn tools_that_are_told_by_pages_are_all_seen_and_called() {
    let stage = Stage::set().await;
    let all: Vec<String> = (0..12).map(|number| format!("tool-{number}")).collect();
    let offered: Vec<_> = all.iter().map(|name| tool(name, "One of many.")).collect();
    stage.offer(&offered);
    let test = json!({"id": stage.configuration.id});
    let tested = stage.client().post::<McpTested>("/mcp/test", &test).await;
    let probe = tested.expect("it answers").probe;
    assert_eq!(names(&probe.tools), all);
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    assert_eq!(names(&connection.tools().await.expect("tools")), all);
    let (failed, said) = call(&connection, "tool-11", json!({})).await;
    assert!(!failed, "{said}");
}

/// A stage whose tools have these rules.
async fn with_rules(rules: &Value) -> (Stage, McpConfiguration) {
    let stage = Stage::set().await;
    let now = edited(&stage, &stage.configuration, rules).await;
    (stage, now)
}

async fn edited(stage: &Stage, now: &McpConfiguration, rules: &Value) -> McpConfiguration {
    let mut draft = serde_json::to_value(&now.draft).expect("it is JSON");
    draft["rules"] = rules.clone();
    put(stage, now, &draft).await
}

async fn put(stage: &Stage, now: &McpConfiguration, draft: &Value) -> McpConfiguration {
    let path = format!("/mcp/configurations/{}", now.id);
    let edit = json!({"version": now.version, "configuration": draft});
    let request = stage.client().request(reqwest::Method::PUT, &path);
    let edited = stage.client().value(request.json(&edit)).await;
    edited.expect("it is taken")
}

/// The question of a session, once it is asked.
async fn question(client: &Client, id: SessionId) -> Attention {
    let asked = client.session_until(id, "asks", |session| {
        matches!(session.status, Status::NeedsAttention { .. })
    });
    match asked.await.status {
        Status::NeedsAttention { attention } => attention,
        other => unreachable!("it was looked for: {other:?}"),
    }
}

#[tokio::test]
async fn a_call_that_takes_long_is_told_before_it_is_over() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    call(&connection, "one", json!({})).await;
    let seen = |action: &'static str| async move {
        let told = async || {
            let audit = client.audit().await.into_iter();
            let mut told = audit.filter(|it| it.details["call"].is_string());
            told.rfind(|it| it.action == action)
        };
        client.until(action.to_owned(), told).await
    };
    let slow = call(&connection, "one", json!({"path": "/x", "wait": 60_000}));
    let under_way = tokio::select! {
        _ = slow => panic!("it takes a minute"),
        under_way = seen("mcp.calling") => under_way,
    };
    assert_eq!(under_way.session_id, Some(session.id));
    assert_eq!(under_way.details["tool"], "one");
    assert_eq!(
        under_way.details["arguments"],
        json!({"path": "string", "wait": "number"})
    );
    // Whoever has asked does not want to know any more.
    connection.close().await;
    let over = async || {
        let audit = client.audit().await.into_iter();
        let mut over = audit.filter(|it| it.action == "mcp.called");
        over.find(|it| it.details["call"] == under_way.details["call"])
    };
    let over = client.until("it is over".to_owned(), over).await;
    assert_eq!(over.details["outcome"], "cancelled");
}
