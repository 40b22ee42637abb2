//! Agents whose screen no rule knows: a new version may look different, and what stands there may be
//! something that Berth has never seen, such as a question of a wizard.
//!
//! Such a screen is read as that of a program without rules, as plain text and by its pauses, until the
//! agent's own rules match it. That it is so is told, because nobody sees it otherwise.

use std::sync::Arc;

use berth_protocol::Status;
use tokio::time::Instant;

use super::{
    SessionEvent,
    actor::{Actor, UNCLEAR},
};
use crate::{
    agents,
    reading::{self, Activity},
};

impl Actor {
    /// The screen of the agent that starts has matched none of its rules for long enough.
    pub(super) fn lose_face(&mut self) {
        let Some(plain) = agents::plain_rules() else {
            return self.set_status(Status::Waiting);
        };
        self.start.rules = plain;
        // Of a screen that matches now and then it is told once.
        if !std::mem::replace(&mut self.face_lost, true) {
            tracing::info!(session = %self.start.id, "no rule matches the agent's screen");
            self.report(SessionEvent::ScreenUnknown);
        }
        self.set_status(Status::Waiting);
    }

    /// Goes back to the agent's own rules once they match; in the middle of an exchange only when they find
    /// its message, from which its reply counts.
    pub(super) fn find_face(&mut self) {
        let known = Arc::clone(&self.agent_rules);
        if !self.has_unknown_face() || self.sending.is_some() || self.answering.is_some() {
            return;
        }
        let activity = reading::read(&known, &self.terminal).activity;
        if matches!(activity, Activity::Unclear { .. }) {
            return;
        }
        if let Some(turn) = &mut self.turn {
            let Some(messages) = reading::messages(&known, &self.terminal) else {
                return;
            };
            let is_it = |message: &String| {
                let sent = turn.sent.as_deref();
                sent.is_some_and(|sent| reading::same_words(message, sent))
            };
            let Some(place) = messages.iter().rposition(is_it) else {
                return;
            };
            turn.echoes = place;
            self.typed.know(&messages, place);
        }
        self.start.rules = known;
        self.last_turn = None;
        if !std::mem::replace(&mut self.face_found, true) {
            tracing::info!(session = %self.start.id, "the agent's screen is known again");
            self.report(SessionEvent::ScreenKnown);
        }
        if self.turn.is_none() {
            // It takes messages only from now on, and has shown none of this run.
            self.unclear_at = Some(Instant::now() + UNCLEAR);
            self.set_status(Status::Starting);
        }
    }

    /// The screen is read as plain text although the agent has rules.
    pub(super) fn has_unknown_face(&self) -> bool {
        !Arc::ptr_eq(&self.start.rules, &self.agent_rules)
    }
}
