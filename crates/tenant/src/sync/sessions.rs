//! The sessions of an organization, as its backend gives them: admins those of all, others their own.

use berth_protocol::{
    OrganizationId, Secret, Timestamp, Transport, UserId,
    tenant::{OrgSessionPhase, OrgWorkspaceKind},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Remote, RemoteError};

const FUNCTION: &str = "session_list";

/// Where a page of sessions begins: behind the one that began at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPlace {
    /// When it began.
    pub started_at: Timestamp,
    /// Which one it is.
    pub id: Uuid,
}

/// Which sessions; all of them where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Those of this person.
    pub person: Option<UserId>,
    /// Those that run, or those that do not.
    pub running: Option<bool>,
}

/// A session as the backend has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionRow {
    /// Identifier.
    pub id: Uuid,
    org_id: OrganizationId,
    /// Whose.
    pub user_id: UserId,
    /// Their name; empty or absent when it is not known.
    pub display_name: Option<String>,
    /// Their address; empty or absent when it is not known.
    pub email: Option<String>,
    /// The machine.
    pub device_id: Uuid,
    /// The kind of agent.
    pub agent: String,
    /// How the engine talks with it.
    pub transport: Transport,
    /// The permission mode that it was started with.
    pub permission_mode: Option<String>,
    /// Whether it runs.
    pub phase: OrgSessionPhase,
    /// The exit code of its program.
    pub exit_code: Option<i32>,
    /// The signal that has ended it.
    pub exit_signal: Option<String>,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// How often it was started.
    pub run: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
    /// Where it works; absent while that was not told.
    pub workspace: Option<OrgWorkspaceKind>,
    /// The branch of its workspace.
    pub branch: Option<String>,
    /// What that was asked to start from.
    pub base: Option<String>,
    /// The commit that its changes are compared with.
    pub base_commit: Option<String>,
    /// Files that differ from it, as far as they were counted.
    pub changed_files: Option<u32>,
    /// Lines that were added.
    pub added_lines: Option<u64>,
    /// Lines that were removed.
    pub removed_lines: Option<u64>,
}

impl SessionRow {
    /// Where the page behind it begins.
    pub fn place(&self) -> SessionPlace {
        SessionPlace {
            started_at: self.started_at,
            id: self.id,
        }
    }
}

impl Remote {
    /// A page of an organization's sessions that the caller may see, the newest first: those behind a place, at most
    /// `limit`.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn sessions(
        &self,
        token: &Secret,
        org: OrganizationId,
        filter: &SessionFilter,
        after: Option<SessionPlace>,
        limit: u32,
    ) -> Result<Vec<SessionRow>, RemoteError> {
        let arguments = json!({
            "org": org,
            "person": filter.person,
            "running": filter.running,
            "before": after.map(|place| place.started_at),
            "before_id": after.map(|place| place.id),
            "size": limit,
        });
        let rows = self.call(FUNCTION, token, &arguments).await?;
        believed(org, after, rows)
    }
}

/// Believes rows as far as it is possible: they are of this organization, and each is behind the one before it, or
/// paging would go on for ever.
fn believed(
    org: OrganizationId,
    after: Option<SessionPlace>,
    rows: Vec<SessionRow>,
) -> Result<Vec<SessionRow>, RemoteError> {
    let wrong = |why: &str| RemoteError::NotUnderstood {
        function: FUNCTION,
        why: why.to_owned(),
    };
    let mut last = after;
    for row in &rows {
        if row.org_id != org {
            return Err(wrong("a session is another organization's"));
        }
        let place = row.place();
        let is_behind =
            last.is_none_or(|last| (place.started_at, place.id) < (last.started_at, last.id));
        if !is_behind {
            return Err(wrong("the sessions are not in their order"));
        }
        last = Some(place);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value};

    use super::*;

    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(1));

    fn row(id: u128, started_at: &str) -> Value {
        json!({
            "id": Uuid::from_u128(id), "org_id": ORG, "user_id": Uuid::from_u128(9), "device_id": Uuid::from_u128(8),
            "agent": "shell", "transport": "pty", "phase": "live", "run": 1, "started_at": started_at,
        })
    }

    fn check(after: Option<SessionPlace>, rows: Vec<Value>) -> Result<usize, String> {
        let rows: Vec<SessionRow> = from_value(rows.into()).unwrap();
        let believed = believed(ORG, after, rows);
        believed
            .map(|rows| rows.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_that_does_not_lead_on_is_not_believed() {
        let (one, two) = ("2026-11-29T10:00:00Z", "2026-11-29T11:00:00Z");
        assert_eq!(
            check(None, vec![row(3, two), row(2, two), row(4, one)]),
            Ok(3)
        );
        assert!(check(None, vec![row(3, one), row(2, two)]).is_err());
        assert!(check(None, vec![row(3, one), row(3, one)]).is_err());
        let after = SessionPlace {
            started_at: one.parse().unwrap(),
            id: Uuid::from_u128(3),
        };
        assert!(check(Some(after), vec![row(3, one)]).is_err());
        assert_eq!(check(Some(after), vec![row(2, one)]), Ok(1));
    }

    #[test]
    fn a_session_of_another_organization_is_not_believed() {
        let mut foreign = row(1, "2026-11-29T10:00:00Z");
        foreign["org_id"] = json!(Uuid::from_u128(7));
        assert!(check(None, vec![foreign]).is_err());
    }
}
