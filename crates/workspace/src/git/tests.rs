use super::*;
use crate::fixture::Fixture;

#[test]
fn git_is_missing_where_no_folder_has_it() {
    let empty = tempfile::tempdir().unwrap();
    let error = Git::find(Some(empty.path().as_os_str())).unwrap_err();
    assert_eq!(error.code(), berth_protocol::Code::GitMissing);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_executed_is_not_git() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("git"), "").unwrap();
    assert!(Git::find(Some(folder.path().as_os_str())).is_err());
}

#[tokio::test]
async fn variables_of_a_surrounding_git_do_not_lead_elsewhere() {
    let fixture = Fixture::new();
    let other = fixture.root.join("other");
    fixture.init(&other);
    let git = fixture.git.with_env([
        ("PATH".into(), std::env::var_os("PATH").unwrap()),
        ("GIT_DIR".into(), other.join(".git").into_os_string()),
        (OsString::from("GIT_INDEX_FILE"), "/nonexistent".into()),
    ]);
    let info = git.info(&fixture.repo).await.unwrap().unwrap();
    assert_eq!(info.root, fixture.repo.to_str().unwrap());
    assert!(info.has_commits);
}
