//! Real repositories in a temporary folder, with no setting of the machine's user.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use berth_protocol::SessionId;
use tempfile::TempDir;

use crate::{CreateWorktree, Git, SessionWorktree, Worktree};

pub(crate) const SESSION: SessionId = SessionId(uuid::Uuid::from_u128(7));

pub(crate) struct Fixture {
    _folder: TempDir,
    /// An empty folder, with symbolic links resolved.
    pub(crate) root: PathBuf,
    /// A repository with one commit on `main`, of the files `a.txt` and `sub/b.txt`.
    pub(crate) repo: PathBuf,
    pub(crate) git: Git,
    env: Vec<(String, String)>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let config = root.join("gitconfig");
        fs::write(
            &config,
            "[user]\nname = Test\nemail = test@localhost\n[init]\ndefaultBranch = main\n\
             [protocol \"file\"]\nallow = always\n",
        )
        .unwrap();
        let env = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ("HOME".to_owned(), root.to_str().unwrap().to_owned()),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
            (
                "GIT_CONFIG_GLOBAL".to_owned(),
                config.to_str().unwrap().to_owned(),
            ),
        ];
        let git = Git::find(None).unwrap().with_env(env.clone());
        let repo = root.join("repo");
        let fixture = Self {
            _folder: folder,
            root,
            repo: repo.clone(),
            git,
            env,
        };
        fixture.init(&repo);
        fixture.write("repo/a.txt", "one\ntwo\n");
        fixture.write("repo/sub/b.txt", "b\n");
        fixture.commit(&repo, "First");
        fixture
    }

    pub(crate) fn init(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        self.run(folder, ["init", "--quiet"]);
    }

    /// Writes a file below the root, with the folders above it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything, and returns the hash.
    pub(crate) fn commit(&self, folder: &Path, message: &str) -> String {
        self.run(folder, ["add", "--all"]);
        self.run(
            folder,
            ["commit", "--quiet", "--allow-empty", "-m", message],
        );
        self.run(folder, ["rev-parse", "HEAD"])
    }

    /// Runs git, which must succeed, and returns what it printed.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> String {
        let output = self.try_run(folder, args);
        assert!(output.status.success(), "git failed: {output:?}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    pub(crate) fn try_run<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Output {
        Command::new(self.git.program())
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(folder)
            .args(args)
            .output()
            .unwrap()
    }

    /// All refs with their hashes, and all worktrees.
    pub(crate) fn refs_and_worktrees(&self) -> String {
        let refs = self.run(&self.repo, ["for-each-ref"]);
        let worktrees = self.run(&self.repo, ["worktree", "list"]);
        format!("{refs}\n{worktrees}")
    }

    /// [`Self::refs_and_worktrees`], and what is in the root folder.
    pub(crate) fn state(&self) -> String {
        let known = self.refs_and_worktrees();
        let mut names: Vec<_> = fs::read_dir(&self.root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        format!("{known}\n{names:?}")
    }

    /// A worktree of a session on the branch `work`, at `wt/work`.
    pub(crate) async fn worktree(&self) -> Worktree {
        self.git
            .create_worktree(CreateWorktree {
                repo: &self.repo,
                path: &self.root.join("wt/work"),
                branch: Some("work"),
                slug_from: "",
                base: None,
                session: SESSION,
            })
            .await
            .unwrap()
    }

    pub(crate) fn session<'a>(&'a self, worktree: &'a Worktree) -> SessionWorktree<'a> {
        SessionWorktree {
            repo: &self.repo,
            path: &worktree.path,
            branch: &worktree.branch,
            session: SESSION,
        }
    }
}
