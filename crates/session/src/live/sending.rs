//! Handing a message to an agent: empty the input box, type it, see it there, press Enter, see it gone.
//!
//! Something may stand in the box before: what a user began to type, or a message that the agent gives
//! back because it was interrupted before it said a word. The message would be sent with that in front.
//!
//! Enter is pressed only once the text stands in the box, because programs take an Enter that
//! comes with pasted text for part of it.

use berth_protocol::{Message, Problem};
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use crate::{
    agents::ScreenRules,
    reading::{self, Activity, Reading, letters, squeezed},
    terminal::Terminal,
};

/// How long to wait for typed text to appear before Enter is pressed all the same: some programs
/// do not show what is typed.
const ECHO: Duration = Duration::from_secs(1);

/// The same for a program with an input box, which may still be starting when its box is drawn.
const ECHO_IN_BOX: Duration = Duration::from_secs(5);

/// Empties a row of an input box, and joins it with the one before once it is empty: to the end of the line, and
/// everything before that (Ctrl+E, Ctrl+U). Line editors of all kinds know these, and most of them bring back with
/// Ctrl+Y what they took.
pub(super) const EMPTY: &[&[u8]] = &[b"\x05", b"\x15"];

/// How long the box may take to show that it was emptied before the key is pressed again: one that has
/// several rows wants several keys.
const EMPTIED: Duration = Duration::from_millis(300);

/// How often these keys are pressed at most. What still stands there as it did then was not typed, but is a hint that
/// no rule knows.
const EMPTYING: u8 = 12;

/// How often the box is emptied once more because there was something before the message after all.
const TYPED_AGAIN: u8 = 2;

/// How long after Enter the text may still stand in the box before Enter is pressed again.
const AGAIN: Duration = Duration::from_secs(2);

/// How long the text must be gone from the box: a frame may have come in two parts, the first of which
/// takes away what the second one draws anew.
const GONE: Duration = Duration::from_millis(30);

/// When to give up, in seconds.
pub(super) const GIVE_UP: u64 = 15;

/// Characters at the end of a message by which it is recognised in the box.
const TAIL: usize = 24;

/// A message on its way to the agent.
pub(super) struct Sending {
    /// The message.
    pub content: String,
    /// Who waits for it.
    pub taken: oneshot::Sender<Result<Message, Problem>>,
    /// How often the program had begun to work before it was typed.
    pub works: u64,
    /// How many of the user's messages the agent's screen had before it was typed; of a program that
    /// marks none, how many rows stood above the cursor.
    pub echoes: usize,
    squeezed: String,
    tail: String,
    input: Input,
    /// How often the message may still be typed again.
    again: u8,
    /// It has stood in the input box.
    seen: bool,
    stage: Stage,
    give_up: Instant,
}

/// Where the program shows what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// In its input box.
    Box,
    /// At the end of the screen, if at all.
    Line,
    /// Nobody knows where, or whether it takes text now. Enter is pressed only if the text is seen, for it
    /// may be the answer to a question otherwise.
    Unknown,
}

enum Stage {
    /// The box is emptied; the key is pressed again at this time.
    Emptying {
        pressed: u8,
        until: Instant,
        /// What stood in it when that began, without white space.
        before: String,
    },
    /// It is typed, and Enter is pressed at this time.
    Typed { until: Instant },
    /// Enter was pressed.
    Entered {
        again: Instant,
        /// Since when the text has not stood in the box.
        gone: Option<Instant>,
    },
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for output or the deadline.
    Wait,
    /// Press the keys that empty the input box.
    Empty,
    /// The agent asks something now, to which the message would be an answer.
    Asked,
    /// The agent has begun to work on something else.
    Busy,
    /// Type the message.
    Type,
    /// Press Enter.
    Enter,
    /// The agent took it.
    Taken,
    /// It will not.
    Failed,
    /// The text is not to be seen where nothing else is known of the screen.
    NotShown,
}

impl Sending {
    pub fn new(
        content: String,
        taken: oneshot::Sender<Result<Message, Problem>>,
        works: u64,
        echoes: usize,
        input: Input,
    ) -> Self {
        let squeezed = squeezed(&content);
        let skip = squeezed.chars().count().saturating_sub(TAIL);
        let now = Instant::now();
        Self {
            content,
            taken,
            works,
            echoes,
            tail: squeezed.chars().skip(skip).collect(),
            squeezed,
            again: TYPED_AGAIN,
            seen: false,
            input,
            stage: Stage::Emptying {
                pressed: 0,
                until: now,
                before: String::new(),
            },
            give_up: now + Duration::from_secs(GIVE_UP),
        }
    }

    /// The box is emptied, if there is one with something in it, and then the message is typed.
    fn empty(&mut self, reading: &Reading, pressed: u8, until: Instant, before: String) -> Step {
        // Nothing of it is typed yet, so that nothing has to be taken back.
        match reading.activity {
            Activity::Asks(_) => return Step::Asked,
            Activity::Busy => return Step::Busy,
            Activity::Ready | Activity::Unclear { .. } => {}
        }
        let now = Instant::now();
        let left = match (&reading.input, self.input) {
            (Some(input), Input::Box) => squeezed(input),
            _ => String::new(),
        };
        let gave_up = pressed >= EMPTYING && now >= until;
        if left.is_empty() || gave_up && left == before {
            self.seen = false;
            let echo = match self.input {
                Input::Box | Input::Unknown => ECHO_IN_BOX,
                Input::Line => ECHO,
            };
            self.stage = Stage::Typed { until: now + echo };
            return Step::Type;
        }
        if gave_up {
            return Step::Failed;
        }
        if now < until {
            self.stage = Stage::Emptying {
                pressed,
                until,
                before,
            };
            return Step::Wait;
        }
        self.stage = Stage::Emptying {
            pressed: pressed + 1,
            until: now + EMPTIED,
            before: if pressed == 0 { left } else { before },
        };
        Step::Empty
    }

    /// Something else stands in the box with the message.
    fn is_not_alone(&self, reading: &Reading) -> bool {
        let input = reading.input.as_deref().map(squeezed).unwrap_or_default();
        self.input == Input::Box
            && input.len() > self.squeezed.len()
            && (input.ends_with(&self.squeezed) || input.starts_with(&self.squeezed))
    }

    /// The bytes that type the message. Control characters other than line feeds and tabs are
    /// dropped: a message must not be able to end the paste and press keys.
    pub fn typed(&self, terminal: &Terminal) -> Vec<u8> {
        let text: String = self
            .content
            .replace("\r\n", "\n")
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        if terminal.bracketed_paste() {
            format!("\x1b[200~{text}\x1b[201~").into_bytes()
        } else {
            text.into_bytes()
        }
    }

    /// Looks at the screen.
    pub fn step(&mut self, rules: &ScreenRules, terminal: &Terminal, reading: &Reading) -> Step {
        let now = Instant::now();
        if let Stage::Emptying {
            pressed,
            until,
            before,
        } = &mut self.stage
        {
            let (pressed, until, before) = (*pressed, *until, std::mem::take(before));
            return self.empty(reading, pressed, until, before);
        }
        let asks = matches!(reading.activity, Activity::Asks(_));
        let is_typed = matches!(self.stage, Stage::Typed { .. });
        // A question that came up before Enter, or in whose place the text was never seen, is no answer to the
        // message, and Enter would be one to the question. What was typed is taken out of the box before the
        // next try.
        if asks && self.input == Input::Box && (is_typed || !self.seen) {
            return Step::Asked;
        }
        if is_typed && self.again > 0 && self.is_not_alone(reading) {
            self.again -= 1;
            return self.empty(reading, 0, now, String::new());
        }
        let shown = self.shown(rules, terminal, reading);
        if shown && !self.seen {
            self.seen = true;
            if let Stage::Typed { until } = &mut self.stage {
                *until = (*until).min(now + rules.enter_after);
            }
        }
        let entered = Stage::Entered {
            again: now + AGAIN,
            gone: None,
        };
        match &mut self.stage {
            Stage::Emptying { .. } => Step::Wait,
            Stage::Typed { until } if now < *until => Step::Wait,
            Stage::Typed { .. } if self.input == Input::Unknown && !self.seen => Step::NotShown,
            Stage::Typed { .. } => {
                self.stage = entered;
                Step::Enter
            }
            Stage::Entered { again, gone } => {
                let left = match &reading.input {
                    Some(_) if self.seen && !shown => *gone.get_or_insert(now) + GONE <= now,
                    Some(_) if self.seen => {
                        *gone = None;
                        false
                    }
                    // Nobody has seen it there, so that it is not there proves nothing.
                    Some(_) => {
                        rules.echo.is_some()
                            && reading::messages(rules, terminal)
                                .is_some_and(|messages| messages.len() > self.echoes)
                    }
                    // Without a box there is nothing that the text could still stand in, and a
                    // question in its place is the agent's answer.
                    None => rules.prompt.is_none() || matches!(reading.activity, Activity::Asks(_)),
                };
                if left || reading.activity == Activity::Busy {
                    Step::Taken
                } else if now >= self.give_up {
                    Step::Failed
                } else if now >= *again && gone.is_none() {
                    self.stage = entered;
                    Step::Enter
                } else {
                    Step::Wait
                }
            }
        }
    }

    /// When to look again although nothing was printed.
    pub fn deadline(&self) -> Instant {
        match self.stage {
            Stage::Emptying { until, .. } | Stage::Typed { until } => until,
            Stage::Entered { again, gone } => {
                let gone = gone.map_or(again, |since| since + GONE);
                again.min(gone).min(self.give_up)
            }
        }
    }

    /// The text stands where the user would see it before pressing Enter.
    fn shown(&self, rules: &ScreenRules, terminal: &Terminal, reading: &Reading) -> bool {
        match &reading.input {
            Some(input) => {
                squeezed(input).ends_with(&self.tail)
                    || rules
                        .pasted
                        .as_ref()
                        .is_some_and(|pasted| pasted.is_match(input))
            }
            None if rules.prompt.is_some() => false,
            None if self.input == Input::Unknown => {
                // What frames it may stand between its rows.
                let screen = letters(&terminal.screen().text);
                screen.contains(&letters(&self.tail))
            }
            None => {
                let screen = squeezed(&terminal.screen().text);
                screen.ends_with(&self.tail)
            }
        }
    }
}
