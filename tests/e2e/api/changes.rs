//! The changes in a workspace.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use berth_protocol::{Code, DiffPage, FilePatch, Health};
use berth_tests::{Engine, Repository, Setup, until};
use nix::{sys::stat::Mode, unistd::mkfifo};
use reqwest::Method;

use crate::repository;

#[tokio::test]
async fn the_pages_of_a_large_diff_hold_every_file_once() {
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
        let page: DiffPage = engine.client.get(&asked).await.unwrap();
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

/// Stands before every comparison of a repository's workspaces: git has `notes.txt` filtered before it compares it, and
/// the filter waits.
struct Gate {
    /// A line for each comparison that has come to it.
    reached: PathBuf,
    pipe: PathBuf,
    held: File,
}

impl Gate {
    fn before_comparisons(repository: &Repository, folder: &Path) -> Self {
        let (reached, pipe) = (folder.join("reached"), folder.join("gate"));
        mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe can be made");
        let held = File::options().read(true).write(true).open(&pipe);
        let held = held.expect("a pipe can be opened at both ends");
        let filter = format!(
            "echo reached >> '{}'; cat '{}' > /dev/null 2>&1; cat",
            reached.display(),
            pipe.display()
        );
        repository.git(&["config", "filter.gate.clean", &filter]);
        let info = repository.path.join(".git/info");
        fs::create_dir_all(&info).expect("a folder can be made");
        let filtered = fs::write(info.join("attributes"), "notes.txt filter=gate\n");
        filtered.expect("a file can be written");
        Self {
            reached,
            pipe,
            held,
        }
    }

    /// How many comparisons wait.
    fn waiting(&self) -> usize {
        let reached = fs::read_to_string(&self.reached).unwrap_or_default();
        reached.lines().count()
    }

    /// Lets all of them pass, and whoever comes from now on: who has the pipe open reads its end, and nobody else finds
    /// it.
    fn open(self) {
        fs::remove_file(&self.pipe).expect("the pipe can be removed");
        drop(self.held);
    }
}

#[tokio::test]
async fn the_engine_answers_others_while_it_compares() {
    // With one thread, whatever held it up would hold up everybody.
    let setup = Setup::new().variable("TOKIO_WORKER_THREADS", "1");
    let engine = setup.start().await;
    let client = &engine.client;
    let repository = repository(&engine);
    let project = client.add_project(&repository.path).await;
    let session = client.shell(project.id).await;
    let gate = Gate::before_comparisons(&repository, engine.setup().folder());
    let notes = Path::new(&session.workspace.path).join("notes.txt");
    fs::write(notes, "one\ntwo\nthree\nfour\n").unwrap();

    let compared = {
        let (client, id) = (client.clone(), session.id);
        tokio::spawn(async move { tokio::join!(client.diff(id), client.diff(id)) })
    };
    // The engine counts changes by itself too, once at a time: one of two comparisons at least was asked for here.
    until("it compares", || gate.waiting() >= 2).await;
    let health = client.value::<Health>(client.bare(Method::GET, "/health"));
    assert_eq!(health.await.unwrap().status, "ok");
    assert_eq!(client.sessions().await.len(), 1);
    assert!(!compared.is_finished(), "it compares until the gate opens");

    gate.open();
    let (one, other) = compared.await.unwrap();
    for page in [one, other] {
        let changed: Vec<&str> = page.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(changed, ["notes.txt"]);
        assert_eq!(page.total.added, 1);
    }
}
