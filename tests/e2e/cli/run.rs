//! `berth run`.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use berth_model_server::{ModelServer, Script};
use berth_protocol::{Session, Status, WorkspaceKind};
use berth_tests::{
    Engine, Repository, Setup, agents, cable::Cable, processes, programs, skip, this_test,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{ECHO, Said, TICK, done, folder, start};

/// An engine whose claude speaks to a model server and knows the repository.
struct Stage {
    engine: Engine,
    repository: Repository,
    // Dropped last: an agent that loses its provider says so.
    model: ModelServer,
}

impl Stage {
    /// `None`, and the test counts as skipped, where claude is not installed.
    async fn set() -> Option<Self> {
        if programs::agent("claude").is_none() {
            skip(&this_test(), "claude is not installed");
            return None;
        }
        let model = ModelServer::start(Script::default()).expect("the model server starts");
        let setup = Setup::new();
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let setup = agents::configure(setup, &model, &repository.path);
        Some(Self {
            engine: setup.start().await,
            repository,
            model,
        })
    }

    async fn run(&self, words: &[&str]) -> Said {
        let project = self.repository.path.to_str().expect("the path is text");
        let first = ["run", "--agent", "claude", "--project", project];
        let words = [&first, words].concat();
        done(start(self.engine.setup(), &words), "").await
    }
}

/// The session that a command has started, as it is now.
async fn only_session(engine: &Engine) -> Session {
    let sessions = engine.client.sessions().await;
    let [session] = &sessions[..] else {
        panic!("there are {} sessions", sessions.len());
    };
    session.clone()
}

fn lines(said: &Said) -> Vec<Value> {
    said.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line:?}")))
        .collect()
}

#[tokio::test]
async fn claude_s_answer_is_printed_and_its_session_stopped() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let said = stage.run(&["say: The first.\\n\\nThe second."]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "The first.\n\nThe second.\n");
    let session = only_session(&stage.engine).await;
    assert!(!session.status.is_live(), "{:?}", session.status);
    assert_eq!(session.workspace.kind, WorkspaceKind::Worktree);
    for named in [&session.id.to_string(), &session.workspace.path] {
        assert!(said.err.contains(named), "{named} is not named: {said:?}");
    }
    assert!(Path::new(&session.workspace.path).is_dir(), "it stays");
}

#[tokio::test]
async fn instructions_from_a_file_reach_the_model() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let file = stage.repository.path.with_file_name("instructions.md");
    fs::write(&file, "Speak of Kilimanjaro.").expect("a file can be written");
    let file = file.to_str().expect("the path is text");
    let said = stage.run(&["--instructions", file, "say: Hello."]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "Hello.\n"),
        "{said:?}"
    );
    let requests = stage.model.requests();
    let told = requests
        .iter()
        .any(|request| request.body.to_string().contains("Kilimanjaro"));
    assert!(told, "the model is not told");
}

#[tokio::test]
async fn over_acp_the_answer_comes_as_it_was_written() {
    if programs::agent("claude-agent-acp").is_none() {
        return skip(&this_test(), "claude-agent-acp is not installed");
    }
    let Some(stage) = Stage::set().await else {
        return;
    };
    // On a screen the marks of Markdown would be gone.
    let message = "say: **One** and `two`.\\n\\n```rust\\nif a > b {\\n```";
    let said = stage.run(&["--transport", "acp", message]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "**One** and `two`.\n\n```rust\nif a > b {\n```\n");
    let session = only_session(&stage.engine).await;
    assert_eq!(session.transport, berth_protocol::Transport::Acp);
    assert!(!session.status.is_live(), "{:?}", session.status);
}

#[tokio::test]
async fn a_long_answer_of_claude_comes_in_pieces_and_ends_whole() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let said = stage.run(&["--json", "long: 60"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = lines(&said);
    let of = |kind: &str| {
        let lines = lines.iter();
        lines
            .filter(|line| line["type"] == kind)
            .collect::<Vec<_>>()
    };
    let partial = of("message")
        .iter()
        .filter(|line| line["partial"] == true)
        .count();
    assert!(partial > 1, "it grows: {partial}");
    let result = of("result")[0];
    let reply = result["reply"].as_str().expect("there is a reply");

    let text = stage.run(&["long: 60"]).await;
    assert_eq!(text.code, Some(0), "{text:?}");
    let whole = format!("{reply}\n");
    assert!(text.out.ends_with(&whole), "{:?}\n{whole:?}", text.out);
}

#[tokio::test]
async fn a_question_of_claude_ends_the_command_and_a_permission_mode_avoids_it() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let order = "write: made.txt: made by the agent";
    let said = stage.run(&[order]).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    for part in ["made.txt", "--permission-mode acceptEdits"] {
        assert!(said.err.contains(part), "{part} is not in {said:?}");
    }
    let asked = only_session(&stage.engine).await;
    assert!(!asked.status.is_live(), "{:?}", asked.status);

    let words = [
        "--permission-mode",
        "acceptEdits",
        "--title",
        "edits",
        order,
    ];
    let said = stage.run(&words).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let sessions = stage.engine.client.sessions().await;
    let edits = sessions.iter().find(|session| session.title == "edits");
    let workspace = &edits.expect("it has its title").workspace;
    assert!(Path::new(&workspace.path).join("made.txt").is_file());

    let said = stage.run(&["--permission-mode", "none", order]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("--permission-mode plan"), "{said:?}");
}

#[tokio::test]
async fn ctrl_c_interrupts_claude_and_stops_its_session() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let project = stage.repository.path.to_str().expect("the path is text");
    let words = ["run", "-a", "claude", "-p", project, "hang"];
    let child = start(stage.engine.setup(), &words);
    let client = &stage.engine.client;
    let working = client.until("claude works", async || {
        let sessions = client.sessions().await;
        let found = sessions.into_iter().next()?;
        (found.status == Status::Running && found.undelivered.is_none()).then_some(found)
    });
    let session = working.await;
    let pid = i32::try_from(child.id()).expect("it is a pid");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it can be interrupted");
    let said = done(child, "").await;
    assert_eq!(said.code, Some(130), "{said:?}");
    let audit = client.audit().await;
    let interrupted = audit
        .iter()
        .any(|event| event.action == "session.interrupted");
    assert!(interrupted, "it is interrupted before it is stopped");
    assert!(!client.session(session.id).await.status.is_live());
}

#[tokio::test]
async fn an_engine_is_started_and_a_kept_session_goes_on() {
    let setup = Setup::new();
    let _end = EndAll(&setup);
    let place = folder(&setup, "plain");
    let path = place.to_str().expect("the path is text");
    let words = [
        "run", "-a", "custom", "-p", path, "--json", "--keep", "-", "--",
    ];
    let words = [&words[..], &ECHO].concat();
    let said = done(start(&setup, &words), "one\n").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = lines(&said);
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    assert_eq!(kinds.first(), Some(&"session"));
    assert_eq!(kinds.last(), Some(&"result"));
    let statuses: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["status"].as_str())
        .collect();
    assert!(statuses.ends_with(&["running", "waiting"]), "{statuses:?}");
    let replies: Vec<&Value> = lines
        .iter()
        .filter(|line| line["role"] == "agent" && line["partial"] == false)
        .map(|line| &line["content"])
        .collect();
    assert_eq!(replies, ["Answer to: one"]);
    let result = &lines[lines.len() - 1];
    assert_eq!(result["result"], "finished");
    assert_eq!(result["exit_code"], 0);
    assert_eq!(result["reply"], "Answer to: one");
    assert_eq!(result["session"], lines[0]["id"]);

    let client = setup.client();
    let id = result["session"].as_str().and_then(|id| id.parse().ok());
    let session = client.session(id.expect("it has an id")).await;
    assert_eq!(session.status, Status::Waiting);
    assert_eq!(session.workspace.kind, WorkspaceKind::InPlace);
    // The same folder is the same project.
    let words = ["run", "-a", "custom", "-p", path, "two", "--"];
    let said = done(start(&setup, &[&words[..], &ECHO].concat()), "").await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "Answer to: two\n")
    );
    let sessions = client.sessions().await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].project_id, sessions[1].project_id);
    setup.berth(&["stop"]).await;
}

/// Ends what a command has started, when no [`Engine`] does.
struct EndAll<'a>(&'a Setup);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        processes::end_all_with("HOME", self.0.home());
    }
}

#[tokio::test]
async fn the_end_of_the_program_is_the_result() {
    let engine = Engine::start().await;
    let place = folder(engine.setup(), "plain");
    let path = place.to_str().expect("the path is text");
    let first = ["run", "-a", "custom", "-p", path, "one", "--", "bash", "-c"];
    for (program, code, err) in [
        ("read -r line; echo \"bye $line\"", 0, ""),
        (
            "read -r line; echo \"bye $line\"; exit 3",
            1,
            "ended with code 3",
        ),
        // Without a pause it is never asked to take it.
        (
            "for tick in 1 2 3 4; do echo $tick; sleep 0.1; done",
            1,
            "before it took the message",
        ),
    ] {
        let words = [&first[..], &[program]].concat();
        let said = done(start(engine.setup(), &words), "").await;
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(err), "{said:?}");
        let spoke = program.starts_with("read");
        assert_eq!(said.out, if spoke { "bye one\n" } else { "" });
    }
}

#[tokio::test]
async fn time_that_is_up_and_a_reader_that_is_gone_stop_the_session() {
    let engine = Engine::start().await;
    let place = folder(engine.setup(), "plain");
    let path = place.to_str().expect("the path is text");
    let words = [
        "run",
        "-a",
        "custom",
        "-p",
        path,
        "--timeout",
        "2",
        "one",
        "--",
    ];
    let said = done(start(engine.setup(), &[&words[..], &TICK].concat()), "").await;
    assert_eq!(said.code, Some(124), "{said:?}");
    let session = only_session(&engine).await;
    assert!(!session.status.is_live(), "{:?}", session.status);

    let words = ["run", "-a", "custom", "-p", path, "one", "--"];
    let mut child = start(engine.setup(), &[&words[..], &ECHO].concat());
    drop(child.stdout.take());
    let said = done(child, "").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(!said.err.contains("panicked"), "{said:?}");
    for session in engine.client.sessions().await {
        assert!(!session.status.is_live(), "{:?}", session.status);
    }
}

#[tokio::test]
async fn a_command_outlives_its_engine_and_tells_what_became_of_the_session() {
    let mut engine = Engine::start().await;
    let place = folder(engine.setup(), "plain");
    let path = place.to_str().expect("the path is text");
    let words = ["run", "-a", "custom", "-p", path, "one", "--"];
    for kills in [true, false] {
        let mut child = start(engine.setup(), &[&words[..], &TICK].concat());
        let err = child.stderr.take().expect("it is a pipe");
        let mut err = BufReader::new(err);
        let mut line = String::new();
        err.read_line(&mut line).expect("it names its session");
        assert!(line.contains(" works in "), "{line:?}");
        if kills {
            engine.kill();
            engine.restart().await;
        } else {
            engine.stop().await;
        }
        let said = done(child, "").await;
        assert_eq!(said.code, Some(1), "{said:?}");
        let mut rest = String::new();
        err.read_to_string(&mut rest).expect("the rest is text");
        let told = "the engine stopped while the session ran";
        assert!(!kills || rest.contains(told), "{rest:?}");
    }
}

#[tokio::test]
async fn what_happens_while_the_connection_is_cut_is_not_missed() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let place = folder(engine.setup(), "plain");
    let path = place.to_str().expect("the path is text");
    let mut endpoint = client.endpoint().clone();
    let port = endpoint.url.rsplit_once(':').map(|(_, port)| port.parse());
    let port: u16 = port.and_then(Result::ok).expect("the address has a port");
    let cable = Cable::plug_in(port).await;
    endpoint.url = format!("http://127.0.0.1:{}", renamed(cable.address, port).await);
    let behind = folder(engine.setup(), "behind");
    let file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(behind.join("engine.json"))
        .expect("the endpoint file can be made");
    serde_json::to_writer(file, &endpoint).expect("it can be written");

    let program = "read -r line; echo \"one: $line\"; \
        until [ -e go ]; do echo tick; sleep 0.1; done; echo two; read -r line";
    let home = behind.to_str().expect("the path is text");
    let words = [
        "--data-dir",
        home,
        "run",
        "-a",
        "custom",
        "-p",
        path,
        "word",
    ];
    let words = [&words[..], &["--", "bash", "-c", program]].concat();
    let child = start(engine.setup(), &words);
    let working = client.until("the program works", async || {
        let found = client.sessions().await.into_iter().next()?;
        (found.status == Status::Running && found.undelivered.is_none()).then_some(found)
    });
    let session = working.await;
    cable.cut().await;
    fs::write(place.join("go"), "").expect("a file can be written");
    client.waiting(session.id).await;
    cable.mend();

    let said = done(child, "").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let messages = client.messages(session.id).await;
    let reply = &messages[messages.len() - 1].content;
    assert!(reply.ends_with("two"), "{reply:?}");
    assert_eq!(said.out, format!("{reply}\n"));
}

/// A port that leads there, for requests to the engine: it takes none that name another port than its
/// own.
async fn renamed(to: SocketAddr, engine: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let (from, own) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{engine}"));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(to).await else {
                continue;
            };
            let (from, own) = (from.clone(), own.clone());
            tokio::spawn(async move {
                let (mut asks, mut hears) = near.into_split();
                let (mut answers, mut takes) = far.into_split();
                let back = async {
                    // Either side may end it at any time.
                    let _ = tokio::io::copy(&mut answers, &mut hears).await;
                };
                let there = async {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(count @ 1..) = asks.read(&mut buffer).await {
                        let text = String::from_utf8_lossy(&buffer[..count]).replace(&from, &own);
                        if takes.write_all(text.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                };
                tokio::select! {
                    () = back => {}
                    () = there => {}
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_wrong_use_is_told_apart_from_a_failure() {
    let engine = Engine::start().await;
    let place = folder(engine.setup(), "plain");
    let path = place.to_str().expect("the path is text");
    fs::write(place.join("file"), "").expect("a file can be written");
    let file = format!("{path}/file");
    for (words, said) in [
        (&["run", "prompt"][..], "--agent"),
        (&["run", "-a", "shell", "-p", path], "no prompt was given"),
        (
            &["run", "-a", "shell", "-p", "/nowhere/at/all", "x"],
            "No such folder",
        ),
        (&["run", "-a", "shell", "-p", &file, "x"], "Not a folder"),
        (&["run", "-a", "nobody", "-p", path, "x"], "--agent claude"),
        (
            &["run", "-a", "shell", "-p", path, "--timeout", "0", "x"],
            "--timeout",
        ),
        (
            &[
                "run",
                "-a",
                "claude",
                "-p",
                path,
                "--mcp-config",
                &file,
                "x",
            ],
            "is not usable",
        ),
    ] {
        let tried = done(start(engine.setup(), words), "").await;
        assert_eq!(tried.code, Some(2), "{words:?}: {tried:?}");
        assert!(tried.err.contains(said), "{said:?} is not in {tried:?}");
        assert_eq!(tried.out, "");
    }
    assert_eq!(engine.client.sessions().await.len(), 0);
}
