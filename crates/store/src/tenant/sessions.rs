//! What an organization is told of the sessions that run under it: that they began, how they ended, and where they
//! work. Titles and paths are not told: the first are words of the user, and the second are of their machine.

use berth_protocol::{
    SessionId,
    tenant::{EntityKind, Tenant},
};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{
    settle::Fields,
    told::{self, at_most, fields},
};
use crate::{
    Phase, SessionRecord, StoreError, columns::Columns, settings::installation, write::Write,
};

/// Longest texts that the backend takes, in characters.
const LONGEST_SIGNAL: usize = 32;
const LONGEST_CODE: usize = 64;
const LONGEST_MODE: usize = 64;
const LONGEST_REVISION: usize = 255;

/// How an organization knows a session.
struct Told {
    tenant: Tenant,
    session: Uuid,
    workspace: Uuid,
}

/// A run of a session begins under this organization, or under none: it is told from here on, and no other.
pub(crate) async fn begun(
    write: &mut Write,
    session: &SessionRecord,
    tenant: Option<Tenant>,
) -> Result<(), StoreError> {
    let id = session.id.to_string();
    let update = sqlx::query(
        "UPDATE session_tenants SET is_current = (org_id IS ?2 AND user_id IS ?3) WHERE session_id = ?1",
    )
    .bind(id.clone())
    .bind(tenant.map(|tenant| tenant.org.to_string()))
    .bind(tenant.map(|tenant| tenant.user.to_string()));
    write.execute(update).await?;
    let Some(tenant) = tenant else {
        return Ok(());
    };
    if current(write, session.id).await?.is_some() {
        return changed(write, session).await;
    }
    let told = Told {
        tenant,
        session: match session.run {
            1 => session.id.0,
            _ => Uuid::now_v7(),
        },
        workspace: Uuid::now_v7(),
    };
    // A membership that has ended meanwhile is told nothing.
    let insert = sqlx::query(
        "INSERT INTO session_tenants (session_id, org_id, user_id, entity_id, workspace_id, is_current)
         SELECT ?, org_id, user_id, ?, ?, 1 FROM organizations WHERE org_id = ? AND user_id = ?",
    )
    .bind(id)
    .bind(told.session.to_string())
    .bind(told.workspace.to_string())
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string());
    if write.execute(insert).await? == 0 {
        return Ok(());
    }
    let started_at = match session.run {
        1 => session.created_at,
        _ => session.updated_at,
    };
    let mut row = fields([
        ("device_id", json!(installation(write).await?)),
        ("agent", json!(session.agent)),
        ("transport", json!(session.transport)),
        ("started_at", json!(started_at)),
    ]);
    row.extend(of_session(session));
    told::add(write, tenant, EntityKind::Session, told.session, row).await?;
    let mut row = fields([
        ("session_id", json!(told.session)),
        ("kind", json!(session.workspace.kind)),
    ]);
    row.extend(of_workspace(session));
    told::add(write, tenant, EntityKind::Workspace, told.workspace, row).await
}

/// Tells the organization of a session's last run what has become of it, if it is another.
pub(crate) async fn changed(write: &mut Write, session: &SessionRecord) -> Result<(), StoreError> {
    let Some(told) = current(write, session.id).await? else {
        return Ok(());
    };
    let row = of_session(session);
    told::change(write, told.tenant, EntityKind::Session, told.session, row).await?;
    let row = of_workspace(session);
    let workspace = told.workspace;
    told::change(write, told.tenant, EntityKind::Workspace, workspace, row).await
}

/// Tells all organizations that know of a session that it is deleted, before it is.
pub(crate) async fn deleted(write: &mut Write, id: SessionId) -> Result<(), StoreError> {
    let query = sqlx::query("SELECT * FROM session_tenants WHERE session_id = ?");
    let rows = write.rows(query.bind(id.to_string())).await?;
    for row in rows {
        let told = told_of(&row, write.doing())?;
        let tenant = told.tenant;
        told::remove(write, tenant, EntityKind::Workspace, told.workspace).await?;
        told::remove(write, tenant, EntityKind::Session, told.session).await?;
    }
    Ok(())
}

async fn current(write: &mut Write, id: SessionId) -> Result<Option<Told>, StoreError> {
    let query =
        sqlx::query("SELECT * FROM session_tenants WHERE session_id = ? AND is_current = 1");
    let row = write.row(query.bind(id.to_string())).await?;
    row.map(|row| told_of(&row, write.doing())).transpose()
}

fn told_of(row: &SqliteRow, doing: &'static str) -> Result<Told, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(Told {
        tenant: Tenant {
            org: columns.parse("org_id")?,
            user: columns.parse("user_id")?,
        },
        session: columns.parse("entity_id")?,
        workspace: columns.parse("workspace_id")?,
    })
}

fn of_session(session: &SessionRecord) -> Fields {
    let (mut code, mut signal, mut failure) = (None, None, None);
    match &session.phase {
        Phase::Live => {}
        Phase::Exited {
            code: exit,
            signal: name,
        } => (code, signal) = (*exit, name.as_deref()),
        Phase::Failed(failed) => failure = Some(failed.code.as_str()),
    }
    let mode = session.permission_mode.as_deref();
    fields([
        ("phase", json!(session.phase.word())),
        ("exit_code", json!(code)),
        ("exit_signal", at_most(signal, LONGEST_SIGNAL)),
        ("failure_code", at_most(failure, LONGEST_CODE)),
        ("permission_mode", at_most(mode, LONGEST_MODE)),
        ("run", number(session.run)),
        ("ended_at", json!(session.ended_at)),
        ("archived_at", json!(session.archived_at)),
    ])
}

fn of_workspace(session: &SessionRecord) -> Fields {
    let workspace = &session.workspace;
    let commit = workspace.base_commit.as_deref();
    let is_hash = |text: &&str| {
        (40..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let changes = session.changes;
    let counted = |count: Option<u64>| count.map_or(Value::Null, number);
    fields([
        (
            "branch",
            at_most(workspace.branch.as_deref(), LONGEST_REVISION),
        ),
        ("base", at_most(workspace.base.as_deref(), LONGEST_REVISION)),
        ("base_commit", json!(commit.filter(is_hash))),
        ("changed_files", counted(changes.map(|it| it.files.into()))),
        ("added_lines", counted(changes.map(|it| it.added))),
        ("removed_lines", counted(changes.map(|it| it.removed))),
    ])
}

/// A count, as far as the backend's numbers of 32 bits go.
fn number(count: impl TryInto<i32>) -> Value {
    json!(count.try_into().unwrap_or(i32::MAX))
}
