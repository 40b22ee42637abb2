//! A disk that is full.

use std::{fs, path::PathBuf, process::Command};

use berth_protocol::{Code, Role};
use berth_tests::{Engine, Setup, skip, this_test};

use crate::{folder, plain_project};

/// A small file system of its own, if one can be mounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = berth_tests::programs::folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder))
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.path().join("ballast");
        let mut file = fs::File::create(&path).expect("the ballast can be made");
        while file.write_all(&[1; 4096]).is_ok() {}
        while file.write_all(&[1; 1]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "the small disk stays mounted"
        );
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount("12m") else {
        return skip(
            &this_test(),
            "a tmpfs cannot be mounted here: it needs Linux and root",
        );
    };
    let setup = Setup::new().data_dir(&disk.0.path().join("data"));
    let mut engine = setup.start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    engine.client.chat(id, "echo bef''ore").await.unwrap();
    engine.client.message_with(id, Role::Agent, "before").await;
    engine.client.waiting(id).await;

    let ballast = disk.fill();
    // What is allocated already may take a few changes more.
    let mut kept = 0;
    let refused = loop {
        let path = folder(&engine, &format!("extra-{kept}"));
        match engine.client.try_add_project(&path).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 500, "the disk is never full");
    };
    assert_eq!(refused.code, Code::StoreFull, "{refused:?}");
    assert_eq!(refused.status, 507);
    let listed = async |engine: &Engine| {
        let listed: serde_json::Value = engine.client.get("/projects").await.unwrap();
        listed["projects"].as_array().unwrap().len()
    };
    assert_eq!(
        listed(&engine).await,
        kept + 1,
        "what was acknowledged is still served"
    );
    let words = engine.client.messages(id).await;
    assert!(words.iter().any(|message| message.content == "before"));
    let terminal = engine.client.input(id, "echo st''ill\r").await;
    assert!(terminal.is_ok(), "the terminal goes on: {terminal:?}");
    engine.client.view(id).await.sees("still").await;

    fs::remove_file(ballast).unwrap();
    let after = engine.client.add_project(&folder(&engine, "after")).await;
    assert_eq!(after.name, "after");
    engine.client.assert_audit_valid().await;
    engine.client.stop(id).await;
    engine.restart().await;
    assert_eq!(listed(&engine).await, kept + 2);
    engine.client.assert_audit_valid().await;
    engine.stop().await;
}
