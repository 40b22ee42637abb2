//! What an agent's message is made of, when the agent tells.

use serde::{Deserialize, Serialize};

/// A part of an agent's message, in the order in which it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Part {
    /// Words for the user, in Markdown. All of them together are the message's `content`.
    Text {
        /// The words.
        text: String,
    },
    /// What the agent thinks, in Markdown.
    Thought {
        /// The words.
        text: String,
    },
    /// What it plans to do; each plan replaces the one before.
    Plan {
        /// The steps, in order.
        steps: Vec<PlanStep>,
    },
    /// What it does with a tool.
    Tool(ToolCall),
    /// Something about the turn itself, such as why it ended early. It stands in `content` too.
    Notice {
        /// The words.
        text: String,
    },
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanStep {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub state: StepState,
}

/// How far a step of a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Going on.
    InProgress,
    /// Done.
    Completed,
}

/// What an agent does with a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToolCall {
    /// Identifies it within the session.
    pub id: String,
    /// What it does, in a few words.
    pub title: String,
    /// The kind of tool, such as `read`, `edit`, `execute` or `other`.
    pub tool: String,
    /// How far it is.
    pub state: ToolState,
    /// Files that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// What came of it, or what it is to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<ToolOutput>,
}

/// How far a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolState {
    /// It has not begun: its input comes, or somebody is asked.
    Pending,
    /// It runs.
    InProgress,
    /// It is done.
    Completed,
    /// It failed, or was not allowed.
    Failed,
}

/// What came of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToolOutput {
    /// Words, in Markdown; at most 16 KiB are kept.
    Text {
        /// The words.
        text: String,
    },
    /// A file that is changed.
    Diff {
        /// The file.
        path: String,
        /// The change in unified form, without the names of the file; at most 16 KiB are
        /// kept.
        patch: String,
    },
}

/// About how much there is to send of a message, in bytes.
pub fn weight_of(parts: &[Part]) -> usize {
    let weights = parts.iter().map(|part| match part {
        Part::Text { text } | Part::Thought { text } | Part::Notice { text } => text.len(),
        Part::Plan { steps } => steps.iter().map(|step| step.text.len()).sum(),
        Part::Tool(call) => weight_of_output(&call.output),
    });
    weights.sum()
}

/// The same of what came of a tool.
pub fn weight_of_output(output: &[ToolOutput]) -> usize {
    let weights = output.iter().map(|output| match output {
        ToolOutput::Text { text } => text.len(),
        ToolOutput::Diff { path, patch } => path.len() + patch.len(),
    });
    weights.sum()
}

/// The message's words: its texts and notices.
pub fn content_of(parts: &[Part]) -> String {
    let words = parts.iter().filter_map(|part| match part {
        Part::Text { text } | Part::Notice { text } => Some(text.trim()),
        _ => None,
    });
    let words: Vec<&str> = words.filter(|text| !text.is_empty()).collect();
    words.join("\n\n")
}
