//! A session whose task had no turn for a while.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::{SessionId, Size, Status};
use tokio::sync::mpsc;

use super::{SessionEvent, Start, start};
use crate::{agents, process::Reaper, pty::Launch};

/// Prints for some seconds without a pause that would count as one, and then waits.
const PRINTS: &str =
    "for i in {1..100}; do echo line $i; sleep 0.05; done; echo the end; read -r line";

fn told(events: &mut mpsc::UnboundedReceiver<SessionEvent>) -> Vec<Status> {
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let SessionEvent::Status(status) = event {
            told.push(status);
        }
    }
    told
}

#[tokio::test]
async fn output_that_nobody_had_time_to_take_is_no_pause() {
    let spec = agents::find(&"custom".parse().unwrap()).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let (handle, mut events) = start(Start {
        id: "01890a5d-ac96-774b-bcce-b302099a8057"
            .parse::<SessionId>()
            .unwrap(),
        run: 1,
        launch: Launch {
            program: PathBuf::from("/bin/bash"),
            args: vec!["-c".into(), PRINTS.into()],
            env: BTreeMap::from([("PATH".into(), path)]),
            cwd: std::env::temp_dir(),
            size: Size::default(),
        },
        rules: Arc::clone(&spec.screen),
        recording: None,
        follow_output: false,
        title: String::new(),
        router: None,
        reaper: Reaper::start(),
        grace: Duration::from_secs(1),
    })
    .unwrap();
    // The only thread of this test is taken from the session's task for longer than a pause lasts.
    for _ in 0..4 {
        std::thread::sleep(spec.screen.settle + Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let told = told(&mut events);
        assert!(!told.contains(&Status::Waiting), "{told:?}");
    }
    while let Some(event) = events.recv().await {
        if matches!(event, SessionEvent::Status(Status::Waiting)) {
            break;
        }
    }
    assert!(handle.screen().await.unwrap().text.contains("the end"));
    handle.stop().await;
}
