//! A disk that is really full: a small tmpfs. Mounting one needs Linux and root; elsewhere these
//! tests are reported as skipped, and `full_tests.rs` stands in for them.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use berth_protocol::{Code, Role};
use berth_store::{Store, StoreError};
use tempfile::TempDir;

use crate::support::{assert_consistent, new_session};

struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            Some(Self { folder })
        } else {
            skip("a tmpfs cannot be mounted here: it needs Linux and root");
            None
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmount.is_ok_and(|status| status.success()));
    }
}

/// Says that the test does not run here, and why, where `cargo xtask test` reads it. `berth_tests::skip` does the
/// same, but depends on this crate.
#[expect(
    clippy::print_stdout,
    reason = "a person who runs one test wants to read it"
)]
fn skip(reason: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    println!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("BERTH_TEST_SKIPS") {
        let mut file = OpenOptions::new();
        let mut file = file.create(true).append(true).open(path).unwrap();
        // At once, for other tests write there too.
        let line = format!("{test}\t{reason}\n");
        file.write_all(line.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_writing_works_again_once_there_is_space() {
    let Some(disk) = SmallDisk::mount("2m") else {
        return;
    };
    let store = Store::open(disk.path()).await.unwrap();
    let project = store.create_project("/a", "a").await.unwrap();
    let session = store.create_session(new_session(project.id)).await.unwrap();
    let text = "x".repeat(20_000);
    let append = || store.append_message(session.id, Role::Agent, &text, 1);

    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 600_000]).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match append().await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(acknowledged > 5, "only {acknowledged} fitted");
    for error in [error, append().await.unwrap_err()] {
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert_eq!(error.code(), Code::StoreFull);
    }
    assert_eq!(
        store.message_count(session.id).await.unwrap(),
        acknowledged,
        "what was acknowledged is readable while the disk is full"
    );
    assert_consistent(&store).await;

    std::fs::remove_file(ballast).unwrap();
    assert_eq!(append().await.unwrap().seq, acknowledged as i64 + 1);
    assert_consistent(&store).await;
    store.close().await;
    let store = Store::open(disk.path()).await.unwrap();
    assert_eq!(
        store.message_count(session.id).await.unwrap(),
        acknowledged + 1
    );
    store.close().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_made_for_lack_of_space_says_so() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let ballast = disk.fill();
    let error = Store::open(disk.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    std::fs::remove_file(ballast).unwrap();
    let store = Store::open(disk.path()).await.unwrap();
    store.create_project("/a", "a").await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_store_on_a_full_disk_can_be_opened_and_read() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let store = Store::open(disk.path()).await.unwrap();
    let project = store.create_project("/a", "a").await.unwrap();
    store.close().await;
    let ballast = disk.fill();
    // WAL mode needs 32 KiB of shared memory beside the file; without it, being told is all that
    // can be had.
    match Store::open(disk.path()).await {
        Ok(store) => {
            let projects = store.projects().await.unwrap();
            assert_eq!(projects.as_slice(), std::slice::from_ref(&project));
        }
        Err(error) => assert!(matches!(error, StoreError::Full { .. }), "{error:?}"),
    }
    std::fs::remove_file(ballast).unwrap();
    let store = Store::open(disk.path()).await.unwrap();
    assert_eq!(store.projects().await.unwrap(), [project]);
    store.close().await;
}
