use super::*;
use crate::fixture::Fixture;

#[tokio::test]
async fn a_removal_that_was_interrupted_is_finished_by_the_next() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let repository = fixture.git.repository(&fixture.repo).await.unwrap();
    fs::rename(&worktree.root, aside(&worktree.root)).unwrap();
    fixture
        .git
        .remove_worktree(&repository, &worktree.root)
        .await
        .unwrap();
    assert_eq!(fs::read_dir(fixture.root.join("wt")).unwrap().count(), 0);
    assert_eq!(fixture.git.worktrees(&repository).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_worktree_that_git_does_not_let_go_is_put_back() {
    let fixture = Fixture::new();
    let repository = fixture.git.repository(&fixture.repo).await.unwrap();
    fixture.write("wt/precious/x", "1");
    let root = fixture.root.join("wt/precious");
    assert!(
        fixture
            .git
            .remove_worktree(&repository, &root)
            .await
            .is_err()
    );
    assert!(root.join("x").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn read_only_folders_are_deleted_and_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let doomed = folder.path().join("doomed");
    let kept = folder.path().join("kept");
    fs::create_dir_all(doomed.join("cache/deep")).unwrap();
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("file"), "").unwrap();
    fs::write(doomed.join("cache/deep/file"), "").unwrap();
    symlink(&kept, doomed.join("link")).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o500)).unwrap();
    fs::set_permissions(doomed.join("cache/deep"), fs::Permissions::from_mode(0o500)).unwrap();
    make_writable(&doomed);
    let mode = kept.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o500, "a link was followed");
    remove_folder(doomed.clone()).await.unwrap();
    assert!(!doomed.exists() && kept.join("file").exists());
}

#[tokio::test]
async fn a_sweep_deletes_what_git_has_let_go_and_nothing_else() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let moved = aside(&worktree.root);
    fs::rename(&worktree.root, &moved).unwrap();
    fixture.write("wt/precious.berth-removed/x", "");
    fixture.write("wt/precious/x", "");
    assert_eq!(sweep_removed(&fixture.root).await, 0);
    assert!(moved.join("a.txt").exists(), "git still knows it");
    fixture.run(&fixture.repo, ["worktree", "prune"]);
    assert_eq!(sweep_removed(&fixture.root).await, 1);
    assert!(!moved.exists());
    assert!(fixture.root.join("wt/precious.berth-removed/x").exists());
    assert!(fixture.root.join("wt/precious/x").exists());
    assert_eq!(sweep_removed(&fixture.root.join("missing")).await, 0);
}
