//! What a session is given of the system prompts, what it would be given now, and previews.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use berth_prompt::{
    ComposeError, Composer, Context, DEFAULT_EFFECTIVE_BYTES, MAX_EFFECTIVE_BYTES, Policy, origins,
};
use berth_protocol::{
    Code, EffectivePrompt, FieldProblem, PreviewCompared, PreviewRequest, Problem, PromptFormat,
    PromptId, PromptPolicy, PromptPreview, PromptScope, PromptTarget, SessionId, SessionPrompt,
    SystemPrompt, TextDiff, Timestamp, Transport, Workspace, tenant::Tenant,
};
use berth_session::agents::{self, Spec};
use berth_store::{GivenPrompt, ProjectRecord, SessionRecord};
use jiff::{Zoned, civil::Date};
use similar::{Algorithm, ChangeTag};
use std::time::Duration;

use super::{PromptDraft, checked};
use crate::{defined_agents, error::ApiError, organizations, projects, sessions, state::State};

/// The user of an engine without sign-in.
pub const LOCAL_USER: &str = "local";

/// The name of the part that a session brings along itself.
const OWN_PART: &str = "This session's instructions";

/// Lines around a change in a diff.
const AROUND: usize = 3;

/// How long a diff may look for the shortest way.
const DIFF: Duration = Duration::from_millis(200);

/// What composing shares.
#[derive(Default)]
pub struct Prompts {
    composer: Arc<Mutex<Composer>>,
}

/// Prompts and policy at one moment: what a session is given does not change while it starts.
pub struct Composing {
    prompts: Arc<Vec<SystemPrompt>>,
    policy: PromptPolicy,
    /// The user and their organization.
    tenant: Option<(Tenant, String)>,
    user_name: String,
    date: Date,
    time_zone: String,
}

impl Composing {
    pub async fn now(state: &State) -> Result<Self, ApiError> {
        let now = Zoned::now();
        let names = ["USER", "LOGNAME", "USERNAME"];
        let environment = state.environment().await;
        let user = names.iter().find_map(|name| environment.get(name));
        let book = state.store.prompt_book().await?;
        let mut prompts = Arc::clone(&book.prompts);
        let mut policy = book.policy;
        let mut tenant = None;
        if let Some(shared) = organizations::shared(state).await? {
            policy.sanitize = shared.bound.sanitize(policy.sanitize)?;
            Arc::make_mut(&mut prompts).extend(shared.prompts);
            tenant = Some((shared.tenant, shared.bound.organization));
        }
        if !book.declined.is_empty() {
            Arc::make_mut(&mut prompts).retain(|prompt| {
                let own_choice = prompt.scope == PromptScope::Organization && !prompt.locked;
                !own_choice || !book.declined.contains(&prompt.id)
            });
        }
        Ok(Self {
            prompts,
            policy,
            tenant,
            user_name: user
                .map(|name| name.to_string_lossy().into_owned())
                .or_else(account)
                .unwrap_or_default(),
            date: now.date(),
            time_zone: now.time_zone().iana_name().unwrap_or("UTC").to_owned(),
        })
    }

    /// The organization whose prompts and policy these are.
    pub fn organization(&self) -> Option<Tenant> {
        self.tenant.as_ref().map(|(tenant, _)| *tenant)
    }

    /// As it was when a run of a session began, so that only prompts and policy can make a difference.
    fn on_the_day_of(mut self, given: &GivenPrompt) -> Self {
        if let Ok(date) = given.date.parse() {
            self.date = date;
            self.time_zone.clone_from(&given.time_zone);
        }
        self
    }

    /// With a prompt as it would be saved.
    fn with_draft(mut self, id: Option<PromptId>, draft: PromptDraft) -> Self {
        let id = id.unwrap_or(PromptId(uuid::Uuid::max()));
        let old = self.prompts.iter().find(|prompt| prompt.id == id);
        let version = old.map_or(1, |old| old.version.saturating_add(1));
        let prompts = Arc::make_mut(&mut self.prompts);
        prompts.retain(|prompt| prompt.id != id);
        prompts.push(prompt(id, draft, version));
        self
    }
}

/// The user's name as the system knows it, where no variable has it.
#[cfg(unix)]
fn account() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid());
    Some(user.ok()??.name)
}

#[cfg(not(unix))]
fn account() -> Option<String> {
    None
}

/// The session that is composed for.
pub struct For<'a> {
    pub spec: &'a Spec,
    pub transport: Transport,
    pub project: Option<&'a ProjectRecord>,
    /// Its folder.
    pub path: &'a str,
    pub branch: Option<&'a str>,
    /// What it brings along itself, and under which name.
    pub own: Option<(SessionId, &'a str)>,
}

impl Composing {
    /// Puts it together, unless nothing of it would reach the agent: then what is wrong with it is no reason
    /// to refuse anything, and there is nothing.
    async fn compose_needed(
        &self,
        state: &State,
        wanted: &For<'_>,
    ) -> Result<EffectivePrompt, ApiError> {
        let composed = self.compose(state, wanted).await;
        let is_taken = agents::takes_instructions(wanted.spec, wanted.transport).is_ok();
        let mut meant = self.meant(wanted);
        if is_taken || wanted.own.is_some() || meant.any(|prompt| prompt.locked) {
            return composed;
        }
        Ok(composed.unwrap_or_default())
    }

    /// The prompts that are meant for it.
    fn meant(&self, wanted: &For<'_>) -> impl Iterator<Item = &SystemPrompt> {
        let (agent, project) = (&wanted.spec.id, wanted.project.map(|project| project.id));
        self.prompts
            .iter()
            .filter(move |prompt| prompt.is_active() && prompt.target.includes(agent, project))
    }

    /// Puts it together.
    pub async fn compose(
        &self,
        state: &State,
        wanted: &For<'_>,
    ) -> Result<EffectivePrompt, ApiError> {
        let mut prompts = Arc::clone(&self.prompts);
        if let Some((id, words)) = wanted.own {
            let draft = PromptDraft {
                scope: PromptScope::User,
                name: OWN_PART.to_owned(),
                format: PromptFormat::Text,
                content: words.to_owned(),
                priority: i32::MAX,
                enabled: true,
                locked: false,
                target: PromptTarget::default(),
            };
            Arc::make_mut(&mut prompts).push(prompt(PromptId(id.0), draft, 1));
        }
        let mut context = Context::new(wanted.spec.id.clone(), self.date);
        match &self.tenant {
            Some((tenant, name)) => {
                context.user_id = tenant.user.to_string();
                context.org_id = tenant.org.to_string();
                context.org_name.clone_from(name);
            }
            None => context.user_id = LOCAL_USER.to_owned(),
        }
        context.user_name.clone_from(&self.user_name);
        context.project_id = wanted.project.map(|project| project.id);
        context.project = wanted
            .project
            .map(|project| project.name.clone())
            .unwrap_or_default();
        context.workspace_path = wanted.path.to_owned();
        context.branch = wanted.branch.unwrap_or_default().to_owned();
        context.time_zone.clone_from(&self.time_zone);
        context.os = std::env::consts::OS.to_owned();
        let policy = Policy {
            sanitize: self.policy.sanitize,
            max_bytes: longest(wanted),
        };
        let composer = Arc::clone(&state.prompts.composer);
        let composed = tokio::task::spawn_blocking(move || {
            let mut composer = composer.lock().unwrap_or_else(PoisonError::into_inner);
            composer.compose(&prompts, &context, &policy)
        });
        let composed = composed
            .await
            .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
        let own = wanted.own.map(|(id, _)| PromptId(id.0));
        let mut effective = composed.map_err(|error| problem(&error, own))?;
        for part in &mut effective.parts {
            part.own = Some(part.id) == own;
        }
        Ok(effective)
    }
}

/// The longest text that the agent can take, in bytes.
fn longest(wanted: &For<'_>) -> usize {
    match agents::takes_instructions(wanted.spec, wanted.transport) {
        // Windows takes no command line and no variable of 32,767 characters.
        Ok(rules) if !rules.takes_long() && cfg!(windows) => 16 * 1024,
        Ok(rules) if !rules.takes_long() => DEFAULT_EFFECTIVE_BYTES,
        Ok(_) | Err(_) => MAX_EFFECTIVE_BYTES,
    }
}

/// Puts together what a run of a session is given.
///
/// # Errors
/// `prompt.invalid` when a prompt cannot be filled in or is rejected. `agent.takes_no_prompt` when the agent
/// takes none, and the session brings some along or an organization does not let its users do without.
pub async fn given(
    state: &State,
    composing: &Composing,
    wanted: &For<'_>,
) -> Result<GivenPrompt, ApiError> {
    let effective = composing.compose_needed(state, wanted).await?;
    let undelivered = undelivered(wanted, composing, &effective);
    if let Some(why) = &undelivered {
        let locked = effective.parts.iter().find_map(|part| {
            let mut prompts = composing.prompts.iter();
            prompts.find(|prompt| prompt.id == part.id && prompt.locked)
        });
        let needed = match (locked, wanted.own) {
            (Some(locked), _) => Some(format!(
                "{why}, and the organization's prompt {:?} is for all its sessions",
                locked.name
            )),
            (None, Some(_)) => Some(why.clone()),
            (None, None) => None,
        };
        if let Some(detail) = needed {
            return Err(ApiError::new(Code::AgentTakesNoPrompt, detail));
        }
    }
    Ok(GivenPrompt {
        effective,
        undelivered,
        date: composing.date.to_string(),
        time_zone: composing.time_zone.clone(),
    })
}

/// What a run that goes on with the conversation of the run before is given: the same as that one, where
/// the agent's conversations keep what they began with.
pub async fn given_again(
    state: &State,
    old: &SessionRecord,
    spec: &Spec,
    new: GivenPrompt,
) -> Result<GivenPrompt, ApiError> {
    if !keeps(spec, old.transport) {
        return Ok(new);
    }
    let before = state.store.given_prompt(old.id, old.run).await?;
    Ok(before.map_or(new, |(before, _)| before))
}

fn keeps(spec: &Spec, transport: Transport) -> bool {
    agents::takes_instructions(spec, transport).is_ok_and(|rules| rules.kept)
}

/// Why an agent does not get what is meant for it; nothing when it does, or there is nothing.
fn undelivered(
    wanted: &For<'_>,
    composing: &Composing,
    effective: &EffectivePrompt,
) -> Option<String> {
    let why = agents::takes_instructions(wanted.spec, wanted.transport).err()?;
    let is_meant = !effective.parts.is_empty() || composing.meant(wanted).next().is_some();
    is_meant.then(|| why.to_string())
}

/// What a session that began now would be given, beside what is in use.
pub async fn preview(state: &State, request: PreviewRequest) -> Result<PromptPreview, ApiError> {
    let spec = &defined_agents::spec(state, &request.agent)?;
    let project = match request.project {
        Some(id) => Some(projects::record(state, id).await?),
        None => None,
    };
    let wanted = For {
        spec,
        transport: request.transport.unwrap_or_default(),
        project: project.as_ref(),
        path: project
            .as_ref()
            .map(|project| project.path.as_str())
            .unwrap_or_default(),
        branch: None,
        own: None,
    };
    let (composing, effective, compared) = match request.draft {
        Some(draft) => {
            let saved = Composing::now(state).await?;
            // What is wrong with the prompts as they are does not keep anybody from mending them.
            let old = saved.compose(state, &wanted).await.unwrap_or_default();
            let draft = checked(draft)?;
            let with_draft = saved.with_draft(request.id, draft);
            let effective = with_draft.compose(state, &wanted).await?;
            let compared = PreviewCompared {
                session: None,
                problem: None,
                diff: super::difference(&readable(&old), &readable(&effective)).await?,
                sha256: old.sha256,
            };
            (with_draft, effective, Some(compared))
        }
        None => {
            let composing = Composing::now(state).await?;
            let effective = composing.compose(state, &wanted).await?;
            let compared = in_use(state, &request).await?;
            (composing, effective, compared)
        }
    };
    Ok(PromptPreview {
        origins: origins(&effective),
        undelivered: undelivered(&wanted, &composing, &effective),
        effective,
        policy: composing.policy.sanitize,
        compared,
    })
}

/// What the newest running session of that kind was given, beside what it would be given now.
async fn in_use(
    state: &State,
    request: &PreviewRequest,
) -> Result<Option<PreviewCompared>, ApiError> {
    if state.sessions.none_is_live() {
        return Ok(None);
    }
    let live = state.store.live_sessions().await?;
    let newest = live.into_iter().find(|session| {
        session.agent == request.agent
            && request
                .project
                .is_none_or(|project| project == session.project_id)
            && request
                .transport
                .is_none_or(|transport| transport == session.transport)
    });
    let Some(record) = newest else {
        return Ok(None);
    };
    let Some((given, _)) = state.store.given_prompt(record.id, record.run).await? else {
        return Ok(None);
    };
    let (diff, problem) = match composed_now(state, &record, &given).await {
        Ok(now) => {
            let (old, new) = (readable(&given.effective), readable(&now));
            (super::difference(&old, &new).await?, None)
        }
        Err(error) => (TextDiff::default(), Some(error.0)),
    };
    Ok(Some(PreviewCompared {
        session: Some(record.id),
        diff,
        problem,
        sha256: given.effective.sha256,
    }))
}

/// What a session would be given if it began now in its place.
async fn composed_now(
    state: &State,
    record: &SessionRecord,
    given: &GivenPrompt,
) -> Result<EffectivePrompt, ApiError> {
    let spec = &defined_agents::spec(state, &record.agent)?;
    let project = projects::record(state, record.project_id).await?;
    let composing = Composing::now(state).await?.on_the_day_of(given);
    composing
        .compose_needed(state, &wanted_by(record, spec, &project))
        .await
}

/// What a recorded session is composed for.
pub fn wanted_by<'a>(
    record: &'a SessionRecord,
    spec: &'a Spec,
    project: &'a ProjectRecord,
) -> For<'a> {
    let instructions = record.instructions.as_deref();
    For {
        spec,
        transport: record.transport,
        project: Some(project),
        path: &record.workspace.path,
        branch: record.workspace.branch.as_deref(),
        own: instructions.map(|words| (record.id, words)),
    }
}

/// What a new session is composed for, once its workspace is there.
pub fn wanted_in<'a>(
    workspace: &'a Workspace,
    (spec, transport): (&'a Spec, Transport),
    project: &'a ProjectRecord,
    own: Option<(SessionId, &'a str)>,
) -> For<'a> {
    For {
        spec,
        transport,
        project: Some(project),
        path: &workspace.path,
        branch: workspace.branch.as_deref(),
        own,
    }
}

/// What a new session is composed for as long as its workspace is not there: what is wrong with its prompts
/// is found before one is made.
pub fn wanted_before<'a>(
    folder: &'a Path,
    (spec, transport): (&'a Spec, Transport),
    project: &'a ProjectRecord,
    own: Option<(SessionId, &'a str)>,
) -> For<'a> {
    For {
        spec,
        transport,
        project: Some(project),
        path: folder.to_str().unwrap_or_default(),
        branch: None,
        own,
    }
}

/// What a session was given when it last started, and what has changed since.
pub async fn session_prompt(state: &State, id: SessionId) -> Result<SessionPrompt, ApiError> {
    let record = sessions::record(state, id).await?;
    let found = state.store.given_prompt(id, record.run).await?;
    let (given, at) = found.unwrap_or_else(|| (GivenPrompt::default(), record.created_at));
    let spec = defined_agents::spec(state, &record.agent);
    let wants_new_conversation = matches!(&spec, Ok(spec) if keeps(spec, record.transport));
    // What such an agent would be given now is nothing to it either.
    let takes_none = matches!(&spec, Ok(spec)
        if agents::takes_instructions(spec, record.transport).is_err());
    let (changed, problem) = match composed_now(state, &record, &given).await {
        Ok(now) => {
            let diff = super::difference(&readable(&given.effective), &readable(&now)).await?;
            let changed = !takes_none && !diff.patch.is_empty();
            (changed.then_some(diff), None)
        }
        Err(error) => (None, Some(error.0)),
    };
    Ok(SessionPrompt {
        run: record.run,
        at,
        origins: origins(&given.effective),
        undelivered: given.undelivered,
        effective: given.effective,
        wants_new_conversation,
        changed,
        problem,
    })
}

/// How what a running session was given of its organization's prompts stands to what these are now.
pub struct OfOrganization {
    /// It would be given others now, or cannot be given any.
    pub is_old: bool,
    /// Why its agent gets none, if any are meant for it.
    pub undelivered: Option<String>,
}

/// The same of a session that runs. Global prompts count that are not those of this engine's own files: they come with
/// the organization.
pub async fn of_organization(
    state: &State,
    record: &SessionRecord,
) -> Result<OfOrganization, ApiError> {
    let found = state.store.given_prompt(record.id, record.run).await?;
    let given = found.map(|(given, _)| given).unwrap_or_default();
    let book = state.store.prompt_book().await?;
    let theirs = |effective: &EffectivePrompt| {
        let parts = effective.parts.iter();
        let parts = parts.filter(|part| match part.scope {
            PromptScope::Organization => true,
            PromptScope::Global => book.prompts.iter().all(|own| own.id != part.id),
            PromptScope::User => false,
        });
        let words = parts.map(|part| {
            let words = effective.text.get(part.start as usize..part.end as usize);
            (part.id, words.unwrap_or_default().to_owned())
        });
        words.collect::<Vec<_>>()
    };
    if let Ok(spec) = defined_agents::spec(state, &record.agent)
        && let Err(why) = agents::takes_instructions(&spec, record.transport)
    {
        // What it would be given now is nothing to such an agent either.
        return Ok(OfOrganization {
            is_old: false,
            undelivered: Some(why.to_string()),
        });
    }
    let is_old = match composed_now(state, record, &given).await {
        Ok(now) => theirs(&given.effective) != theirs(&now),
        Err(_) => true,
    };
    Ok(OfOrganization {
        is_old,
        undelivered: given.undelivered,
    })
}

fn prompt(id: PromptId, draft: PromptDraft, version: u32) -> SystemPrompt {
    SystemPrompt {
        id,
        scope: draft.scope,
        name: draft.name,
        format: draft.format,
        content: draft.content,
        priority: draft.priority,
        enabled: draft.enabled,
        locked: draft.locked,
        target: draft.target,
        version,
        author: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// Says which prompt it is about, so that a client can lead there; `own` is what the session brings along.
fn problem(error: &ComposeError, own: Option<PromptId>) -> Problem {
    let id = match error {
        ComposeError::TooMany { id, .. }
        | ComposeError::ContentTooLong { id, .. }
        | ComposeError::TooLong { id, .. }
        | ComposeError::ValueTooLong { id, .. }
        | ComposeError::Template { id, .. }
        | ComposeError::Rejected { id, .. } => *id,
    };
    let hint = match error {
        ComposeError::TooMany { .. } | ComposeError::TooLong { .. } => {
            "Disable prompts, or make them fewer agents' or projects'."
        }
        ComposeError::Rejected { .. } => {
            "Take these words out of the prompt; the policy does not allow them."
        }
        ComposeError::ContentTooLong { .. }
        | ComposeError::ValueTooLong { .. }
        | ComposeError::Template { .. } => "Edit or disable the prompt.",
    };
    let (field, hint) = if own == Some(id) {
        let hint = "Change the instructions that the session is started with.";
        ("instructions".to_owned(), hint)
    } else {
        (format!("prompts/{id}"), hint)
    };
    Problem::new(Code::PromptInvalid, error.to_string())
        .with_hint(hint)
        .with_fields(vec![FieldProblem {
            field,
            message: error.to_string(),
        }])
}

/// What people compare: whose words there are, and the words. Codes and versions, which change with every
/// edit, are no difference to anybody.
fn readable(effective: &EffectivePrompt) -> String {
    let mut text = String::new();
    for part in &effective.parts {
        let words = effective.text.get(part.start as usize..part.end as usize);
        let scope = part.scope.as_str();
        let words = words.unwrap_or_default().trim_end_matches('\n');
        text.push_str(&format!("[{scope} prompt: {}]\n{words}\n\n", part.name));
    }
    text
}

/// A unified diff of the lines of two texts.
pub fn text_diff(old: &str, new: &str) -> TextDiff {
    let diff = similar::TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(DIFF)
        .diff_lines(old, new);
    let count = |wanted: ChangeTag| {
        let changes = diff
            .iter_all_changes()
            .filter(|change| change.tag() == wanted);
        changes.count().try_into().unwrap_or(u32::MAX)
    };
    TextDiff {
        added: count(ChangeTag::Insert),
        removed: count(ChangeTag::Delete),
        patch: diff
            .unified_diff()
            .context_radius(AROUND)
            .missing_newline_hint(false)
            .to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_has_hunks_and_counts() {
        let diff = text_diff("a\nb\nc\n", "a\nB\nc\nd\n");
        assert_eq!((diff.added, diff.removed), (2, 1));
        assert_eq!(diff.patch, "@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n");
        assert_eq!(text_diff("a", "a"), TextDiff::default());
    }
}
