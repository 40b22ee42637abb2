//! What a session's task makes of time: of programs that are slow, and of its own turns that come late.
//!
//! Time is set, not waited for.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::{SessionId, Size, Status};
use tokio::{sync::mpsc, time::Instant};

use super::{Family, Start, actor::Actor};
use crate::{
    agents,
    process::Reaper,
    pty::{Launch, Pty},
};

/// A session of an agent in whose place a script runs, which has printed something that was not taken yet.
async fn prints(agent: &str, script: &str) -> Actor {
    let id: SessionId = "01890a5d-ac96-774b-bcce-b302099a8057"
        .parse()
        .expect("it is one");
    let spec = agents::find(&agent.parse().expect("it is a name")).expect("it is known");
    let launch = Launch {
        program: PathBuf::from("/bin/bash"),
        args: vec!["-c".into(), script.into()],
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: std::env::temp_dir(),
        size: Size::default(),
    };
    // Without its terminal, which the session has, the program ends.
    let (pty, _exit) = Pty::spawn(&launch).expect("it is started");
    let start = Start {
        id,
        run: 1,
        launch,
        rules: Arc::clone(&spec.screen),
        recording: None,
        follow_output: false,
        title: String::new(),
        router: None,
        reaper: Reaper::start(),
        grace: Duration::from_secs(1),
    };
    let family = Family {
        session: id,
        leader: None,
    };
    let (events, _told) = mpsc::unbounded_channel();
    let actor = Actor::new(start, Arc::new(pty), family, None, events);
    let until = Instant::now() + Duration::from_secs(30);
    while !actor.pty.output.is_pending() {
        assert!(Instant::now() < until, "the program prints nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    actor
}

/// Takes what was printed, and lets as much time pass as an agent has that draws nothing known.
async fn stays_unclear(actor: &mut Actor) {
    let printed = actor.pty.output.take(None).await.expect("there is some");
    actor.printed(printed);
    assert!(actor.unclear_at.is_some());
    actor.unclear_at = Some(Instant::now());
    actor.settle_at = None;
    actor.tick();
}

#[tokio::test]
async fn output_that_nobody_had_time_to_take_is_no_pause() {
    let mut actor = prints("custom", "echo words; read -r line").await;
    actor.started -= Duration::from_secs(10);

    // The pause is over, as far as anybody knows who has not looked at what was printed meanwhile.
    actor.settle_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Starting);
    assert!(actor.settle_at.is_some_and(|at| at > actor.started));

    let printed = actor.pty.output.take(None).await.unwrap();
    actor.printed(printed);
    actor.settle_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Waiting);
}

#[tokio::test]
async fn an_agent_that_does_not_read_keys_yet_has_not_started() {
    let mut actor = prints("aider", "echo words; read -r line").await;
    stays_unclear(&mut actor).await;
    assert_eq!(actor.status, Status::Starting);
    assert!(!actor.face_lost);
    assert!(actor.unclear_at.is_some_and(|at| at > Instant::now()));

    // But for ever it is not waited for.
    actor.started -= Duration::from_mins(1);
    actor.unclear_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Waiting);
    assert!(actor.face_lost);
}

#[tokio::test]
async fn an_agent_that_reads_keys_on_an_unknown_screen_waits() {
    let mut actor = prints("aider", "stty -icanon; echo words; read -r line").await;
    stays_unclear(&mut actor).await;
    assert_eq!(actor.status, Status::Waiting);
    assert!(actor.face_lost);
}
