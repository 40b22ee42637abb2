//! A session whose task had no turn for a while.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::{SessionId, Size, Status};
use tokio::{sync::mpsc, time::Instant};

use super::{Family, Start, actor::Actor};
use crate::{
    agents,
    process::Reaper,
    pty::{Launch, Pty},
};

#[tokio::test]
async fn output_that_nobody_had_time_to_take_is_no_pause() {
    let id: SessionId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let spec = agents::find(&"custom".parse().unwrap()).unwrap();
    let launch = Launch {
        program: PathBuf::from("/bin/bash"),
        args: vec!["-c".into(), "echo words; read -r line".into()],
        env: BTreeMap::new(),
        cwd: std::env::temp_dir(),
        size: Size::default(),
    };
    let (pty, exit) = Pty::spawn(&launch).unwrap();
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
    let mut actor = Actor::new(start, Arc::new(pty), family, None, events);
    actor.started -= Duration::from_secs(10);
    let until = Instant::now() + Duration::from_secs(30);
    while !actor.pty.output.is_pending() {
        assert!(Instant::now() < until, "the program prints nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

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
    // Without its terminal the program ends.
    drop(actor);
    let _ = exit.await;
}
