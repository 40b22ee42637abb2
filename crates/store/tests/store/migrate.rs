//! A store of every earlier version opens and keeps what is in it.

use berth_protocol::{
    Code, Failure, OrganizationId, Role, UserId,
    tenant::{EntityKind, Tenant},
};
use berth_store::{
    ChainedEvent, FILE_NAME, GENESIS_HASH, Op, Phase, Process, Store, TenantEdit, event_hash,
};
use sqlx::{Connection, migrate::Migrator};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{assert_consistent, execute, raw};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/local");

/// What a store of version 1 held after a day of work. Later versions hold it too, so that each of
/// them is begun with.
const CONTENT: &str = "
INSERT INTO projects (id, path, name, created_at)
VALUES ('019a0000-0000-7000-8000-000000000001', '/work/app', 'app', 1700000000000);

INSERT INTO sessions (id, project_id, agent, title, phase, failure_code, failure_detail,
    workspace_kind, workspace_path, branch, base, base_commit, transport, permission_mode, command,
    rows, cols, run, pid, pid_started_at, agent_session, changed_files, added_lines, removed_lines,
    created_at, updated_at, ended_at, archived_at, archive_commit)
VALUES
    ('019a0000-0000-7000-8000-000000000002', '019a0000-0000-7000-8000-000000000001', 'claude',
     'Lives', 'live', NULL, NULL, 'worktree', '/data/workspaces/app/1', 'lives', 'main', '0f3a',
     'pty', 'plan', NULL, 40, 120, 2, 4242, 1700000000, 'abc', 3, 10, 4,
     1700000000001, 1700000000002, NULL, NULL, NULL),
    ('019a0000-0000-7000-8000-000000000003', '019a0000-0000-7000-8000-000000000001', 'custom',
     'Is archived', 'failed', 'session.engine_lost', 'gone', 'in_place', '/work/app', NULL, NULL, NULL,
     'pty', NULL, '[\"my agent\",\"--flag\"]', 40, 120, 1, NULL, NULL, NULL, NULL, NULL, NULL,
     1700000000003, 1700000000004, 1700000000005, 1700000000006, 'beef');

INSERT INTO messages (id, session_id, seq, role, content, at, run)
VALUES
    ('019a0000-0000-7000-8000-000000000004', '019a0000-0000-7000-8000-000000000002', 1, 'user',
     'Hello 🦀', 1700000000007, 1),
    ('019a0000-0000-7000-8000-000000000005', '019a0000-0000-7000-8000-000000000002', 2, 'agent',
     'Good day', 1700000000008, 2);

INSERT INTO settings (key, value) VALUES ('theme', 'dark');
";

/// The first version that knows organizations.
const TENANTS: i64 = 14;

/// What it held of one: a prompt that was sent with an edit of its user, whose answer has not come, and an edit that
/// waits behind it.
const SHARED: &str = r#"
INSERT INTO organizations (org_id, user_id, url, name, role, rev, token, staged_rev, added_at)
VALUES ('019a0000-0000-7000-8000-0000000000a1', '019a0000-0000-7000-8000-0000000000a2', 'https://example.org/rest/v1',
    'acme', 'admin', 5, '1.1.0', NULL, 1700000000000);
INSERT INTO replica_rows (org_id, user_id, staged, kind, entity_id, rev, row)
VALUES ('019a0000-0000-7000-8000-0000000000a1', '019a0000-0000-7000-8000-0000000000a2', 0, 'prompt',
    '019a0000-0000-7000-8000-0000000000a3', 5, '{"name":"rules","content":"words","version":1}');
INSERT INTO mutations (id, org_id, user_id, kind, entity_id, op, base_rev, patch, state, created_at)
VALUES
    ('019a0000-0000-7000-8000-0000000000a4', '019a0000-0000-7000-8000-0000000000a1',
     '019a0000-0000-7000-8000-0000000000a2', 'prompt', '019a0000-0000-7000-8000-0000000000a3', 'upsert', 5,
     '{"content":"second"}', 'sending', 1700000000001),
    ('019a0000-0000-7000-8000-0000000000a5', '019a0000-0000-7000-8000-0000000000a1',
     '019a0000-0000-7000-8000-0000000000a2', 'prompt', '019a0000-0000-7000-8000-0000000000a3', 'upsert', 5,
     '{"content":"third"}', 'pending', 1700000000002);
"#;

/// What goes with the audit event that is written between the two.
const AFTER: &str = "
UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit_events);

INSERT INTO outbox (entity_kind, entity_id, op, payload, created_at)
VALUES ('project', '019a0000-0000-7000-8000-000000000001', 'upsert', '{}', 1700000000000);
";

/// A store file as the program of this version left it.
async fn of_version(version: i64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, "").unwrap();
    let mut conn = raw(&path).await;
    MIGRATOR.run_to(version, &mut conn).await.unwrap();
    execute(&mut conn, CONTENT).await;
    let event = ChainedEvent {
        seq: 1,
        at: 1_700_000_000_000,
        action: "project.created",
        subject_kind: "project",
        subject_id: "019a0000-0000-7000-8000-000000000001",
        details: r#"{"name_chars":3}"#,
    };
    sqlx::query("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(event.seq)
        .bind(event.at)
        .bind(event.action)
        .bind(event.subject_kind)
        .bind(event.subject_id)
        .bind(event.details)
        .bind(GENESIS_HASH)
        .bind(event_hash(GENESIS_HASH, &event))
        .execute(&mut conn)
        .await
        .unwrap();
    execute(&mut conn, AFTER).await;
    if version >= TENANTS {
        execute(&mut conn, SHARED).await;
    }
    conn.close().await.unwrap();
    folder
}

#[tokio::test]
async fn a_store_of_every_earlier_version_opens_and_keeps_its_content() {
    let newest = MIGRATOR.iter().map(|known| known.version).max().unwrap();
    assert!(newest >= 2, "there is an earlier version");
    for version in 1..=newest {
        let folder = of_version(version).await;
        let store = Store::open(folder.path()).await.unwrap();
        assert_eq!(store.schema_version(), newest);
        let verified = store.verify_audit().await.unwrap();
        assert!(verified.valid, "version {version}: {verified:?}");

        let projects = store.projects().await.unwrap();
        assert_eq!(projects.len(), 1);
        assert_eq!(projects[0].path, "/work/app");
        let sessions = store.sessions().await.unwrap();
        let [archived, live] = &sessions[..] else {
            panic!("version {version}: {sessions:?}");
        };
        assert_eq!((live.phase.clone(), live.run), (Phase::Live, 2));
        let process = Process {
            pid: 4242,
            started_at: 1_700_000_000,
        };
        assert_eq!(live.process, Some(process));
        assert_eq!(live.workspace.branch.as_deref(), Some("lives"));
        assert_eq!(live.changes.map(|changes| changes.added), Some(10));
        assert_eq!(live.undelivered, None);
        let failure = Failure {
            code: Code::EngineLost,
            detail: "gone".to_owned(),
        };
        assert_eq!(archived.phase, Phase::Failed(failure));
        assert_eq!(archived.archive_commit.as_deref(), Some("beef"));
        let command = ["my agent".to_owned(), "--flag".to_owned()];
        assert_eq!(archived.command.as_deref(), Some(&command[..]));

        let messages = store.messages(live.id, 0, 10).await.unwrap().messages;
        let said: Vec<_> = messages
            .iter()
            .map(|m| (m.role, m.content.as_str(), m.run))
            .collect();
        assert_eq!(
            said,
            [(Role::User, "Hello 🦀", 1), (Role::Agent, "Good day", 2)]
        );
        let theme = store.setting("theme").await.unwrap();
        assert_eq!(theme.as_deref(), Some("dark"));
        let waiting = store.outbox(0, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0].op, Op::Upsert);

        // And it is worked with as with a new one.
        let message = store.append_undelivered(live.id, "And?", 2).await.unwrap();
        let record = store.session(live.id).await.unwrap().unwrap();
        assert_eq!((message.seq, record.undelivered), (3, Some(message.id)));
        assert!(store.verify_audit().await.unwrap().valid);
        store.close().await;
    }
}

#[tokio::test]
async fn edits_that_waited_in_a_store_of_an_earlier_version_count_one_each() {
    let newest = MIGRATOR.iter().map(|known| known.version).max().unwrap();
    let known =
        |last: u8| Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0000 | u128::from(last));
    let tenant = Tenant {
        org: OrganizationId(known(0xa1)),
        user: UserId(known(0xa2)),
    };
    let id = known(0xa3);
    for version in TENANTS..=newest {
        let folder = of_version(version).await;
        let store = Store::open(folder.path()).await.unwrap();
        let seen = store.tenant_row(tenant, "prompt", id).await.unwrap();
        let seen = seen.unwrap();
        assert_eq!(seen.row["content"], "third", "version {version}");
        assert_eq!((seen.edits.len(), seen.ahead), (2, 2));
        let sent = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
        let sent: Vec<_> = sent.iter().map(|it| (it.id.0, it.edits)).collect();
        assert_eq!(sent, [(known(0xa4), 1)], "it is sent again as it was");

        // And it is worked with as with a new one.
        let edit = TenantEdit::Change {
            kind: EntityKind::Prompt,
            id,
            fields: serde_json::json!({"content": "fourth"}),
        };
        store.edit_tenant(tenant, edit).await.unwrap();
        let seen = store.tenant_row(tenant, "prompt", id).await.unwrap();
        let seen = seen.unwrap();
        assert_eq!((seen.edits.len(), seen.ahead), (2, 3));
        store.close().await;
    }
}

#[tokio::test]
async fn a_store_that_is_brought_up_to_date_is_a_new_one() {
    let shape = async |folder: &TempDir| -> Vec<(String, String)> {
        let mut conn = raw(&folder.path().join(FILE_NAME)).await;
        sqlx::query_as(
            "SELECT name, COALESCE(sql, '') FROM sqlite_schema
             WHERE name NOT LIKE 'sqlite%' ORDER BY name",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap()
    };
    let new = tempfile::tempdir().unwrap();
    let store = Store::open(new.path()).await.unwrap();
    assert_consistent(&store).await;
    store.close().await;
    let old = of_version(1).await;
    Store::open(old.path()).await.unwrap().close().await;
    assert_eq!(shape(&old).await, shape(&new).await);
}
