//! In what this machine differs from what an organization wants. It is worked out anew at each question, from what is in
//! force: nothing is kept of it.

use std::{collections::BTreeSet, sync::Arc};

use berth_protocol::{
    AgentId, Code, McpConfiguration, McpScope, McpState, OrganizationId, ProjectId, PromptId,
    PromptScope, SystemPrompt,
    tenant::{
        Catalog, Drift, DriftAbout, DriftKind, OrgDrift, OrgEntry, PolicyState, SyncState,
        SyncStatus,
    },
};
use berth_session::agents::SHELL;
use berth_store::SessionRecord;

use super::{policy::Bound, shared};
use crate::{agents, defined_agents, error::ApiError, mcp, prompts, state::State};

/// The differences at the moment.
///
/// # Errors
/// `tenant.not_found` when nobody who is signed in belongs to the organization, and those of any read.
pub async fn of(state: &Arc<State>, id: OrganizationId) -> Result<OrgDrift, ApiError> {
    let active = state.organizations.active();
    let is_active = active.is_some_and(|active| active.org == id);
    let shown = state.organizations.shown();
    let entry = shown.organizations.into_iter().find(|it| it.id == id);
    let mut findings = Vec::new();
    match &entry {
        Some(entry) => findings.extend(of_sync(entry)),
        None if is_active => findings.push(signed_out(&bound_name(state))),
        None => {
            let detail = format!("nobody who is signed in belongs to organization {id}");
            return Err(ApiError::new(Code::TenantNotFound, detail));
        }
    }
    if is_active {
        of_active(state, &mut findings).await?;
    } else if let Some(entry) = &entry {
        findings.insert(0, not_active(&entry.name));
    }
    Ok(OrgDrift {
        organization: id,
        findings,
    })
}

fn bound_name(state: &State) -> String {
    let bound = state.organizations.bound();
    bound.map(|bound| bound.organization).unwrap_or_default()
}

async fn of_active(state: &Arc<State>, findings: &mut Vec<Drift>) -> Result<(), ApiError> {
    let Some(bound) = state.organizations.bound() else {
        return Ok(());
    };
    findings.extend(of_policy(&bound));
    let mut shared_prompts = Vec::new();
    match shared(state).await {
        Ok(shared) => shared_prompts = shared.map(|shared| shared.prompts).unwrap_or_default(),
        // Prompts that cannot be read keep sessions from starting, as a policy does.
        Err(error) => findings.push(Drift {
            detail: error.0.detail.clone(),
            ..policy_missing(&bound.organization)
        }),
    }
    if !shared_prompts.is_empty() {
        let here = Here::now(state).await?;
        let found = shared_prompts.iter();
        findings.extend(found.filter_map(|prompt| of_prompt(prompt, &here)));
    }
    for server in state.store.mcp_configurations().await? {
        findings.extend(of_server(&server));
        if server.scope == McpScope::User && mcp::shared::admits(state, &server).is_err() {
            findings.push(own_blocked(&server));
        }
    }
    for name in state.organizations.unreadable_blocks() {
        findings.push(unreadable(&name));
    }
    if state.sessions.none_is_live() {
        return Ok(());
    }
    for session in state.store.live_sessions().await? {
        // A plain shell asks no model.
        let is_agent = session.agent.as_str() != SHELL;
        let mut all = shared_prompts.iter().filter(|_| is_agent);
        let is_meant = all.any(|prompt| {
            let target = &prompt.target;
            is_wanted(prompt)
                && prompt.is_active()
                && target.includes(&session.agent, Some(session.project_id))
        });
        findings.extend(of_session(state, &bound, &session, is_meant).await?);
    }
    Ok(())
}

fn finding(
    kind: DriftKind,
    about: DriftAbout,
    name: &str,
    (detail, hint): (String, &str),
) -> Drift {
    Drift {
        kind,
        about,
        name: name.to_owned(),
        detail,
        hint: hint.to_owned(),
    }
}

fn of_organization(kind: DriftKind, name: &str, detail: String, hint: &str) -> Drift {
    finding(kind, DriftAbout::Organization, name, (detail, hint))
}

fn not_active(name: &str) -> Drift {
    let detail = "Its prompts, servers and policy do not hold on this machine.".to_owned();
    let hint = "Switch to it where you work for it.";
    of_organization(DriftKind::NotActive, name, detail, hint)
}

fn signed_out(name: &str) -> Drift {
    let detail = "Nobody is signed in, so what it says now does not come here.".to_owned();
    of_organization(DriftKind::SyncNotFresh, name, detail, "Sign in.")
}

/// What its sync says.
fn of_sync(entry: &OrgEntry) -> Vec<Drift> {
    let name = &entry.name;
    let Some(sync) = &entry.sync else {
        return vec![signed_out(name)];
    };
    let late = why_late(sync)
        .map(|(detail, hint)| of_organization(DriftKind::SyncNotFresh, name, detail, hint));
    let held = sync.conflicts + sync.parked;
    let held = (held > 0).then(|| {
        let detail = match held {
            1 => "One change of yours has not arrived and waits for you.".to_owned(),
            held => format!("{held} changes of yours have not arrived and wait for you."),
        };
        let hint = "Choose what becomes of them under the changes that wait.";
        of_organization(DriftKind::ChangesHeld, name, detail, hint)
    });
    let told = &sync.told;
    let refused = (told.refused > 0).then(|| {
        let why = told.refused_code.as_deref().unwrap_or("no reason is given");
        let facts = match told.refused {
            1 => "one fact".to_owned(),
            many => format!("{many} facts"),
        };
        let detail = format!(
            "It refuses {facts} that this machine tells of its sessions and sign-ins: {why}."
        );
        let hint = "Send them again under the changes that wait, or ask an admin.";
        of_organization(DriftKind::ToldRefused, name, detail, hint)
    });
    late.into_iter().chain(held).chain(refused).collect()
}

fn why_late(sync: &SyncState) -> Option<(String, &'static str)> {
    const AGAIN: &str = "It is tried again by itself; look at the network if it lasts.";
    Some(match &sync.status {
        SyncStatus::Fresh => return None,
        SyncStatus::Starting => ("The backend has not answered yet.".to_owned(), AGAIN),
        SyncStatus::Stale { detail, .. } => (format!("The backend answers, and: {detail}."), AGAIN),
        SyncStatus::Offline { .. } => ("The backend does not answer.".to_owned(), AGAIN),
        SyncStatus::SignedOut => ("Nobody is signed in any more.".to_owned(), "Sign in."),
        SyncStatus::Schema { backend, known } => {
            let newer = backend.is_some_and(|backend| backend > *known);
            let hint = match newer {
                true => "Install the newest version of Berth.",
                false => "Ask whoever runs the backend to apply its migrations.",
            };
            (
                "The backend has a schema that this Berth does not know.".to_owned(),
                hint,
            )
        }
        SyncStatus::Wiped { .. } => {
            let hint = "Ask an admin to invite you if that is a mistake.";
            ("Your membership has ended.".to_owned(), hint)
        }
    })
}

fn policy_missing(name: &str) -> Drift {
    let detail = "Its policy has not come to this machine yet, so no session can begin.".to_owned();
    let hint = "Wait until it is synced.";
    of_organization(DriftKind::PolicyMissing, name, detail, hint)
}

fn of_policy(bound: &Bound) -> Option<Drift> {
    match &*bound.policy {
        PolicyState::Known(_) => None,
        PolicyState::Absent => Some(policy_missing(&bound.organization)),
        PolicyState::Unreadable { reason } => Some(Drift {
            detail: format!("Its policy is not understood, so no session can begin: {reason}."),
            hint: "Install the newest version of Berth, or ask an admin to mend it.".to_owned(),
            ..policy_missing(&bound.organization)
        }),
    }
}

/// What this machine has that prompts can be for.
struct Here {
    agents: BTreeSet<AgentId>,
    projects: BTreeSet<ProjectId>,
    declined: Vec<PromptId>,
}

impl Here {
    async fn now(state: &Arc<State>) -> Result<Self, ApiError> {
        let agents = agents::list(state).await.into_iter();
        let projects = state.store.projects().await?.into_iter();
        let book = state.store.prompt_book().await?;
        Ok(Self {
            agents: agents.map(|agent| agent.id).collect(),
            projects: projects.map(|project| project.id).collect(),
            declined: book.declined.clone(),
        })
    }
}

/// It comes from the organization, or with it: the global ones of its backend are for its members too.
fn is_wanted(prompt: &SystemPrompt) -> bool {
    match prompt.scope {
        PromptScope::Global | PromptScope::Organization => true,
        PromptScope::User => false,
    }
}

fn of_prompt(prompt: &SystemPrompt, here: &Here) -> Option<Drift> {
    if !is_wanted(prompt) {
        return None;
    }
    let is_global = prompt.scope == PromptScope::Global;
    let target = &prompt.target;
    let has_agent =
        target.agents.is_empty() || target.agents.iter().any(|it| here.agents.contains(it));
    let has_project =
        target.projects.is_empty() || target.projects.iter().any(|it| here.projects.contains(it));
    let (kind, detail, hint) = if !prompt.is_active() {
        // Whose it is does not want it given.
        return None;
    } else if !is_global && !prompt.locked && here.declined.contains(&prompt.id) {
        let detail = "You do without it.";
        (DriftKind::PromptDeclined, detail, "Take it again.")
    } else if !has_agent || !has_project {
        let detail = "It is for agents or projects that this machine does not have.";
        let hint = match is_global {
            true => "Add them, or ask whoever runs the backend whom it is for.",
            false => "Add them, or ask an admin whom it is for.",
        };
        (DriftKind::PromptNotTargeted, detail, hint)
    } else {
        return None;
    };
    let about = DriftAbout::Prompt { id: prompt.id };
    Some(finding(
        kind,
        about,
        &prompt.name,
        (detail.to_owned(), hint),
    ))
}

/// What a server that the organization gives to all lacks here.
fn of_server(server: &McpConfiguration) -> Option<Drift> {
    let is_meant = server.catalog == Some(Catalog::Installed) && server.draft.enabled;
    if !is_meant {
        return None;
    }
    let missing: Vec<_> = server
        .draft
        .secrets()
        .difference(&server.kept_secrets)
        .filter(|name| !server.draft.can_miss(name))
        .cloned()
        .collect();
    let sign_in = "Sign in to it.";
    let (kind, detail, hint) = match &server.state {
        _ if !server.consented => (
            DriftKind::ServerNotConsented,
            "You have not agreed to its command or address, so your sessions are not given it."
                .to_owned(),
            "Look at it, and agree if you know it.",
        ),
        _ if !missing.is_empty() => (
            DriftKind::ServerNotSignedIn,
            format!("Not in {}: {}.", berth_secrets::place(), missing.join(", ")),
            "Enter it in its settings.",
        ),
        McpState::NeedsSignIn { .. } | McpState::Expired { .. } => (
            DriftKind::ServerNotSignedIn,
            "It wants you to sign in.".to_owned(),
            sign_in,
        ),
        _ if server.draft.is_oauth() && !server.is_signed_in() => (
            DriftKind::ServerNotSignedIn,
            "Nobody is signed in to it.".to_owned(),
            sign_in,
        ),
        McpState::Failed { problem, .. } => (
            DriftKind::ServerFailed,
            format!(
                "It could not be used when it was last asked: {}.",
                problem.detail
            ),
            "Test it again.",
        ),
        McpState::Quarantined { tools, .. } => (
            DriftKind::ServerQuarantined,
            format!("Tools are not what they were: {}.", tools.join(", ")),
            "Look at them, and accept them if you want them so.",
        ),
        McpState::Untried | McpState::Connected { .. } => return None,
    };
    let about = DriftAbout::Server { id: server.id };
    Some(finding(kind, about, &server.draft.name, (detail, hint)))
}

fn own_blocked(server: &McpConfiguration) -> Drift {
    let detail = "The organization blocks it, so it is neither started nor asked.".to_owned();
    let hint = "Remove it, or ask an admin.";
    let about = DriftAbout::Server { id: server.id };
    finding(
        DriftKind::OwnServerBlocked,
        about,
        &server.draft.name,
        (detail, hint),
    )
}

fn unreadable(name: &str) -> Drift {
    let detail = "It is blocked in words that this Berth does not understand, so no server of your own is used."
        .to_owned();
    let hint = "Install the newest version of Berth.";
    finding(
        DriftKind::ServerUnreadable,
        DriftAbout::Servers,
        name,
        (detail, hint),
    )
}

/// A session that runs. Prompts of the organization are meant for it, or not.
async fn of_session(
    state: &State,
    bound: &Bound,
    session: &SessionRecord,
    is_meant: bool,
) -> Result<Vec<Drift>, ApiError> {
    let mut found = Vec::new();
    let mut add = |kind, detail: String, hint: &str| {
        let about = DriftAbout::Session { id: session.id };
        found.push(finding(kind, about, &session.title, (detail, hint)));
    };
    let allowed = match defined_agents::spec(state, &session.agent) {
        Ok(spec) => bound.lets_begin(&spec, session.permission_mode.as_deref()),
        Err(error) => Err(error),
    };
    if let Err(error) = allowed {
        let detail = format!("It runs, and could not begin now: {}.", error.0.detail);
        add(
            DriftKind::SessionNotAllowed,
            detail,
            "Stop it, or ask an admin.",
        );
    }
    let given = prompts::of_organization(state, session).await?;
    if let (Some(undelivered), true) = (given.undelivered, is_meant) {
        let detail =
            format!("Its agent does not get the prompts of the organization: {undelivered}.");
        let hint = "Use another agent where they matter.";
        add(DriftKind::PromptUndelivered, detail, hint);
    }
    if given.is_old {
        let detail = "It runs with other prompts than it would be given now.".to_owned();
        add(DriftKind::SessionPromptOld, detail, "Start it again.");
    }
    Ok(found)
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
