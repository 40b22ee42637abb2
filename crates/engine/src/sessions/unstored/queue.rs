//! What waits to be stored, in its order, and when it is tried again.

use std::collections::VecDeque;

use berth_protocol::{Beginning, Message, Role, Timestamp, weight_of};
use berth_store::Phase;
use serde_json::Value;
use tokio::time::{Duration, Instant};

/// Most that waits of one session, in bytes. What is said beyond it is lost, and the trail tells how much.
const MOST: usize = 16 * 1024 * 1024;

/// What a fact counts as beside its words, in bytes.
const FACT: usize = 1024;

/// The pause before the first new attempt. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause: somebody has made room and looks whether it helped.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What a run tells of itself.
pub enum Fact {
    /// Somebody has said something.
    Said(Message),
    /// The agent took the message that was stored before it ran.
    Delivered(Message),
    /// The agent's name for its conversation, and where that begins.
    Conversation { name: String, beginning: Beginning },
    /// For the trail.
    Note {
        action: &'static str,
        details: Value,
    },
    /// So many messages could neither be stored nor wait.
    Lost { messages: u64 },
    /// The run is over.
    Ended { phase: Phase, at: Timestamp },
}

/// Names the fact without the words of anybody: this goes to the log.
impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(message) => match message.role {
                Role::User => f.write_str("a message of the user"),
                Role::Agent => f.write_str("a message of the agent"),
            },
            Self::Delivered(_) => f.write_str("that a message was delivered"),
            Self::Conversation { .. } => f.write_str("the conversation's name"),
            Self::Note { action, .. } => f.write_str(action),
            Self::Lost { .. } => f.write_str("that messages are lost"),
            Self::Ended { .. } => f.write_str("the session's end"),
        }
    }
}

impl Fact {
    fn weight(&self) -> usize {
        match self {
            Self::Said(message) => FACT + message.content.len() + weight_of(&message.parts),
            _ => FACT,
        }
    }
}

/// Facts in the order in which they happened.
#[derive(Default)]
pub struct Queue {
    facts: VecDeque<Fact>,
    /// The pause before the next attempt, and when that is; absent as long as nothing was refused.
    pause: Option<(Duration, Instant)>,
}

impl Queue {
    pub fn push(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// What is stored next.
    pub fn first(&self) -> Option<&Fact> {
        self.facts.front()
    }

    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The first fact is dealt with.
    pub fn stored(&mut self) {
        self.facts.pop_front();
        self.pause = None;
    }

    /// The store did not take the first fact.
    pub fn refused(&mut self, now: Instant) {
        let pause = self.pause.map_or(FIRST_PAUSE, |(pause, _)| {
            pause.saturating_mul(2).min(LONGEST_PAUSE)
        });
        self.pause = Some((pause, now + pause));
    }

    /// When the first fact is to be tried again.
    pub fn due(&self) -> Option<Instant> {
        self.pause.map(|(_, due)| due)
    }

    /// How many messages wait.
    pub fn said(&self) -> i64 {
        let said = self.facts.iter();
        let said = said.filter(|fact| matches!(fact, Fact::Said(_))).count();
        i64::try_from(said).unwrap_or(i64::MAX)
    }

    /// More waits than may. What waits alone may be of any size: it is in memory already.
    pub fn is_beyond(&self) -> bool {
        self.facts.len() > 1 && self.facts.iter().map(Fact::weight).sum::<usize>() > MOST
    }

    /// Gives the newest fact up, a message, and remembers in its place that one was.
    pub fn give_up_newest(&mut self) {
        self.facts.pop_back();
        if let Some(Fact::Lost { messages }) = self.facts.back_mut() {
            *messages = messages.saturating_add(1);
        } else {
            self.facts.push_back(Fact::Lost { messages: 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_protocol::{MessageId, SessionId};
    use uuid::Uuid;

    use super::*;

    fn said(content: &str) -> Fact {
        Fact::Said(Message {
            id: MessageId(Uuid::now_v7()),
            session_id: SessionId(Uuid::now_v7()),
            seq: 0,
            role: Role::Agent,
            content: content.to_owned(),
            parts: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            run: 1,
            partial: false,
        })
    }

    fn words(queue: &mut Queue) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(fact) = queue.first() {
            words.push(match fact {
                Fact::Said(message) => message.content.chars().take(5).collect(),
                Fact::Lost { messages } => format!("lost {messages}"),
                other => format!("{other:?}"),
            });
            queue.stored();
        }
        words
    }

    #[test]
    fn what_waits_is_stored_in_the_order_in_which_it_happened() {
        let mut queue = Queue::default();
        queue.push(said("one"));
        queue.refused(Instant::now());
        queue.push(said("two"));
        queue.push(Fact::Ended {
            phase: Phase::Exited {
                code: Some(0),
                signal: None,
            },
            at: Timestamp::UNIX_EPOCH,
        });
        assert_eq!(queue.said(), 2);
        assert_eq!(words(&mut queue), ["one", "two", "the session's end"]);
        assert_eq!(queue.due(), None, "nothing waits");
    }

    #[test]
    fn what_is_said_beyond_the_limit_is_counted_and_what_waited_before_is_kept() {
        let mut queue = Queue::default();
        queue.push(said(&"x".repeat(MOST)));
        assert!(!queue.is_beyond(), "what waits alone may be of any size");
        for text in ["other", "third"] {
            queue.push(said(text));
            assert!(queue.is_beyond());
            queue.give_up_newest();
        }
        queue.push(Fact::Note {
            action: "recording.stopped",
            details: Value::Null,
        });
        queue.push(said("again"));
        queue.give_up_newest();
        assert_eq!(
            words(&mut queue),
            ["xxxxx", "lost 2", "recording.stopped", "lost 1"]
        );
    }

    #[test]
    fn pauses_grow_up_to_a_limit_and_begin_anew_once_something_was_stored() {
        let mut queue = Queue::default();
        queue.push(said("one"));
        queue.push(said("two"));
        let now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            queue.refused(now);
            pauses.push((queue.due().unwrap() - now).as_millis());
        }
        assert_eq!(
            pauses,
            [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]
        );
        queue.stored();
        queue.refused(now);
        assert_eq!(queue.due(), Some(now + FIRST_PAUSE));
    }
}
