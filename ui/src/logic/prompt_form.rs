//! The form of a prompt: what its fields hold, and what they make.

use berth_protocol::{
    AgentId, FieldProblem, ProjectId, PromptDraft, PromptFormat, PromptScope, PromptTarget,
};

use crate::strings::{fill, prompt_pages};

/// Longest name, in characters; the engine takes no longer one.
const NAME: usize = 120;

/// Largest content, in bytes; the engine takes no larger one.
pub const CONTENT: usize = 32 * 1024;

/// What the fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whose words they are.
    pub scope: PromptScope,
    /// Name.
    pub name: String,
    /// It is filled in for each session.
    pub is_template: bool,
    /// Its words.
    pub content: String,
    /// Its place within its scope, as it is typed; 0 when empty.
    pub priority: String,
    /// Given to sessions.
    pub enabled: bool,
    /// Users cannot disable it; counts only in an organization.
    pub locked: bool,
    /// The agents it is for; all when empty.
    pub agents: Vec<AgentId>,
    /// The projects it is for; all when empty.
    pub projects: Vec<ProjectId>,
}

impl Form {
    /// A form with nothing in it.
    pub fn new(scope: PromptScope) -> Self {
        Self::of(&PromptDraft {
            scope,
            enabled: true,
            ..PromptDraft::default()
        })
    }

    /// A form that holds this.
    pub fn of(draft: &PromptDraft) -> Self {
        Self {
            scope: draft.scope,
            name: draft.name.clone(),
            is_template: draft.format == PromptFormat::Template,
            content: draft.content.clone(),
            priority: draft.priority.to_string(),
            enabled: draft.enabled,
            locked: draft.locked,
            agents: draft.target.agents.clone(),
            projects: draft.target.projects.clone(),
        }
    }

    /// What the fields make.
    pub fn draft(&self) -> PromptDraft {
        PromptDraft {
            scope: self.scope,
            name: self.name.trim().to_owned(),
            format: if self.is_template {
                PromptFormat::Template
            } else {
                PromptFormat::Text
            },
            content: self.content.clone(),
            priority: self.priority().unwrap_or_default(),
            enabled: self.enabled,
            locked: self.locked && self.scope == PromptScope::Organization,
            target: PromptTarget {
                agents: self.agents.clone(),
                projects: self.projects.clone(),
            },
        }
    }

    /// What is previewed: a name that cannot be saved yet keeps nobody from seeing the words.
    pub fn preview(&self) -> PromptDraft {
        let mut draft = self.draft();
        if draft.name.is_empty() || draft.name.chars().count() > NAME {
            draft.name = prompt_pages().prompt_unnamed.to_owned();
        }
        draft
    }

    fn priority(&self) -> Option<i32> {
        match self.priority.trim() {
            "" => Some(0),
            number => number.parse().ok(),
        }
    }

    /// What is wrong, by field; nothing when the form can be saved. What is wrong with a template only the
    /// engine knows.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut add = |field: &str, message: String| {
            found.push(FieldProblem {
                field: field.to_owned(),
                message,
            });
        };
        let name = self.name.trim();
        let length = name.chars().count();
        if length == 0 || length > NAME || name.chars().any(char::is_control) {
            add(
                "name",
                fill(prompt_pages().prompt_name_wrong, &[&NAME.to_string()]),
            );
        }
        if self.content.len() > CONTENT {
            let sizes = [self.content.len().to_string(), CONTENT.to_string()];
            add(
                "content",
                fill(prompt_pages().prompt_too_long, &[&sizes[0], &sizes[1]]),
            );
        }
        if self.priority().is_none() {
            add("priority", prompt_pages().prompt_priority_wrong.to_owned());
        }
        found
    }
}

#[cfg(test)]
#[path = "prompt_form_tests.rs"]
mod tests;
