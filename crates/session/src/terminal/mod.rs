//! The terminal that a session's program believes to talk to.
//!
//! Output is fed to a real emulator, which keeps the screen with colours, wide characters, the
//! alternate screen and a bounded scrollback, and answers the program's queries. Viewers draw the
//! same bytes themselves; they must stay silent about queries, or a program would get two answers.

mod flood;
mod guard;
mod keyboard;
mod program_status;
mod snapshot;
mod text;

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use alacritty_terminal::{
    Term,
    event::{Event, EventListener, WindowSize},
    grid::Dimensions,
    term::{Config, Osc52, TermMode},
    vte::ansi::{KeyboardModes, Processor, Rgb},
};
use berth_protocol::{Cursor, Screen, Size};

use self::{guard::Guard, keyboard::Keyboard};
use crate::utf8::complete_prefix;

pub use program_status::ProgramStatus;
pub use text::Line;

/// Lines of scrollback kept for each session. At 120 columns and 24 bytes a cell this bounds a
/// session that has printed without end to some 15 MiB; a quiet one holds only its screen.
pub const SCROLLBACK_LINES: usize = 5_000;

/// Output held back undrawn, in bytes. The more, the less of a flood has to be drawn.
const MOST_HELD: usize = 4 * 1024 * 1024;

/// What ends a sequence without an effect, in place of its last byte.
const CANCEL: u8 = 0x18;

/// What a program is told when it asks for the terminal's default colours (OSC 10 and 11): light
/// text on dark ground, the colours of the dark theme.
const FOREGROUND: Rgb = Rgb {
    r: 0xd8,
    g: 0xdc,
    b: 0xe0,
};
const BACKGROUND: Rgb = Rgb {
    r: 0x12,
    g: 0x15,
    b: 0x18,
};

/// A terminal emulator with the answers it owes to the program.
pub struct Terminal {
    term: Term<Listener>,
    parser: Processor,
    keyboard: Keyboard,
    listener: Listener,
    scanner: program_status::Scanner,
    watch: flood::Watch,
    /// Output that is not drawn yet.
    held: Vec<u8>,
    /// The beginning of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    size: Size,
    scrollback: usize,
}

/// Collects what the emulator wants to tell the program. It is shared because the emulator owns
/// its listener.
#[derive(Clone)]
struct Listener(Arc<Mutex<Pending>>);

struct Pending {
    replies: Vec<u8>,
    title: String,
    size: Size,
}

impl Listener {
    fn with<T>(&self, act: impl FnOnce(&mut Pending) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        self.with(|pending| match event {
            Event::PtyWrite(text) => pending.replies.extend_from_slice(text.as_bytes()),
            Event::Title(title) => pending.title = title,
            Event::ResetTitle => pending.title.clear(),
            Event::ColorRequest(index, format) => {
                // 256 and up are the default colours of foreground, background and cursor.
                let colour = if index == 257 { BACKGROUND } else { FOREGROUND };
                pending.replies.extend_from_slice(format(colour).as_bytes());
            }
            Event::TextAreaSizeRequest(format) => {
                let size = WindowSize {
                    num_lines: pending.size.rows,
                    num_cols: pending.size.cols,
                    cell_width: 8,
                    cell_height: 17,
                };
                pending.replies.extend_from_slice(format(size).as_bytes());
            }
            // A program must not read the user's clipboard, and writing it is the viewers' choice.
            _ => {}
        });
    }
}

struct Cells(Size);

impl Dimensions for Cells {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.0.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.0.cols)
    }
}

impl Terminal {
    /// An empty terminal. The size is brought into its allowed range.
    pub fn new(size: Size) -> Self {
        Self::with_scrollback(size, SCROLLBACK_LINES)
    }

    fn with_scrollback(size: Size, scrollback: usize) -> Self {
        let size = size.clamped();
        let listener = Listener(Arc::new(Mutex::new(Pending {
            replies: Vec::new(),
            title: String::new(),
            size,
        })));
        let config = Config {
            scrolling_history: scrollback,
            // See [`keyboard`], which is asked in its place.
            kitty_keyboard: false,
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        let term = Term::new(config, &Cells(size), listener.clone());
        Self {
            term,
            parser: Processor::new(),
            keyboard: Keyboard::default(),
            listener,
            scanner: Default::default(),
            watch: Default::default(),
            held: Vec::new(),
            partial: Vec::new(),
            size,
            scrollback,
        }
    }

    /// Takes output of the program, draws it, and returns what the terminal answers to it.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let replies = self.take(bytes);
        self.draw();
        replies
    }

    /// Takes output of the program and returns what the terminal answers to it. Plain text may be
    /// held back: call [`Self::draw`] before the terminal is read.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let bytes = self.watch.without_rest_of_string(bytes);
        let seen = self.watch.see(bytes, self.size.rows);
        let mut bytes = Cow::Borrowed(bytes);
        for at in seen.refused {
            bytes.to_mut()[at] = CANCEL;
        }
        let bytes = bytes.as_ref();
        // Claude Code believes this answer only when it comes before the one to its next query.
        let mut replies = if seen.whole {
            Vec::new()
        } else {
            self.scanner.feed(bytes)
        };
        if seen.plain && self.held.len() + bytes.len() <= MOST_HELD {
            self.held.extend_from_slice(bytes);
        } else {
            self.draw();
            self.advance(bytes);
            replies.extend(self.take_replies());
        }
        replies
    }

    /// Draws what is held back, as far as it can still be seen.
    pub fn draw(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        if self.scrolls_plainly()
            // What stands on the screen must have left the scrollback too.
            && let Some((from, to)) =
                flood::unseen(rest, self.scrollback + 2 * usize::from(self.size.rows))
        {
            self.advance(&held[..from]);
            self.advance(&flood::pen(&held[from..to]));
            self.advance(b"\r");
            rest = &held[to..];
        }
        self.advance(rest);
    }

    /// The emulator's parser (vte 0.15) can lose what follows a character that reaches it in two
    /// parts, so it never gets the first part of one alone.
    fn advance(&mut self, bytes: &[u8]) {
        let mut joined = std::mem::take(&mut self.partial);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            joined.as_slice()
        };
        let (whole, rest) = bytes.split_at(complete_prefix(bytes));
        self.partial = rest.to_vec();
        let mut guard = Guard {
            term: &mut self.term,
            keyboard: &mut self.keyboard,
            listener: &self.listener,
        };
        self.parser.advance(&mut guard, whole);
    }

    /// Every end of a line at the bottom pushes a row out of the screen.
    fn scrolls_plainly(&self) -> bool {
        self.watch.scrolls_whole_screen() && self.synchronized_until().is_none()
    }

    /// What the program says of itself, if it does.
    pub fn program_status(&self) -> Option<ProgramStatus> {
        self.scanner.status
    }

    /// How often the program said that it began to work: work that was over before anybody looked
    /// is counted too.
    pub fn program_works(&self) -> u64 {
        self.scanner.works
    }

    /// When a synchronized update (DEC mode 2026) that the program has not ended must be shown
    /// all the same; call [`Self::end_synchronized_update`] then.
    pub fn synchronized_until(&self) -> Option<Instant> {
        self.parser.sync_timeout().sync_timeout()
    }

    /// Shows an unfinished synchronized update.
    pub fn end_synchronized_update(&mut self) -> Vec<u8> {
        self.draw();
        let mut guard = Guard {
            term: &mut self.term,
            keyboard: &mut self.keyboard,
            listener: &self.listener,
        };
        self.parser.stop_sync(&mut guard);
        self.take_replies()
    }

    fn take_replies(&mut self) -> Vec<u8> {
        self.listener
            .with(|pending| std::mem::take(&mut pending.replies))
    }

    /// Changes the size, rewrapping long lines as the program's own terminal would.
    pub fn resize(&mut self, size: Size) {
        self.draw();
        self.watch.resized();
        let mut cols = self.size.cols;
        self.size = size.clamped();
        self.listener.with(|pending| pending.size = self.size);
        // The emulator (alacritty_terminal 0.26) cuts a row that has become too long again and again,
        // and every piece keeps the room of all that followed it: at once, a full scrollback that
        // becomes far narrower would take gigabytes.
        while self.size.cols < cols / 2 {
            cols /= 2;
            self.term.resize(Cells(Size { cols, ..self.size }));
        }
        self.term.resize(Cells(self.size));
    }

    /// Size in cells.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The program asked for pasted text to be marked (DEC mode 2004).
    pub fn bracketed_paste(&self) -> bool {
        self.term.mode().contains(TermMode::BRACKETED_PASTE)
    }

    /// The program has asked for pasted text to be marked, now or before.
    pub fn has_pasted(&self) -> bool {
        self.watch.has_pasted()
    }

    /// In which form the program wants its keys, on the screen that it shows: flags of the kitty
    /// keyboard protocol.
    pub fn key_form(&self) -> KeyboardModes {
        self.keyboard.of(self.alternate_screen()).flags()
    }

    /// The program draws on the alternate screen, which has no scrollback.
    pub fn alternate_screen(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    /// The cursor.
    pub fn cursor(&self) -> Cursor {
        self.assert_drawn();
        let point = self.term.grid().cursor.point;
        Cursor {
            row: u16::try_from(point.line.0).unwrap_or(0),
            col: u16::try_from(point.column.0).unwrap_or(0),
            visible: self.term.mode().contains(TermMode::SHOW_CURSOR),
        }
    }

    /// Whoever reads the screen must have it drawn first.
    fn assert_drawn(&self) {
        debug_assert!(
            self.held.is_empty(),
            "the terminal is read before it is drawn"
        );
    }

    /// The visible screen as text.
    pub fn screen(&self) -> Screen {
        self.assert_drawn();
        let lines = self.screen_lines();
        let mut text = lines
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        text.truncate(text.trim_end().len());
        Screen {
            text,
            cursor: self.cursor(),
            size: self.size,
            title: self.listener.with(|pending| pending.title.clone()),
        }
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
