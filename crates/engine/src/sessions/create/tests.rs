use std::{path::PathBuf, process::Command, time::Duration};

use berth_protocol::{Endpoint, OrganizationId, ProjectId, UserId};
use berth_session::{environment::Environment, process::Family};
use berth_store::Store;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::*;
use crate::{Config, endpoint};

/// An engine without its API, and a project with a commit.
struct Stage {
    folder: TempDir,
    state: Arc<State>,
    repository: PathBuf,
    project: ProjectId,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        endpoint::prepare_folder(&data_dir).unwrap();
        let mut config = Config::new(data_dir.clone());
        config.environment = Some(Environment::own("a test", None));
        config.grace = Duration::from_millis(200);
        let store = Store::open(&data_dir.join("berth.db")).await.unwrap();
        let endpoint = Endpoint {
            url: "http://127.0.0.1:1".to_owned(),
            token: String::new(),
            pid: std::process::id(),
            version: crate::VERSION.to_owned(),
        };
        let repository = folder.path().join("project");
        std::fs::create_dir(&repository).unwrap();
        let repository = repository.canonicalize().unwrap();
        let project = store
            .create_project(repository.to_str().unwrap(), "project")
            .await
            .unwrap();
        let stage = Self {
            state: State::new(config, store, endpoint).unwrap(),
            folder,
            repository,
            project: project.id,
        };
        stage.git(&["init", "--quiet", "--initial-branch=main"]);
        stage.git(&["commit", "--quiet", "--allow-empty", "-m", "First"]);
        stage
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@localhost"])
            .args(arguments)
            .current_dir(&self.repository)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All branches and worktrees.
    fn state_of_git(&self) -> String {
        self.git(&["for-each-ref"]) + &self.git(&["worktree", "list"])
    }

    /// Changes the store past its own rules.
    async fn execute(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.state.store.path());
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }

    /// A session in a worktree whose program, asked to end, takes its time and then tells in a
    /// file whether its worktree is still there.
    fn request(&self, told: &Path) -> CreateSession {
        let script = "trap 'sleep 0.1; test -e .git && echo there > \"$0\" || echo gone > \"$0\"; \
                      exit' HUP TERM; while :; do sleep 0.01; done";
        let told = told.to_str().unwrap();
        let command = ["bash", "-c", script, told].map(str::to_owned).to_vec();
        CreateSession {
            project_id: self.project,
            agent: "custom".parse().unwrap(),
            message: Some("Hello".to_owned()),
            title: None,
            workspace: None,
            transport: None,
            permission_mode: None,
            command: Some(command),
            router: None,
            size: None,
            instructions: None,
            mcp_servers: Vec::new(),
        }
    }

    /// The sessions that were ever recorded.
    async fn recorded(&self) -> Vec<SessionId> {
        let events = self.state.store.audit(0, 1000).await.unwrap().events;
        events
            .iter()
            .filter(|event| event.action == "session.created")
            .map(|event| event.subject_id.parse().unwrap())
            .collect()
    }
}

#[tokio::test]
async fn a_program_that_could_not_be_recorded_has_ended_before_its_worktree_goes() {
    let stage = Stage::new().await;
    let before = stage.state_of_git();
    stage
        .execute(
            // It takes its time, so that the program is there when it is asked to end.
            "CREATE TRIGGER no_process BEFORE UPDATE OF pid ON sessions
             WHEN NEW.pid IS NOT NULL AND length(hex(randomblob(40000000))) > 0
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    let told = stage.folder.path().join("told");
    let error = create(&stage.state, stage.request(&told)).await;
    assert_eq!(error.unwrap_err().0.status, 500);
    let [id] = stage.recorded().await[..] else {
        panic!("it was recorded once");
    };
    let family = Family {
        session: id,
        leader: None,
        servers: false,
    };
    assert_eq!(stage.state.reaper.members(family).await, [].into());
    // A program that was asked to end before it could listen tells nothing.
    if let Ok(told) = std::fs::read_to_string(told) {
        assert_eq!(told, "there\n");
    }
    assert_eq!(stage.state_of_git(), before);
    assert_eq!(stage.state.store.session(id).await.unwrap(), None);
    assert_eq!(stage.state.store.unfinished_workspaces().await.unwrap(), []);
}

#[tokio::test]
async fn a_session_that_could_not_be_recorded_leaves_no_worktree() {
    let stage = Stage::new().await;
    let before = stage.state_of_git();
    stage
        .execute(
            "CREATE TRIGGER no_session BEFORE INSERT ON sessions
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    let told = stage.folder.path().join("told");
    let error = create(&stage.state, stage.request(&told)).await;
    assert_eq!(error.unwrap_err().0.status, 500);
    assert_eq!(stage.state_of_git(), before);
    assert_eq!(stage.state.store.unfinished_workspaces().await.unwrap(), []);
}

#[tokio::test]
async fn a_session_whose_worktree_cannot_be_removed_stays_to_be_seen() {
    let stage = Stage::new().await;
    stage
        .execute(
            "CREATE TRIGGER no_message BEFORE INSERT ON messages
             BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    // A lock of git's that nobody releases.
    let refuse = "#!/bin/sh\ntouch \"$(git rev-parse --git-common-dir)/packed-refs.lock\"\n";
    let hook = stage.repository.join(".git/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, refuse).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, executable).unwrap();
    let told = stage.folder.path().join("told");
    let error = create(&stage.state, stage.request(&told)).await;
    assert_eq!(error.unwrap_err().0.status, 500);
    let left = stage.state.store.sessions().await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(matches!(left[0].phase, Phase::Failed(_)), "{left:?}");
}

#[tokio::test]
async fn a_session_opens_no_gateway_under_another_organization_than_it_was_checked_with() {
    let stage = Stage::new().await;
    let told = stage.folder.path().join("told");
    let id = create(&stage.state, stage.request(&told)).await.unwrap().id;
    super::super::stop(&stage.state, id).await.unwrap();
    let record = stage.state.store.session(id).await.unwrap().unwrap();
    let spec = defined_agents::spec(&stage.state, &record.agent).unwrap();
    let left = Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
    };
    let refused = gateway::open(&stage.state, &record, &spec, Some(left)).await;
    assert_eq!(refused.err().unwrap().0.code, Code::OrganizationSwitched);
    let same = gateway::open(&stage.state, &record, &spec, None).await;
    assert!(same.is_ok());
}
