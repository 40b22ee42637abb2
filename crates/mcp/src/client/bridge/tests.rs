use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_token_goes_to_this_machine_only() {
    for url in [
        "http://example.com/mcp",
        "https://127.0.0.1/mcp",
        "http://127.0.0.1.example.com/mcp",
        "http://127.0.0.1@example.com/mcp",
        "http://localhost/mcp",
        "file:///mcp",
        "",
    ] {
        let passed = bridge(
            (tokio::io::empty(), tokio::io::sink()),
            url,
            Secret::new(String::new()),
        );
        assert!(matches!(passed.await, Err(McpError::Withheld(_))), "{url}");
    }
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

/// An answer with this result.
fn answers(asked: &Value, result: &Value) -> String {
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
    let length = answer.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{answer}"
    )
}

/// What a gateway answers that keeps no session.
fn begins(asked: &Value) -> String {
    let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "serverInfo": {"name": "gateway", "version": "1"}});
    answers(asked, &about)
}

/// The next request on a connection, if there is one more.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    serde_json::from_slice(&body).ok()
}

/// A stand-in for the gateway that answers each message with a whole response: its address, and how many connections
/// were made to it.
async fn gateway(answer: fn(&Value) -> String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let made = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            made.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some(asked) = request(&mut stream).await {
                    let said = stream.write_all(answer(&asked).as_bytes()).await;
                    if said.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (format!("http://{address}/mcp"), connections)
}

/// A program that speaks over a bridge.
struct Program {
    says: DuplexStream,
    hears: BufReader<DuplexStream>,
    bridged: JoinHandle<Result<(), McpError>>,
}

impl Program {
    /// Of which the pipe that it hears by holds so many bytes. It has begun.
    async fn begin(url: String, holds: usize) -> Self {
        let (says, input) = tokio::io::duplex(64 * 1024);
        let (output, hears) = tokio::io::duplex(holds);
        let bridged = tokio::spawn(async move {
            let token = Secret::new("token".to_owned());
            bridge((input, output), &url, token).await
        });
        let mut program = Self {
            says,
            hears: BufReader::new(hears),
            bridged,
        };
        let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        program
            .say(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about}))
            .await;
        assert_eq!(program.hear().await["id"], 0);
        program
            .say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        program
    }

    async fn say(&mut self, message: &Value) {
        let line = format!("{message}\n");
        let said = self.says.write_all(line.as_bytes()).await;
        said.expect("it is taken");
    }

    async fn hear(&mut self) -> Value {
        let mut line = String::new();
        let heard = tokio::time::timeout(LIMIT, self.hears.read_line(&mut line)).await;
        heard.expect("it is told in time").expect("it is read");
        serde_json::from_str(&line).expect("it is JSON")
    }
}

#[tokio::test]
async fn messages_that_follow_each_other_need_no_connection_each() {
    const MESSAGES: usize = 30;
    let (url, connections) = gateway(|asked| match asked["method"].as_str() {
        Some("initialize") => begins(asked),
        Some(_) if asked["id"].is_number() => answers(asked, &json!({})),
        _ => ACCEPTED.to_owned(),
    })
    .await;
    let mut program = Program::begin(url, 64 * 1024).await;
    for id in 1..=MESSAGES {
        program
            .say(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}))
            .await;
        assert_eq!(program.hear().await["id"], id);
    }
    // One is not back yet, now and then, when the next message leaves.
    let made = connections.load(Ordering::Relaxed);
    assert!(made <= MESSAGES / 2, "{made}");
    drop(program.says);
    let passed = program.bridged.await.expect("it goes on");
    passed.expect("the end of what the program says is no failure");
}

#[tokio::test]
async fn a_program_that_has_gone_is_left_whatever_the_gateway_has_still_to_say() {
    let (url, _) = gateway(|asked| match asked["method"].as_str() {
        Some("initialize") => begins(asked),
        Some("ping") => {
            let news = json!({"jsonrpc": "2.0", "method": "notifications/message",
                "params": {"level": "info", "data": "news"}});
            let news = format!("data: {news}\n\n").repeat(200);
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{news}")
        }
        _ => ACCEPTED.to_owned(),
    })
    .await;
    // It holds the first answer and not much more, so that what comes after it waits.
    let mut program = Program::begin(url, 512).await;
    program
        .say(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
        .await;
    // By then more is on its way than any place on it holds.
    for _ in 0..20 {
        assert_eq!(program.hear().await["method"], "notifications/message");
    }
    let Program {
        says,
        hears,
        bridged,
    } = program;
    drop(hears);
    let passed = tokio::time::timeout(LIMIT, bridged).await;
    let passed = passed.expect("it ends in time").expect("it goes on");
    passed.expect("a program may go");
    drop(says);
}

#[tokio::test]
async fn requests_that_are_not_answered_hold_up_no_other() {
    const MANY_WAIT: u64 = 40;
    let (url, _) = gateway(|asked| match asked["method"].as_str() {
        Some("initialize") => begins(asked),
        Some("ping") if asked["id"] == MANY_WAIT + 1 => answers(asked, &json!({})),
        Some("ping") => String::new(),
        _ => ACCEPTED.to_owned(),
    })
    .await;
    let mut program = Program::begin(url, 64 * 1024).await;
    for id in 1..=MANY_WAIT + 1 {
        program
            .say(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}))
            .await;
    }
    assert_eq!(program.hear().await["id"], MANY_WAIT + 1);
}
