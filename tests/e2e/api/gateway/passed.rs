//! What passes between an agent and a server besides calls: progress, logs, answers of a model, folders, and reads.

#![expect(
    deprecated,
    reason = "sampling, roots and logging are leaving the specification, and agents of before have them"
)]

use std::sync::Arc;

use berth_tests::{programs, skip, this_test};
use rmcp::{
    ClientHandler, ErrorData, RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, ClientConfig, CreateMessageRequestParams, CreateMessageResult,
        GetPromptRequestParams, LoggingLevel, LoggingMessageNotificationParam,
        ProgressNotificationParam, ReadResourceRequestParams, SetLevelRequestParams,
    },
    service::{NotificationContext, RequestContext, RunningService},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::sync::{Mutex, mpsc};

use super::*;

/// An agent of the era with sessions, as most are.
struct Agent {
    offers_sampling: bool,
    heard: mpsc::UnboundedSender<Value>,
}

impl ClientHandler for Agent {
    fn get_info(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        if self.offers_sampling {
            config.capabilities.sampling = Some(Default::default());
        }
        config
    }

    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.hear(&request);
        let content = json!({"type": "text", "text": "a model's words"});
        let answer = json!({"role": "assistant", "content": content, "model": "none"});
        Ok(serde_json::from_value(answer).expect("it is an answer"))
    }

    async fn on_progress(
        &self,
        said: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.hear(&said);
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.hear(&said);
    }
}

impl Agent {
    fn hear(&self, said: &impl serde::Serialize) {
        let said = serde_json::to_value(said).expect("it is JSON");
        // The test may have heard enough.
        let _ = self.heard.send(said);
    }
}

/// What an agent does, and what it heard meanwhile.
struct Joined {
    service: RunningService<RoleClient, Agent>,
    heard: Mutex<mpsc::UnboundedReceiver<Value>>,
}

impl Joined {
    async fn at((url, token): (&str, &str), offers_sampling: bool) -> Arc<Self> {
        let (heard, hears) = mpsc::unbounded_channel();
        let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
        let transport = StreamableHttpClientTransport::from_config(config);
        let agent = Agent {
            offers_sampling,
            heard,
        };
        let service = agent.serve(transport).await.expect("it is let in");
        Arc::new(Self {
            service,
            heard: Mutex::new(hears),
        })
    }

    async fn call(&self, arguments: Value) -> String {
        let arguments = arguments.as_object().cloned().expect("an object");
        let call = CallToolRequestParams::new("one").with_arguments(arguments);
        let result = self.service.call_tool(call).await.expect("an answer");
        let result = serde_json::to_value(result).expect("it is JSON");
        result["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn hears(&self) -> Value {
        let mut heard = self.heard.lock().await;
        let heard = tokio::time::timeout(LIMIT, heard.recv()).await;
        heard.expect("it hears in time").expect("it is there")
    }
}

/// Gives the server something of sessions, or takes it back.
async fn offer(stage: &Stage, offers: Value) {
    let now = stage.configuration_now().await;
    let mut draft = serde_json::to_value(&now.draft).expect("it is JSON");
    draft["offers"] = offers;
    put(stage, &now, &draft).await;
}

fn offered(stage: &Stage) -> String {
    fs::read_to_string(stage.tools.with_extension("json.offered")).expect("it was told")
}

async fn answer(stage: &Stage, id: SessionId, option: &str) -> Attention {
    let client = stage.client();
    let attention = question(client, id).await;
    let answered = client.answer(id, &attention.id, option).await;
    answered.expect("it is taken");
    attention
}

fn form() -> Value {
    let fields = json!({"name": {"type": "string"}});
    json!({"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": fields}})
}

#[tokio::test]
async fn an_agent_hears_how_far_its_call_is_and_what_the_server_logs() {
    let stage = Stage::set().await;
    let (session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), false).await;
    let level = SetLevelRequestParams::new(LoggingLevel::Notice);
    agent.service.set_level(level).await.expect("it is set");
    assert_eq!(
        agent.hears().await,
        json!({"level": "notice", "data": "heard"})
    );

    // The server waits for an answer meanwhile, so nothing of this can come after its own.
    let call = agent.call(json!({"steps": 3, "log": "hidden-word", "ask": form()}));
    let hear = async {
        let mut last = 0.0;
        let mut logged = Value::Null;
        while last < 3.0 || logged.is_null() {
            let heard = agent.hears().await;
            if let Some(progress) = heard["progress"].as_f64() {
                assert!(progress > last, "{heard}");
                last = progress;
                assert_eq!(heard["total"], json!(3.0));
                assert_eq!(heard["message"], json!(format!("step {progress}")));
            } else {
                logged = heard;
            }
        }
        assert_eq!(logged, json!({"level": "info", "data": "hidden-word"}));
        answer(&stage, session.id, "decline").await;
    };
    let (said, ()) = tokio::join!(call, hear);
    assert!(said.contains("decline"), "{said}");

    let said = agent.call(json!({})).await;
    assert!(
        !said.contains("berth/call"),
        "no server sees marks of calls: {said}"
    );
    let trail = serde_json::to_string(&stage.client().audit().await).expect("it is JSON");
    assert!(!trail.contains("hidden-word"));
}

#[tokio::test]
async fn a_server_that_is_reached_again_logs_as_it_was_asked_to() {
    let stage = Stage::set().await;
    let (_session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), false).await;
    let level = SetLevelRequestParams::new(LoggingLevel::Notice);
    agent.service.set_level(level).await.expect("it is set");
    let told = json!({"level": "notice", "data": "heard"});
    assert_eq!(agent.hears().await, told);

    let end = json!({"end": true}).as_object().cloned();
    let call = CallToolRequestParams::new("one").with_arguments(end.expect("an object"));
    // The server ends instead of answering.
    let _ = agent.service.call_tool(call).await;
    agent.call(json!({})).await;
    assert_eq!(agent.hears().await, told, "of the new connection");
}

#[tokio::test]
async fn the_progress_of_calls_at_once_goes_to_who_made_them() {
    let stage = Stage::set().await;
    let (session, url, token) = stage.session("first").await;
    let (one, other) = (
        Joined::at((&url, &token), false).await,
        Joined::at((&url, &token), false).await,
    );
    let calls = async {
        tokio::join!(
            one.call(json!({"steps": 1, "ask": form()})),
            other.call(json!({"steps": 2, "ask": form()})),
        )
    };
    let hear = async {
        assert_eq!(one.hears().await["total"], json!(1.0));
        let mut heard = other.hears().await;
        while heard["progress"] != json!(2.0) {
            assert_eq!(heard["total"], json!(2.0));
            heard = other.hears().await;
        }
        let first = answer(&stage, session.id, "decline").await;
        let client = stage.client();
        let asked = client.session_until(session.id, "asks again", |session| {
            let Status::NeedsAttention { attention } = &session.status else {
                return false;
            };
            attention.id != first.id
        });
        asked.await;
        answer(&stage, session.id, "decline").await;
    };
    tokio::join!(calls, hear);
    assert!(one.heard.lock().await.try_recv().is_err());
}

#[tokio::test]
async fn a_server_asks_the_agents_model_only_if_its_user_says_so_each_time() {
    let stage = Stage::set().await;
    let client = stage.client();
    let ask = json!({"by": "sampling/createMessage", "ask": {"maxTokens": 10, "systemPrompt": "Be brief.",
        "messages": [{"role": "user", "content": {"type": "text", "text": "hidden-word?"}}]}});
    let (session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), true).await;
    let said = agent.call(ask.clone()).await;
    assert!(said.contains("error"), "{said}");
    assert!(!offered(&stage).contains("sampling"));
    client.stop(session.id).await;

    offer(&stage, json!({"sampling": true})).await;
    let (session, url, token) = stage.session("second").await;
    let agent = Joined::at((&url, &token), true).await;
    let (said, attention) = tokio::join!(
        agent.call(ask.clone()),
        answer(&stage, session.id, "accept")
    );
    assert!(said.contains("a model's words"), "{said}");
    assert!(offered(&stage).contains("sampling"));
    let shown = "MCP server fixture asks the agent's model, which may cost money:\n\
        (at most 10 tokens)\nsystem: Be brief.\nuser: hidden-word?";
    assert_eq!(attention.question, shown);
    assert_eq!(agent.hears().await["systemPrompt"], json!("Be brief."));

    let (said, _) = tokio::join!(
        agent.call(ask.clone()),
        answer(&stage, session.id, "decline")
    );
    assert!(said.contains("error"), "{said}");
    // What is taken back counts, also while the user thinks about it.
    let take_back = async {
        let attention = question(client, session.id).await;
        offer(&stage, json!({})).await;
        let answered = client.answer(session.id, &attention.id, "accept").await;
        answered.expect("it is taken");
    };
    let (said, ()) = tokio::join!(agent.call(ask.clone()), take_back);
    assert!(said.contains("error"), "{said}");
    let said = agent.call(ask.clone()).await;
    assert!(said.contains("error"), "{said}");
    assert!(agent.heard.lock().await.try_recv().is_err());

    let audit = client.audit().await;
    let sampled = audit.iter().filter(|it| it.action == "mcp.sampled");
    let outcomes: Vec<_> = sampled.map(|it| it.details["outcome"].clone()).collect();
    assert_eq!(outcomes, ["answered", "refused", "refused", "refused"]);
    let trail = serde_json::to_string(&audit).expect("it is JSON");
    assert!(!trail.contains("hidden-word") && !trail.contains("model's words"));
}

#[tokio::test]
async fn a_wish_for_an_answer_of_the_model_that_is_cut_off_is_in_the_trail() {
    let stage = Stage::set().await;
    let client = stage.client();
    offer(&stage, json!({"sampling": true})).await;
    let (session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), true).await;
    let message = json!({"role": "user", "content": {"type": "text", "text": "What?"}});
    let ask = json!({"maxTokens": 10, "messages": [message]});
    let cut = async {
        let call = agent.call(json!({"by": "sampling/createMessage", "ask": ask}));
        tokio::select! {
            said = call => panic!("nobody has answered: {said}"),
            asked = question(client, session.id) => asked,
        }
    };
    // The agent gives the call up while its user thinks about what the server wants.
    cut.await;
    let told = async || {
        let audit = client.audit().await.into_iter();
        let mut sampled = audit.filter(|it| it.action == "mcp.sampled");
        sampled.next()
    };
    let told = client.until("it is told", told).await;
    assert_eq!(told.details["outcome"], "cancelled");
    assert_eq!(told.session_id, Some(session.id));
    client.waiting(session.id).await;
}

#[tokio::test]
async fn nobody_is_asked_for_a_model_that_the_agent_does_not_offer() {
    let stage = Stage::set().await;
    offer(&stage, json!({"sampling": true})).await;
    let (session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), false).await;
    let message = json!({"role": "user", "content": {"type": "text", "text": "What?"}});
    let ask = json!({"maxTokens": 10, "messages": [message]});
    let said = agent
        .call(json!({"by": "sampling/createMessage", "ask": ask}))
        .await;
    assert!(said.contains("error"), "{said}");
    let status = stage.client().session(session.id).await.status;
    assert!(matches!(status, Status::Waiting), "{status:?}");
}

#[tokio::test]
async fn a_server_learns_the_folder_of_a_session_only_if_its_user_says_so() {
    let stage = Stage::set().await;
    let ask = json!({"by": "roots/list", "ask": {}});
    let (session, url, token) = stage.session("first").await;
    let agent = Joined::at((&url, &token), false).await;
    assert_eq!(agent.call(ask.clone()).await, r#"{"roots":[]}"#);
    assert!(!offered(&stage).contains("roots"));
    stage.client().stop(session.id).await;

    offer(&stage, json!({"roots": true})).await;
    let (_, url, token) = stage.session("second").await;
    let agent = Joined::at((&url, &token), false).await;
    let said: Value = serde_json::from_str(&agent.call(ask.clone()).await).expect("it is JSON");
    let root = said["roots"][0]["uri"].as_str().expect("there is one");
    assert!(
        root.starts_with("file:///") && root.ends_with("/second/"),
        "{root}"
    );
    offer(&stage, json!({})).await;
    assert_eq!(agent.call(ask).await, r#"{"roots":[]}"#);
}

#[tokio::test]
async fn what_an_agent_reads_of_a_real_server_is_in_the_trail_and_none_of_its_words() {
    let Some(program) = programs::mcp_server("mcp-server-everything") else {
        return skip(&this_test(), "mcp-server-everything is not installed");
    };
    let engine = mcp::engine(Setup::new()).await;
    let client = &engine.client;
    let draft = json!({"name": "everything",
        "server": {"type": "stdio", "command": program, "args": ["stdio"]}});
    mcp::agreed(client, &draft).await;
    let (session, given) = mcp::session_in(client, &folder(&engine, "first"), "everything").await;
    let given = given.expect("it is given the server");
    let agent = Joined::at((&given.url, &given.token), false).await;
    let resource = ReadResourceRequestParams::new("demo://resource/dynamic/text/17");
    let read = agent
        .service
        .read_resource(resource)
        .await
        .expect("it is read");
    assert_eq!(read.contents.len(), 1);
    let prompt = GetPromptRequestParams::new("simple-prompt");
    let got = agent.service.get_prompt(prompt).await.expect("it is given");
    assert!(!got.messages.is_empty());

    let audit = client.audit().await;
    let reads: Vec<_> = audit.iter().filter(|it| it.action == "mcp.read").collect();
    assert!(reads.iter().all(|it| it.session_id == Some(session.id)));
    assert_eq!(reads[0].details["resource"], json!("demo://resource"));
    assert_eq!(reads[1].details["prompt"], json!("simple-prompt"));
    let trail = serde_json::to_string(&audit).expect("it is JSON");
    assert!(!trail.contains("dynamic"));
}

/// The gateway as a program that is started, with this token in its environment.
fn bridge(url: &str, token: &str) -> Reach {
    Reach::Stdio {
        program: programs::berth(),
        args: vec!["mcp-bridge".into(), url.into()],
        // Nobody answers there: the token goes to this machine and to no proxy.
        env: [
            ("BERTH_MCP_TOKEN".into(), token.into()),
            ("HTTP_PROXY".into(), "http://127.0.0.1:9".into()),
            ("http_proxy".into(), "http://127.0.0.1:9".into()),
        ]
        .into(),
        folder: std::env::temp_dir(),
        secrets: Vec::new(),
    }
}

#[tokio::test]
async fn an_agent_that_starts_programs_only_reaches_the_gateway_through_one() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = Connection::open(&bridge(&url, &token), Limits::default()).await;
    let connection = connection.expect("it is let in");
    let tools = connection.tools().await.expect("tools");
    assert_eq!(names(&tools), ["one", "fails"]);
    // More than any buffer on the way holds, in both directions and at once.
    let long = "x".repeat(300_000);
    let calls = (0..8).map(|_| call(&connection, "one", json!({"words": long})));
    for (failed, said) in futures::future::join_all(calls).await {
        assert!(!failed && said.contains(&long), "{failed}");
    }
    let asked = call(&connection, "one", json!({"ask": form()}));
    let ((_, said), _) = tokio::join!(asked, answer(&stage, session.id, "decline"));
    assert!(said.contains("decline"), "{said}");

    // It ends with the session, and says why.
    client.stop(session.id).await;
    let called = connection.try_call("one", Default::default()).await;
    called.expect_err("it is over");
    for (url, token, said) in [
        (url.as_str(), "wrong", "Auth required"),
        ("https://example.com/mcp", "t", "no address of this machine"),
    ] {
        let opened = Connection::open(&bridge(url, token), Limits::default()).await;
        let Err(error) = opened else {
            panic!("{url} is not let in")
        };
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_slow_call_through_a_program_holds_up_no_other_and_can_be_given_up() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = Connection::open(&bridge(&url, &token), Limits::default()).await;
    let connection = connection.expect("it is let in");
    call(&connection, "one", json!({})).await;
    let slow = call(&connection, "one", json!({"slow": true, "wait": 60_000}));
    let others = async {
        let begun = async || {
            let audit = client.audit().await.into_iter();
            let mut begun = audit.filter(|it| it.action == "mcp.calling");
            begun.next()
        };
        client.until("the slow one is under way", begun).await;
        for word in ["first", "second"] {
            let (failed, said) = call(&connection, "one", json!({"word": word})).await;
            assert!(!failed && said.contains(word), "{said}");
        }
    };
    tokio::select! {
        answered = slow => panic!("it takes a minute: {answered:?}"),
        () = others => {}
    }
    // Given up, it is cancelled, and what comes after it goes on.
    let over = async || {
        let audit = client.audit().await.into_iter();
        let mut over = audit.filter(|it| it.action == "mcp.called");
        over.find(|it| it.details["arguments"]["slow"] == "boolean")
    };
    let over = client.until("the slow one is over", over).await;
    assert_eq!(over.details["outcome"], "cancelled");
    assert_eq!(over.session_id, Some(session.id));
    let (failed, said) = call(&connection, "one", json!({"word": "third"})).await;
    assert!(!failed && said.contains("third"), "{said}");
}

#[tokio::test]
async fn what_a_program_has_asked_before_it_closed_its_output_is_answered() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let (mut says, input) = tokio::io::duplex(64 * 1024);
    let (output, hears) = tokio::io::duplex(64 * 1024);
    let bridged = tokio::spawn(async move {
        let token = Secret::new(token);
        berth_mcp::bridge((input, output), &url, token).await
    });
    let mut heard = BufReader::new(hears).lines();
    let mut next = async || -> Value {
        let line = tokio::time::timeout(LIMIT, heard.next_line()).await;
        let line = line.expect("it is answered in time").expect("it is read");
        line.map_or(Value::Null, |line| {
            serde_json::from_str(&line).expect("it is JSON")
        })
    };
    let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    let begin = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about});
    says.write_all(format!("{begin}\n").as_bytes())
        .await
        .expect("it is taken");
    assert_eq!(next().await["id"], 1);
    // All at once, and then nothing more.
    let begun = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let call = |id: &str, wait: u32| {
        let call = json!({"name": "one", "arguments": {"wait": wait}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call})
    };
    // Far less than the bridge waits for, and more than the end of the input needs to get there.
    let (slow, quick) = (call("slow", 200), call("quick", 0));
    says.write_all(format!("{begun}\n{slow}\n{quick}\n").as_bytes())
        .await
        .expect("it is taken");
    drop(says);
    let answers = [next().await, next().await];
    for id in ["quick", "slow"] {
        assert!(answers.iter().any(|answer| answer["id"] == id), "{id}");
    }
    assert!(answers.iter().all(|it| it["result"].is_object()));
    assert_eq!(next().await, Value::Null, "then it ends");
    let ended = bridged.await.expect("it goes on");
    ended.expect("the end of what the program says is no failure");
}

#[tokio::test]
async fn a_call_that_a_kill_has_cut_off_is_in_the_trail() {
    let mut stage = Stage::set().await;
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    call(&connection, "one", json!({})).await;
    let begun = async || {
        let audit = stage.client().audit().await.into_iter();
        let mut begun = audit.filter(|it| it.action == "mcp.calling");
        begun.next()
    };
    let under_way = tokio::select! {
        answered = call(&connection, "one", json!({"wait": 60_000})) => panic!("it takes a minute: {answered:?}"),
        under_way = stage.client().until("it is under way", begun) => {
            stage.engine.kill();
            under_way
        }
    };
    stage.engine.restart().await;
    let audit = stage.client().audit().await;
    let mut over = audit.iter().filter(|it| it.action == "mcp.called");
    let over = over.find(|it| it.details["call"] == under_way.details["call"]);
    let over = over.expect("it is told");
    assert_eq!(over.details["outcome"], "unknown");
    assert_eq!(over.details["tool"], "one");
    assert_eq!(over.session_id, Some(session.id));
    stage.client().assert_audit_valid().await;
}
