//! The MCP client against real servers, and against programs that are none.

#![cfg(unix)]

mod mcp {
    mod asked;
    mod expired;
    mod redirected;
}

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Write,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use berth_mcp::{Connection, Limits, McpError, Reach, probe};
use berth_protocol::{Code, McpProbe};
use berth_tests::{LIMIT, free_port, processes, programs, skip, this_test, until};

/// After how long somebody is given up who says nothing: long enough to begin to say nothing on a slow machine.
const SILENT: Duration = Duration::from_secs(10);

/// A server's program, unless it is not installed.
fn everything() -> Option<PathBuf> {
    let program = programs::mcp_server("mcp-server-everything");
    if program.is_none() {
        skip(&this_test(), "mcp-server-everything is not installed");
    }
    program
}

/// What a program needs to be found and run, and the mark by which it is found again.
fn environment(mark: &str) -> BTreeMap<OsString, OsString> {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    [("PATH".into(), path), ("MARK".into(), mark.into())].into()
}

fn stdio(program: &Path, args: &[&str], mark: &str) -> Reach {
    Reach::Stdio {
        program: program.to_owned(),
        args: args.iter().map(OsString::from).collect(),
        env: environment(mark),
        folder: std::env::temp_dir(),
        secrets: Vec::new(),
    }
}

fn bash(script: &str, mark: &str) -> Reach {
    stdio(Path::new("/bin/bash"), &["-c", script], mark)
}

fn assert_everything(said: &McpProbe) {
    assert!(
        said.name
            .as_deref()
            .is_some_and(|name| name.contains("Everything")),
        "{said:?}"
    );
    assert!(
        said.protocol.starts_with("2025-"),
        "the era of before: {}",
        said.protocol
    );
    let echo = said
        .tools
        .iter()
        .find(|tool| tool.name == "echo")
        .expect("it has one");
    assert_eq!(echo.input_schema["type"], "object");
    assert!(said.tools.len() >= 10, "{}", said.tools.len());
}

#[tokio::test]
async fn a_server_that_is_a_program_tells_its_tools_and_ends_with_the_connection() {
    let Some(program) = everything() else { return };
    let reach = stdio(&program, &["stdio"], "everything");
    assert_everything(&probe(&reach, Limits::default()).await.expect("it answers"));
    assert_eq!(processes::with("MARK", "everything"), [0; 0]);
    // Dropped without a word, it ends too.
    let connection = Connection::open(&reach, Limits::default()).await;
    let connection = connection.expect("it answers");
    assert!(!processes::with("MARK", "everything").is_empty());
    drop(connection);
    until("it has ended", || {
        processes::with("MARK", "everything").is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_server_of_files_works_in_its_folder_alone() {
    let Some(program) = programs::mcp_server("mcp-server-filesystem") else {
        return skip(&this_test(), "mcp-server-filesystem is not installed");
    };
    let folder = programs::folder();
    // It compares real paths.
    let place = folder.path().canonicalize().expect("it is there");
    let inside = place.join("note.txt");
    let reach = stdio(&program, &[&place.display().to_string()], "filesystem");
    let connection = Connection::open(&reach, Limits::default()).await;
    let connection = connection.expect("it answers");
    let said = connection.describe().await.expect("it tells");
    assert!(said.tools.len() >= 10, "{}", said.tools.len());
    let call = async |tool: &str, arguments: serde_json::Value| {
        let arguments = arguments.as_object().cloned().expect("an object");
        connection
            .try_call(tool, arguments)
            .await
            .expect("an answer")
    };
    let note = serde_json::json!({"path": inside, "content": "some words"});
    let written = call("write_file", note).await;
    assert!(!written.is_error, "{}", written.result);
    let kept = std::fs::read_to_string(&inside).expect("it was written");
    assert_eq!(kept, "some words");
    let read = call("read_text_file", serde_json::json!({"path": inside})).await;
    assert!(
        read.result.to_string().contains("some words"),
        "{}",
        read.result
    );
    let outside = serde_json::json!({"path": "/etc/hostname"});
    let refused = call("read_text_file", outside).await;
    assert!(refused.is_error, "{}", refused.result);
    connection.close().await;
    assert_eq!(processes::with("MARK", "filesystem"), [0; 0]);
}

/// A program that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `server-everything` on a free port.
async fn served(program: PathBuf, transport: &str) -> (Server, u16) {
    let port = free_port();
    let child = Command::new(program)
        .arg(transport)
        .env("PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server(child.expect("it can be started"));
    until("the server listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    (server, port)
}

#[tokio::test]
async fn a_server_is_reached_over_http() {
    let Some(program) = everything() else { return };
    let (_server, port) = served(program, "streamableHttp").await;
    let reach = Reach::Http {
        url: format!("http://127.0.0.1:{port}/mcp"),
        headers: BTreeMap::new(),
        bearer: None,
    };
    assert_everything(&probe(&reach, Limits::default()).await.expect("it answers"));
}

fn sse(port: u16) -> Reach {
    Reach::Sse {
        url: format!("http://127.0.0.1:{port}/sse"),
        headers: [("x-test".to_owned(), "yes".to_owned().into())].into(),
        bearer: Some("token".to_owned().into()),
    }
}

#[tokio::test]
async fn a_server_of_before_is_reached_over_events_and_is_told_when_the_connection_ends() {
    let Some(program) = everything() else { return };
    let (_server, port) = served(program, "sse").await;
    let connection = Connection::open(&sse(port), Limits::default()).await;
    let connection = connection.expect("it answers");
    let said = connection.describe().await.expect("it tells");
    assert!(said.tools.len() >= 10, "{}", said.tools.len());
    let arguments = serde_json::json!({"message": "hello"}).as_object().cloned();
    let echoed = connection
        .call("echo", arguments)
        .await
        .expect("it is called");
    assert!(echoed.to_string().contains("hello"), "{echoed}");
    let open = || connections_to(port);
    assert!(open() > 0);
    drop(connection);
    until("the stream is closed", || open() == 0).await;
}

/// Established connections of this machine to a port, as Linux lists them.
fn connections_to(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("it can be read");
    let remote = format!("0100007F:{port:04X}");
    let columns = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns
        .filter(|it| it.get(2) == Some(&&*remote) && it.get(3) == Some(&"01"))
        .count()
}

#[tokio::test]
async fn a_stream_that_does_not_begin_as_it_should_is_refused() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    for place in [
        "http://evil.example/messages",
        "//evil.example/messages",
        "https://127.0.0.1/messages",
        "http://127.0.0.1:1/messages",
        "file:///etc/passwd",
    ] {
        let answer = format!("{HEAD}event: endpoint\ndata: {place}\n\n");
        let (port, _) = answering(answer.leak());
        let error = fails(&sse(port)).await;
        assert_eq!(error.code(), Code::McpProtocol, "{place}: {error}");
        assert!(
            error.to_string().contains("another server"),
            "{place}: {error}"
        );
    }
    for (answer, code) in [
        (format!("{HEAD}data: {{}}\n\n"), Code::McpProtocol),
        (HEAD.to_owned(), Code::McpProtocol),
        (
            format!("{HEAD}{}", "x".repeat(17 * 1024 * 1024)),
            Code::McpProtocol,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            Code::McpProtocol,
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            Code::McpProtocol,
        ),
        (
            "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_owned(),
            Code::McpSignedOut,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n".to_owned(),
            Code::McpProtocol,
        ),
    ] {
        let (port, _) = answering(answer.leak());
        let error = fails(&sse(port)).await;
        assert_eq!(error.code(), code, "{error}");
    }
}

// The connection is closed by a task of its own, while this waits for the server's thread.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    let port = listener.local_addr().expect("it has an address").port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut head = [0; 4096];
        let length = std::io::Read::read(&mut stream, &mut head).expect("it asks");
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: wait\n\n";
        stream
            .write_all(answer.as_bytes())
            .expect("it can be written");
        // Until the client goes.
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let error = fails_within(SILENT, &sse(port)).await;
    assert!(matches!(error, McpError::Silent { .. }), "{error}");
    let asked = thread.join().expect("it has ended").to_lowercase();
    for part in [
        "accept: text/event-stream",
        "authorization: bearer token",
        "x-test: yes",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
}

/// Why something is no server. It says so itself, and a slow machine may take its time for that.
async fn fails(reach: &Reach) -> McpError {
    fails_within(LIMIT, reach).await
}

/// Why something is no server, which nobody but this limit ends.
async fn fails_within(limit: Duration, reach: &Reach) -> McpError {
    let limits = Limits {
        connect: limit,
        request: limit,
    };
    probe(reach, limits).await.expect_err("it is no server")
}

#[tokio::test]
async fn a_program_that_is_no_server_says_what_is_wrong() {
    let ended = fails(&bash(
        "echo 'no key: \u{1b}[31mset KEY\u{1b}[0m' >&2; exit 3",
        "ended",
    ))
    .await;
    assert_eq!(ended.code(), Code::McpEnded);
    assert!(ended.to_string().contains("no key: set KEY"), "{ended}");
    let silent = bash("echo starting >&2; sleep 1000 & wait", "silent");
    let silent = fails_within(SILENT, &silent).await;
    assert_eq!(silent.code(), Code::McpUnreachable);
    assert!(silent.to_string().contains("starting"), "{silent}");
    // What it has started ends with it.
    until("all of it has ended", || {
        processes::with("MARK", "silent").is_empty()
    })
    .await;
    let noise = bash("while read -r line; do echo 'hello'; done", "noise");
    let noise = fails_within(Duration::from_secs(3), &noise).await;
    assert!(
        matches!(noise.code(), Code::McpUnreachable | Code::McpProtocol),
        "{noise}"
    );
    let missing = stdio(Path::new("/nowhere/server"), &[], "missing");
    assert!(matches!(fails(&missing).await, McpError::Spawn { .. }));
}

#[tokio::test]
async fn a_program_gets_its_arguments_as_they_are_and_no_other_environment() {
    let folder = std::env::temp_dir().join(format!("berth-mcp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("it can be made");
    let script = "printf '%s\\n' \"$@\" > given; env | cut -d= -f1 | sort > names";
    let Reach::Stdio { program, env, .. } = bash("", "plain") else {
        unreachable!("it is a program");
    };
    let args = [
        "-c",
        script,
        "x",
        "$(touch hurt)",
        "; touch hurt",
        "`id`",
        "a b",
    ];
    let reach = Reach::Stdio {
        program,
        args: args.iter().map(OsString::from).collect(),
        env,
        folder: folder.clone(),
        secrets: Vec::new(),
    };
    fails(&reach).await;
    let given = std::fs::read_to_string(folder.join("given")).expect("it was written");
    assert_eq!(given, "$(touch hurt)\n; touch hurt\n`id`\na b\n");
    let names = std::fs::read_to_string(folder.join("names")).expect("it was written");
    let own = ["MARK", "PATH", "PWD", "SHLVL", "_", "OLDPWD"];
    assert!(names.lines().all(|name| own.contains(&name)), "{names}");
    assert!(!folder.join("hurt").exists());
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// Answers every request with the same.
fn answering(answer: &'static str) -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    let port = listener.local_addr().expect("it has an address").port();
    let thread = std::thread::spawn(move || {
        // A few connections: the client may try in two ways.
        for stream in listener.incoming().take(6).flatten() {
            let mut stream = stream;
            let mut piece = [0; 8192];
            let _ = std::io::Read::read(&mut stream, &mut piece);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, thread)
}

#[tokio::test]
async fn a_server_that_wants_a_sign_in_is_told_from_one_that_is_none() {
    let at = |port: u16| Reach::Http {
        url: format!("http://127.0.0.1:{port}/mcp"),
        headers: BTreeMap::new(),
        bearer: None,
    };
    let (port, _) = answering(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer resource_metadata=\"https://a.example/x\"\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let error = fails(&at(port)).await;
    assert_eq!(error.code(), Code::McpSignedOut, "{error}");
    let McpError::Unauthorized { challenge } = error else {
        panic!("{error}");
    };
    assert!(challenge.contains("resource_metadata"), "{challenge}");
    let (port, _) = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    );
    let error = fails(&at(port)).await;
    assert_ne!(error.code(), Code::McpSignedOut, "{error}");
    let error = fails(&at(free_port())).await;
    assert_eq!(error.code(), Code::McpUnreachable, "{error}");
}

#[tokio::test]
async fn what_a_program_writes_of_its_secrets_is_shown_to_nobody() {
    let Reach::Stdio {
        program,
        mut env,
        folder,
        ..
    } = bash("", "secrets")
    else {
        unreachable!("it is a program")
    };
    env.insert("KEY".into(), "sk-very-secret".into());
    let script = "echo refused: $KEY is not known >&2; exit 1";
    let reach = Reach::Stdio {
        program,
        args: ["-c", script].iter().map(OsString::from).collect(),
        env,
        folder,
        secrets: vec!["sk-very-secret".to_owned().into()],
    };
    let error = fails(&reach).await.to_string();
    assert!(
        error.contains("refused: <redacted> is not known"),
        "{error}"
    );
    assert!(!error.contains("sk-very-secret"), "{error}");
}
