//! What most tests begin with.

use std::{collections::BTreeMap, path::Path};

use berth_protocol::{ProjectId, SessionId, Size, Transport, Workspace, WorkspaceKind};
use berth_store::{GivenPrompt, NewSession, ProjectRecord, SessionRecord, Store};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

pub struct Fixture {
    pub folder: TempDir,
    pub store: Store,
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        Self { folder, store }
    }

    pub async fn with_session() -> (Self, ProjectRecord, SessionRecord) {
        let this = Self::new().await;
        let project = this.store.create_project("/work/app", "app").await.unwrap();
        let session = new_session(project.id);
        let session = this.store.create_session(session).await.unwrap();
        (this, project, session)
    }

    /// A connection past the store, as somebody who tampers with the file has it.
    pub async fn raw(&self) -> SqliteConnection {
        raw(self.store.path()).await
    }

    /// Closes the store and returns its folder.
    pub async fn closed(self) -> TempDir {
        self.store.close().await;
        self.folder
    }
}

pub async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

pub async fn execute(conn: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(conn).await.unwrap();
}

pub fn new_session(project_id: ProjectId) -> NewSession {
    NewSession {
        id: SessionId(Uuid::now_v7()),
        project_id,
        agent: "claude".parse().unwrap(),
        title: "Fix the login".to_owned(),
        workspace: Workspace {
            kind: WorkspaceKind::Worktree,
            path: "/work/app-1".to_owned(),
            branch: Some("berth/fix-the-login".to_owned()),
            base: None,
            base_commit: Some("0f3a".to_owned()),
        },
        transport: Transport::Pty,
        permission_mode: Some("plan".to_owned()),
        command: None,
        size: Size::DEFAULT,
        agent_session: None,
        instructions: None,
        mcp_servers: Vec::new(),
        router: None,
        prompt: GivenPrompt::default(),
        tenant: None,
    }
}

/// Every file of a folder with its bytes.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The chain is whole, and every state change has its audit event and its outbox entry. Notes have
/// no outbox entry; there must be none of them.
pub async fn assert_consistent(store: &Store) {
    let verified = store.verify_audit().await.unwrap();
    assert!(verified.valid, "{verified:?}");
    let mut conn = raw(store.path()).await;
    let differences: Vec<(String, String)> = sqlx::query_as(
        "WITH audit AS (SELECT ROW_NUMBER() OVER (ORDER BY seq) AS n, subject_kind AS kind,
                               subject_id AS id, at FROM audit_events),
              sent AS (SELECT ROW_NUMBER() OVER (ORDER BY id) AS n, entity_kind AS kind,
                              entity_id AS id, created_at AS at FROM outbox)
         SELECT COALESCE(a.id, 'none'), COALESCE(s.id, 'none')
         FROM audit a FULL JOIN sent s ON a.n = s.n
         WHERE a.kind IS NOT s.kind OR a.id IS NOT s.id OR a.at IS NOT s.at",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(differences, [], "audit and outbox tell different stories");
    let (messages, told): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM messages),
                (SELECT COUNT(*) FROM audit_events JOIN messages ON messages.id = subject_id
                 WHERE action = 'message.added')",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!(messages, told, "every message has its audit event");
}
