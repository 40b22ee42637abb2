//! System prompts: who wrote which, and what a session is given of them.
//!
//! How they are put together, filled in and checked is in the crate `berth-prompt`.

mod management;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AgentId, ProjectId, PromptId};

pub use management::{
    LineOrigin, PreviewCompared, PreviewRequest, PromptChange, PromptChangeState, PromptChoice,
    PromptConflict, PromptEdit, PromptField, PromptFile, PromptImport, PromptImportOutcome,
    PromptImportResult, PromptImported, PromptList, PromptMove, PromptOrder, PromptPolicy,
    PromptPreview, PromptRestore, PromptVersions, SessionPrompt, TextDiff,
};

/// A system prompt as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemPrompt {
    /// Identifier.
    pub id: PromptId,
    /// Whose words they are.
    pub scope: PromptScope,
    /// Name shown to people and in the label before its words, 1 to 120 characters.
    pub name: String,
    /// How `content` is read.
    #[serde(default)]
    pub format: PromptFormat,
    /// Its words, at most 32 KiB of UTF-8.
    pub content: String,
    /// Its place within its scope: smaller numbers come first, equal ones by name and then by id.
    #[serde(default)]
    pub priority: i32,
    /// Given to sessions. A `locked` prompt of an organization is given to them even if not.
    pub enabled: bool,
    /// Users cannot disable it; only for the scope `organization`.
    #[serde(default)]
    pub locked: bool,
    /// The sessions it is for.
    #[serde(default)]
    pub target: PromptTarget,
    /// 1 at first, one more with each edit.
    pub version: u32,
    /// Identifier of the user who last edited it; absent for those that come with Berth.
    #[serde(default)]
    pub author: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl SystemPrompt {
    /// It is given to sessions: enabled, or an organization's that users cannot disable.
    pub fn is_active(&self) -> bool {
        self.enabled || (self.locked && self.scope == PromptScope::Organization)
    }
}

/// What a user says of a prompt: body of `POST /prompts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromptDraft {
    /// Whose words they are.
    #[serde(default)]
    pub scope: PromptScope,
    /// Name, 1 to 120 characters on one line.
    pub name: String,
    /// How `content` is read.
    #[serde(default)]
    pub format: PromptFormat,
    /// Its words, at most 32 KiB of UTF-8.
    pub content: String,
    /// Its place within its scope: smaller numbers come first.
    #[serde(default)]
    pub priority: i32,
    /// Given to sessions.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Users cannot disable it; only for the scope `organization`.
    #[serde(default)]
    pub locked: bool,
    /// The sessions it is for.
    #[serde(default)]
    pub target: PromptTarget,
}

fn yes() -> bool {
    true
}

/// A prompt as it was from one edit to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptVersion {
    /// Its number, from 1.
    pub version: u32,
    /// What the prompt was.
    pub draft: PromptDraft,
    /// Identifier of the user who made it so.
    #[serde(default)]
    pub author: Option<String>,
    /// Their name, or their address where they have none; only for members of the prompt's organization.
    #[serde(default)]
    pub author_name: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl SystemPrompt {
    /// What a user says of it.
    pub fn draft(&self) -> PromptDraft {
        PromptDraft {
            scope: self.scope,
            name: self.name.clone(),
            format: self.format,
            content: self.content.clone(),
            priority: self.priority,
            enabled: self.enabled,
            locked: self.locked,
            target: self.target.clone(),
        }
    }
}

/// Whose words a prompt is. Scopes are ordered by trust: what is smaller comes first and outranks what
/// is larger.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PromptScope {
    /// Whoever runs Berth, for everybody on it.
    Global,
    /// An organization, for all its users.
    Organization,
    /// A user, for their own sessions.
    #[default]
    User,
}

impl PromptScope {
    /// The scope as it stands on the wire and in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Organization => "organization",
            Self::User => "user",
        }
    }
}

/// How a prompt's content is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PromptFormat {
    /// As it stands.
    #[default]
    Text,
    /// As a template, filled in for each session.
    Template,
}

/// The sessions that a prompt is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PromptTarget {
    /// Those of these agents; of all agents when empty.
    pub agents: Vec<AgentId>,
    /// Those in these projects; in all projects when empty.
    pub projects: Vec<ProjectId>,
}

impl PromptTarget {
    /// A session of this agent in this project is meant.
    pub fn includes(&self, agent: &AgentId, project: Option<ProjectId>) -> bool {
        let agent = self.agents.is_empty() || self.agents.contains(agent);
        let project = self.projects.is_empty()
            || project.is_some_and(|project| self.projects.contains(&project));
        agent && project
    }
}

/// What composing gives one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EffectivePrompt {
    /// All parts with their labels, as the agent gets them; empty when there are no parts.
    pub text: String,
    /// The parts, in their order.
    pub parts: Vec<PromptPart>,
    /// SHA-256 of `text`, hexadecimal.
    pub sha256: String,
    /// What was found in them. None of it has kept the session from starting.
    pub warnings: Vec<PromptWarning>,
}

/// A prompt's part of an effective prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptPart {
    /// The prompt.
    pub id: PromptId,
    /// Its name.
    pub name: String,
    /// Whose words they are.
    pub scope: PromptScope,
    /// The version that was used.
    pub version: u32,
    /// Where its words begin in the text, in bytes.
    pub start: u32,
    /// Where they end, in bytes.
    pub end: u32,
    /// No prompt that is stored, but what the session itself brings along; `id` is the session's then.
    #[serde(default)]
    pub own: bool,
}

/// Something in a prompt that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptWarning {
    /// What it is.
    pub code: PromptWarningCode,
    /// The prompt it stands in; absent where a text was checked that is no prompt yet.
    #[serde(default)]
    pub part: Option<PromptId>,
    /// The template's field whose value it stands in; absent when it stands in the prompt's words.
    #[serde(default)]
    pub field: Option<String>,
    /// Line, from 1, of the words after they were filled in, or of the field's value.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// What was found and what was done about it, for people.
    pub message: String,
    /// The words themselves, at most 80 characters, with invisible characters shown as `·`.
    pub excerpt: String,
    /// They were replaced by `[REDACTED]`.
    #[serde(default)]
    pub redacted: bool,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PromptWarningCode {
    /// Words that tell a model to set instructions of others aside.
    OverrideAttempt,
    /// Words that give a model another role or take its limits away.
    RoleChange,
    /// A mark with which some models tell who speaks.
    RoleMarker,
    /// An imitation of the labels between the parts of an effective prompt.
    ScopeMarker,
    /// Words of that kind that are quoted or reported, as in advice against them. They are left as they are
    /// under every policy.
    Mention,
    /// Line breaks or control characters in the value of a field; each was replaced by a space.
    ControlCharacters,
}

/// What is done about words that try to override higher scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SanitizePolicy {
    /// They stay, with a warning.
    Warn,
    /// They are replaced by `[REDACTED]`, with a warning.
    #[default]
    Redact,
    /// The session is not started.
    Reject,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_ordered_by_trust() {
        assert!(PromptScope::Global < PromptScope::Organization);
        assert!(PromptScope::Organization < PromptScope::User);
    }

    #[test]
    fn an_empty_target_is_everything_and_a_project_is_needed_where_projects_are_named() {
        let claude: AgentId = "claude".parse().unwrap();
        let codex: AgentId = "codex".parse().unwrap();
        let project = ProjectId(uuid::Uuid::from_u128(1));
        assert!(PromptTarget::default().includes(&claude, None));
        let agents = PromptTarget {
            agents: vec![claude.clone()],
            ..PromptTarget::default()
        };
        assert!(agents.includes(&claude, Some(project)));
        assert!(!agents.includes(&codex, Some(project)));
        let projects = PromptTarget {
            projects: vec![project],
            ..PromptTarget::default()
        };
        assert!(projects.includes(&codex, Some(project)));
        assert!(!projects.includes(&codex, None));
    }

    #[test]
    fn only_an_organization_can_lock_a_prompt() {
        let text = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","scope":"user","name":"n","content":"c",
            "enabled":false,"locked":true,"version":1,"created_at":"2026-01-02T03:04:05Z",
            "updated_at":"2026-01-02T03:04:05Z"}"#;
        let mut prompt: SystemPrompt = serde_json::from_str(text).unwrap();
        assert!(!prompt.is_active());
        prompt.scope = PromptScope::Organization;
        assert!(prompt.is_active());
    }
}
