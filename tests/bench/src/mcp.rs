//! MCP servers: how long it takes to reach one, what the gateway adds to a call, and what many cost that are quiet.

use std::{
    io,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Instant,
};

use berth_mcp::{Connection, Limits, Reach};
use berth_tests::{Setup, mcp, programs};
use rmcp::{
    RoleClient,
    model::{CallToolRequestParams, ClientConfig, ProtocolVersion},
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Map, Value, json};

use crate::{
    idle::watch,
    report::{Figure, Limit, Report, median, percentile},
    settled::settled,
    usage,
};

/// Times that a server is reached.
const CONNECTS: usize = 40;

/// Calls of a tool in a session, below what one may call within a minute, and sessions that call one after another. The
/// slowest calls are those that this machine holds up, so that only many of them tell what is held up by whom.
const CALLS: usize = 250;
const CALLING: usize = 4;

/// Servers that are connected at the same time, and of which nobody wants anything.
const QUIET: usize = 100;

type Agent = RunningService<RoleClient, ClientConfig>;

/// A real server that ends with the measurement.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start() -> Option<Self> {
        let program = programs::mcp_server("mcp-server-everything")?;
        let port = free_port().ok()?;
        let child = Command::new(program)
            .arg("streamableHttp")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}/mcp"),
        };
        berth_tests::until("the server listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        Some(server)
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Measures both beside bare rmcp, with the same server, by turns.
pub async fn measure(report: &mut Report) {
    let Some(server) = Server::start().await else {
        return report.skip("MCP servers", "mcp-server-everything is not installed");
    };
    connects(report, &server).await;
    calls(report, &server).await;
    quiet(report, &server).await;
}

async fn connects(report: &mut Report, server: &Server) {
    let reach = reach(&server.url);
    let (mut berth, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..CONNECTS {
        let began = Instant::now();
        let connection = Connection::open(&reach, Limits::default()).await;
        let connection = connection.expect("the server answers");
        berth.push(millis(began));
        connection.close().await;
        let began = Instant::now();
        let connection = open_bare(&server.url, None).await;
        bare.push(millis(began));
        // It is dropped when it cannot be ended in order.
        let _ = connection.cancel().await;
    }
    report.add(Figure {
        what: "MCP server reached over HTTP".to_owned(),
        unit: "ms",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::RatioAtMost(1.1)),
        note: format!("median of {CONNECTS}, by turns; bare: rmcp with the same lifecycle"),
    });
}

async fn calls(report: &mut Report, server: &Server) {
    let engine = mcp::engine(Setup::new()).await;
    let draft = json!({"name": "everything", "server": {"type": "http", "url": server.url}});
    mcp::agreed(&engine.client, &draft).await;
    settled(&engine.client).await;
    let (mut through, mut bare) = (Vec::new(), Vec::new());
    for number in 0..CALLING {
        let place = engine.setup().folder().join(format!("project-{number}"));
        std::fs::create_dir_all(&place).expect("a folder can be made");
        let (_, given) = mcp::session_in(&engine.client, &place, "everything").await;
        let given = given.expect("the session is given the server");
        let gateway = open_bare(&given.url, Some(given.token)).await;
        let direct = open_bare(&server.url, None).await;
        for agent in [&gateway, &direct] {
            agent.list_all_tools().await.expect("it has tools");
        }
        for _ in 0..CALLS {
            through.push(call(&gateway).await);
            bare.push(call(&direct).await);
        }
    }
    for (share, name, limit) in [(0.5, "p50", 1.0), (0.99, "p99", 3.0)] {
        report.add(Figure {
            what: format!("tool called through the gateway, {name}"),
            unit: "ms",
            berth: percentile(&through, share),
            bare: Some(percentile(&bare, share)),
            limit: Some(Limit::BeyondBareAtMost(limit)),
            note: format!(
                "{} calls of `echo` in {CALLING} sessions, each in the audit trail, by turns; both sides: rmcp, bare without a gateway",
                through.len(),
            ),
        });
    }
}

/// The servers of a session, each with its own endpoint and connection, which its agent has used and does not use now.
async fn quiet(report: &mut Report, server: &Server) {
    if !usage::is_counted() {
        return report.skip(
            "quiet MCP servers",
            "this system does not count as Linux does",
        );
    }
    let mut held = Vec::new();
    for _ in 0..QUIET {
        held.push(open_bare(&server.url, None).await);
    }
    let bare = watch(std::process::id()).await.processor;
    for connection in held {
        // It is dropped when it cannot be ended in order.
        let _ = connection.cancel().await;
    }

    let engine = mcp::engine(Setup::new()).await;
    let name = |number: usize| format!("everything-{number}");
    for number in 0..QUIET {
        let draft = json!({"name": name(number), "server": {"type": "http", "url": server.url}});
        mcp::agreed(&engine.client, &draft).await;
    }
    let place = engine.setup().folder().join("project");
    std::fs::create_dir_all(&place).expect("a folder can be made");
    mcp::session_in(&engine.client, &place, &name(0)).await;
    let mut agents = Vec::new();
    for number in 0..QUIET {
        let given = mcp::given_in(&place, &name(number)).expect("it is given each server");
        let agent = open_bare(&given.url, Some(given.token)).await;
        agent.list_all_tools().await.expect("it has tools");
        agents.push(agent);
    }
    settled(&engine.client).await;
    let busy = watch(engine.pid()).await.processor;
    report.add(Figure {
        what: format!("{} connected MCP servers, processor", agents.len()),
        unit: "% of a core",
        berth: busy,
        bare: Some(bare),
        limit: Some(Limit::AtMost(1.0)),
        note: "of the engine, while nobody calls; bare: rmcp's connections to the same server"
            .to_owned(),
    });
}

/// As rmcp reaches a server by itself, and agents that are built with it.
async fn open_bare(url: &str, token: Option<String>) -> Agent {
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(token) = token {
        config = config.auth_header(token);
    }
    let transport = StreamableHttpClientTransport::from_config(config);
    let served = ClientConfig::default().serve_with_lifecycle(transport, lifecycle);
    served.await.expect("the server answers")
}

fn reach(url: &str) -> Reach {
    Reach::Http {
        url: url.to_owned(),
        headers: Default::default(),
        bearer: None,
    }
}

async fn call(agent: &Agent) -> f64 {
    let mut arguments = Map::new();
    arguments.insert("message".to_owned(), Value::from("hello"));
    let call = CallToolRequestParams::new("echo").with_arguments(arguments);
    let began = Instant::now();
    let called = agent.call_tool(call).await.expect("it answers");
    let took = millis(began);
    assert_ne!(called.is_error, Some(true), "{called:?}");
    took
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}
