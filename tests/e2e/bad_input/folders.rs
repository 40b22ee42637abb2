//! Folders that cannot be projects.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, path::PathBuf, process::Command};

use berth_protocol::{Code, Project};
use berth_tests::{Engine, Setup, session, skip, this_test};

use crate::{folder, plain_project};

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[tokio::test]
async fn a_path_that_is_no_folder_is_refused() {
    let engine = Engine::start().await;
    let place = folder(&engine, "plain");
    fs::write(place.join("file"), "").unwrap();
    for (path, code) in [
        (place.join("missing"), Code::PathMissing),
        (place.join("file"), Code::PathNotFolder),
        (place.join("file/below"), Code::PathMissing),
        ("plain".into(), Code::PathNotAbsolute),
        ("./plain".into(), Code::PathNotAbsolute),
        (PathBuf::new(), Code::PathNotAbsolute),
    ] {
        let refused = engine.client.try_add_project(&path).await.unwrap_err();
        let as_expected =
            refused.code == code || path.ends_with("below") && refused.code == Code::PathNotFolder;
        assert!(as_expected, "{path:?}: {refused:?}");
        assert!(refused.hint.is_some(), "{path:?} says what to do");
    }
    engine.client.assert_audit_valid().await;
    assert_eq!(engine.client.audit().await, [], "nothing has happened");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_refused() {
    // Root reads everything unless it gives the right to do so away.
    let mut setup = Setup::new();
    if is_root() {
        let capabilities = "-dac_override,-dac_read_search";
        let wrapper = ["setpriv", "--bounding-set", capabilities];
        let probe = Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg("true")
            .status();
        if !probe.is_ok_and(|status| status.success()) {
            return skip(
                &this_test(),
                "root reads every folder, and setpriv is not there",
            );
        }
        setup = setup.wrapped(&wrapper);
    }
    let engine = setup.start().await;
    let place = folder(&engine, "closed");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o000)).unwrap();
    let refused = engine.client.try_add_project(&place).await.unwrap_err();
    assert_eq!(refused.code, Code::PathNotReadable, "{refused:?}");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    let project = engine.client.add_project(&place).await;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o000)).unwrap();
    let shown: Project = engine
        .client
        .get(&format!("/projects/{}", project.id))
        .await
        .unwrap();
    assert!(shown.missing, "a project that became unreadable says so");
    let refused = engine
        .client
        .try_start(&session(project.id, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::PathNotReadable);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_folder_is_a_project_only_once_by_whatever_path() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let place = Path::new(&project.path);
    let link = engine.setup().folder().join("link");
    std::os::unix::fs::symlink(place, &link).unwrap();
    for path in [
        place.to_owned(),
        place.join("."),
        place.join("../plain/"),
        link,
    ] {
        let refused = engine.client.try_add_project(&path).await.unwrap_err();
        assert_eq!(refused.code, Code::ProjectExists, "{path:?}");
        assert!(
            refused.detail.contains(&project.id.to_string()),
            "it says which: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_project_whose_folder_is_gone_starts_no_session() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    fs::remove_dir(&project.path).unwrap();
    let refused = engine
        .client
        .try_start(&session(project.id, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::PathMissing);
    assert_eq!(engine.client.sessions().await, []);
}
