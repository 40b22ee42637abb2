//! What is said over the API about prompts: lists, edits, previews, and what a session was given.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    EffectivePrompt, PromptDraft, PromptScope, PromptVersion, SanitizePolicy, SystemPrompt,
};
use crate::{AgentId, Problem, ProjectId, PromptId, SessionId, Transport};

/// All prompts, and what is needed to edit them: answer of `GET /prompts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptList {
    /// The prompts, as they are put together: by scope, priority, name and id.
    pub prompts: Vec<SystemPrompt>,
    /// What is done about words that try to override higher scopes.
    pub policy: PromptPolicy,
    /// The scopes whose prompts the caller may write.
    pub writable: Vec<PromptScope>,
    /// Prompts of an organization that the user does not want. A locked one counts all the same.
    #[serde(default)]
    pub declined: Vec<PromptId>,
    /// The names that templates may use.
    pub fields: Vec<PromptField>,
    /// What the active organization has done about such words at the least: the stricter of this and `policy`
    /// counts. Absent where it says nothing, or none is active.
    #[serde(default)]
    pub least: Option<SanitizePolicy>,
    /// Prompts with a change that the active organization does not have yet.
    #[serde(default)]
    pub changes: Vec<PromptChange>,
}

/// That a prompt has a change which its organization does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptChange {
    /// The prompt.
    pub id: PromptId,
    /// Where the change stands.
    pub state: PromptChangeState,
}

/// Where a change of a prompt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PromptChangeState {
    /// It is on its way, or waits for the network.
    Waiting,
    /// The organization's backend refuses it.
    Refused,
    /// Somebody else has changed the same.
    Conflict,
}

/// Whether the user wants a prompt of an organization: body of `PUT /prompts/{id}/declined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptChoice {
    /// The user's sessions do without it.
    pub declined: bool,
}

/// What holds for all prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptPolicy {
    /// What is done about words that try to override higher scopes.
    pub sanitize: SanitizePolicy,
}

/// A name that templates may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptField {
    /// As in `{{ user_name }}`.
    pub name: String,
    /// As in `{{.UserName}}`.
    pub go_name: String,
    /// What it is filled in with.
    pub description: String,
}

/// An edit: body of `PUT /prompts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptEdit {
    /// The version that was edited. When it is not the newest any more, the edit is refused with
    /// `prompt.conflict`, and the answer has the newest one.
    pub version: u32,
    /// What the prompt shall be. Its scope cannot change.
    pub prompt: PromptDraft,
}

/// Takes a prompt to another place of its scope: body of `POST /prompts/{id}/move`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptMove {
    /// The version that was looked at.
    pub version: u32,
    /// The prompt of the same scope that it shall stand before; the end when absent.
    #[serde(default)]
    pub before: Option<PromptId>,
}

/// The prompts of one scope in their order: answer of `POST /prompts/{id}/move`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptOrder {
    /// The prompts.
    pub prompts: Vec<SystemPrompt>,
}

/// Everything that a prompt was: answer of `GET /prompts/{id}/versions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptVersions {
    /// The versions, the newest first.
    pub versions: Vec<PromptVersion>,
    /// `before` of the next page; absent when this is the last one.
    #[serde(default)]
    pub next: Option<u32>,
}

/// Makes a prompt what it was: body of `POST /prompts/{id}/restore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptRestore {
    /// The newest version that was looked at. While an edit waits for the prompt's organization, it is the number that
    /// `GET /prompts/{id}` tells, which counts the edit.
    pub version: u32,
    /// The version whose words, name and settings come back, as a new version.
    pub to: u32,
}

/// The difference between two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextDiff {
    /// A unified diff without file names; empty when the texts are the same.
    pub patch: String,
    /// Lines that are new.
    pub added: u32,
    /// Lines that are gone.
    pub removed: u32,
}

/// Both sides of an edit that came too late; in the problem `prompt.conflict`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptConflict {
    /// What was asked for.
    pub yours: PromptDraft,
    /// What the prompt is now.
    pub theirs: SystemPrompt,
    /// From theirs to yours.
    pub diff: TextDiff,
}

/// What to preview: body of `POST /prompts/preview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The agent of the session that is thought of.
    pub agent: AgentId,
    /// Its project.
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// How it is spoken to.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// A prompt as it would be saved.
    #[serde(default)]
    pub draft: Option<PromptDraft>,
    /// The prompt that the draft replaces; a new one when absent.
    #[serde(default)]
    pub id: Option<PromptId>,
}

/// What a session that began now would be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptPreview {
    /// What it would be given.
    pub effective: EffectivePrompt,
    /// Where each line comes from.
    pub origins: Vec<LineOrigin>,
    /// What is done about words that try to override higher scopes.
    pub policy: SanitizePolicy,
    /// Why the agent would not get it; absent when it would.
    #[serde(default)]
    pub undelivered: Option<String>,
    /// What it is compared with; absent when there is nothing.
    #[serde(default)]
    pub compared: Option<PreviewCompared>,
}

/// What a preview is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewCompared {
    /// The newest running session of that agent in that project, which was started with something else or
    /// the same; absent when a draft is compared with the prompts as they are saved.
    #[serde(default)]
    pub session: Option<SessionId>,
    /// SHA-256 of the text that it is compared with, hexadecimal.
    pub sha256: String,
    /// Names and words of the parts, without codes and versions: from those that the session was given to
    /// those that it would be given now; of a draft, from those of the prompts as they are saved to those of the
    /// preview.
    pub diff: TextDiff,
    /// Why nothing could be put together for that session now; `diff` is empty then.
    #[serde(default)]
    pub problem: Option<Box<Problem>>,
}

/// Whose words a run of lines is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineOrigin {
    /// The first line, from 1.
    pub first: u32,
    /// The last line.
    pub last: u32,
    /// Place among the parts, from 0; absent for lines that Berth writes between them.
    #[serde(default)]
    pub part: Option<u32>,
}

/// What a session's agent was given when it last started: answer of `GET /sessions/{id}/effective-prompt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionPrompt {
    /// Which start of the session, from 1.
    pub run: u32,
    /// When.
    pub at: Timestamp,
    /// What was put together for it.
    pub effective: EffectivePrompt,
    /// Where each line comes from.
    pub origins: Vec<LineOrigin>,
    /// Why the agent did not get it; absent when it did, or when there was nothing to get.
    #[serde(default)]
    pub undelivered: Option<String>,
    /// The agent's conversation keeps the instructions that it began with, so a restart that goes on with it
    /// changes nothing: new ones want a new conversation (`beginning` `transcript` or `new`).
    #[serde(default)]
    pub wants_new_conversation: bool,
    /// What has changed since: from the parts that it was given to those that it would be given now, as in
    /// [`PreviewCompared::diff`]. Absent when nothing has.
    #[serde(default)]
    pub changed: Option<TextDiff>,
    /// Why nothing could be put together now: the session cannot be started again until that is mended.
    #[serde(default)]
    pub problem: Option<Box<Problem>>,
}

/// A prompt as a Markdown file with front matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptFile {
    /// Name of the file, such as `house-rules.md`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Files to import: body of `POST /prompts/import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptImport {
    /// The files.
    pub files: Vec<PromptFile>,
    /// Only says what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an import did: answer of `POST /prompts/import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptImported {
    /// One for each file, in their order.
    pub results: Vec<PromptImportResult>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptImportResult {
    /// Name of the file.
    pub file: String,
    /// What was done, or would be.
    pub outcome: PromptImportOutcome,
    /// Name of the prompt, when the file could be read.
    #[serde(default)]
    pub name: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub problem: Option<Box<Problem>>,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PromptImportOutcome {
    /// It is a new prompt.
    Created,
    /// It is a new version of the prompt with the same name and scope.
    Updated,
    /// The prompt is like that already.
    Unchanged,
    /// It cannot be imported.
    Failed,
}
