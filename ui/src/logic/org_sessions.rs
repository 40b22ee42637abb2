//! A session of an organization in words.

use berth_protocol::tenant::{OrgSession, OrgSessionPhase, OrgWorkspace, OrgWorkspaceKind};

use crate::logic::status::Tone;
use crate::strings::{fill, org_sessions};

/// How it stands.
pub fn standing(session: &OrgSession) -> String {
    let t = org_sessions();
    let how = match session.phase {
        OrgSessionPhase::Live => t.state_live.to_owned(),
        OrgSessionPhase::Exited => match (session.exit_code, &session.exit_signal) {
            (Some(code), _) => fill(t.state_code, &[&code.to_string()]),
            (None, Some(signal)) => fill(t.state_signal, &[signal]),
            (None, None) => t.state_exited.to_owned(),
        },
        OrgSessionPhase::Failed => match &session.failure_code {
            Some(code) => fill(t.state_failed_code, &[code]),
            None => t.state_failed.to_owned(),
        },
    };
    match session.archived_at {
        Some(_) => format!("{how}, {}", t.archived),
        None => how,
    }
}

/// The colour and shape of that.
pub fn tone(session: &OrgSession) -> Tone {
    match session.phase {
        OrgSessionPhase::Live => Tone::Running,
        OrgSessionPhase::Exited => Tone::Ended,
        OrgSessionPhase::Failed => Tone::Failed,
    }
}

/// Where it works: the branch, else what kind of folder it is.
pub fn place(workspace: &OrgWorkspace) -> String {
    let t = org_sessions();
    let kind = match workspace.kind {
        OrgWorkspaceKind::Worktree => t.worktree,
        OrgWorkspaceKind::InPlace => t.in_place,
        OrgWorkspaceKind::Server => t.server,
    };
    workspace.branch.clone().unwrap_or_else(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn session(more: &Value) -> OrgSession {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let mut session = json!({
            "id": id, "device_id": id, "person": {"user": id, "name": "", "email": "", "is_you": false},
            "is_here": false, "agent": "shell", "transport": "pty", "phase": "live", "run": 1,
            "started_at": "2026-11-29T10:00:00Z",
        });
        for (name, value) in more.as_object().unwrap() {
            session[name] = value.clone();
        }
        serde_json::from_value(session).unwrap()
    }

    #[test]
    fn how_a_session_stands_says_why_it_ended() {
        for (more, told) in [
            (json!({}), "running"),
            (json!({"phase": "exited"}), "ended"),
            (
                json!({"phase": "exited", "exit_code": 0}),
                "ended, exit code 0",
            ),
            (
                json!({"phase": "exited", "exit_signal": "SIGKILL"}),
                "ended, SIGKILL",
            ),
            (
                json!({"phase": "failed", "failure_code": "session.engine_lost"}),
                "failed, session.engine_lost",
            ),
            (
                json!({"phase": "exited", "archived_at": "2026-11-29T10:00:00Z"}),
                "ended, archived",
            ),
        ] {
            assert_eq!(standing(&session(&more)), told);
        }
    }

    #[test]
    fn a_workspace_is_known_by_its_branch_else_by_its_kind() {
        for (workspace, told) in [
            (
                json!({"kind": "worktree", "branch": "berth/fix"}),
                "berth/fix",
            ),
            (json!({"kind": "in_place"}), "the project's folder"),
        ] {
            let told_of: OrgWorkspace = serde_json::from_value(workspace).unwrap();
            assert_eq!(place(&told_of), told);
        }
    }
}
