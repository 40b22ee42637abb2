//! The sessions of an organization: its backend is asked at every call, and says who sees which.

use berth_protocol::{
    Code, DiffStat, OrganizationId, UserId,
    tenant::{OrgPerson, OrgSession, OrgSessionState, OrgSessions, OrgWorkspace},
};
use berth_tenant::sync::{SessionFilter, SessionPlace, SessionRow};

use super::{
    administration::{is_admin, known},
    authorized, remote,
};
use crate::{error::ApiError, state::State};

/// Most sessions on a page.
const PAGE: u32 = 200;

/// Which page.
pub struct Wanted {
    pub person: Option<UserId>,
    pub state: Option<OrgSessionState>,
    pub after: Option<String>,
    pub limit: u32,
}

/// A page of the sessions that whoever is signed in may see, the newest first.
pub async fn page(
    state: &State,
    org: OrganizationId,
    wanted: Wanted,
) -> Result<OrgSessions, ApiError> {
    let after = wanted.after.as_deref().map(place).transpose()?;
    let record = known(state, org).await?;
    let (connected, token) = authorized(state).await?;
    let filter = SessionFilter {
        person: wanted.person,
        running: wanted.state.map(|it| it == OrgSessionState::Running),
    };
    let limit = wanted.limit.clamp(1, PAGE);
    let rows = connected
        .remote
        .sessions(&token, org, &filter, after, limit + 1);
    let mut rows = rows.await.map_err(|error| remote(&error))?;
    let next = match rows.len() > limit as usize {
        true => {
            rows.truncate(limit as usize);
            rows.last().map(|row| written(row.place()))
        }
        false => None,
    };
    let here = state.store.installation().await?;
    let you = record.tenant.user;
    Ok(OrgSessions {
        is_admin: is_admin(&record),
        sessions: rows.into_iter().map(|row| told(row, you, &here)).collect(),
        next,
    })
}

/// What stands for a place in an answer.
fn written(place: SessionPlace) -> String {
    format!("{}_{}", place.started_at, place.id)
}

/// The place that stands behind the one that this names.
fn place(text: &str) -> Result<SessionPlace, ApiError> {
    let parts = text.rsplit_once('_');
    let read = parts.and_then(|(started_at, id)| {
        Some(SessionPlace {
            started_at: started_at.parse().ok()?,
            id: id.parse().ok()?,
        })
    });
    read.ok_or_else(|| {
        let detail = "after: it is not what an earlier page has given as its next";
        ApiError::new(Code::BadRequest, detail)
    })
}

fn told(row: SessionRow, you: UserId, here: &str) -> OrgSession {
    let files = row.changed_files;
    let changes = files.map(|files| DiffStat {
        files,
        added: row.added_lines.unwrap_or_default(),
        removed: row.removed_lines.unwrap_or_default(),
    });
    OrgSession {
        id: row.id,
        person: OrgPerson {
            user: row.user_id,
            name: row.display_name.unwrap_or_default(),
            email: row.email.unwrap_or_default(),
            is_you: row.user_id == you,
        },
        device_id: row.device_id,
        is_here: row.device_id.to_string() == here,
        agent: row.agent,
        transport: row.transport,
        permission_mode: row.permission_mode,
        phase: row.phase,
        exit_code: row.exit_code,
        exit_signal: row.exit_signal,
        failure_code: row.failure_code,
        run: row.run,
        started_at: row.started_at,
        ended_at: row.ended_at,
        archived_at: row.archived_at,
        workspace: row.workspace.map(|kind| OrgWorkspace {
            kind,
            branch: row.branch,
            base: row.base,
            base_commit: row.base_commit,
            changes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_page_goes_on_where_the_one_before_has_ended() {
        let here = SessionPlace {
            started_at: "2026-11-29T10:00:00.123456Z".parse().unwrap(),
            id: Uuid::from_u128(7),
        };
        assert_eq!(place(&written(here)).ok(), Some(here));
        for text in ["", "_", "2026-11-29T10:00:00Z", "now_7"] {
            assert_eq!(
                place(text).err().map(|it| it.0.code),
                Some(Code::BadRequest),
                "{text}"
            );
        }
    }
}
