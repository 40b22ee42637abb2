//! How a session's status looks and reads.

use berth_protocol::{Session, Status};

use crate::strings::{fill, t};

/// The colour and shape of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Amber: the user is needed.
    Attention,
    /// Accent, pulsing: work goes on.
    Running,
    /// Green: ready for the next message.
    Waiting,
    /// Neutral: over.
    Ended,
    /// Red: something went wrong.
    Failed,
}

impl Tone {
    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Attention => "tone-attention",
            Self::Running => "tone-running",
            Self::Waiting => "tone-waiting",
            Self::Ended => "tone-ended",
            Self::Failed => "tone-failed",
        }
    }
}

/// The tone of a status.
pub fn tone(status: &Status) -> Tone {
    match status {
        Status::Starting | Status::Running => Tone::Running,
        Status::Waiting => Tone::Waiting,
        Status::NeedsAttention { .. } => Tone::Attention,
        _ if was_stopped(status) => Tone::Ended,
        Status::Exited { code: Some(0), .. } => Tone::Ended,
        Status::Exited { code: Some(_), .. } => Tone::Failed,
        Status::Exited { code: None, .. } => Tone::Ended,
        Status::Failed { .. } => Tone::Failed,
    }
}

/// Somebody ended the program from outside: by a signal, or by one that it turned into an exit code
/// (128 and the signal's number, as shells count).
fn was_stopped(status: &Status) -> bool {
    match status {
        Status::Exited {
            code: Some(129 | 130 | 143),
            ..
        } => true,
        Status::Exited {
            code: None,
            signal: Some(signal),
        } => matches!(signal.as_str(), "SIGHUP" | "SIGINT" | "SIGTERM"),
        _ => false,
    }
}

/// The status in a word or two.
pub fn word(status: &Status) -> String {
    let t = t();
    match status {
        Status::Starting => t.status_starting.to_owned(),
        Status::Running => t.status_running.to_owned(),
        Status::Waiting => t.status_waiting.to_owned(),
        Status::NeedsAttention { .. } => t.status_needs_attention.to_owned(),
        _ if was_stopped(status) => t.status_stopped.to_owned(),
        Status::Exited { code: Some(0), .. }
        | Status::Exited {
            code: None,
            signal: None,
        } => t.status_exited.to_owned(),
        Status::Exited {
            code: Some(code), ..
        } => fill(t.status_exited_code, &[&code.to_string()]),
        Status::Exited {
            signal: Some(signal),
            ..
        } => fill(t.status_exited_signal, &[signal]),
        Status::Failed { .. } => t.status_failed.to_owned(),
    }
}

/// How the session ended, as a sentence; `None` while it lives.
pub fn ending(status: &Status, agent: &str) -> Option<String> {
    let t = t();
    match status {
        _ if was_stopped(status) => Some(fill(t.ended_stopped, &[agent])),
        Status::Exited { code: Some(0), .. } => Some(fill(t.ended_well, &[agent])),
        Status::Exited {
            code: Some(code), ..
        } => Some(fill(t.ended_with_code, &[agent, &code.to_string()])),
        Status::Exited {
            signal: Some(signal),
            ..
        } => Some(fill(t.ended_by_signal, &[agent, signal])),
        Status::Exited { .. } => Some(fill(t.ended_somehow, &[agent])),
        Status::Failed { failure } => Some(failure.detail.clone()),
        _ => None,
    }
}

/// What a session in the sidebar says under its title when the user is needed.
pub fn need(session: &Session) -> Option<String> {
    match &session.status {
        Status::NeedsAttention { attention } => attention
            .question
            .lines()
            .find(|line| !line.trim().is_empty())
            .map(|l| l.trim().to_owned()),
        Status::Failed { failure } => Some(failure.detail.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_how_it_ended() {
        let check = |code, signal: Option<&str>, short: &str, long: &str| {
            let status = Status::Exited {
                code,
                signal: signal.map(str::to_owned),
            };
            assert_eq!(word(&status), short);
            assert_eq!(ending(&status, "claude").as_deref(), Some(long));
        };
        check(Some(0), None, "ended", "claude has ended.");
        check(
            Some(2),
            None,
            "exit code 2",
            "claude ended with exit code 2.",
        );
        check(
            None,
            Some("SIGKILL"),
            "ended, SIGKILL",
            "claude was ended by SIGKILL.",
        );
        check(None, Some("SIGTERM"), "stopped", "claude was stopped.");
        check(Some(143), None, "stopped", "claude was stopped.");
        assert_eq!(ending(&Status::Running, "claude"), None);
    }

    #[test]
    fn an_exit_code_other_than_zero_is_a_failure() {
        assert_eq!(
            tone(&Status::Exited {
                code: Some(1),
                signal: None
            }),
            Tone::Failed
        );
        assert_eq!(
            tone(&Status::Exited {
                code: None,
                signal: Some("SIGTERM".into())
            }),
            Tone::Ended
        );
    }
}
