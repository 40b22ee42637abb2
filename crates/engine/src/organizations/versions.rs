//! What a prompt of the active organization was. Its backend alone keeps that: it is asked whenever somebody wants to
//! know, and nothing of it stays here.

use std::collections::BTreeMap;

use berth_protocol::{PromptVersion, SystemPrompt, tenant::Membership};
use berth_tenant::sync::RemoteError;

use super::{administration::wake, authorized, remote};
use crate::{error::ApiError, state::State};

/// The versions of a prompt that the backend has, the newest first: those before a number if one is given, at most
/// `limit`. Edits that wait here are none of them.
pub async fn page(
    state: &State,
    prompt: &SystemPrompt,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<PromptVersion>, ApiError> {
    let mut versions = asked(state, prompt, before, limit).await?;
    let newest = versions.first().map(|newest| newest.version);
    let tenant = state.organizations.active();
    if let Some(tenant) = tenant {
        // Somebody else was faster than the sync: nobody shall decide about what is shown and be told of a conflict.
        if newest.is_some_and(|newest| newest > prompt.version) {
            wake(state, tenant.org);
        }
        let rows = state.store.tenant_rows(tenant, "membership").await?;
        let members = rows.iter().filter_map(|row| row.read::<Membership>().ok());
        let names: BTreeMap<_, _> = members.filter_map(named).collect();
        for version in &mut versions {
            let author = version.author.as_ref();
            version.author_name = author.and_then(|author| names.get(author).cloned());
        }
    }
    Ok(versions)
}

/// One version of a prompt, if the backend has it.
pub async fn one(
    state: &State,
    prompt: &SystemPrompt,
    number: u32,
) -> Result<Option<PromptVersion>, ApiError> {
    let found = asked(state, prompt, Some(number.saturating_add(1)), 1).await?;
    Ok(found.into_iter().find(|found| found.version == number))
}

async fn asked(
    state: &State,
    prompt: &SystemPrompt,
    before: Option<u32>,
    mut limit: u32,
) -> Result<Vec<PromptVersion>, ApiError> {
    let (connected, token) = authorized(state).await?;
    let remote_end = connected.remote;
    loop {
        let versions = remote_end.prompt_versions(&token, prompt.id, prompt.scope, before, limit);
        match versions.await {
            // Long prompts: the rest is on the next page.
            Err(RemoteError::TooLarge { .. }) if limit > 1 => limit /= 2,
            versions => return versions.map_err(|error| remote(&error)),
        }
    }
}

/// A member's identifier, and their name or else their address; nothing for somebody who was erased.
fn named(member: Membership) -> Option<(String, String)> {
    let mut words = [member.display_name, member.email].into_iter();
    let name = words.find(|word| !word.is_empty())?;
    Some((member.user_id.to_string(), name))
}
