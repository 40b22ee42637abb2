//! What stands in the terminal of a session that has none: an account of its conversation.

use berth_protocol::{Screen, Size, Status};
use bytes::Bytes;
use tokio::sync::broadcast;

use crate::{
    live::{Frame, KEPT, Update, View},
    recording::{Recorded, Recorder},
    terminal::Terminal,
};

/// Most that is written at once, in bytes: half of a viewer's largest frame, because line feeds grow.
const PIECE: usize = 32 * 1024;

/// How a piece of the account looks, as SGR parameters (ECMA-48 8.3.117).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The agent's words.
    Plain,
    /// What the user said.
    Bold,
    /// Thoughts, tools, and what the program said last.
    Dim,
}

/// A terminal that is written by the engine.
pub struct Account {
    terminal: Terminal,
    recorder: Option<Recorder>,
    updates: broadcast::Sender<Update>,
    offset: u64,
    /// The row that is written now has something in it.
    open: bool,
    look: Look,
}

impl Account {
    pub fn new(size: Size, recorder: Option<Recorder>) -> Self {
        Self {
            terminal: Terminal::new(size),
            recorder,
            updates: broadcast::Sender::new(KEPT),
            offset: 0,
            open: false,
            look: Look::Plain,
        }
    }

    /// Goes on with words that come in pieces; what looks different begins a paragraph. Returns why the
    /// recording has ended, if it did.
    #[must_use]
    pub fn go_on(&mut self, look: Look, text: &str) -> Option<String> {
        let mut out = String::new();
        if self.look != look {
            out.push_str(if self.open { "\n\n" } else { "" });
            self.open = false;
            self.look = look;
        }
        out.push_str(text);
        self.write(look, &out)
    }

    /// Writes rows of their own.
    #[must_use]
    pub fn rows(&mut self, look: Look, text: &str) -> Option<String> {
        let before = if self.open { "\n" } else { "" };
        self.look = look;
        self.write(look, &format!("{before}{}\n", text.trim_end()))
    }

    /// Writes in pieces: viewers must be able to take one at a time.
    fn write(&mut self, look: Look, text: &str) -> Option<String> {
        let mut rest = text;
        let mut stopped = None;
        while !rest.is_empty() {
            let end = (1..=rest.len().min(PIECE)).rev();
            let end = end.into_iter().find(|&end| rest.is_char_boundary(end));
            // A character is shorter than a piece.
            let (piece, more) = rest.split_at(end.unwrap_or(rest.len()));
            stopped = stopped.or(self.write_piece(look, piece));
            rest = more;
        }
        stopped
    }

    fn write_piece(&mut self, look: Look, text: &str) -> Option<String> {
        self.open = !text.ends_with('\n');
        // What an agent says is text: it must not be able to press keys or to change the terminal.
        let plain: String = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .flat_map(|c| (c == '\n').then_some('\r').into_iter().chain([c]))
            .collect();
        let bytes = match look {
            Look::Plain => plain,
            Look::Bold => format!("\x1b[1m{plain}\x1b[m"),
            Look::Dim => format!("\x1b[2m{plain}\x1b[m"),
        };
        let bytes = Bytes::from(bytes);
        self.offset += bytes.len() as u64;
        // Without viewers there is nobody to tell.
        let _ = self.updates.send(Update::Output(Frame {
            bytes: bytes.clone(),
            offset: self.offset,
        }));
        // Text asks the terminal nothing that it would answer.
        let _ = self.terminal.take(&bytes);
        self.record(|recorder| recorder.output(&bytes))
    }

    fn record(
        &mut self,
        act: impl FnOnce(&mut Recorder) -> std::io::Result<Recorded>,
    ) -> Option<String> {
        let reason = match act(self.recorder.as_mut()?) {
            Ok(Recorded::All) => return None,
            Ok(Recorded::Full) => "it reached its size limit".to_owned(),
            Err(error) => error.to_string(),
        };
        self.recorder = None;
        Some(reason)
    }

    /// Gives the terminal another size; says whether it had a different one.
    pub fn resize(&mut self, size: Size) -> (bool, Option<String>) {
        self.terminal.draw();
        if size == self.terminal.size() {
            return (false, None);
        }
        self.terminal.resize(size);
        let stopped = self.record(|recorder| recorder.resized(size));
        // Without viewers there is nobody to tell.
        let _ = self.updates.send(Update::Resized(size));
        (true, stopped)
    }

    pub fn screen(&mut self) -> Screen {
        self.terminal.draw();
        self.terminal.screen()
    }

    pub fn view(&mut self) -> View {
        self.terminal.draw();
        View {
            snapshot: Bytes::from(self.terminal.snapshot()),
            offset: self.offset,
            size: self.terminal.size(),
            updates: self.updates.subscribe(),
        }
    }

    /// Tells viewers that nothing comes any more.
    pub fn end(&self, status: Status) {
        // Without viewers there is nobody to tell.
        let _ = self.updates.send(Update::Ended(status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_says_cannot_change_the_terminal() {
        let mut account = Account::new(Size::DEFAULT, None);
        assert_eq!(account.rows(Look::Bold, "> say it"), None);
        assert_eq!(
            account.go_on(Look::Plain, "one\x1b]0;title\x07\x1b[2J"),
            None
        );
        assert_eq!(account.go_on(Look::Plain, " two\nthree"), None);
        assert_eq!(account.rows(Look::Dim, "tool"), None);
        let screen = account.screen();
        assert_eq!(
            screen.text.trim_end(),
            "> say it\none]0;title[2J two\nthree\ntool"
        );
        assert_eq!(screen.title, "");
    }

    #[test]
    fn a_new_viewer_sees_all_of_it() {
        let mut account = Account::new(Size::DEFAULT, None);
        for n in 1..=5 {
            assert_eq!(account.rows(Look::Dim, &format!("row {n}")), None);
        }
        let view = account.view();
        let mut terminal = Terminal::new(view.size);
        assert_eq!(terminal.take(&view.snapshot), Vec::<u8>::new());
        terminal.draw();
        assert_eq!(
            terminal.screen().text.trim_end(),
            "row 1\nrow 2\nrow 3\nrow 4\nrow 5"
        );
        assert_eq!(terminal.screen().cursor.row, 5);
        let smaller = Size {
            rows: 26,
            cols: 100,
        };
        assert_eq!(account.resize(smaller), (true, None));
        assert_eq!(
            account.screen().text.trim_end(),
            "row 1\nrow 2\nrow 3\nrow 4\nrow 5"
        );
        let view = account.view();
        let mut terminal = Terminal::new(view.size);
        assert_eq!(terminal.take(&view.snapshot), Vec::<u8>::new());
        terminal.draw();
        assert_eq!(
            terminal.screen().text.trim_end(),
            "row 1\nrow 2\nrow 3\nrow 4\nrow 5"
        );
    }
}
