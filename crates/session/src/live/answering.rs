//! Answering a question: press the keys of the answer, see the question gone.
//!
//! A program may draw its question before it listens to keys. The keys are pressed again only while
//! it has printed nothing since: whatever it prints may be its next question in the same words, and
//! nobody has agreed to that one. The number of an answer only moves the mark in some programs: when the
//! mark stands there after a while, Enter takes it. A program that draws its question anew shows half of
//! it meanwhile: what stands there instead is believed only once the frame is drawn.

use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use berth_protocol::Status;

use super::{SessionError, actor::Actor, status::REST_OF_FRAME};
use crate::reading::{self, Activity, Question, Reading};

/// How long a program that prints nothing has before the keys are pressed again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long something other than the question must be on a screen that never comes to rest before the
/// question counts as gone.
const GONE: Duration = Duration::from_secs(1);

/// When to give up, in seconds: as with a message. A program may need seconds on a machine that is busy.
const GIVE_UP: u64 = 15;

/// An answer on its way to the agent.
pub(super) struct Answering {
    question: Question,
    place: usize,
    done: oneshot::Sender<Result<(), SessionError>>,
    pressed: Instant,
    /// Enter was pressed on the answer to which its number has moved the mark.
    entered: bool,
    again: Option<Instant>,
    /// Since when the screen shows something else, and when that counts.
    gone: Option<(Instant, Instant)>,
    give_up: Instant,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for output or the deadline.
    Wait,
    /// Press these keys.
    Press(Vec<u8>),
    /// The question is gone.
    Taken,
    /// It stays.
    Failed,
}

impl Answering {
    /// The keys of the answer at `place` are pressed now.
    pub fn new(
        question: Question,
        place: usize,
        done: oneshot::Sender<Result<(), SessionError>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            question,
            place,
            done,
            pressed: now,
            entered: false,
            again: Some(now + AGAIN),
            gone: None,
            give_up: now + Duration::from_secs(GIVE_UP),
        }
    }

    /// Looks at what the agent does. `printed`: when it printed last. `settled`: it has paused since.
    pub fn step(&mut self, activity: &Activity, printed: Instant, settled: bool) -> Step {
        let now = Instant::now();
        let open = match activity {
            Activity::Asks(open)
                if open.text == self.question.text && open.options == self.question.options =>
            {
                self.gone = None;
                open
            }
            Activity::Busy => return Step::Taken,
            _ if settled => return Step::Taken,
            activity => {
                let since = self.gone.map_or(now, |(since, _)| since);
                // Another question may be this one half drawn, which only a pause can tell.
                let counts = match activity {
                    Activity::Asks(_) => since + GONE,
                    _ => (since + GONE).min(printed + REST_OF_FRAME),
                };
                self.gone = Some((since, counts));
                return match now >= counts {
                    true => Step::Taken,
                    false => Step::Wait,
                };
            }
        };
        if now >= self.give_up {
            return Step::Failed;
        }
        if printed > self.pressed {
            let moved = open.marks(self.place) && !self.question.marks(self.place) && !self.entered;
            self.again = moved.then(|| printed + AGAIN);
        }
        if self.again.is_none_or(|again| now < again) {
            return Step::Wait;
        }
        self.entered |= printed > self.pressed;
        self.pressed = now;
        self.again = Some(now + AGAIN);
        Step::Press(open.keys(self.place))
    }

    /// When to look again although nothing was printed.
    pub fn deadline(&self) -> Instant {
        match self.gone {
            Some((_, counts)) => counts,
            None => self
                .again
                .map_or(self.give_up, |again| again.min(self.give_up)),
        }
    }

    /// Tells whoever answered what became of it.
    pub fn tell(self, outcome: Result<(), SessionError>) {
        // They may have gone.
        let _ = self.done.send(outcome);
    }

    /// Why it was given up.
    pub fn given_up() -> SessionError {
        SessionError::NotTaken(GIVE_UP)
    }
}

impl Actor {
    pub(super) fn choose(
        &mut self,
        attention: String,
        option: &str,
        done: oneshot::Sender<Result<(), SessionError>>,
    ) {
        let pressed = self
            .chosen(attention, option)
            .and_then(|(question, place)| {
                self.press(&question.keys(place))?;
                Ok((question, place))
            });
        match pressed {
            Ok((question, place)) => {
                self.answering = Some(Answering::new(question, place, done));
                self.settle_at = Some(Instant::now() + self.start.rules.settle);
            }
            // Whoever answered may have gone.
            Err(error) => drop(done.send(Err(error))),
        }
    }

    /// The open question and the place of an answer in it, from the screen as it is now: the user
    /// may have moved the mark.
    fn chosen(&self, attention: String, option: &str) -> Result<(Question, usize), SessionError> {
        let Status::NeedsAttention { attention: open } = &self.status else {
            return Err(SessionError::AttentionGone(attention));
        };
        if open.id != attention || self.answering.is_some() {
            return Err(SessionError::AttentionGone(attention));
        }
        let Some(place) = open.options.iter().position(|offered| offered.id == option) else {
            return Err(SessionError::NoSuchOption(option.to_owned()));
        };
        match reading::read(&self.start.rules, &self.terminal).activity {
            Activity::Asks(question) if question.options == open.options => Ok((question, place)),
            _ => Err(SessionError::AttentionGone(attention)),
        }
    }

    pub(super) fn advance_answering(&mut self, reading: &Reading, settled: bool) {
        let Some(mut answering) = self.answering.take() else {
            return;
        };
        match answering.step(&reading.activity, self.printed, settled) {
            Step::Wait => self.answering = Some(answering),
            Step::Press(keys) => match self.press(&keys) {
                Ok(()) => self.answering = Some(answering),
                Err(error) => answering.tell(Err(error)),
            },
            Step::Taken => {
                // Told before the answer is, so that nobody answers a question that is gone.
                if matches!(self.status, Status::NeedsAttention { .. }) {
                    self.set_status(Status::Running);
                }
                answering.tell(Ok(()));
            }
            Step::Failed => answering.tell(Err(Answering::given_up())),
        }
    }
}
