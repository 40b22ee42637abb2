//! What the active organization gives to sessions: its prompts, those of the user in it, and its servers.

use berth_protocol::{
    Code, PromptChange, PromptChangeState, PromptId, SystemPrompt, Timestamp, UserId,
    tenant::{MutationState, Prompt, Tenant},
};
use berth_store::TenantRow;

use super::policy::Bound;
use crate::{error::ApiError, state::State};

/// The active organization, with what its prompts need.
pub struct Shared {
    pub tenant: Tenant,
    pub bound: Bound,
    pub prompts: Vec<SystemPrompt>,
    /// Prompts with a change that the organization does not have yet.
    pub changes: Vec<PromptChange>,
}

/// What the active organization shares; nothing while none is active.
///
/// One prompt that cannot be read stops everything: it may be the one that nobody may do without.
pub async fn shared(state: &State) -> Result<Option<Shared>, ApiError> {
    let tenant = state.organizations.active();
    let (Some(tenant), Some(bound)) = (tenant, state.organizations.bound_of(tenant)) else {
        return Ok(None);
    };
    let rows = state.store.tenant_rows(tenant, "prompt").await?;
    let prompts: Result<_, _> = rows.iter().map(system_prompt).collect();
    Ok(Some(Shared {
        tenant,
        bound,
        prompts: prompts?,
        changes: rows.iter().filter_map(change).collect(),
    }))
}

/// A row as its user sees it, with the edits that its backend does not have yet.
pub fn system_prompt(row: &TenantRow) -> Result<SystemPrompt, ApiError> {
    let read: Prompt = row.read().map_err(|error| {
        let detail = format!(
            "prompt {} of the organization cannot be read: {error}",
            row.id
        );
        ApiError::new(Code::PolicyUnreadable, detail)
    })?;
    let edited = row.edits.last().map(|edit| edit.created_at);
    let made = row.edits.first().map(|edit| edit.created_at);
    Ok(SystemPrompt {
        id: read.id,
        scope: read.scope,
        name: read.name,
        format: read.format,
        content: read.content,
        priority: read.priority,
        enabled: read.enabled,
        locked: read.locked,
        target: read.target,
        // The number that it will have once the edits have arrived, each of them counted: whoever has seen it before one
        // of them is not taken for somebody who has seen that.
        version: read.version.saturating_add(row.ahead).max(1),
        author: read.author.map(|UserId(author)| author.to_string()),
        created_at: read.created_at.or(made).unwrap_or(Timestamp::UNIX_EPOCH),
        updated_at: edited.or(read.updated_at).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// Where the change of a row stands that asks most for somebody; nothing where there is none.
fn change(row: &TenantRow) -> Option<PromptChange> {
    let states = row.edits.iter().map(|edit| match edit.state {
        MutationState::Conflict { .. } => PromptChangeState::Conflict,
        MutationState::Parked { .. } => PromptChangeState::Refused,
        MutationState::Pending | MutationState::Sending | MutationState::Applied => {
            PromptChangeState::Waiting
        }
    });
    states.max().map(|state| PromptChange {
        id: PromptId(row.id),
        state,
    })
}
