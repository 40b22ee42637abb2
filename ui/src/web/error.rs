//! What can go wrong when the engine is asked, in words for the user.

use berth_protocol::{Code, Problem};

use crate::strings::t;

/// Why the engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The engine refused, and says why.
    Problem(Box<Problem>),
    /// The engine did not answer.
    Unreachable,
    /// The answer is not one that this version understands.
    Unreadable,
}

impl ApiError {
    /// What happened, to what.
    pub fn text(&self) -> String {
        match self {
            Self::Problem(problem) if problem.detail.is_empty() => problem.title.clone(),
            Self::Problem(problem) => problem.detail.clone(),
            Self::Unreachable => t().error_unreachable.to_owned(),
            Self::Unreadable => t().error_unreadable.to_owned(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Problem(problem) => problem.hint.clone(),
            Self::Unreachable => Some(t().error_unreachable_hint.to_owned()),
            Self::Unreadable => Some(t().error_unreadable_hint.to_owned()),
        }
    }

    /// What the engine says, when it has refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// The stable code, when the engine gave one.
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }
}
