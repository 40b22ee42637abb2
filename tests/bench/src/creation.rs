//! Many sessions in one engine.

use std::time::Instant;

use berth_tests::{Repository, Setup};

use crate::{
    bare::Bare,
    report::{Figure, Limit, Report, percentile},
    usage,
};

/// Sessions that run at the end.
const SESSIONS: usize = 1000;

/// Measures how long each new session takes while the earlier ones go on.
pub async fn measure(report: &mut Report) {
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("project"));
    let engine = setup.start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let mut berth = Vec::new();
    let mut last = None;
    for _ in 0..SESSIONS {
        let started = Instant::now();
        last = Some(client.command(project.id, &["cat"]).await);
        berth.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    if let Some(last) = last {
        client.waiting(last.id).await;
    }
    let live = client.sessions().await;
    let live = live.iter().filter(|session| session.status.is_live());
    assert_eq!(live.count(), SESSIONS, "all of them run");
    let memory = usage::private_memory(engine.pid()) / SESSIONS as f64;

    let bare = tokio::task::spawn_blocking(|| {
        let mut held = Vec::new();
        let times: Vec<f64> = (0..SESSIONS)
            .map(|_| {
                let started = Instant::now();
                held.push(Bare::start(&["cat"]));
                started.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times
    });
    let bare = bare.await.expect("the bare measurement ends");
    report.add(Figure {
        what: format!("{SESSIONS} sessions, start of one, p95"),
        unit: "ms",
        berth: percentile(&berth, 0.95),
        bare: Some(percentile(&bare, 0.95)),
        limit: Some(Limit::AtMost(100.0)),
        note: "`cat`, through the API; bare: portable-pty".to_owned(),
    });
    report.add(Figure {
        what: format!("{SESSIONS} sessions, memory for each"),
        unit: "KiB",
        berth: memory,
        bare: None,
        limit: Some(Limit::AtMost(1024.0)),
        note: "private memory of the whole engine".to_owned(),
    });
}
