//! Programs that end, flood or do not listen.

use std::{time::Duration, time::Instant};

use berth_protocol::{Code, Role, Screen, Status};
use berth_tests::{Engine, STOP_LIMIT, processes};
use reqwest::Method;

use crate::plain_project;

#[tokio::test]
async fn a_program_that_ends_at_once_fails_the_session_with_its_last_words() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let words = ["bash", "-c", "echo 'no licence found'; exit 3"];
    let id = engine.client.command(project.id, &words).await.id;
    let ended = engine.client.ended(id).await;
    let Status::Failed { failure } = ended.status else {
        panic!("{:?}", ended.status)
    };
    assert_eq!(failure.code, Code::SpawnFailed);
    assert!(failure.detail.contains("no licence found"), "{failure:?}");
    assert!(failure.detail.contains('3'), "{failure:?}");
    assert!(
        engine
            .client
            .screen(id)
            .await
            .text
            .contains("no licence found")
    );
    let good = engine.client.command(project.id, &["true"]).await.id;
    let good = engine.client.ended(good).await;
    assert_eq!(
        good.status,
        Status::Exited {
            code: Some(0),
            signal: None
        }
    );
}

#[tokio::test]
async fn a_program_that_is_killed_tells_the_signal() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    engine.client.input(id, "kill -KILL $$\r").await.unwrap();
    let ended = engine.client.ended(id).await;
    assert_eq!(
        ended.status,
        Status::Exited {
            code: None,
            signal: Some("SIGKILL".to_owned())
        }
    );
}

#[tokio::test]
async fn a_shell_takes_a_message_right_after_enter_in_its_terminal() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = plain_project(&engine).await;
    let id = client.shell(project.id).await.id;
    client.waiting(id).await;
    client.input(id, "\r").await.unwrap();
    client.chat(id, "echo ta''ken").await.unwrap();
    client.message_with(id, Role::Agent, "taken").await;
}

#[tokio::test]
async fn flooding_programs_leave_the_engine_responsive_and_bounded() {
    // More than the engine has threads on a small machine: each could keep one for itself.
    const FLOODS: usize = 4;
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let other = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(other.id).await;
    let before = processes::memory(engine.pid());
    let mut floods = Vec::new();
    for _ in 0..FLOODS {
        let words = ["yes", "a line of the flood"];
        floods.push(engine.client.command(project.id, &words).await.id);
    }
    let mut stalled = engine.client.view(floods[0]).await;
    stalled.stall();
    stalled.sees("a line of the flood").await;

    let began = Instant::now();
    for round in 0..10 {
        let health = engine.client.bare(Method::GET, "/health");
        engine.client.send(health).await.unwrap();
        viewer.type_in(&format!("echo roun''d-{round}\r")).await;
        viewer.sees(&format!("round-{round}")).await;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "ten rounds took {took:?}");
    let grown = processes::memory(engine.pid()).saturating_sub(before);
    assert!(grown < 300 * 1024, "the engine grew by {grown} KiB");

    for id in floods {
        assert!(engine.client.session(id).await.status.is_live());
        let began = Instant::now();
        engine.client.stop(id).await;
        let took = began.elapsed();
        assert!(took < STOP_LIMIT, "stopping took {took:?}");
        let left = processes::with("BERTH_SESSION_ID", id.to_string());
        assert_eq!(left, Vec::<u32>::new());
    }
}

/// Writes 100 MB as fast as it can when it is told to, and can be interrupted.
const GUSHES: &str = r#"trap 'echo inter""rupted' INT
while read -r word; do
  yes 'a line of a hundred million bytes that nobody can read as fast' | head -c 100000000
  echo; echo "the end of it"
done"#;

#[tokio::test]
async fn an_agent_that_writes_100_mb_is_followed_to_its_end_and_keeps_little() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = plain_project(&engine).await;
    let words = ["bash", "-c", GUSHES];
    let id = client.command(project.id, &words).await.id;
    client.waiting(id).await;
    let before = processes::memory(engine.pid());
    let mut events = client.chat_events(id, None).await;
    client.chat(id, "gush").await.unwrap();
    let mut most = 0;
    let mut rounds = 0;
    // Events come all the while, and so do answers of the API.
    while client.session(id).await.status != Status::Waiting {
        let began = Instant::now();
        let health = client.bare(Method::GET, "/health");
        client.send(health).await.unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "an answer took {took:?}");
        most = most.max(processes::memory(engine.pid()).saturating_sub(before));
        rounds += 1;
        events.next().await;
    }
    assert!(rounds > 1, "it was over before anybody looked");
    assert!(most < 200 * 1024, "the engine grew by {most} KiB");
    let screen = client.screen(id).await.text;
    assert!(screen.contains("the end of it"), "{screen}");
    let reply = client.message_with(id, Role::Agent, "the end of it").await;
    let length = reply.content.len();
    assert!(length < 1024 * 1024, "{length} bytes are in the transcript");

    // The recording has stopped in time, says so, and can be played.
    let recordings = engine.data_dir().join("recordings");
    let recording = recordings.join(id.to_string()).join("1.cast");
    let size = std::fs::metadata(&recording).unwrap().len();
    assert!(size > 32 << 20, "most of it is there: {size} bytes");
    assert!(size <= 64 << 20, "{size} bytes are beyond the cap");
    let trail = client.audit().await;
    let stopped = trail.iter().filter(|e| e.action == "recording.stopped");
    assert_eq!(stopped.count(), 1);

    // In the middle of it an interrupt is heard.
    client.chat(id, "more").await.unwrap();
    let works = client.session_until(id, "works", |s| s.status == Status::Running);
    works.await;
    client.interrupt(id).await.unwrap();
    client.message_with(id, Role::Agent, "interrupted").await;
    client.waiting(id).await;
    let began = Instant::now();
    client.stop(id).await;
    assert!(began.elapsed() < STOP_LIMIT);
}

#[tokio::test]
async fn invalid_utf8_is_shown_and_recorded_as_far_as_it_can_be() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let words = ["bash", "-c", r"printf 'a\xff\xfe\xc3b\xe2\x82end\n'; read"];
    let id = engine.client.command(project.id, &words).await.id;
    let mut viewer = engine.client.view(id).await;
    viewer.sees("end").await;
    let screen: Screen = engine.client.screen(id).await;
    assert!(
        screen.text.starts_with('a') && screen.text.contains("end"),
        "{screen:?}"
    );
    engine.client.stop(id).await;
    let recording = engine.client.recording(id).await.unwrap();
    for line in recording.lines().skip(1) {
        serde_json::from_str::<(f64, String, String)>(line).unwrap();
    }
    assert!(recording.contains("end"));
    assert!(engine.client.screen(id).await.text.contains("end"));
}

#[tokio::test]
async fn a_program_that_ignores_being_asked_is_killed_in_time() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let script = "trap '' TERM HUP INT QUIT; echo dea''f; while :; do sleep 100; done";
    let id = engine
        .client
        .command(project.id, &["bash", "-c", script])
        .await
        .id;
    engine.client.view(id).await.sees("deaf").await;
    let began = Instant::now();
    let stopped = engine.client.stop(id).await;
    assert!(
        began.elapsed() < STOP_LIMIT,
        "it took {:?}",
        began.elapsed()
    );
    let killed = Status::Exited {
        code: None,
        signal: Some("SIGKILL".to_owned()),
    };
    assert_eq!(stopped.status, killed);
}

/// A program that draws a question and is not listening yet: the first key is lost.
const HARD_OF_HEARING: &str = r"stty -icanon -echo
printf '\033]7501;state=blocked:app=x\033\\Go on?\n\xe2\x9d\xaf 1. Yes\n  2. No\n'
dd bs=1 count=1 >/dev/null 2>&1
key=$(dd bs=1 count=1 2>/dev/null)
printf '\033]7501;state=idle:app=x\033\\\033[2J\033[Hheard %s\n' $key
read -r rest";

/// A program in which the number of an answer only moves the mark, and Enter takes it. It draws slowly, so
/// that half of its question is seen.
const MOVES_THE_MARK: &str = r#"stty raw -echo
at=1
while :; do
  marks=('' ' ' ' ' ' '); marks[$at]='>'
  printf '\033]7501;state=blocked:app=x\033\\\033[2J\033[HGo on?\r\n%s 1. Yes\r\n' "${marks[1]}"
  sleep 0.05
  printf '%s 2. No\r\n%s 3. Later\r\n' "${marks[2]}" "${marks[3]}"
  IFS= read -rsN1 key
  # bash makes a line feed of Enter here.
  [[ $key = [$'\r\n'] ]] && break
  [ $key = $at ] || at=$key
done
printf '\033]7501;state=idle:app=x\033\\\033[2J\033[Htook %s\r\n' $at
read -r rest"#;

#[tokio::test]
async fn an_answer_whose_number_only_moves_the_mark_is_taken_with_enter() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = plain_project(&engine).await;
    for (option, took) in [("1", "took 1"), ("3", "took 3")] {
        let words = ["bash", "-c", MOVES_THE_MARK];
        let id = client.command(project.id, &words).await.id;
        let asks = client.session_until(id, "asks", |session| {
            matches!(session.status, Status::NeedsAttention { .. })
        });
        let Status::NeedsAttention { attention } = asks.await.status else {
            unreachable!("it was waited for")
        };
        client.answer(id, &attention.id, option).await.unwrap();
        let screen = client.screen(id).await.text;
        assert!(screen.contains(took), "{screen}");
    }
}

#[tokio::test]
async fn an_answer_that_a_program_did_not_hear_is_given_again() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = plain_project(&engine).await;
    let id = client
        .command(project.id, &["bash", "-c", HARD_OF_HEARING])
        .await
        .id;
    let mut events = client.chat_events(id, None).await;
    let mut session = client.session(id).await;
    let attention = loop {
        if let Status::NeedsAttention { attention } = session.status {
            break attention;
        }
        events.next().await;
        session = client.session(id).await;
    };
    let labels: Vec<_> = attention.options.iter().map(|o| o.label.as_str()).collect();
    assert_eq!(labels, ["Yes", "No"]);
    client.answer(id, &attention.id, "2").await.unwrap();
    let screen = client.screen(id).await.text;
    assert!(screen.contains("heard 2"), "{screen}");
    client.waiting(id).await;
    let again = client.answer(id, &attention.id, "2").await.unwrap_err();
    assert_eq!(again.code, Code::AttentionGone);
    let audit = client.audit().await;
    let answers: Vec<_> = audit
        .iter()
        .filter(|event| event.action.starts_with("approval."))
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].details["option"], "2");
}
