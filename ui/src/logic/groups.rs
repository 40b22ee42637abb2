//! The sidebar's groups: what needs the user first, then what runs, then the rest.

use berth_protocol::{Session, SessionId, Status};

use crate::logic::case::lower;
use crate::logic::order::sorted;

/// A group of the sidebar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// An approval or a question is open.
    NeedsYou,
    /// The agent works.
    Running,
    /// The agent waits for a message, or has ended.
    Idle,
    /// Put away.
    Archived,
}

impl Group {
    /// All groups, from top to bottom.
    pub const ALL: [Self; 4] = [Self::NeedsYou, Self::Running, Self::Idle, Self::Archived];

    /// The group of a session.
    pub fn of(session: &Session) -> Self {
        if session.archived_at.is_some() {
            return Self::Archived;
        }
        match session.status {
            Status::NeedsAttention { .. } => Self::NeedsYou,
            Status::Starting | Status::Running => Self::Running,
            Status::Waiting | Status::Exited { .. } | Status::Failed { .. } => Self::Idle,
        }
    }
}

/// The sessions of one group whose title, branch or agent answers `query`, in the order of the
/// sidebar: live ones before ended ones, then the newest first.
pub fn members(sessions: &[Session], group: Group, query: &str) -> Vec<SessionId> {
    let query = lower(query.trim());
    let answers = |session: &Session| {
        query.is_empty()
            || [
                Some(session.title.as_str()),
                session.workspace.branch.as_deref(),
                Some(session.agent.as_str()),
            ]
            .into_iter()
            .flatten()
            .any(|text| lower(text).contains(&query))
    };
    let found: Vec<_> = sessions
        .iter()
        .filter(|session| Group::of(session) == group && answers(session))
        .collect();
    let rank = |session: &Session| {
        (
            !session.status.is_live(),
            std::cmp::Reverse(session.created_at),
            session.id,
        )
    };
    sorted(found, |a, b| rank(a).cmp(&rank(b)))
        .into_iter()
        .map(|session| session.id)
        .collect()
}

/// All sessions that are not archived, in the order of the sidebar: what ⌘1 to ⌘9 choose from.
pub fn in_order(sessions: &[Session]) -> Vec<SessionId> {
    [Group::NeedsYou, Group::Running, Group::Idle]
        .into_iter()
        .flat_map(|group| members(sessions, group, ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u8, title: &str, status: &str, archived: bool) -> Session {
        let mut value = serde_json::json!({
            "id": format!("01890a5d-ac96-774b-bcce-b302099a80{n:02}"),
            "project_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "agent": "claude", "title": title,
            "workspace": {"kind": "worktree", "path": "/w", "branch": format!("berth/{title}"), "base": null, "base_commit": null},
            "transport": "pty", "permission_mode": null, "command": null, "size": {"rows": 2, "cols": 2}, "run": 1,
            "changes": null, "created_at": format!("2026-01-01T00:00:{n:02}Z"), "updated_at": "2026-01-01T00:00:00Z",
            "ended_at": null, "archived_at": archived.then_some("2026-01-01T00:00:00Z"),
        });
        let status: serde_json::Value = serde_json::from_str(status).unwrap();
        value
            .as_object_mut()
            .unwrap()
            .extend(status.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_needs_the_user_stands_first_and_what_is_archived_nowhere() {
        let sessions = [
            session(
                1,
                "old",
                r#"{"status":"exited","code":0,"signal":null}"#,
                false,
            ),
            session(2, "calm", r#"{"status":"waiting"}"#, false),
            session(
                3,
                "gone",
                r#"{"status":"exited","code":0,"signal":null}"#,
                true,
            ),
            session(4, "busy", r#"{"status":"running"}"#, false),
            session(
                5,
                "asks",
                r#"{"status":"needs_attention","attention":{"id":"1","question":"May I?","options":[]}}"#,
                false,
            ),
            session(
                6,
                "ended",
                r#"{"status":"exited","code":1,"signal":null}"#,
                false,
            ),
        ];
        let titles: Vec<_> = in_order(&sessions)
            .into_iter()
            .map(|id| sessions.iter().find(|s| s.id == id).unwrap().title.as_str())
            .collect();
        assert_eq!(titles, ["asks", "busy", "calm", "ended", "old"]);
        assert_eq!(members(&sessions, Group::Archived, "GO").len(), 1);
        assert_eq!(members(&sessions, Group::Idle, "berth/calm").len(), 1);
    }
}
