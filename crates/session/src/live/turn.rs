//! One exchange: a message that the agent took and what it says to it.

use tokio::time::{Duration, Instant};

/// How long an agent may look ready without having said or done anything before that counts as
/// its whole answer.
const SILENCE: Duration = Duration::from_secs(3);

/// The exchange that goes on.
#[derive(Debug)]
pub(super) struct Turn {
    /// The message; absent while the user has typed it into the terminal and it is not seen yet.
    pub sent: Option<String>,
    /// What was last reported of the reply.
    pub reported: String,
    /// The agent was seen working on it.
    pub worked: bool,
    since: Instant,
    /// How often the program had begun to work before.
    works: u64,
}

impl Turn {
    pub fn new(sent: Option<String>, works: u64) -> Self {
        Self {
            sent,
            reported: String::new(),
            worked: false,
            since: Instant::now(),
            works,
        }
    }

    /// The program has begun to work so often by now.
    pub fn see_works(&mut self, works: u64) {
        self.worked |= works > self.works;
    }

    /// A ready agent has really finished, rather than not begun. Of an agent that shows when it
    /// works, text on the screen proves nothing: it may be of an earlier turn.
    pub fn may_end(&self, shows_work: bool, reply: &str) -> bool {
        self.worked || (!shows_work && !reply.is_empty()) || self.since.elapsed() >= SILENCE
    }

    /// How long it has lasted.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// When to look again at an agent that seems not to have begun.
    pub fn patience_ends(&self) -> Instant {
        self.since + SILENCE
    }
}
