//! How a run ends, in words and as an exit code.

use std::io;

use berth_protocol::{AgentId, Failure};

use super::{follow::FollowError, progress::Outcome};

/// Exit code when the agent asks something.
const ASKED: u8 = 3;

/// Exit code when the time is up, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// How it ended.
pub enum End {
    Outcome(Outcome),
    NotTaken,
    Removed,
    TimedOut(u64),
    Interrupted(u8),
    Lost(FollowError),
    /// Nobody reads what is printed any more.
    Unread(io::Error),
}

impl End {
    /// The word for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Outcome(Outcome::Finished) => "finished",
            Self::Outcome(Outcome::Asked { .. }) => "asked",
            Self::Outcome(Outcome::Exited { .. }) => "exited",
            Self::Outcome(Outcome::Failed(_)) | Self::Removed => "failed",
            Self::NotTaken => "not_taken",
            Self::TimedOut(_) => "timed_out",
            Self::Interrupted(_) => "interrupted",
            Self::Lost(_) | Self::Unread(_) => "lost",
        }
    }

    pub fn exit(&self) -> u8 {
        match self {
            Self::Outcome(Outcome::Finished) => 0,
            Self::Outcome(Outcome::Exited {
                code: Some(0),
                taken: true,
                ..
            }) => 0,
            Self::Outcome(Outcome::Asked { .. }) => ASKED,
            Self::TimedOut(_) => TIMED_OUT,
            Self::Interrupted(code) => *code,
            _ => 1,
        }
    }

    /// What is to be said of it; nothing when all is well.
    pub fn detail(&self, agent: &AgentId) -> Option<String> {
        Some(match self {
            Self::Outcome(Outcome::Finished) | Self::Interrupted(_) => return None,
            Self::Outcome(Outcome::Asked { attention, .. }) => attention.question.clone(),
            Self::Outcome(Outcome::Failed(Failure { detail, .. })) => detail.clone(),
            Self::Outcome(Outcome::Exited {
                code,
                signal,
                taken,
            }) => {
                let before = if *taken {
                    ""
                } else {
                    " before it took the message"
                };
                match (code, signal) {
                    (Some(0), _) if *taken => return None,
                    (Some(code), _) => format!("{agent} ended with code {code}{before}"),
                    (None, Some(signal)) => format!("{agent} was ended by {signal}{before}"),
                    (None, None) => format!("{agent} ended{before}"),
                }
            }
            Self::NotTaken => format!("{agent} waits and did not take the message"),
            Self::Removed => "the session was deleted".to_owned(),
            Self::TimedOut(seconds) => format!("{agent} has not finished within {seconds} s"),
            Self::Lost(error) => error.to_string(),
            Self::Unread(error) => format!("the answer cannot be printed: {error}"),
        })
    }
}
