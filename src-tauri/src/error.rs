//! Errors as the page gets them from a command.

use berth_launcher::LaunchError;
use serde::Serialize;

/// What a command failed with. The fields are those that the page shows for an API problem too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CommandError {
    /// Stable code to match on.
    pub(crate) code: &'static str,
    /// What happened, to what.
    pub(crate) message: String,
    /// What the user can do.
    pub(crate) hint: &'static str,
}

impl From<LaunchError> for CommandError {
    fn from(error: LaunchError) -> Self {
        tracing::warn!(code = error.code(), "{}", error.full_message());
        Self {
            code: error.code(),
            message: error.full_message(),
            hint: error.hint(),
        }
    }
}
