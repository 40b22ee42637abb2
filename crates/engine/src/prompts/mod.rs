//! System prompts: who may change which, and what becomes of an edit.
//!
//! What sessions are given of them is in `effective.rs`, files with prompts are in `files.rs`, and how those of an
//! organization are changed is in `organization.rs`.

mod effective;
mod files;
mod organization;

use berth_prompt::{FIELDS, MAX_CONTENT_BYTES};
use berth_protocol::{
    Code, Event, FieldProblem, Problem, PromptChoice, PromptConflict, PromptDraft, PromptEdit,
    PromptField, PromptFormat, PromptId, PromptList, PromptMove, PromptOrder, PromptPolicy,
    PromptRestore, PromptScope, PromptVersion, PromptVersions, SystemPrompt, TextDiff,
    tenant::OrganizationRole,
};
use berth_store::StoreError;

use crate::{error::ApiError, organizations, state::State};

pub use effective::{
    Composing, Prompts, given, given_again, of_organization, preview, session_prompt,
    wanted_before, wanted_by, wanted_in,
};
pub use files::{archive, file, import, load_global};

/// Longest name, in characters.
const NAME: usize = 120;

/// Most agents and most projects that a prompt can be for.
const TARGETS: usize = 100;

/// Most prompts of a scope.
const MOST: u64 = 1000;

/// Most versions of one answer.
const PAGE: u32 = 50;

/// Who the author is of what is written over the API.
const AUTHOR: Option<&str> = Some(effective::LOCAL_USER);

/// All prompts, and what is needed to edit them.
pub async fn list(state: &State) -> Result<PromptList, ApiError> {
    let fields = FIELDS
        .iter()
        .map(|(_, name, go_name, description)| PromptField {
            name: (*name).to_owned(),
            go_name: (*go_name).to_owned(),
            description: (*description).to_owned(),
        });
    let book = state.store.prompt_book().await?;
    let mut prompts = book.prompts.to_vec();
    let (mut least, mut changes) = (None, Vec::new());
    if let Some(shared) = organizations::shared(state).await? {
        least = shared.bound.least();
        changes = shared.changes;
        prompts.extend(shared.prompts);
        prompts.sort_by(|one, other| {
            let of = |prompt: &SystemPrompt| (prompt.scope, prompt.priority);
            let names = one.name.cmp(&other.name).then(one.id.cmp(&other.id));
            of(one).cmp(&of(other)).then(names)
        });
    }
    Ok(PromptList {
        prompts,
        policy: book.policy,
        writable: writable(state).await?,
        declined: book.declined.clone(),
        fields: fields.collect(),
        least,
        changes,
    })
}

/// Where a prompt is.
enum Found {
    /// In the store of this machine.
    Here(SystemPrompt),
    /// Among the rows of the active organization.
    Shared(SystemPrompt),
}

async fn find(state: &State, id: PromptId) -> Result<Found, ApiError> {
    if let Some(here) = state.store.prompt(id).await? {
        return Ok(Found::Here(here));
    }
    match organization::find(state, id).await? {
        Some(shared) => Ok(Found::Shared(shared)),
        None => Err(StoreError::PromptNotFound(id).into()),
    }
}

impl Found {
    fn prompt(self) -> SystemPrompt {
        match self {
            Self::Here(prompt) | Self::Shared(prompt) => prompt,
        }
    }

    fn now(&self) -> &SystemPrompt {
        match self {
            Self::Here(prompt) | Self::Shared(prompt) => prompt,
        }
    }

    /// What it was, the newest version first, those before a number if one is given.
    async fn versions(
        &self,
        state: &State,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PromptVersion>, ApiError> {
        match self {
            Self::Here(prompt) => {
                let versions = state.store.prompt_versions(prompt.id, before, limit);
                Ok(versions.await?)
            }
            Self::Shared(prompt) => {
                organizations::versions::page(state, prompt, before, limit).await
            }
        }
    }

    async fn version(&self, state: &State, number: u32) -> Result<PromptVersion, ApiError> {
        let found = match self {
            Self::Here(prompt) => state.store.prompt_version(prompt.id, number).await?,
            Self::Shared(prompt) => organizations::versions::one(state, prompt, number).await?,
        };
        found.ok_or_else(|| {
            let detail = format!("prompt {} has no version {number}", self.now().id);
            ApiError::new(Code::PromptNotFound, detail)
        })
    }

    /// Changes it where it is. Whoever edited an old version is told both.
    async fn save(
        &self,
        state: &State,
        version: u32,
        draft: PromptDraft,
    ) -> Result<SystemPrompt, ApiError> {
        match self {
            Self::Here(prompt) => save(state, prompt.id, version, draft).await,
            Self::Shared(prompt) => organization::save(state, prompt.id, version, draft).await,
        }
    }
}

pub async fn get(state: &State, id: PromptId) -> Result<SystemPrompt, ApiError> {
    Ok(find(state, id).await?.prompt())
}

pub async fn create(state: &State, draft: PromptDraft) -> Result<SystemPrompt, ApiError> {
    may_write(state, draft.scope).await?;
    let draft = checked(draft)?;
    if draft.scope == PromptScope::Organization {
        return organization::create(state, &draft).await;
    }
    let known = state.store.count_prompts(draft.scope).await?;
    if known >= MOST {
        let detail = format!("there are {known} prompts already, and there can be no more");
        return Err(ApiError::new(Code::PromptInvalid, detail));
    }
    Ok(changed(
        state,
        state.store.create_prompt(&draft, AUTHOR).await?,
    ))
}

/// Changes a prompt. Whoever edited an old version is told both.
pub async fn update(
    state: &State,
    id: PromptId,
    edit: PromptEdit,
) -> Result<SystemPrompt, ApiError> {
    let found = find(state, id).await?;
    let old = found.now();
    may_write(state, old.scope).await?;
    if edit.prompt.scope != old.scope {
        let detail = format!(
            "{:?} is of the scope {}, and a prompt keeps its scope",
            old.name,
            old.scope.as_str()
        );
        return Err(Problem::new(Code::PromptScopeDenied, detail)
            .with_hint("Add a new prompt in the other scope.")
            .into());
    }
    let draft = checked(edit.prompt)?;
    found.save(state, edit.version, draft).await
}

async fn save(
    state: &State,
    id: PromptId,
    version: u32,
    draft: PromptDraft,
) -> Result<SystemPrompt, ApiError> {
    match state.store.update_prompt(id, version, &draft, AUTHOR).await {
        Ok(prompt) => Ok(changed(state, prompt)),
        Err(StoreError::PromptChanged { .. }) => {
            Err(conflict(get(state, id).await?, draft, version).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// That an edit came too late, with both sides.
async fn conflict(
    theirs: SystemPrompt,
    draft: PromptDraft,
    version: u32,
) -> Result<ApiError, ApiError> {
    let detail = format!(
        "version {version} of {:?} was edited, and it has version {} now",
        theirs.name, theirs.version
    );
    let diff = difference(&theirs.content, &draft.content).await?;
    let problem = Problem::new(Code::PromptConflict, detail).with_conflict(PromptConflict {
        yours: draft,
        theirs,
        diff,
    });
    Ok(problem.into())
}

pub async fn delete(state: &State, id: PromptId, version: u32) -> Result<(), ApiError> {
    let found = find(state, id).await?;
    let is_shared = matches!(found, Found::Shared(_));
    may_write(state, found.prompt().scope).await?;
    if is_shared {
        return organization::delete(state, id, version).await;
    }
    state.store.delete_prompt(id, version).await?;
    state.publish(Event::PromptRemoved { id });
    Ok(())
}

/// Notes whether the user wants a prompt of an organization. One that is locked cannot be declined.
pub async fn decline(state: &State, id: PromptId, choice: PromptChoice) -> Result<(), ApiError> {
    let prompt = get(state, id).await?;
    let refusal = match prompt.scope {
        PromptScope::Organization if prompt.locked && choice.declined => {
            Some("the organization does not let its users do without this prompt")
        }
        PromptScope::Organization => None,
        PromptScope::Global => Some("global prompts are for every session of this engine"),
        PromptScope::User => Some("a prompt of your own is disabled, not declined"),
    };
    if let Some(detail) = refusal {
        return Err(ApiError::new(Code::PromptScopeDenied, detail));
    }
    state.store.decline_prompt(id, choice.declined).await?;
    changed(state, prompt);
    Ok(())
}

/// Takes a prompt to another place of its scope.
pub async fn reorder(state: &State, id: PromptId, to: PromptMove) -> Result<PromptOrder, ApiError> {
    let found = find(state, id).await?;
    let is_shared = matches!(found, Found::Shared(_));
    may_write(state, found.prompt().scope).await?;
    if is_shared {
        return organization::reorder(state, id, to).await;
    }
    let before = state.store.prompts().await?;
    let moved = state
        .store
        .move_prompt(id, to.version, to.before, AUTHOR)
        .await?;
    for prompt in &moved {
        if !before.contains(prompt) {
            changed(state, prompt.clone());
        }
    }
    Ok(PromptOrder { prompts: moved })
}

/// What a prompt was, the newest version first, in pages.
pub async fn versions(
    state: &State,
    id: PromptId,
    before: Option<u32>,
    limit: Option<u32>,
) -> Result<PromptVersions, ApiError> {
    let found = find(state, id).await?;
    let limit = limit.unwrap_or(PAGE).clamp(1, PAGE);
    let versions = found.versions(state, before, limit).await?;
    let last = versions.last().map(|version| version.version);
    Ok(PromptVersions {
        versions,
        next: last.filter(|last| *last > 1),
    })
}

/// Makes a prompt what it was in an earlier version, as a new one. It keeps its place.
pub async fn restore(
    state: &State,
    id: PromptId,
    wanted: PromptRestore,
) -> Result<SystemPrompt, ApiError> {
    let found = find(state, id).await?;
    may_write(state, found.now().scope).await?;
    let old = found.version(state, wanted.to).await?.draft;
    let draft = checked(PromptDraft {
        priority: found.now().priority,
        ..old
    })?;
    found.save(state, wanted.version, draft).await
}

/// The difference between the words of two versions.
pub async fn diff(state: &State, id: PromptId, from: u32, to: u32) -> Result<TextDiff, ApiError> {
    let found = find(state, id).await?;
    let old = found.version(state, from).await?.draft;
    let new = found.version(state, to).await?.draft;
    difference(&old.content, &new.content).await
}

pub async fn set_policy(state: &State, policy: PromptPolicy) -> Result<PromptPolicy, ApiError> {
    if state.store.prompt_policy().await? != policy {
        state.store.set_prompt_policy(policy).await?;
        state.publish(Event::PromptPolicyChanged { policy });
    }
    Ok(policy)
}

fn changed(state: &State, prompt: SystemPrompt) -> SystemPrompt {
    state.publish(Event::PromptChanged {
        prompt: Box::new(prompt.clone()),
    });
    prompt
}

/// The scopes that the user of this engine may write: their own, and that of the active organization if they are an
/// admin of it. Global prompts come from whoever runs the engine.
async fn writable(state: &State) -> Result<Vec<PromptScope>, ApiError> {
    let role = organization::role(state).await?;
    let mut scopes = vec![PromptScope::User];
    if role == Some(OrganizationRole::Admin) {
        scopes.insert(0, PromptScope::Organization);
    }
    Ok(scopes)
}

async fn may_write(state: &State, scope: PromptScope) -> Result<(), ApiError> {
    if writable(state).await?.contains(&scope) {
        return Ok(());
    }
    let own = "Write a prompt of your own, in the scope `user`.";
    let (detail, hint) = match scope {
        PromptScope::Global => (
            "global prompts come from whoever runs Berth",
            "Give the engine a folder with them: berth serve --global-prompts FOLDER.",
        ),
        PromptScope::Organization if state.organizations.active().is_none() => (
            "prompts of an organization are changed by its admins, and no organization is active",
            "Switch to the organization first.",
        ),
        PromptScope::Organization | PromptScope::User => {
            ("prompts of an organization are changed by its admins", own)
        }
    };
    Err(Problem::new(Code::PromptScopeDenied, detail)
        .with_hint(hint)
        .into())
}

/// Checks everything that can be wrong with a prompt, and says it by field.
fn checked(mut draft: PromptDraft) -> Result<PromptDraft, ApiError> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: String| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            message,
        });
    };
    draft.name = draft.name.trim().to_owned();
    // Files have line feeds only, and a prompt shall be the same when it comes back from one.
    draft.content = draft.content.replace("\r\n", "\n");
    let chars = draft.name.chars().count();
    if chars == 0 || chars > NAME || draft.name.chars().any(char::is_control) {
        wrong(
            "name",
            format!("The name must have 1 to {NAME} characters on one line."),
        );
    }
    let bytes = draft.content.len();
    if bytes > MAX_CONTENT_BYTES {
        wrong(
            "content",
            format!("It has {bytes} bytes; at most {MAX_CONTENT_BYTES} are allowed."),
        );
    } else if draft.content.contains('\0') {
        wrong("content", "It holds a NUL character.".to_owned());
    } else if draft.format == PromptFormat::Template
        && let Err(error) = berth_prompt::check_template(&draft.content)
    {
        wrong("content", sentence(&error.to_string()));
    }
    if draft.locked && draft.scope != PromptScope::Organization {
        wrong(
            "locked",
            "Only prompts of an organization can be locked.".to_owned(),
        );
    }
    if draft.target.agents.len() > TARGETS {
        wrong("target.agents", format!("There can be at most {TARGETS}."));
    }
    if draft.target.projects.len() > TARGETS {
        wrong(
            "target.projects",
            format!("There can be at most {TARGETS}."),
        );
    }
    if problems.is_empty() {
        return Ok(draft);
    }
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(Problem::new(Code::PromptInvalid, said.join(" "))
        .with_fields(problems)
        .into())
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// The difference between two texts, worked out beside the async threads.
async fn difference(old: &str, new: &str) -> Result<TextDiff, ApiError> {
    if old == new {
        return Ok(TextDiff::default());
    }
    let (old, new) = (old.to_owned(), new.to_owned());
    let made = tokio::task::spawn_blocking(move || effective::text_diff(&old, &new));
    made.await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))
}

#[cfg(test)]
mod tests;
