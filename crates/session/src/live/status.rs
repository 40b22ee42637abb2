//! What a session's screen says, and what follows from it for its status and its transcript.

use std::time::Duration;

use berth_protocol::{Attention, Status};
use tokio::time::Instant;

use super::{
    SessionEvent,
    actor::{Actor, SILENT_START},
    turn::Turn,
};
use crate::reading::{self, Activity, Question};

/// How long an agent that says it is blocked has to draw its question before the rows on its screen
/// are taken for one.
const DRAWING: Duration = Duration::from_secs(1);

impl Actor {
    /// Reads the screen and draws the consequences. `settled`: the program has paused.
    pub(super) fn look(&mut self, settled: bool) {
        let reading = reading::read(self.start.rules, &self.terminal);
        self.advance_sending(&reading);
        let works = self.terminal.program_works();
        if self.status == Status::Starting {
            self.works = works;
        }
        // A short answer may have begun and ended between two looks, and the message that it answers
        // may be repeated only when it ends.
        let typed = match &self.turn {
            Some(turn) => turn.sent.is_none(),
            None => works > self.works,
        };
        if reading.activity == Activity::Busy || typed {
            self.worked();
        }
        if let Some(turn) = &mut self.turn {
            turn.see_works(works);
        }
        let reply = self.turn.as_ref().and_then(|turn| {
            let sent = turn.sent.as_deref()?;
            Some(reading::reply(
                self.start.rules,
                &self.terminal,
                sent,
                turn.worked,
            ))
        });
        if let (Some(reply), Some(turn)) = (&reply, &mut self.turn)
            && *reply != turn.reported
        {
            turn.reported.clone_from(reply);
            let content = reply.clone();
            self.report(SessionEvent::Reply {
                content,
                complete: false,
            });
        }
        match self.next_status(reading.activity, settled) {
            Some(Status::Waiting) => self.may_wait(reply.unwrap_or_default()),
            Some(status) => self.set_status(status),
            None => {}
        }
    }

    /// The agent works. When no message was sent, the user has typed one into the terminal; it is
    /// read from the screen as soon as the agent repeats it.
    fn worked(&mut self) {
        if self.status == Status::Starting || self.sending.is_some() {
            return;
        }
        let works = self.terminal.program_works();
        let turn = self.turn.get_or_insert_with(|| Turn::new(None, works));
        turn.worked = true;
        if turn.sent.is_some() {
            return;
        }
        let seen = reading::last_message(self.start.rules, &self.terminal);
        let Some(content) = seen else {
            return;
        };
        // The same words again are a new message only if somebody pressed Enter and the agent
        // repeats them once more.
        if reading::same_words(&content, &self.last_sent)
            && !(self.entered
                && reading::messages(self.start.rules, &self.terminal) > self.repeated)
        {
            return;
        }
        self.entered = false;
        turn.sent = Some(content.clone());
        self.last_sent.clone_from(&content);
        self.report(SessionEvent::Typed { content });
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
        if let Some(turn) = &self.turn {
            // What was typed may be drawn after the agent says that it has finished.
            if turn.sent.is_none() && self.entered && turn.age() < DRAWING {
                self.settle_at = Some(Instant::now() + DRAWING - turn.age());
                return;
            }
            if !turn.may_end(self.start.rules.prompt.is_some(), &reply) {
                self.settle_at = Some(turn.patience_ends());
                return;
            }
            self.turn = None;
            self.works = self.terminal.program_works();
            self.entered = false;
            self.repeated = reading::messages(self.start.rules, &self.terminal);
            self.report(SessionEvent::Reply {
                content: reply,
                complete: true,
            });
        }
        self.set_status(Status::Waiting);
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
