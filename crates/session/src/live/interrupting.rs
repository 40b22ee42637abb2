//! Interrupting an agent that wants several keys for it.
//!
//! Keys that come at once are taken for one, so each waits a while. It is pressed only while the agent
//! still works: to a question that has come up meanwhile it would be an answer.

use tokio::time::{Duration, Instant};

use super::{SessionError, actor::Actor};
use crate::reading::{self, Activity};

/// Between two keys.
const PAUSE: Duration = Duration::from_millis(600);

/// Keys that are still to be pressed, in order.
pub(super) struct Interrupting {
    keys: std::vec::IntoIter<Vec<u8>>,
    next: Instant,
}

impl Interrupting {
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
        self.interrupting = (keys.len() > 0).then(|| Interrupting {
            keys,
            next: Instant::now() + PAUSE,
        });
        Ok(())
    }

    /// Presses the next key if the agent still works.
    pub(super) fn press_on(&mut self) {
        let Some(mut interrupting) = self.interrupting.take() else {
            return;
        };
        let activity = reading::read(&self.agent_rules, &self.terminal).activity;
        if activity == Activity::Busy
            && let Some(keys) = interrupting.keys.next()
            && self.press(&keys).is_ok()
            && interrupting.keys.len() > 0
        {
            interrupting.next = Instant::now() + PAUSE;
            self.interrupting = Some(interrupting);
        }
    }
}
