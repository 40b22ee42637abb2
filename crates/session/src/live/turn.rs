//! One exchange: a message that the agent took and what it says to it.

use tokio::time::{Duration, Instant};

use crate::{agents::ScreenRules, reading, terminal::Terminal};

/// How long an agent may look ready without having said or done anything before that counts as
/// its whole answer.
const SILENCE: Duration = Duration::from_secs(3);

/// How long an agent may look ready whose question was answered, before it goes on.
const RESUMING: Duration = Duration::from_millis(1500);

/// The exchange that goes on.
#[derive(Debug)]
pub(super) struct Turn {
    /// The message; absent while the user has typed it into the terminal and it is not seen yet.
    pub sent: Option<String>,
    /// What was last reported of the reply.
    pub reported: String,
    /// The agent was seen working on it.
    pub worked: bool,
    /// Since when the agent has looked ready, the first time since it worked.
    pub ready_since: Option<Instant>,
    /// When a question of the agent was gone from the screen, if it was not seen working since.
    pub answered: Option<Instant>,
    since: Instant,
    /// How often the program had begun to work before.
    works: u64,
    /// How many of the user's messages the agent's screen had before; of a program that marks none,
    /// how many rows stood above the cursor.
    pub echoes: usize,
}

impl Turn {
    pub fn new(sent: Option<String>, works: u64, echoes: usize) -> Self {
        Self {
            sent,
            reported: String::new(),
            worked: false,
            ready_since: None,
            answered: None,
            since: Instant::now(),
            works,
            echoes,
        }
    }

    /// The program has begun to work so often by now.
    pub fn see_works(&mut self, works: u64) {
        self.worked |= works > self.works;
    }

    /// The agent has repeated the message; of agents that do not, nobody can say, unless they have no
    /// input box either and their terminal shows it.
    pub fn is_repeated(&self, rules: &ScreenRules, terminal: &Terminal) -> bool {
        match rules.echo {
            Some(_) => {
                reading::messages(rules, terminal)
                    .is_some_and(|messages| messages.len() > self.echoes)
                    || self.has_scrolled_off(terminal)
            }
            None => rules.prompt.is_none(),
        }
    }

    /// A long answer takes the message off a screen without scrollback. It stood there, or nothing of the answer
    /// would be known.
    fn has_scrolled_off(&self, terminal: &Terminal) -> bool {
        self.worked && !self.reported.is_empty() && terminal.alternate_screen()
    }

    /// A ready agent has really finished, rather than not begun. `repeated`: it has repeated the
    /// message. Text on the screen proves nothing before, for it may answer the same words of an
    /// earlier turn.
    pub fn may_end(&self, reply: &str, repeated: bool) -> bool {
        self.worked || self.since.elapsed() >= SILENCE || (!reply.is_empty() && repeated)
    }

    /// By when an agent goes on whose question was answered: until then it may look ready although it has only not
    /// begun again. One that tells of its work otherwise than by rows on its screen is believed at once.
    pub fn goes_on_by(&self, rules: &ScreenRules, terminal: &Terminal) -> Option<Instant> {
        let tells_by_rows =
            !rules.busy.is_empty() && !rules.reads_lines && terminal.program_status().is_none();
        self.answered
            .filter(|_| tells_by_rows)
            .map(|at| at + RESUMING)
    }

    /// When to look again at an agent that seems not to have begun.
    pub fn patience_ends(&self) -> Instant {
        self.since + SILENCE
    }
}
