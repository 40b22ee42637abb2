//! The bodies of the backend's functions, and what of them is not believed.

use berth_protocol::{AuditEvent, tenant::Tenant};
use berth_store::{Outgoing, Page, PulledChange, PushOutcome, PushVerdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::RemoteError;

/// Most changes in a push.
pub(super) const PUSH_CHANGES: u32 = 50;

/// Most bytes in a push as the backend counts them: 256 KiB, less what the envelope may take.
pub(super) const PUSH_BYTES: usize = 256 * 1024 - 1024;

/// Most audit events at once: half of what the backend takes, so that the size is no concern for usual ones.
pub(super) const AUDIT_EVENTS: u32 = 100;

/// Most bytes of audit events at once: 1 MiB, less what the envelope may take.
const AUDIT_BYTES: usize = 1024 * 1024 - 16 * 1024;

/// Most bytes of the details of an audit event that the backend keeps.
const DETAILS_BYTES: usize = 8192;

/// Longest word for a kind of row.
const KIND_CHARS: usize = 64;

/// Words that audit events begin with when the backend itself has seen what they tell. An event of this machine
/// that begins so is sent under `device.`.
const OF_THE_BACKEND: [&str; 7] = [
    "organization",
    "membership",
    "invitation",
    "policy",
    "erasure",
    "audit",
    "consent_text",
];

/// Answer of `sync_head`.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) rev: i64,
    pub(super) token: String,
    pub(super) schema: u32,
}

/// Answer of `sync_pull`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Pulled {
    Page {
        rev: i64,
        token: String,
        more: bool,
        changes: Vec<WireChange>,
    },
    Reset {
        reset: bool,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct WireChange {
    kind: String,
    id: Uuid,
    rev: i64,
    deleted: bool,
    row: Map<String, Value>,
}

/// One of the answers of `sync_push`.
#[derive(Debug, Deserialize)]
pub(super) struct Pushed {
    id: Uuid,
    status: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    rev: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    server: Option<Map<String, Value>>,
    #[serde(default)]
    constraint: Option<String>,
}

/// One of the answers of `audit_append`.
#[derive(Debug, Deserialize)]
pub(super) struct Appended {
    pub(super) id: Uuid,
    pub(super) status: String,
    #[serde(default)]
    pub(super) code: Option<String>,
}

/// What a pull has brought.
#[derive(Debug)]
pub(super) enum Answer {
    Page(Page),
    Reset,
}

fn wrong(function: &'static str, why: impl Into<String>) -> RemoteError {
    RemoteError::NotUnderstood {
        function,
        why: why.into(),
    }
}

/// Believes an answer of `sync_pull` as far as it is possible.
pub(super) fn pulled(since: i64, answer: Pulled) -> Result<Answer, RemoteError> {
    const PULL: &str = "sync_pull";
    let (rev, token, more, changes) = match answer {
        Pulled::Reset { reset: true } => return Ok(Answer::Reset),
        Pulled::Reset { reset: false } => return Err(wrong(PULL, "it is neither page nor reset")),
        Pulled::Page {
            rev,
            token,
            more,
            changes,
        } => (rev, token, more, changes),
    };
    if rev < since {
        return Err(wrong(PULL, format!("revision {rev} is before {since}")));
    }
    // Else this would go on for ever.
    if more && rev == since {
        return Err(wrong(PULL, "there is more, and it does not move on"));
    }
    let mut page = Vec::with_capacity(changes.len());
    for change in changes {
        if change.rev <= since || change.rev > rev {
            return Err(wrong(
                PULL,
                format!(
                    "a change of revision {} is not between {since} and {rev}",
                    change.rev
                ),
            ));
        }
        if change.kind.is_empty() || change.kind.chars().count() > KIND_CHARS {
            return Err(wrong(PULL, "the kind of a change is no word"));
        }
        page.push(PulledChange {
            kind: change.kind,
            id: change.id,
            rev: change.rev,
            is_deleted: change.deleted,
            row: Value::Object(change.row),
        });
    }
    Ok(Answer::Page(Page {
        since,
        rev,
        token,
        is_last: !more,
        changes: page,
    }))
}

/// A change as the backend takes it. The same change is always the same JSON.
pub(super) fn mutation(change: &Outgoing) -> Value {
    let mut mutation = json!({
        "id": change.id,
        "kind": change.kind,
        "op": if change.deletes { "delete" } else { "upsert" },
        "entity_id": change.entity_id,
    });
    if let Some(base) = change.base_rev {
        mutation["base_rev"] = json!(base);
    }
    if !change.deletes {
        mutation["patch"] = change.patch.clone();
        // Left out where it says nothing: what an earlier version has sent is the same when it is sent again.
        if change.edits > 1 {
            mutation["edits"] = json!(change.edits);
        }
    }
    mutation
}

/// Answers of `sync_push` to these changes: one for each, in any order.
pub(super) fn pushed(
    sent: &[Outgoing],
    answers: Vec<Pushed>,
) -> Result<Vec<PushOutcome>, RemoteError> {
    const PUSH: &str = "sync_push";
    let mut outcomes = Vec::with_capacity(sent.len());
    for answer in answers {
        let Some(change) = sent.iter().find(|change| change.id.0 == answer.id) else {
            return Err(wrong(PUSH, "an answer is to another change"));
        };
        let code = answer.code.unwrap_or_default();
        let verdict = match (answer.status.as_str(), answer.rev, answer.server) {
            ("applied", Some(rev), _) => PushVerdict::Applied { rev },
            ("conflict", _, Some(mut server)) => {
                let Some(rev) = server.get("rev").and_then(Value::as_i64) else {
                    return Err(wrong(PUSH, "the row of a conflict has no revision"));
                };
                let is_deleted = server.remove("deleted_at").is_some_and(|at| !at.is_null());
                // A pull does not say it either.
                server.remove("org_id");
                PushVerdict::Conflict {
                    code,
                    fields: answer.fields,
                    server: Value::Object(server),
                    rev,
                    is_deleted,
                }
            }
            ("rejected", ..) if !code.is_empty() => PushVerdict::Rejected {
                code,
                reason: answer.constraint,
            },
            _ => return Err(wrong(PUSH, "what became of a change is not said")),
        };
        outcomes.push(PushOutcome {
            id: change.id,
            verdict,
        });
    }
    if outcomes.len() != sent.len() {
        return Err(wrong(PUSH, "not every change has one answer"));
    }
    Ok(outcomes)
}

/// The audit events of a batch as the backend takes them, as many of them as fit.
pub(super) fn audit_batch(device: Uuid, tenant: Tenant, events: &[AuditEvent]) -> Vec<Value> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    for event in events {
        let event = audit_event(device, tenant, event);
        bytes += stored_bytes(&event) + 2;
        if bytes > AUDIT_BYTES && !batch.is_empty() {
            break;
        }
        batch.push(event);
    }
    batch
}

/// An audit event as the backend takes it. Its identifier follows from the event, so that it is the same however
/// often it is sent.
fn audit_event(device: Uuid, tenant: Tenant, event: &AuditEvent) -> Value {
    let digest = Sha256::new()
        .chain_update(device.as_bytes())
        .chain_update(tenant.org.0.as_bytes())
        .chain_update(tenant.user.0.as_bytes())
        .chain_update(event.seq.to_be_bytes())
        .chain_update(&event.hash)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    let begin = event.action.split('.').next().unwrap_or_default();
    let action = match OF_THE_BACKEND.contains(&begin) {
        true => format!("device.{}", event.action),
        false => event.action.clone(),
    };
    let mut details = event.details.clone();
    if let Some(details) = details.as_object_mut() {
        // The backend knows who sends it, and keeps people apart from what they have done.
        details.remove("user_id");
        if event.action == "session.uploaded" {
            // What somebody called a file may name people; size and hash say which file it was.
            details.remove("name");
        }
    }
    let details = match stored_bytes(&details) {
        few if few <= DETAILS_BYTES => details,
        // The event itself is not lost, and its hash says what the whole was.
        many => json!({"omitted_bytes": many}),
    };
    json!({
        "id": id,
        "seq": event.seq,
        "at": event.at.as_millisecond(),
        "action": action,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "session_id": event.session_id,
        "details": details,
        "hash": event.hash,
    })
}

/// How long a value is as the database writes it: with a space behind each comma and colon.
pub(super) fn stored_bytes(value: &Value) -> usize {
    match value {
        Value::Array(items) => {
            let inside: usize = items.iter().map(|item| stored_bytes(item) + 2).sum();
            2 + inside.saturating_sub(2)
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                Value::from(name.as_str()).to_string().len() + 2 + stored_bytes(value) + 2
            };
            let inside: usize = fields.iter().map(field).sum();
            2 + inside.saturating_sub(2)
        }
        other => other.to_string().len(),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
