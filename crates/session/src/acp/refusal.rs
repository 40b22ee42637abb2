//! Why an agent cannot be spoken with, and how people are told.

use std::collections::VecDeque;

use berth_protocol::{Code, Failure};

use super::{Start, bounded::LINE};
use crate::pty::Exit;

/// Most of the last words that stands in the reason of an end, in characters.
const LONGEST_REASON: usize = 400;

/// Why an agent cannot be spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It wants its user to sign in.
    SignedOut,
    /// It does not answer in time.
    Silent,
    /// It has closed its output: it is ending, or nothing can come from it any more.
    Closed,
    /// It has no such mode.
    NoMode {
        /// What was asked for.
        wanted: String,
        /// What it has.
        known: Vec<String>,
    },
    /// It has not kept the conversation that it shall go on with.
    NoConversation(String),
    /// It cannot be given what the session has for it.
    Takes(&'static str),
    /// It has sent a line without an end.
    Endless,
    /// It answers with an error, or in another protocol.
    Protocol(String),
}

/// Why the agent never took messages, or cannot be spoken to any more.
pub fn failure(
    start: &Start,
    refusal: Option<&Refusal>,
    last_words: &VecDeque<String>,
    exit: &Exit,
) -> Failure {
    let agent = &start.agent;
    let said = || {
        let rows: Vec<&str> = last_words.iter().map(|row| row.trim()).collect();
        match rows.as_slice() {
            [] => String::new(),
            rows => {
                let said = rows.join(" / ");
                // The reason of an end stands at the end.
                let skip = said.chars().count().saturating_sub(LONGEST_REASON);
                let said: String = said.chars().skip(skip).collect();
                format!("; it said: {said}")
            }
        }
    };
    let (code, detail) = match refusal {
        Some(Refusal::SignedOut) => {
            let hint = start.sign_in_hint.as_deref();
            let hint = hint.map(|hint| format!(" {hint}.")).unwrap_or_default();
            (
                Code::AgentSignedOut,
                format!("{agent} wants you to sign in first.{hint}"),
            )
        }
        Some(Refusal::Silent) => (
            Code::AgentProtocol,
            format!("{agent} did not answer in time{}", said()),
        ),
        Some(Refusal::NoMode { wanted, known }) => (
            Code::AgentProtocol,
            format!("{agent} has no mode {wanted:?}, only {}", known.join(", ")),
        ),
        Some(Refusal::NoConversation(reason)) => (
            Code::ConversationGone,
            format!("{agent} does not go on with its conversation: {reason}"),
        ),
        Some(Refusal::Endless) => (
            Code::AgentProtocol,
            format!(
                "{agent} was ended: it sent a line of more than {} MiB",
                LINE / (1024 * 1024)
            ),
        ),
        Some(Refusal::Takes(what)) => (
            Code::AgentProtocol,
            format!("{agent} takes no {what} over ACP"),
        ),
        Some(Refusal::Protocol(reason)) => (
            Code::AgentProtocol,
            format!("{agent} cannot be spoken to: {reason}{}", said()),
        ),
        Some(Refusal::Closed) | None => {
            let how = match (exit.code, &exit.signal) {
                (Some(code), _) => format!("with code {code}"),
                (None, Some(signal)) => format!("by {signal}"),
                (None, None) => "and left no code".to_owned(),
            };
            let program = start.launch.program.display();
            (
                Code::SpawnFailed,
                format!("{program} ended {how} before it was ready{}", said()),
            )
        }
    };
    Failure { code, detail }
}
