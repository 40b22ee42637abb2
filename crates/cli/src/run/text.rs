//! What is printed of replies that grow, and may be rewritten while they do.
//!
//! A reply is read from a screen: its last line may still change, and now and then earlier ones do
//! when the agent draws them anew. What was printed cannot be taken back. So a line is printed once
//! another follows it; after a rewriting of printed lines the reply begins anew, in whole paragraphs;
//! and after a second one it is printed when it is complete. The last text is always the right one.

use berth_protocol::{Message, MessageId, Role};

/// The words of the agent, from messages to what is to be printed.
#[derive(Default)]
pub struct Text {
    reply: Option<Reply>,
    /// The position of the last complete message.
    seq: i64,
    /// Something has been printed.
    spoke: bool,
}

struct Reply {
    id: MessageId,
    content: String,
    /// What has been printed since the reply began, or began anew.
    printed: String,
    unit: Unit,
    /// Printed text was wrong: what follows begins behind a line break.
    anew: bool,
    /// Something of it has been printed.
    spoke: bool,
}

/// What is printed at once.
#[derive(Clone, Copy)]
enum Unit {
    Line,
    Paragraph,
    Reply,
}

impl Unit {
    /// The part of a growing text that consists of whole units.
    fn whole(self, content: &str) -> &str {
        let end = match self {
            Self::Line => content.rfind('\n').map(|at| at + 1),
            Self::Paragraph => content.rfind("\n\n").map(|at| at + 2),
            Self::Reply => None,
        };
        &content[..end.unwrap_or(0)]
    }

    fn larger(self) -> Self {
        match self {
            Self::Line => Self::Paragraph,
            Self::Paragraph | Self::Reply => Self::Reply,
        }
    }
}

impl Text {
    /// What to print for a message that was added, grew or was completed. A message that has been
    /// completed may be told again.
    pub fn message(&mut self, message: &Message) -> String {
        if message.role != Role::Agent || message.seq <= self.seq {
            return String::new();
        }
        let mut out = String::new();
        if self
            .reply
            .as_ref()
            .is_some_and(|reply| reply.id != message.id)
        {
            out.push_str(&self.close());
        }
        let mut reply = self.reply.take().unwrap_or_else(|| Reply::new(message.id));
        message.content.clone_into(&mut reply.content);
        if message.partial {
            let text = reply.grow();
            out.push_str(&self.apart(&mut reply, text));
            self.reply = Some(reply);
        } else {
            self.seq = message.seq;
            let text = reply.complete();
            out.push_str(&self.apart(&mut reply, text));
        }
        out
    }

    /// The rest of a reply that nothing more comes of.
    pub fn close(&mut self) -> String {
        let Some(mut reply) = self.reply.take() else {
            return String::new();
        };
        let text = reply.complete();
        self.apart(&mut reply, text)
    }

    /// A blank line stands between two replies.
    fn apart(&mut self, reply: &mut Reply, text: String) -> String {
        if text.is_empty() || std::mem::replace(&mut reply.spoke, true) {
            return text;
        }
        if std::mem::replace(&mut self.spoke, true) {
            format!("\n{text}")
        } else {
            text
        }
    }
}

impl Reply {
    fn new(id: MessageId) -> Self {
        Self {
            id,
            content: String::new(),
            printed: String::new(),
            unit: Unit::Line,
            anew: false,
            spoke: false,
        }
    }

    fn grow(&mut self) -> String {
        if !self.content.starts_with(&self.printed) {
            // A text that is only shorter may grow again.
            if self.printed.starts_with(self.content.trim_end()) {
                return String::new();
            }
            self.begin_anew();
        }
        let whole = self.unit.whole(&self.content);
        let Some(new) = whole.strip_prefix(self.printed.as_str()).map(str::to_owned) else {
            return String::new();
        };
        self.print(&new)
    }

    fn complete(&mut self) -> String {
        let content = self.content.trim_end();
        if content.is_empty() {
            return String::new();
        }
        let whole = format!("{content}\n");
        if !whole.starts_with(&self.printed) {
            self.begin_anew();
        }
        let new = whole[self.printed.len()..].to_owned();
        self.print(&new)
    }

    fn begin_anew(&mut self) {
        self.unit = self.unit.larger();
        self.printed.clear();
        self.anew = true;
    }

    fn print(&mut self, new: &str) -> String {
        let begins = self.anew && self.printed.is_empty() && !new.is_empty();
        self.printed.push_str(new);
        // Whatever was printed before ended its line.
        if begins {
            format!("\n{new}")
        } else {
            new.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u128, content: &str, partial: bool) -> Message {
        Message {
            parts: Vec::new(),
            id: MessageId(uuid(number)),
            session_id: berth_protocol::SessionId(uuid(0)),
            seq: i64::try_from(number).unwrap(),
            role: Role::Agent,
            content: content.to_owned(),
            at: berth_protocol::Timestamp::UNIX_EPOCH,
            run: 1,
            partial,
        }
    }

    fn uuid<T: std::str::FromStr>(number: u128) -> T
    where
        T::Err: std::fmt::Debug,
    {
        format!("00000000-0000-0000-0000-{number:012x}")
            .parse()
            .unwrap()
    }

    /// What is printed at each step of one reply, the last of which is its end.
    #[track_caller]
    fn check(growth: &[&str], printed: &[&str]) {
        let mut text = Text::default();
        let last = growth.len() - 1;
        let steps: Vec<String> = growth
            .iter()
            .enumerate()
            .map(|(at, content)| text.message(&message(1, content, at != last)))
            .collect();
        assert_eq!(steps, printed);
        assert_eq!(text.close(), "", "nothing is left");
    }

    #[test]
    fn only_what_is_new_is_printed_and_the_last_line_waits_for_its_end() {
        check(
            &["On", "One\nTw", "One\nTwo\n\nThr", "One\nTwo\n\nThree"],
            &["", "One\n", "Two\n\n", "Three\n"],
        );
    }

    #[test]
    fn a_reply_that_comes_whole_is_printed_whole() {
        check(&["One\n\nTwo"], &["One\n\nTwo\n"]);
        check(&["One", "One\n\n"], &["", "One\n"]);
        check(&[""], &[""]);
    }

    #[test]
    fn a_rewritten_last_line_costs_nothing() {
        check(
            &["One\n**Tw", "One\nTwo", "One\nTwo, three"],
            &["One\n", "", "Two, three\n"],
        );
    }

    #[test]
    fn after_printed_lines_were_rewritten_whole_paragraphs_are_printed_behind_a_line_break() {
        check(
            &[
                "a|b\nc",
                "| a | b |\n| c |",
                "| a | b |\n| c |\n\nMore\nof",
                "| a | b |\n| c |\n\nMore\nof it",
            ],
            &["a|b\n", "", "\n| a | b |\n| c |\n\n", "More\nof it\n"],
        );
    }

    #[test]
    fn after_a_second_rewriting_only_the_complete_reply_is_printed() {
        check(
            &[
                "a\nb",
                "A\n\nb\n\nc",
                "AA\n\nb\n\nc\n\nd",
                "AA\n\nb\n\nc\n\nd\n\ne",
            ],
            &["a\n", "\nA\n\nb\n\n", "", "\nAA\n\nb\n\nc\n\nd\n\ne\n"],
        );
    }

    #[test]
    fn a_reply_that_is_shorter_for_a_moment_is_not_begun_anew() {
        check(
            &["One\nTwo\nThr", "One", "One\nTwo\nThree"],
            &["One\nTwo\n", "", "Three\n"],
        );
        check(&["One\nTwo\nThr", "One"], &["One\nTwo\n", "\nOne\n"]);
    }

    #[test]
    fn replies_are_apart_and_what_the_user_says_is_not_printed() {
        let mut text = Text::default();
        assert_eq!(text.message(&message(2, "First", false)), "First\n");
        assert_eq!(text.message(&message(2, "First", false)), "", "told again");
        let mut said = message(3, "The user", false);
        said.role = Role::User;
        assert_eq!(text.message(&said), "");
        assert_eq!(text.message(&message(4, "Sec", true)), "");
        assert_eq!(text.message(&message(4, "Second\nl", true)), "\nSecond\n");
        assert_eq!(text.message(&message(4, "Second\nline", false)), "line\n");
    }

    #[test]
    fn a_reply_that_is_broken_off_is_printed_as_far_as_it_came() {
        let mut text = Text::default();
        assert_eq!(text.message(&message(1, "One\nTw", true)), "One\n");
        assert_eq!(text.close(), "Tw\n");
        assert_eq!(text.message(&message(2, "Thr", true)), "");
        assert_eq!(text.message(&message(3, "Four", false)), "\nThr\n\nFour\n");
    }

    /// However a reply grows and is rewritten, it stands whole at the end of what was printed.
    #[test]
    fn the_final_text_is_always_the_last_thing_printed() {
        let pieces = ["", "a", "b\n", "\n\n", "c\n\nd", "\na"];
        let mut state = 7_u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % below
        };
        for _ in 0..5_000 {
            let mut text = Text::default();
            let mut content = String::new();
            let mut printed = String::new();
            for _ in 0..next(8) {
                if next(4) == 0 {
                    content.truncate(next(content.len() + 1));
                }
                content.push_str(pieces[next(pieces.len())]);
                printed.push_str(&text.message(&message(1, &content, true)));
            }
            content.push_str("end");
            printed.push_str(&text.message(&message(1, &content, false)));
            let whole = format!("{content}\n");
            assert!(printed.ends_with(&whole), "{printed:?} for {content:?}");
        }
    }
}
