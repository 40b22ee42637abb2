//! Interrupting an agent that wants several keys for it.
//!
//! Keys that come at once are taken for one, so each waits a while. It is pressed only while the agent
//! still works: to a question that has come up meanwhile it would be an answer.

use tokio::time::{Duration, Instant};

use super::{SessionError, actor::Actor, status::REST_OF_FRAME};
use crate::reading::{self, Activity};

/// Between two keys.
const PAUSE: Duration = Duration::from_millis(600);

/// How long a screen that never comes to rest may hold the next key back.
const UNDRAWN: Duration = Duration::from_secs(1);

/// Keys that are still to be pressed, in order.
pub(super) struct Interrupting {
    keys: std::vec::IntoIter<Vec<u8>>,
    next: Instant,
    /// When the screen counts as drawn, however it is.
    pub(super) drawn_by: Instant,
}

impl Interrupting {
    fn after_pause(keys: std::vec::IntoIter<Vec<u8>>) -> Self {
        let next = Instant::now() + PAUSE;
        Self {
            keys,
            next,
            drawn_by: next + UNDRAWN,
        }
    }

    /// When the next key is due.
    pub fn deadline(&self) -> Instant {
        self.next
    }
}

impl Actor {
    /// Presses the first key, and the others later.
    pub(super) fn interrupt(&mut self) -> Result<(), SessionError> {
        let mut keys = self.agent_rules.interrupt_keys().into_iter();
        self.press(&keys.next().unwrap_or_default())?;
        self.interrupting = (keys.len() > 0).then(|| Interrupting::after_pause(keys));
        Ok(())
    }

    /// Presses the next key if the agent still works.
    pub(super) fn press_on(&mut self) {
        let Some(mut interrupting) = self.interrupting.take() else {
            return;
        };
        let activity = reading::read(&self.agent_rules, &self.terminal).activity;
        let drawn = (self.printed + REST_OF_FRAME).min(interrupting.drawn_by);
        if activity == Activity::Busy {
            if let Some(keys) = interrupting.keys.next()
                && self.press(&keys).is_ok()
                && interrupting.keys.len() > 0
            {
                self.interrupting = Some(Interrupting::after_pause(interrupting.keys));
            }
        } else if Instant::now() < drawn && !matches!(activity, Activity::Asks(_)) {
            // Half a frame does not show that it works.
            interrupting.next = drawn;
            self.interrupting = Some(interrupting);
        }
    }
}
