//! `berth attach` and `berth agentapi attach`.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use berth_protocol::{CreateSession, Session};
use berth_tests::{Engine, Setup, programs, session};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{ECHO, done, folder, start, terminal::Terminal};

/// The shell's prompt as a repaint draws it.
const PROMPT: &str = "\x1b[0m$";

async fn shell(engine: &Engine, title: &str) -> Session {
    let project = match engine.client.sessions().await.first() {
        Some(session) => session.project_id,
        None => {
            let place = folder(engine.setup(), "plain");
            engine.client.add_project(&place).await.id
        }
    };
    let request = CreateSession {
        title: Some(title.to_owned()),
        ..session(project, "shell")
    };
    let session = engine.client.start(&request).await;
    engine.client.waiting(session.id).await
}

#[tokio::test]
async fn a_session_is_shown_typed_into_and_resized_and_goes_on_after_detaching() {
    let engine = Engine::start().await;
    let session = shell(&engine, "a shell").await;
    engine
        .client
        .input(session.id, "echo bef''ore\r")
        .await
        .expect("it is typed");
    engine.client.view(session.id).await.sees("before").await;

    let mut terminal = Terminal::start(engine.setup(), &["attach", "a shell"]);
    terminal.sees("detach with ctrl-\\").await;
    terminal.sees("before").await;
    assert!(!terminal.is_usual(), "keys are for the session");
    terminal.type_in("stty size\r");
    terminal.sees("30 100").await;
    // Colours come through, and what asks the terminal something does not.
    let asks = "printf 'a\\e[31mb\\e[c%s\\e[6n\\n' c; read -rsd R answers; echo answ''ered\r";
    terminal.type_in(asks);
    terminal.sees("a\x1b[31mbc\r\n").await;
    terminal.sees("answered").await;

    terminal.resize(24, 77);
    let resized = engine
        .client
        .session_until(session.id, "has the terminal's size", |session| {
            (session.size.rows, session.size.cols) == (24, 77)
        });
    resized.await;
    terminal.type_in("stty size\r");
    terminal.sees("24 77").await;

    // What Ctrl-C ends is the program in the session.
    terminal.type_in("sleep 1000; echo en''ded\r");
    terminal.sees("sleep 1000").await;
    terminal.type_in("\x03");
    terminal.sees("^C").await;
    terminal.type_in("\x1c");
    terminal.sees("detached; the session goes on").await;
    assert_eq!(terminal.ends().await, 0);
    assert!(terminal.is_usual(), "the terminal is as it was");
    let now = engine.client.session(session.id).await;
    assert!(now.status.is_live(), "{:?}", now.status);
}

#[tokio::test]
async fn exact_keys_are_the_engine_s_matter_and_not_that_of_the_user_s_terminal() {
    let engine = Engine::start().await;
    shell(&engine, "a shell").await;
    let mut terminal = Terminal::start(engine.setup(), &["attach", "a shell"]);
    terminal.sees(PROMPT).await;
    let program =
        "stty raw -echo; printf '\\e[>5u\\e[=1;2u%s' rea''dy; head -c 16 | cat -v; stty sane\r";
    terminal.type_in(program);
    terminal.sees("ready").await;
    assert!(!terminal.shown().contains("\x1b[>5u"));
    assert!(!terminal.shown().contains("\x1b[=1;2u"));
    terminal.type_in("\x03");
    terminal.type_in("\x1bxq");
    terminal.sees("^[[99;5u^[[120;3uq").await;

    // Nor does a repaint put it on.
    let mut late = Terminal::start(engine.setup(), &["attach", "a shell"]);
    late.sees("[99;5u").await;
    assert!(!late.shown().contains("\x1b[>"), "{:?}", late.shown());
    assert!(!late.shown().contains("\x1b[="), "{:?}", late.shown());
}

#[tokio::test]
async fn all_of_a_flood_is_drawn_and_acknowledged() {
    let engine = Engine::start().await;
    let session = shell(&engine, "a shell").await;
    let id = session.id.to_string();
    let mut terminal = Terminal::start(engine.setup(), &["attach", &id]);
    terminal.sees(PROMPT).await;
    // Several times what the engine sends before it wants to know that it was drawn.
    terminal.type_in("seq 1000000 1300000; echo do''ne\r");
    terminal.sees("done").await;
    terminal.forget();
    terminal.type_in("echo aft''er\r");
    terminal.sees("after").await;
}

#[tokio::test]
async fn attaching_ends_with_the_exit_code_of_the_session() {
    let engine = Engine::start().await;
    for (title, keys, code) in [("one", "exit 7\r", 7), ("two", "kill -KILL $$\r", 137)] {
        let session = shell(&engine, title).await;
        let mut terminal = Terminal::start(engine.setup(), &["attach", title]);
        terminal.sees(PROMPT).await;
        terminal.type_in(keys);
        assert_eq!(terminal.ends().await, code, "{}", terminal.shown());
        assert!(terminal.is_usual());
        engine.client.ended(session.id).await;
    }
}

#[tokio::test]
async fn other_keys_detach_when_they_are_named_and_a_program_s_screen_is_left() {
    let engine = Engine::start().await;
    let session = shell(&engine, "a shell").await;
    // As long a beginning of the id as it takes.
    let id = session.id.to_string();
    let keys = ["attach", "--detach-keys", "ctrl-p,q", &id[..13]];
    let mut terminal = Terminal::start(engine.setup(), &keys);
    terminal.sees(PROMPT).await;
    terminal.type_in("printf '\\e[?1049h\\e[?1000h%s' shown\r");
    terminal.sees("\x1b[?1049h\x1b[?1000hshown").await;
    terminal.forget();
    terminal.type_in("\x10q");
    assert_eq!(terminal.ends().await, 0);
    terminal.sees("detached").await;
    let shown = terminal.shown();
    for left in ["\x1b[?1049l", "\x1b[?1000l"] {
        assert!(shown.contains(left), "{left:?} is not in {shown:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_attached_to_is_said() {
    let engine = Engine::start().await;
    let session = shell(&engine, "a shell").await;
    engine.client.stop(session.id).await;
    for (name, said) in [
        ("nothing", "there is no session"),
        ("a shell", "ended by SIG"),
    ] {
        let child = start(engine.setup(), &["attach", name]);
        let tried = done(child, "").await;
        assert_eq!(tried.code, Some(1), "{tried:?}");
        assert!(tried.err.contains(said), "{tried:?}");
        assert!(tried.err.lines().count() > 1, "what to do: {tried:?}");
    }
    shell(&engine, "live").await;
    let tried = done(start(engine.setup(), &["attach", "live"]), "").await;
    assert_eq!(tried.code, Some(1));
    assert!(tried.err.contains("was not started in one"), "{tried:?}");
    let words = ["attach", "--detach-keys", "ctrl-9", "live"];
    let tried = done(start(engine.setup(), &words), "").await;
    assert_eq!(tried.code, Some(2));
    assert!(tried.err.contains("is no key"), "{tried:?}");
}

#[tokio::test]
async fn a_lost_engine_and_a_signal_leave_a_terminal_as_it_was() {
    let mut engine = Engine::start().await;
    shell(&engine, "a shell").await;
    let mut terminal = Terminal::start(engine.setup(), &["attach", "a shell"]);
    terminal.sees(PROMPT).await;
    let pid = i32::try_from(terminal.pid()).expect("it is a pid");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it can be asked to end");
    assert_eq!(terminal.ends().await, 143);
    assert!(terminal.is_usual());

    let mut terminal = Terminal::start(engine.setup(), &["attach", "a shell"]);
    terminal.sees(PROMPT).await;
    engine.kill();
    terminal.sees("the connection to the engine was lost").await;
    assert_eq!(terminal.ends().await, 1);
    assert!(terminal.is_usual());
}

#[tokio::test]
async fn the_screen_of_an_agentapi_server_is_shown_and_typed_into() {
    let setup = Setup::new();
    let words = [&["agentapi", "--port", "0", "--"][..], &ECHO].concat();
    let mut command = std::process::Command::new(programs::berth());
    let mut server = command
        .args(words)
        .env_clear()
        .envs(setup.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server can be started");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("it is a pipe"))
        .read_line(&mut line)
        .expect("it says where it is");
    let address = line.split_once("http://").expect("it names its address").1;
    let address = address.split(',').next().expect("it names its address");

    let words = ["agentapi", "attach", "--url", address];
    let mut terminal = Terminal::start(&setup, &words);
    terminal.sees("Ready to answer.").await;
    assert!(!terminal.is_usual());
    terminal.type_in("keys ü\r");
    terminal.sees("Answer to: keys").await;
    terminal.type_in("\x03");
    assert_eq!(terminal.ends().await, 0);
    assert!(terminal.is_usual());
    let running = server.try_wait().expect("it can be asked");
    assert_eq!(running, None, "Ctrl-C is not for the agent");

    let mut terminal = Terminal::start(&setup, &words);
    terminal.sees("Answer to: keys").await;
    let pid = i32::try_from(server.id()).expect("it is a pid");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it can be asked to end");
    terminal.sees("the server has ended").await;
    assert_eq!(terminal.ends().await, 0);
    server.wait().expect("it ends");
    let tried = done(start(&setup, &words), "").await;
    assert_eq!(tried.code, Some(1));
    assert!(
        tried.err.contains("no agentapi server answers"),
        "{tried:?}"
    );
}
