//! Messages that the user types into the terminal: which of those on the agent's screen are new.
//!
//! The agent repeats every message, so the ones beyond those that are known are new, as long as
//! there are no more of them than somebody pressed Enter. More of them are an earlier conversation
//! that the agent shows, or a screen that it has drawn once more.

use tokio::time::{Duration, Instant};

/// Enter that nothing has come of for this long was for a menu, not for a message.
const FORGET: Duration = Duration::from_secs(10);

/// How long a program may take to draw its screen for a new size.
const REDRAWN: Duration = Duration::from_secs(1);

/// How long after Enter a message may not be drawn yet.
const ECHO: Duration = Duration::from_secs(1);

/// What is known of the messages on the screen.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// How many of them are known.
    known: usize,
    /// The last of those, as the agent shows it.
    last: Option<String>,
    /// How often Enter was pressed without a message having come of it.
    entered: usize,
    entered_at: Option<Instant>,
    /// When the agent had finished with what it did at that time, the first time since.
    awaited_at: Option<Instant>,
    /// Since when the screen has another size and was not counted anew.
    resized_at: Option<Instant>,
}

impl Typed {
    /// The user pressed keys.
    pub fn pressed(&mut self, keys: &[u8]) {
        // Enter, as it is and in the form of the kitty keyboard protocol.
        if keys.contains(&b'\r') || keys == b"\x1b[13u" {
            self.entered += 1;
            self.entered_at = Some(Instant::now());
            self.awaited_at = None;
        }
    }

    /// A message may still come.
    pub fn expected(&self) -> bool {
        self.entered > 0
    }

    /// The agent has finished with something: what was entered meanwhile may be shown only now.
    pub fn awaited(&mut self) {
        self.awaited_at.get_or_insert_with(Instant::now);
    }

    /// Enter was pressed a moment ago, and what was typed may not be drawn yet.
    pub fn just_entered(&self) -> bool {
        self.entered > 0 && self.entered_at.is_some_and(|at| at.elapsed() < ECHO)
    }

    /// The terminal has another size.
    pub fn resized(&mut self) {
        self.resized_at = Some(Instant::now());
    }

    /// It was not counted anew yet.
    pub fn is_resized(&self) -> bool {
        self.resized_at.is_some()
    }

    /// Counts anew after a resize, once the program has drawn and paused; `printed` is when it
    /// printed last. What it prints later than it would draw for the size is something else. Says
    /// whether it counted.
    pub fn recount(&mut self, messages: &[String], printed: Instant) -> bool {
        let Some(at) = self.resized_at else {
            return false;
        };
        if printed <= at {
            return false;
        }
        self.resized_at = None;
        let drawn = printed < at + REDRAWN;
        if drawn {
            self.know(messages, messages.len());
        }
        drawn
    }

    /// The first `count` of the messages are known.
    pub fn know(&mut self, messages: &[String], count: usize) {
        self.known = count.min(messages.len());
        self.last = self.known.checked_sub(1).map(|last| messages[last].clone());
    }

    /// How many are known.
    pub fn known(&self) -> usize {
        self.known
    }

    /// The place of the next message that is new, among those on the screen now.
    pub fn next(&mut self, messages: &[String]) -> Option<usize> {
        if !self.expected() || self.resized_at.is_some() {
            return None;
        }
        let count = messages.len();
        // The oldest ones leave the scrollback while new ones come.
        let rolled = count == self.known && count > 0 && messages.last() != self.last.as_ref();
        let new = match count.checked_sub(self.known) {
            // The agent has cleared its screen or gone back.
            None => {
                self.know(messages, count);
                0
            }
            Some(0) if rolled => 1,
            Some(new) => new,
        };
        if new > self.entered {
            self.know(messages, count);
            self.entered = 0;
            return None;
        }
        if new == 0 {
            let since = self.entered_at.max(self.awaited_at);
            if since.is_some_and(|at| at.elapsed() >= FORGET) {
                self.entered = 0;
            }
            return None;
        }
        let place = count - new;
        self.know(messages, place + 1);
        self.entered -= 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn entered(known: &[&str], times: usize) -> Typed {
        let mut typed = Typed::default();
        typed.know(&messages(known), known.len());
        for _ in 0..times {
            typed.pressed(b"x\r");
        }
        typed
    }

    #[test]
    fn a_message_is_new_once_and_only_after_enter() {
        let mut typed = entered(&["a"], 0);
        assert_eq!(typed.next(&messages(&["a", "b"])), None);
        let mut typed = entered(&["a"], 1);
        assert_eq!(typed.next(&messages(&["a"])), None, "it is not drawn yet");
        assert_eq!(typed.next(&messages(&["a", "a"])), Some(1));
        assert_eq!(typed.next(&messages(&["a", "a"])), None);
    }

    #[test]
    fn messages_that_were_typed_together_come_one_after_the_other() {
        let mut typed = entered(&["a"], 2);
        let shown = messages(&["a", "b", "c"]);
        assert_eq!(
            [(); 3].map(|()| typed.next(&shown)),
            [Some(1), Some(2), None]
        );
    }

    #[test]
    fn what_was_entered_while_the_agent_worked_for_long_is_not_forgotten_when_it_has_finished() {
        let mut typed = entered(&["a"], 1);
        typed.entered_at = Some(Instant::now() - FORGET);
        typed.awaited();
        assert_eq!(typed.next(&messages(&["a"])), None);
        assert!(typed.expected());
        // But later it is, however much the agent does.
        typed.awaited_at = Some(Instant::now() - FORGET);
        typed.awaited();
        assert_eq!(typed.next(&messages(&["a"])), None);
        assert!(!typed.expected());
    }

    #[test]
    fn a_conversation_that_is_shown_again_is_not_typed() {
        let mut typed = entered(&["a"], 1);
        assert_eq!(typed.next(&messages(&["x", "y", "z"])), None);
        typed.pressed(b"\r");
        assert_eq!(typed.next(&messages(&["x", "y", "z", "new"])), Some(3));
        let mut typed = entered(&["a", "b"], 1);
        assert_eq!(typed.next(&messages(&["a"])), None, "the agent went back");
        assert_eq!(typed.next(&messages(&["a", "c"])), Some(1));
    }

    #[test]
    fn a_message_is_seen_when_an_older_one_leaves_the_scrollback() {
        let mut typed = entered(&["a", "b"], 1);
        assert_eq!(typed.next(&messages(&["b", "c"])), Some(1));
    }

    #[test]
    fn what_is_drawn_for_another_size_is_counted_and_not_new() {
        let mut typed = entered(&["a"], 1);
        typed.resized();
        let shown = messages(&["a", "a"]);
        assert_eq!(typed.next(&shown), None);
        assert!(!typed.recount(&shown, typed.resized_at.unwrap()));
        assert!(typed.recount(&shown, Instant::now()));
        assert_eq!(typed.next(&shown), None);
        assert_eq!(typed.next(&messages(&["a", "a", "b"])), Some(2));
    }

    #[test]
    fn a_message_is_new_although_nothing_was_drawn_for_another_size() {
        let mut typed = entered(&["a"], 1);
        typed.resized();
        let shown = messages(&["a", "b"]);
        assert!(!typed.recount(&shown, Instant::now() + REDRAWN * 2));
        assert_eq!(typed.next(&shown), Some(1));
    }
}
