//! From a typed character to its echo.

use std::time::{Duration, Instant};

use berth_tests::{Repository, Setup, Shown, Viewer};

use crate::{
    bare::Bare,
    report::{Figure, Limit, Report, median, percentile},
};

/// Characters that are typed.
const TYPED: usize = 500;

/// Time between two of them: somebody who types fast.
const PAUSE: Duration = Duration::from_millis(15);

/// Measures a character's way to a terminal that echoes it and back over the WebSocket.
pub async fn measure(report: &mut Report) {
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("project"));
    let engine = setup.start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let session = client.command(project.id, &["cat"]).await;
    client.waiting(session.id).await;
    let mut viewer = client.view(session.id).await;
    viewer.snapshot().await;
    let berth = typed(&mut viewer).await;
    let bare = tokio::task::spawn_blocking(typed_bare);
    let bare = bare.await.expect("the bare measurement ends");
    let figure = |what: &str, limit, share: fn(&[f64]) -> f64| Figure {
        what: what.to_owned(),
        unit: "ms",
        berth: share(&berth),
        bare: Some(share(&bare)),
        limit,
        note: "to the WebSocket's client; bare: portable-pty".to_owned(),
    };
    report.add(figure("echo, median", None, median));
    report.add(figure("echo, p95", Some(Limit::AtMost(5.0)), |values| {
        percentile(values, 0.95)
    }));
}

async fn typed(viewer: &mut Viewer) -> Vec<f64> {
    let mut times = Vec::new();
    for round in 0..TYPED {
        tokio::time::sleep(PAUSE).await;
        let letter = letter(round);
        let started = Instant::now();
        viewer.type_in(letter).await;
        loop {
            match viewer.next().await {
                Some(Shown::Bytes(bytes)) if bytes.contains(&letter.as_bytes()[0]) => break,
                Some(_) => {}
                None => panic!("the terminal stays open"),
            }
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    times
}

fn typed_bare() -> Vec<f64> {
    let mut bare = Bare::start(&["cat"]);
    let mut times = Vec::new();
    for round in 0..TYPED {
        std::thread::sleep(PAUSE);
        let letter = letter(round);
        let started = Instant::now();
        bare.tell(letter.as_bytes());
        bare.read_past(letter.as_bytes());
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    times
}

/// Another letter each time, so that no echo is taken for a later one.
fn letter(round: usize) -> &'static str {
    let at = round % 26;
    &"abcdefghijklmnopqrstuvwxyz"[at..=at]
}
