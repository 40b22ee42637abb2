//! Why prompts cannot be put together.

use berth_protocol::{PromptId, PromptWarning};

use super::{MAX_CONTENT_BYTES, MAX_PROMPTS};
use crate::{MAX_VALUE_BYTES, TemplateError};

/// A session cannot be given its prompts. None of these gives it some of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// More prompts than [`MAX_PROMPTS`](crate::MAX_PROMPTS) are meant for the session.
    #[error(
        "{count} prompts are meant for this session, at most {MAX_PROMPTS} can be; {name:?} is one too many"
    )]
    TooMany {
        /// How many are meant.
        count: usize,
        /// The first one too many.
        id: PromptId,
        /// Its name.
        name: String,
    },
    /// A prompt is longer than [`MAX_CONTENT_BYTES`](crate::MAX_CONTENT_BYTES), as written or filled in.
    #[error("the prompt {name:?} has {bytes} bytes{filled}, at most {MAX_CONTENT_BYTES} are allowed", filled = if *.filled_in { " once filled in" } else { "" })]
    ContentTooLong {
        /// The prompt.
        id: PromptId,
        /// Its name.
        name: String,
        /// Its length.
        bytes: usize,
        /// It is only too long with its fields filled in.
        filled_in: bool,
    },
    /// All prompts together are too long.
    #[error("with the prompt {name:?} the prompts of this session exceed {limit} bytes")]
    TooLong {
        /// The prompt that goes beyond the limit.
        id: PromptId,
        /// Its name.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// The value of a field is longer than [`MAX_VALUE_BYTES`](crate::MAX_VALUE_BYTES).
    #[error(
        "the prompt {name:?} uses {field}, which has {bytes} bytes here; at most {MAX_VALUE_BYTES} are allowed"
    )]
    ValueTooLong {
        /// The prompt.
        id: PromptId,
        /// Its name.
        name: String,
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A template cannot be used.
    #[error("the prompt {name:?} cannot be filled in: {source}")]
    Template {
        /// The prompt.
        id: PromptId,
        /// Its name.
        name: String,
        /// What is wrong, and where.
        source: TemplateError,
    },
    /// The policy rejects what a prompt says.
    #[error("the prompt {name:?} was rejected: {}", first(.warnings))]
    Rejected {
        /// The prompt.
        id: PromptId,
        /// Its name.
        name: String,
        /// What was found.
        warnings: Vec<PromptWarning>,
    },
}

fn first(warnings: &[PromptWarning]) -> String {
    warnings.first().map_or_else(String::new, |warning| {
        let place = warning.field.as_ref().map_or_else(
            || format!("line {}, column {}", warning.line, warning.column),
            |field| format!("the value of {field}"),
        );
        format!("{place}: {:?}: {}", warning.excerpt, warning.message)
    })
}
