//! A user's changes of what an organization shares. Only the organization page needs them.
//!
//! The values of a row are made into texts here, which is how the page shows them.

use berth_protocol::tenant::{EntityKind, OrgTold, Resolution, ResolveChange, ToldRefused};
use berth_protocol::{MutationId, Timestamp};

use super::json::Json;
use super::read::{Read, Wrong, member, or_default, parsed, structs, words};
use super::write::{Object, Write};

/// A change as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownChange {
    /// Identifier.
    pub id: MutationId,
    /// What kind of row it changes.
    pub kind: EntityKind,
    /// What the row is called.
    pub name: Option<String>,
    /// What it does.
    pub deed: Deed,
    /// The fields that it sets, but for those in conflict.
    pub fields: Vec<String>,
    /// Where it stands.
    pub state: ChangeState,
    /// When it was first made.
    pub created_at: Timestamp,
}

/// What an organization does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownChanges {
    /// What its user has changed, the oldest first.
    pub changes: Vec<ShownChange>,
    /// What this machine tells by itself.
    pub told: OrgTold,
}

/// What a change does to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is new.
    Add,
    /// Fields of it get other values.
    Edit,
    /// It goes.
    Remove,
}

/// Where a change stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// It waits to be sent.
    Waiting,
    /// It was sent, and the answer has not come.
    Sending,
    /// The backend has it.
    Arrived,
    /// Somebody else has changed the same.
    Conflict {
        /// How.
        clash: Clash,
        /// The revision of the other side that is shown.
        rev: i64,
        /// Both sides of each field.
        sides: Vec<Sides>,
    },
    /// The backend refuses it.
    Refused {
        /// Why, by its code.
        code: String,
        /// More about it.
        reason: Option<String>,
    },
}

/// What somebody else has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Changed the row.
    Changed,
    /// Removed it.
    Deleted,
    /// Added it.
    Exists,
}

/// Both sides of a field. A side without a value is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The field.
    pub field: String,
    /// What this user wants.
    pub mine: String,
    /// What there is.
    pub theirs: String,
}

parsed!(MutationId);

words! {
    EntityKind {
        Organization = "organization", Policy = "policy", Prompt = "prompt",
        McpConfiguration = "mcp_configuration", McpOauth = "mcp_oauth", Session = "session",
        Workspace = "workspace", ConsentText = "consent_text", Consent = "consent",
    }
}

structs! {
    OrgTold { waiting, refused }
    ShownChanges { changes, told }
    ToldRefused { kind, code, reason, count }
}

impl Read for ShownChange {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let change = json.get("change");
        let kind: EntityKind = member(change, "kind")?;
        let patch = change.get("patch");
        let is_new = || {
            let fixed = kind.fixed_fields().unwrap_or_default();
            fixed.iter().any(|field| *patch.get(field) != Json::Null)
        };
        let deletes: bool = member(change, "deletes")?;
        let deed = match deletes {
            true => Deed::Remove,
            false if is_new() => Deed::Add,
            false => Deed::Edit,
        };
        let state = state(change.get("state"), kind, deed, patch)?;
        let mut fields = written(kind, patch);
        if let ChangeState::Conflict { sides, .. } = &state {
            fields.retain(|field| sides.iter().all(|side| side.field != *field));
        }
        Ok(Self {
            id: member(change, "id")?,
            kind,
            name: member(json, "name")?,
            deed,
            fields,
            state,
            created_at: member(change, "created_at")?,
        })
    }
}

fn state(
    json: &Json<'_>,
    kind: EntityKind,
    deed: Deed,
    patch: &Json<'_>,
) -> Result<ChangeState, Wrong> {
    Ok(match json.get("is").text().unwrap_or_default() {
        "pending" => ChangeState::Waiting,
        "sending" => ChangeState::Sending,
        "applied" => ChangeState::Arrived,
        "conflict" => {
            let server = json.get("server");
            let clash = match json.get("code").text() {
                Some("sync.deleted") => Clash::Deleted,
                Some("sync.exists") => Clash::Exists,
                _ => Clash::Changed,
            };
            let mut fields: Vec<String> = or_default(json, "fields")?;
            // It is about the row as a whole.
            if fields.is_empty() {
                fields = match deed {
                    Deed::Remove => written(kind, server),
                    Deed::Add | Deed::Edit => written(kind, patch),
                };
            }
            let sides = fields.into_iter().map(|field| Sides {
                mine: value(patch.get(&field)),
                theirs: value(server.get(&field)),
                field,
            });
            ChangeState::Conflict {
                clash,
                rev: member(json, "server_rev")?,
                sides: sides.collect(),
            }
        }
        "parked" => ChangeState::Refused {
            code: member(json, "code")?,
            reason: member(json, "reason")?,
        },
        _ => return Err("is"),
    })
}

/// The fields of a row, or of a part of it, that can be changed and have a value.
fn written(kind: EntityKind, row: &Json<'_>) -> Vec<String> {
    let all = kind.writable_fields().iter();
    all.filter(|field| *row.get(field) != Json::Null)
        .map(|field| (*field).to_owned())
        .collect()
}

fn value(json: &Json<'_>) -> String {
    match json {
        Json::Null => String::new(),
        Json::Text(text) => text.to_string(),
        other => other.pretty(),
    }
}

impl Write for ResolveChange {
    fn write(&self) -> String {
        let Self { seen_rev, choice } = self;
        let choice = match choice {
            Resolution::KeepMine => "keep_mine",
            Resolution::KeepTheirs => "keep_theirs",
            Resolution::KeepBoth => "keep_both",
        };
        Object::new()
            .json("seen_rev", &seen_rev.to_string())
            .text("choice", choice)
            .end()
    }
}

#[cfg(test)]
#[path = "org_changes_tests.rs"]
mod tests;
