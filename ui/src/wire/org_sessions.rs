//! The sessions of an organization. Only its settings need them, so they stand apart.

use berth_protocol::tenant::{
    OrgSession, OrgSessionPhase, OrgSessions, OrgWorkspace, OrgWorkspaceKind,
};

use super::json::Json;
use super::read::{Read, Wrong, member, structs, words};

structs! {
    OrgSessions { is_admin, sessions, next }
    OrgWorkspace { kind, branch, base, base_commit, changes }
}

words! {
    OrgSessionPhase { Live = "live", Exited = "exited", Failed = "failed" }
    OrgWorkspaceKind { Worktree = "worktree", InPlace = "in_place", Server = "server" }
}

impl Read for OrgSession {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = |name: &'static str| {
            let read = json.get(name).text().and_then(|id| id.parse().ok());
            read.ok_or(name)
        };
        Ok(Self {
            id: id("id")?,
            person: member(json, "person")?,
            device_id: id("device_id")?,
            is_here: member(json, "is_here")?,
            agent: member(json, "agent")?,
            transport: member(json, "transport")?,
            permission_mode: member(json, "permission_mode")?,
            phase: member(json, "phase")?,
            exit_code: member(json, "exit_code")?,
            exit_signal: member(json, "exit_signal")?,
            failure_code: member(json, "failure_code")?,
            run: member(json, "run")?,
            started_at: member(json, "started_at")?,
            ended_at: member(json, "ended_at")?,
            archived_at: member(json, "archived_at")?,
            workspace: member(json, "workspace")?,
        })
    }
}

#[cfg(test)]
#[path = "org_sessions_tests.rs"]
mod tests;
