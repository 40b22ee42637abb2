//! The changes in a workspace.

use std::{fs, path::Path, pin::pin};

use berth_protocol::{Code, DiffPage, FilePatch, Health};
use berth_tests::{Client, Engine};
use reqwest::Method;

use crate::repository;

#[tokio::test]
async fn the_pages_of_a_large_diff_hold_every_file_once_and_the_engine_answers_meanwhile() {
    const FILES: usize = 20_000;
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    let worktree = Path::new(&session.workspace.path);
    for number in 0..FILES {
        fs::write(worktree.join(format!("file-{number:05}.txt")), "one\ntwo\n").unwrap();
    }
    let path = format!("/sessions/{}/diff", session.id);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let more = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let asked = format!("{path}?limit=700{more}");
        // All files are compared for the first page, and kept for the others.
        let page = if seen.is_empty() {
            compared_meanwhile(&engine.client, &asked).await
        } else {
            engine.client.get(&asked).await.unwrap()
        };
        assert!(page.files.len() <= 700);
        assert_eq!(page.total.files as usize, FILES);
        seen.extend(page.files.into_iter().map(|file| file.path));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..FILES)
        .map(|number| format!("file-{number:05}.txt"))
        .collect();
    assert_eq!(seen, expected);
    let patch: FilePatch = engine
        .client
        .get(&format!("{path}/file?path=file-00042.txt"))
        .await
        .unwrap();
    assert!(patch.patch.contains("+one\n+two"), "{patch:?}");
    let none = engine
        .client
        .get::<FilePatch>(&format!("{path}/file?path=nothing.txt"))
        .await;
    assert_eq!(none.unwrap_err().code, Code::FileNotFound);
    let stale = engine
        .client
        .get::<DiffPage>(&format!("{path}?cursor=nonsense"))
        .await;
    assert_eq!(stale.unwrap_err().code, Code::DiffStale);
}

/// A page of a comparison that takes its time, while somebody else asks the engine how it is.
async fn compared_meanwhile(client: &Client, path: &str) -> DiffPage {
    let mut compared = pin!(client.get::<DiffPage>(path));
    let mut answers = 0;
    loop {
        let asked = client.value::<Health>(client.bare(Method::GET, "/health"));
        tokio::select! {
            page = &mut compared => {
                // The first answer may have come before the comparison had begun.
                assert!(answers > 1, "the engine said nothing while it compared");
                return page.expect("there is a page");
            }
            health = asked => {
                assert_eq!(health.expect("the engine answers").status, "ok");
                answers += 1;
            }
        }
    }
}
