//! The changes in a workspace.

use std::{fs, path::Path};

use berth_protocol::{Code, DiffPage, FilePatch};
use berth_tests::Engine;

use crate::repository;

#[tokio::test]
async fn the_pages_of_a_large_diff_hold_every_file_once() {
    const FILES: usize = 3_000;
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    let worktree = Path::new(&session.workspace.path);
    for number in 0..FILES {
        fs::write(worktree.join(format!("file-{number:04}.txt")), "one\ntwo\n").unwrap();
    }
    let path = format!("/sessions/{}/diff", session.id);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let more = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page: DiffPage = engine
            .client
            .get(&format!("{path}?limit=700{more}"))
            .await
            .unwrap();
        assert!(page.files.len() <= 700);
        assert_eq!(page.total.files as usize, FILES);
        seen.extend(page.files.into_iter().map(|file| file.path));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..FILES)
        .map(|number| format!("file-{number:04}.txt"))
        .collect();
    assert_eq!(seen, expected);
    let patch: FilePatch = engine
        .client
        .get(&format!("{path}/file?path=file-0042.txt"))
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
