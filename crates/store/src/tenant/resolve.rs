//! What a user decides about a change that did not go through: how a conflict ends, and whether a refused change
//! is sent again or dropped. Nothing here happens by itself.

use berth_protocol::{
    MutationId,
    tenant::{EntityKind, Resolution, Tenant},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    edit::{again, insert},
    queue::{self, Queued, State, queued},
    settle::{Fields, join},
    view::{names, replica_row},
};
use crate::{
    Op, Store, StoreError,
    write::{Change, Subject, Write},
};

/// Longest name of a prompt, in characters; that of an MCP server is shorter.
const NAME_MAX: usize = 120;
const SERVER_NAME_MAX: usize = 64;

impl Store {
    /// Ends a conflict. `seen_rev` is the revision of the other side that the user has looked at. Gives the row that
    /// the user's change is about from here on, if it is kept.
    ///
    /// # Errors
    /// [`StoreError::MutationNotFound`] when there is no such conflict, [`StoreError::ConflictMoved`] when the other
    /// side is newer, [`StoreError::ChoiceImpossible`] when the kind of row, or a deletion, does not admit it, and
    /// [`StoreError::ToldFact`] for what this machine tells by itself.
    pub async fn resolve_conflict(
        &self,
        tenant: Tenant,
        id: MutationId,
        seen_rev: i64,
        choice: Resolution,
    ) -> Result<Option<Uuid>, StoreError> {
        let mut write = self.write("ending a conflict").await?;
        let edit = find_edit(&mut write, tenant, id).await?;
        let State::Conflict {
            code,
            server,
            server_rev,
            ..
        } = &edit.state
        else {
            write.abandon().await?;
            return Err(StoreError::MutationNotFound(id));
        };
        if *server_rev != seen_rev {
            let found = *server_rev;
            write.abandon().await?;
            return Err(StoreError::ConflictMoved { id, found });
        }
        let (kind, entity_id) = (edit.kind, edit.entity_id);
        let is_deleted = code == "sync.deleted";
        let kept = match choice {
            Resolution::KeepTheirs => {
                queue::remove(&mut write, id).await?;
                None
            }
            Resolution::KeepMine if is_deleted => {
                let row = whole(kind, server, &edit.patch).ok_or(StoreError::ChoiceImpossible {
                    kind,
                    choice: "keep mine",
                })?;
                queue::remove(&mut write, id).await?;
                Some(add_as_new(&mut write, tenant, kind, row).await?)
            }
            Resolution::KeepMine => {
                let mut patch = edit.patch.clone();
                // What is said once was said by the other side.
                patch.retain(|field, _| kind.writable_fields().contains(&field.as_str()));
                let mine = Queued {
                    id: queue::fresh(),
                    base_rev: Some(*server_rev),
                    patch,
                    state: State::Pending,
                    ..edit.clone()
                };
                queue::replace(&mut write, id, &mine).await?;
                Some(entity_id)
            }
            Resolution::KeepBoth => {
                let row = match kind.can_be_doubled() && !edit.deletes {
                    true => whole(kind, server, &edit.patch),
                    false => None,
                };
                let mut row = row.ok_or(StoreError::ChoiceImpossible {
                    kind,
                    choice: "keep both",
                })?;
                queue::remove(&mut write, id).await?;
                if !is_deleted {
                    let taken = names(&mut write, tenant, kind).await?;
                    let wanted = row.get("name").and_then(Value::as_str).unwrap_or_default();
                    let name = free_name(kind, wanted, &taken);
                    row.insert("name".to_owned(), Value::String(name));
                }
                Some(add_as_new(&mut write, tenant, kind, row).await?)
            }
        };
        write
            .commit(Change {
                action: "sync.resolved",
                subject: Subject::Tenant(kind, entity_id),
                details: json!({"choice": choice, "kept": kept, "org_id": tenant.org}),
                op: Op::Upsert,
                payload: json!({"org_id": tenant.org, "user_id": tenant.user}),
            })
            .await?;
        Ok(kept)
    }

    /// Sends a refused change again, as a new one: the backend remembers its answer to the first.
    ///
    /// # Errors
    /// [`StoreError::MutationNotFound`] when no such change is refused.
    pub async fn retry_parked(
        &self,
        tenant: Tenant,
        id: MutationId,
    ) -> Result<MutationId, StoreError> {
        let mut write = self.write("sending a refused change again").await?;
        let edit = parked(&mut write, tenant, id).await?;
        let replica = replica_row(&mut write, tenant, edit.kind.as_str(), edit.entity_id).await?;
        let edit = again(edit, replica.map(|(rev, _)| rev));
        queue::replace(&mut write, id, &edit).await?;
        write
            .commit(decided("sync.retried", tenant, &edit, Op::Upsert))
            .await?;
        Ok(edit.id)
    }

    /// Drops a change that the backend refuses, or that was never sent. What is seen is as if it had not been made.
    ///
    /// # Errors
    /// [`StoreError::MutationNotFound`] when there is no such change: one that may be on its way cannot be dropped,
    /// and one in conflict ends by a choice. [`StoreError::ToldFact`] for what this machine tells by itself: whoever is
    /// answered by it must get it, whatever a user here wants.
    pub async fn discard_change(&self, tenant: Tenant, id: MutationId) -> Result<(), StoreError> {
        let mut write = self.write("dropping a change").await?;
        let edit = find_edit(&mut write, tenant, id).await?;
        if !matches!(edit.state, State::Parked { .. } | State::Pending) {
            write.abandon().await?;
            return Err(StoreError::MutationNotFound(id));
        }
        queue::remove(&mut write, id).await?;
        write
            .commit(decided("sync.discarded", tenant, &edit, Op::Delete))
            .await
    }
}

pub(super) fn decided(action: &'static str, tenant: Tenant, edit: &Queued, op: Op) -> Change {
    Change {
        action,
        subject: Subject::Tenant(edit.kind, edit.entity_id),
        details: json!({"org_id": tenant.org}),
        op,
        payload: json!({"org_id": tenant.org, "user_id": tenant.user}),
    }
}

async fn find(write: &mut Write, tenant: Tenant, id: MutationId) -> Result<Queued, StoreError> {
    let query = sqlx::query("SELECT * FROM mutations WHERE org_id = ? AND user_id = ? AND id = ?")
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(id.to_string());
    match write.row(query).await? {
        Some(row) => queued(&row, write.doing()),
        None => Err(StoreError::MutationNotFound(id)),
    }
}

/// One that is the user's to decide about.
async fn find_edit(
    write: &mut Write,
    tenant: Tenant,
    id: MutationId,
) -> Result<Queued, StoreError> {
    let edit = find(write, tenant, id).await?;
    match edit.kind {
        kind if kind.is_told() => Err(StoreError::ToldFact { kind, id }),
        _ => Ok(edit),
    }
}

async fn parked(write: &mut Write, tenant: Tenant, id: MutationId) -> Result<Queued, StoreError> {
    let edit = find(write, tenant, id).await?;
    match edit.state {
        State::Parked { .. } => Ok(edit),
        _ => Err(StoreError::MutationNotFound(id)),
    }
}

async fn add_as_new(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    row: Fields,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    insert(write, tenant, kind, id, None, Some(row)).await?;
    Ok(id)
}

/// The fields of a new row that is the other side's with the user's values; nothing for a kind that is not added
/// to by clients.
fn whole(kind: EntityKind, server: &Value, patch: &Fields) -> Option<Fields> {
    let fixed = kind.fixed_fields()?;
    let mut row = join(server.as_object()?, patch);
    row.retain(|field, _| {
        fixed.contains(&field.as_str()) || kind.writable_fields().contains(&field.as_str())
    });
    Some(row)
}

/// A name like the wanted one that nothing of the kind has.
fn free_name(kind: EntityKind, wanted: &str, taken: &[String]) -> String {
    let is_server = kind == EntityKind::McpConfiguration;
    let longest = if is_server { SERVER_NAME_MAX } else { NAME_MAX };
    // Names of servers are compared without case.
    let is_taken = |name: &str| taken.iter().any(|it| it.eq_ignore_ascii_case(name));
    let numbered = |number: u32| {
        let end = match is_server {
            true => format!("-{number}"),
            false => format!(" ({number})"),
        };
        let room = longest.saturating_sub(end.len());
        let begin: String = wanted.chars().take(room).collect();
        format!("{begin}{end}")
    };
    let mut number = 2;
    while is_taken(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_name_is_one_that_nothing_has_and_the_backend_takes() {
        let taken = ["rules".to_owned(), "Rules (2)".to_owned()];
        assert_eq!(free_name(EntityKind::Prompt, "rules", &taken), "rules (3)");
        let long = "x".repeat(64);
        let name = free_name(EntityKind::McpConfiguration, &long, &[]);
        assert_eq!((name.len(), name.ends_with("x-2")), (64, true));
    }
}
