//! What a session's screen says, and what follows from it for its status and its transcript.

use std::time::Duration;

use berth_protocol::{Attention, Status};
use tokio::time::Instant;

use super::{
    SessionEvent,
    actor::{Actor, LONGEST_BOXED_START, SILENT_START},
    turn::Turn,
};
use crate::reading::{self, Activity, Question};

/// How long an agent that says it is blocked has to draw its question before the rows on its screen
/// are taken for one.
const DRAWING: Duration = Duration::from_secs(1);

/// How long output must pause before a frame counts as drawn.
pub(super) const REST_OF_FRAME: Duration = Duration::from_millis(20);

impl Actor {
    /// Reads the screen and draws the consequences. `settled`: the program has paused.
    pub(super) fn look(&mut self, settled: bool) {
        self.terminal.draw();
        self.find_face();
        let reading = reading::read(&self.start.rules, &self.terminal);
        self.advance_sending(&reading);
        let asked = matches!(self.status, Status::NeedsAttention { .. });
        self.advance_answering(&reading, settled);
        if asked
            && matches!(reading.activity, Activity::Ready | Activity::Unclear { .. })
            && let Some(turn) = &mut self.turn
        {
            turn.answered = Some(Instant::now());
        }
        let works = self.terminal.program_works();
        if self.status == Status::Starting {
            self.works = works;
        }
        self.count_again(settled);
        self.take_up_unanswered(&reading.activity, works);
        // A short answer may have begun and ended between two looks.
        if reading.activity == Activity::Busy || (self.turn.is_none() && works > self.works) {
            self.worked();
        }
        self.find_typed();
        if let Some(turn) = &mut self.turn {
            turn.see_works(works);
        }
        let reply = self.turn.as_ref().and_then(|turn| {
            let sent = turn.sent.as_deref()?;
            Some(reading::reply_beyond(
                &self.start.rules,
                &self.terminal,
                sent,
                turn.worked,
                turn.echoes,
                &turn.reported,
            ))
        });
        if let (Some(reply), Some(turn)) = (&reply, &mut self.turn)
            && *reply != turn.reported
        {
            turn.reported.clone_from(reply);
            let content = reply.clone();
            self.report(SessionEvent::Reply {
                content,
                parts: Vec::new(),
                complete: false,
            });
        }
        let settled = settled || self.has_finished(&reading.activity);
        if self.answering.is_some() && !settled {
            // What is seen of a question that is drawn anew is not its end.
            return;
        }
        match self.next_status(reading.activity, settled) {
            Some(Status::Waiting) => self.may_wait(reply.unwrap_or_default()),
            Some(status) => self.set_status(status),
            None => {}
        }
    }

    /// Goes on with an exchange that seemed to be without an answer: an agent on a busy machine may begin
    /// later than anybody waits, or draw its words long after it has wiped out that it works.
    fn take_up_unanswered(&mut self, activity: &Activity, works: u64) {
        // Work of which no message is known may be the rest of that exchange.
        let speaks_of_another = self.turn.as_ref().is_some_and(|turn| turn.sent.is_some());
        if speaks_of_another || self.sending.is_some() {
            return;
        }
        let Some(mut turn) = self.unanswered.take() else {
            return;
        };
        // Of one that has worked on it, only what it still says belongs to it: further work may be for a message
        // that its user types.
        let works_now = self.turn.is_none()
            && !turn.worked
            && (*activity == Activity::Busy || works > self.works);
        if works_now || !self.late_words(&turn).is_empty() {
            turn.ready_since = None;
            self.turn = Some(turn);
        } else {
            self.unanswered = Some(turn);
        }
    }

    /// What the agent shows by now of an answer that seemed to be none.
    fn late_words(&self, turn: &Turn) -> String {
        let (rules, terminal) = (&self.start.rules, &self.terminal);
        let sent = turn.sent.as_deref().unwrap_or_default();
        // The last place of a message counts, and its user may have typed the same words once more.
        let is_typed_again = self.typed.expected()
            && reading::messages(rules, terminal).is_some_and(|messages| {
                let mut since = messages.iter().skip(turn.echoes + 1);
                since.any(|message| reading::same_words(message, sent))
            });
        if is_typed_again || !turn.is_repeated(rules, terminal) {
            return String::new();
        }
        reading::reply(rules, terminal, sent, false, turn.echoes)
    }

    /// Ends the exchange that came before the message `next`, which the agent has taken: what it has said by then is
    /// no answer to that.
    pub(super) fn end_earlier(&mut self, next: &str) {
        self.interrupting = None;
        let unanswered = self.unanswered.take();
        let earlier = self.turn.take().filter(|turn| turn.sent.is_some());
        let Some(turn) = earlier.or(unanswered) else {
            return;
        };
        // Behind the same words stands the next answer.
        let is_same = reading::same_words(turn.sent.as_deref().unwrap_or_default(), next);
        let shown = match is_same {
            true => String::new(),
            false => self.late_words(&turn),
        };
        // The agent may be drawing it anew just now.
        let content = if turn.reported.starts_with(&shown) {
            turn.reported
        } else {
            shown
        };
        self.report(SessionEvent::Reply {
            content,
            parts: Vec::new(),
            complete: true,
        });
    }

    /// The agent says that its answer is complete, and the frame that says so has been drawn.
    fn has_finished(&mut self, activity: &Activity) -> bool {
        let (rules, terminal) = (&self.start.rules, &self.terminal);
        let Some(turn) = &self.turn else {
            return false;
        };
        if *activity != Activity::Ready
            || !reading::finished(rules, terminal)
            || !turn.is_repeated(rules, terminal)
        {
            return false;
        }
        let drawn = self.rests_by();
        if Instant::now() < drawn {
            self.settle_at = Some(drawn);
            return false;
        }
        true
    }

    /// By when an agent that says it has finished has drawn everything, unless it prints more.
    fn rests_by(&self) -> Instant {
        self.printed + self.pace.rest(self.start.rules.finished_settle)
    }

    /// The agent works.
    fn worked(&mut self) {
        if self.status == Status::Starting || self.sending.is_some() {
            return;
        }
        let (works, echoes) = (self.terminal.program_works(), self.typed.known());
        let turn = self
            .turn
            .get_or_insert_with(|| Turn::new(None, works, echoes));
        turn.worked = true;
        turn.ready_since = None;
        turn.answered = None;
    }

    /// Reads a message that the user has typed into the terminal, once the agent repeats it. Some
    /// agents do so only after they have said that they are done, and of a short answer no work may
    /// be seen at all.
    fn find_typed(&mut self) {
        let busy = self.turn.as_ref().is_some_and(|turn| turn.sent.is_some());
        if busy
            || !self.typed.expected()
            || self.status == Status::Starting
            || self.sending.is_some()
        {
            return;
        }
        let Some(messages) = reading::messages(&self.start.rules, &self.terminal) else {
            return;
        };
        let Some(place) = self.typed.next(&messages) else {
            return;
        };
        let content = messages[place].clone();
        let works = self.works;
        self.unanswered = None;
        let turn = self
            .turn
            .get_or_insert_with(|| Turn::new(None, works, place));
        turn.sent = Some(content.clone());
        turn.echoes = place;
        self.report(SessionEvent::Typed { content });
    }

    /// Counts the user's messages on the screen anew when the program has drawn them for another
    /// size.
    fn count_again(&mut self, settled: bool) {
        if !settled || !self.typed.is_resized() || self.sending.is_some() {
            return;
        }
        let Some(messages) = reading::messages(&self.start.rules, &self.terminal) else {
            return;
        };
        if self.typed.recount(&messages, self.printed) {
            let last = messages.len().saturating_sub(1);
            if let Some(turn) = &mut self.turn {
                turn.echoes = last;
            }
            if let Some(turn) = &mut self.unanswered
                && let (Some(sent), Some(message)) = (&turn.sent, messages.last())
                && reading::same_words(message, sent)
            {
                turn.echoes = last;
            }
        }
    }

    fn next_status(&mut self, activity: Activity, settled: bool) -> Option<Status> {
        if !matches!(activity, Activity::Asks(_)) {
            self.blocked_since = None;
        }
        match activity {
            Activity::Busy => Some(Status::Running),
            Activity::Asks(question) if settled => {
                if question.options.is_empty() && !self.waited_for_question() {
                    return None;
                }
                Some(self.attention(question))
            }
            Activity::Asks(_) => None,
            Activity::Ready if settled => Some(Status::Waiting),
            // The question was answered, and the agent goes on.
            Activity::Ready => {
                matches!(self.status, Status::NeedsAttention { .. }).then_some(Status::Running)
            }
            Activity::Unclear { .. } if self.start.rules.foreground => {
                if !self.pty.leader_in_foreground() {
                    Some(Status::Running)
                } else if settled {
                    Some(Status::Waiting)
                } else {
                    None
                }
            }
            Activity::Unclear {
                quiet_is_ready: true,
            } if settled => Some(Status::Waiting),
            Activity::Unclear {
                quiet_is_ready: true,
            } => {
                // A program that prints without a pause has started all the same.
                let started =
                    self.status == Status::Starting && self.started.elapsed() >= SILENT_START;
                (self.turn.is_some() || started).then_some(Status::Running)
            }
            Activity::Unclear {
                quiet_is_ready: false,
            } => matches!(self.status, Status::NeedsAttention { .. }).then_some(Status::Running),
        }
    }

    /// An agent may say that it is blocked before it has drawn its question.
    fn waited_for_question(&mut self) -> bool {
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        let waited = since.elapsed() >= DRAWING;
        if !waited {
            self.settle_at = Some(since + DRAWING);
        }
        waited
    }

    /// The agent looks ready: its turn ends, unless it has not begun.
    fn may_wait(&mut self, reply: String) {
        let rests_by = self.rests_by();
        let usual = self.start.rules.settle;
        let rest = self.pace.rest_beyond(usual);
        let paused_by = (rest > usual).then(|| self.printed + rest);
        let (rules, terminal) = (&self.start.rules, &self.terminal);
        if let Some(turn) = &mut self.turn {
            let repeated = turn.is_repeated(rules, terminal);
            let unseen = match turn.sent {
                Some(_) => rules.echo.is_some() && !repeated,
                None => self.typed.expected(),
            };
            // One that tells when it has finished may still be drawing the end of its answer, before and after that.
            let tells = turn.worked && turn.sent.is_some() && rules.finished.is_some();
            let finished = tells && reading::finished(rules, terminal);
            // An agent may say that it has finished before it draws the message and its answer.
            let now = Instant::now();
            let drawn_by = *turn.ready_since.get_or_insert(now) + DRAWING;
            // One that has worked and says nothing may have wiped out that it works before it draws what it says.
            let silent =
                turn.worked && turn.sent.is_some() && rules.echo.is_some() && reply.is_empty();
            let wait = if unseen || silent || tells && !finished {
                drawn_by
            } else if finished {
                drawn_by.min(rests_by)
            } else if turn.worked && rules.echo.is_some() {
                // Between two tools, and before the last words, it may look ready for as long as it takes to draw.
                paused_by.unwrap_or(now)
            } else {
                now
            };
            let goes_on_by = turn.goes_on_by(rules, terminal).filter(|_| !finished);
            let wait = goes_on_by.map_or(wait, |by| wait.max(by));
            if now < wait {
                self.settle_at = Some(wait);
                if matches!(self.status, Status::NeedsAttention { .. }) {
                    // Its question is gone.
                    self.set_status(Status::Running);
                }
                return;
            }
            if !turn.may_end(&reply, repeated) {
                self.settle_at = Some(turn.patience_ends());
                return;
            }
            self.works = terminal.program_works();
            if let Some(messages) = reading::messages(rules, terminal) {
                // What else the user typed meanwhile is still to be found.
                let known = match turn.sent {
                    Some(_) => turn.echoes + 1,
                    None => messages.len(),
                };
                self.typed.know(&messages, known);
            }
            if rules.echo.is_none()
                && let Some(sent) = turn.sent.take()
            {
                self.last_turn = Some((sent, turn.echoes));
            }
            // The end of work of which no message is known does not end the wait for an earlier answer.
            if let Some(ended) = self.turn.take_if(|turn| turn.sent.is_some())
                && reply.is_empty()
            {
                self.unanswered = Some(ended);
            }
            self.turn = None;
            if self.typed.expected() {
                self.typed.awaited();
                self.settle_at = Some(now + rules.settle);
            }
            self.report(SessionEvent::Reply {
                content: reply,
                parts: Vec::new(),
                complete: true,
            });
        }
        if self.status == Status::Starting && self.still_starts() {
            return;
        }
        if self.status == Status::Starting
            && !self.typed.expected()
            && let Some(messages) = reading::messages(&self.start.rules, &self.terminal)
        {
            // What an agent shows of an earlier conversation is not typed now.
            self.typed.know(&messages, messages.len());
        }
        self.set_status(Status::Waiting);
    }

    /// The agent has drawn its box, and does not take messages yet.
    fn still_starts(&mut self) -> bool {
        if !self.reads_earlier() && !reading::starts(&self.start.rules, &self.terminal) {
            return false;
        }
        let now = Instant::now();
        let by = *self.starts_by.get_or_insert(now + LONGEST_BOXED_START);
        if now < by {
            self.settle_at = Some(by);
        }
        now < by
    }

    /// It has not yet read the conversation that it goes on with.
    fn reads_earlier(&self) -> bool {
        let messages = || reading::messages(&self.start.rules, &self.terminal);
        self.start.shows_earlier && messages().is_none_or(|messages| messages.is_empty())
    }

    fn attention(&mut self, question: Question) -> Status {
        if let Status::NeedsAttention { attention } = &self.status
            && attention.question == question.text
            && attention.options == question.options
        {
            return self.status.clone();
        }
        self.questions += 1;
        let attention = Attention {
            id: format!("{}-{}", self.start.run, self.questions),
            question: question.text,
            options: question.options,
            needs: None,
        };
        Status::NeedsAttention { attention }
    }

    pub(super) fn set_status(&mut self, status: Status) {
        if status != self.status {
            self.status = status.clone();
            self.report(SessionEvent::Status(status));
        }
    }
}
