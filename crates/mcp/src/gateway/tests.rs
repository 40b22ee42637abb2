//! What keeps agents within bounds, between a real server and a real endpoint that share this process.

use std::future::ready;

use http_body_util::{BodyExt, Full};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelledNotificationParam,
        ContentBlock, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
        Tool,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// A bound that is soon reached.
const SHORT: Duration = Duration::from_millis(100);

/// One that is soon reached too, and not by what is answered at once.
const SHORT_CALL: Duration = Duration::from_secs(1);

/// What becomes of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A connection to it is opened.
    Opened,
    /// A tool of it that does not answer is called.
    Called,
    /// It was told that nobody waits for a call any more.
    Cancelled,
    /// A connection to it is closed.
    Closed,
}

/// A server of which one tool answers, and another one does not before its call is given up.
struct Server(mpsc::UnboundedSender<Seen>);

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::default();
        capabilities.tools = Some(Default::default());
        ServerConfig::new(capabilities)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = ["answers", "waits"].map(|name| {
            let tool = json!({"name": name, "inputSchema": {"type": "object"}});
            serde_json::from_value::<Tool>(tool).expect("it is a tool")
        });
        Ok(ListToolsResult::with_all_items(tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "waits" {
            let _ = self.0.send(Seen::Called);
            context.ct.cancelled().await;
        }
        let done = CallToolResult::success(vec![ContentBlock::text("done")]);
        Ok(CallToolResponse::Complete(done))
    }

    async fn on_cancelled(
        &self,
        _given_up: CancelledNotificationParam,
        _context: NotificationContext<RoleServer>,
    ) {
        // The test may be over.
        let _ = self.0.send(Seen::Cancelled);
    }
}

/// Opens connections to such servers.
fn opener(seen: mpsc::UnboundedSender<Seen>) -> Opener {
    Arc::new(move |_agents| {
        let seen = seen.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let _ = seen.send(Seen::Opened);
            tokio::spawn(async move {
                if let Ok(served) = rmcp::serve_server(Server(seen.clone()), theirs).await {
                    let _ = served.waiting().await;
                }
                let _ = seen.send(Seen::Closed);
            });
            Connection::over(ours).await
        })
    })
}

/// Lets everything through, and says what became of calls.
struct Lenient(mpsc::UnboundedSender<Ended>);

impl Guard for Lenient {
    fn admits(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(ready(Ok(())))
    }

    fn tools<'a>(
        &'a self,
        said: &'a McpProbe,
        _hashes: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Vec<String>> {
        let names: Vec<String> = said.tools.iter().map(|tool| tool.name.clone()).collect();
        Box::pin(ready(names))
    }

    fn shows<'a>(&'a self, tools: &'a [String]) -> BoxFuture<'a, Vec<String>> {
        Box::pin(ready(tools.to_vec()))
    }

    fn allows<'a>(&'a self, _asked: &'a Asked) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(ready(Ok(())))
    }

    fn begins<'a>(&'a self, _asked: &'a Asked) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(ready(Ok(())))
    }

    fn lasts<'a>(&'a self, _asked: &'a Asked) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    fn reads<'a>(&'a self, _read: Read<'a>) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    fn ended<'a>(&'a self, ended: &'a Ended) -> BoxFuture<'a, ()> {
        let _ = self.0.send(ended.clone());
        Box::pin(ready(()))
    }

    fn lost<'a>(&'a self, _error: &'a McpError) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    fn wants_sign_in<'a>(&'a self, _error: &'a McpError) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}

type Response = http::Response<BoxBody<Bytes, Infallible>>;

/// A gateway, and what its server and its guard see.
struct Stage {
    gateway: Gateway,
    seen: mpsc::UnboundedReceiver<Seen>,
    ended: mpsc::UnboundedReceiver<Ended>,
}

impl Stage {
    fn set(bounds: Bounds) -> Self {
        Self::sharing(bounds, Arc::default())
    }

    fn sharing(bounds: Bounds, shared: Arc<Shared>) -> Self {
        let (see, seen) = mpsc::unbounded_channel();
        let (end, ended) = mpsc::unbounded_channel();
        Self {
            gateway: Gateway::new(opener(see), Arc::new(Lenient(end)), bounds, shared),
            seen,
            ended,
        }
    }

    /// Waits until the server sees this.
    async fn sees(&mut self, wanted: Seen) {
        let found = async { while self.seen.recv().await.expect("it goes on") != wanted {} };
        let found = tokio::time::timeout(LIMIT, found).await;
        found.unwrap_or_else(|_| panic!("not seen in time: {wanted:?}"));
    }

    async fn ask(&self, method: &str, session: Option<&str>, message: &Value) -> Response {
        self.asked(method, session, message)
            .await
            .expect("it is reached")
    }

    async fn asked(
        &self,
        method: &str,
        session: Option<&str>,
        message: &Value,
    ) -> Result<Response, McpError> {
        let request = http::Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        let request = match session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        };
        let body = Full::new(Bytes::from(message.to_string()));
        let request = request.body(body).expect("it is a request");
        let answer = tokio::time::timeout(LIMIT, self.gateway.handle(request)).await;
        answer.expect("it is answered in time")
    }

    /// Asks for a session.
    async fn begin(&self) -> Response {
        let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about});
        self.ask("POST", None, &begin).await
    }

    /// A session that has begun.
    async fn session(&self) -> String {
        let begun = self.begin().await;
        let session = begun.headers().get("mcp-session-id");
        let session = session.expect("it begins").to_str().expect("it is text");
        session.to_owned()
    }

    /// The result of a request in a session.
    async fn result(&self, session: &str, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = said(self.ask("POST", Some(session), &request).await).await;
        let message = answer.lines().find_map(|line| {
            let message = serde_json::from_str::<Value>(line.strip_prefix("data:")?);
            message.ok().filter(|message| message["id"] == 1)
        });
        let message = message.unwrap_or_else(|| panic!("no answer is in {answer:?}"));
        message["result"].clone()
    }

    /// Whether a call failed, and what its agent reads of it.
    async fn call(&self, session: &str, tool: &str) -> (bool, String) {
        let called = self.result(session, "tools/call", json!({"name": tool}));
        let called = called.await;
        let text = called["content"][0]["text"].as_str().unwrap_or_default();
        (called["isError"] == true, text.to_owned())
    }
}

/// All that is answered.
async fn said(answer: Response) -> String {
    let whole = tokio::time::timeout(LIMIT, answer.into_body().collect()).await;
    let whole = whole.expect("it ends in time").expect("it is whole");
    String::from_utf8_lossy(&whole.to_bytes()).into_owned()
}

#[tokio::test]
async fn a_call_that_lasts_too_long_is_given_up_and_its_agent_guard_and_server_are_told() {
    let mut stage = Stage::set(Bounds {
        call: SHORT_CALL,
        ..Bounds::default()
    });
    let session = stage.session().await;
    let (failed, said) = stage.call(&session, "waits").await;
    assert!(failed && said.contains("did not answer within"), "{said}");
    let ended = stage.ended.recv().await.expect("it is told");
    assert_eq!(ended.asked.tool, "waits");
    assert_eq!(ended.outcome, Outcome::Lost);
    assert!(ended.begun, "it had left");
    assert!(ended.took >= SHORT_CALL, "{:?}", ended.took);
    stage.sees(Seen::Cancelled).await;

    // Nothing may come over that connection any more, so the next call has another one.
    stage.sees(Seen::Closed).await;
    let (failed, said) = stage.call(&session, "answers").await;
    assert!(!failed && said == "done", "{said}");
    stage.sees(Seen::Opened).await;
    let ended = stage.ended.recv().await.expect("it is told");
    assert_eq!(ended.outcome, Outcome::Answered);
    assert!(stage.ended.try_recv().is_err(), "each call ends once");
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_and_the_next_call_opens_another() {
    let mut stage = Stage::set(Bounds {
        idle: SHORT,
        ..Bounds::default()
    });
    let session = stage.session().await;
    let (failed, said) = stage.call(&session, "answers").await;
    assert!(!failed, "{said}");
    stage.sees(Seen::Closed).await;
    let (failed, said) = stage.call(&session, "answers").await;
    assert!(!failed && said == "done", "{said}");
    stage.sees(Seen::Opened).await;
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_that_has_asked_nothing_for_longest() {
    let stage = Stage::set(Bounds {
        sessions: 2,
        ..Bounds::default()
    });
    let (first, second) = (stage.session().await, stage.session().await);
    stage.result(&first, "ping", json!({})).await;
    let third = stage.session().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for (session, status) in [(&second, 404), (&first, 200), (&third, 200)] {
        let answer = stage.ask("POST", Some(session), &ping).await;
        assert_eq!(answer.status(), status);
    }
    // However often one comes again.
    for _ in 0..20 {
        stage.session().await;
    }
    let (failed, said) = stage.call(&stage.session().await, "answers").await;
    assert!(!failed, "{said}");
}

#[tokio::test]
async fn a_session_is_refused_when_all_are_in_use_and_none_of_them_ends() {
    let stage = Stage::set(Bounds {
        sessions: 2,
        ..Bounds::default()
    });
    let (first, second) = (stage.session().await, stage.session().await);
    let listens = stage.ask("GET", Some(&first), &Value::Null).await;
    assert_eq!(listens.status(), 200);
    let waits =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "waits"}});
    let waits = stage.ask("POST", Some(&second), &waits).await;
    assert_eq!(waits.status(), 200);
    let refused = stage.begin().await;
    assert!(!refused.status().is_success(), "{}", refused.status());
    let why = said(refused).await;
    assert!(why.contains("all of them are in use"), "{why}");

    // Its agent has gone.
    drop(waits);
    stage.session().await;
    stage.result(&first, "ping", json!({})).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let ended = stage.ask("POST", Some(&second), &ping).await;
    assert_eq!(ended.status(), 404);
    drop(listens);
}

#[tokio::test]
async fn an_agent_that_says_again_and_again_that_it_is_there_is_one() {
    let stage = Stage::set(Bounds::default());
    let session = stage.session().await;
    let is_there = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for _ in 0..3 {
        let taken = stage.ask("POST", Some(&session), &is_there).await;
        assert_eq!(taken.status(), 202);
    }
    // What is said in a session is taken up in its order.
    stage.result(&session, "ping", json!({})).await;
    assert_eq!(stage.gateway.upstream.agents().count(), 1);
}

#[tokio::test]
async fn sessions_wait_for_a_turn_at_a_server_that_is_asked_as_much_as_it_may_be() {
    let shared = Arc::new(Shared::new(1));
    let mut first = Stage::sharing(Bounds::default(), Arc::clone(&shared));
    let second = Stage::sharing(
        Bounds {
            call: SHORT_CALL,
            ..Bounds::default()
        },
        shared,
    );
    let (one, other) = (first.session().await, second.session().await);
    let waits =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "waits"}});
    let waits = first.ask("POST", Some(&one), &waits).await;
    first.sees(Seen::Called).await;
    let (failed, said) = second.call(&other, "answers").await;
    assert!(failed && said == door::CROWDED, "{said}");

    first.gateway.end();
    let ended = first.ended.recv().await.expect("it is told");
    assert_eq!(ended.outcome, Outcome::Cancelled);
    let (failed, said) = second.call(&other, "answers").await;
    assert!(!failed, "{said}");
    drop(waits);
}

#[tokio::test]
async fn a_server_that_fails_one_session_rests_for_all() {
    let shared = Arc::<Shared>::default();
    let nobody: Opener =
        Arc::new(|_| Box::pin(ready(Err(McpError::Unreachable("nobody".to_owned())))));
    let (end, _ended) = mpsc::unbounded_channel();
    let mut first = Stage::sharing(Bounds::default(), Arc::clone(&shared));
    first.gateway = Gateway::new(
        nobody,
        Arc::new(Lenient(end)),
        Bounds::default(),
        Arc::clone(&shared),
    );
    let second = Stage::sharing(Bounds::default(), shared);
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let mut refused = Vec::new();
    for stage in [&first, &first, &first, &second] {
        refused.push(stage.asked("POST", None, &ping).await.err());
    }
    let is_resting = |error: &Option<McpError>| matches!(error, Some(McpError::Resting { .. }));
    let resting: Vec<bool> = refused.iter().map(is_resting).collect();
    assert_eq!(resting, [false, false, false, true], "{refused:?}");
}
