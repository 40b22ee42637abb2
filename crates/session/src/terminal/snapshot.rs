//! Repainting a terminal from nothing.
//!
//! A viewer that comes late or fell behind gets these bytes instead of the whole recording: the
//! scrollback, both screens, the cursor and the modes that its own terminal needs to know.

use std::fmt::Write as _;

use alacritty_terminal::{
    grid::Dimensions,
    index::{Column, Line},
    term::{
        TermMode,
        cell::{Cell, Flags},
    },
    vte::ansi::{Color, CursorShape, NamedColor, Rgb},
};

use super::Terminal;

/// Private modes that a viewer's terminal must share, with their DEC numbers. Mouse modes are here
/// because the viewer turns clicks into bytes.
const MODES: [(TermMode, u16); 9] = [
    (TermMode::APP_CURSOR, 1),
    (TermMode::MOUSE_REPORT_CLICK, 1000),
    (TermMode::MOUSE_DRAG, 1002),
    (TermMode::MOUSE_MOTION, 1003),
    (TermMode::FOCUS_IN_OUT, 1004),
    (TermMode::UTF8_MOUSE, 1005),
    (TermMode::SGR_MOUSE, 1006),
    (TermMode::ALTERNATE_SCROLL, 1007),
    (TermMode::BRACKETED_PASTE, 2004),
];

impl Terminal {
    /// Bytes that draw scrollback and screen on an empty terminal of the same size.
    pub fn snapshot(&self) -> Vec<u8> {
        self.assert_drawn();
        let mut out = String::with_capacity(16 * 1024);
        let mode = *self.term.mode();
        let alternate = mode.contains(TermMode::ALT_SCREEN);
        if alternate {
            // The main screen lies below and is not readable while the alternate one is shown; a
            // program that leaves it repaints or is gone, so its place is left empty.
            out.push_str("\x1b[?1049h\x1b[H");
        }
        let mut pen = Pen::default();
        let top = if alternate {
            0
        } else {
            -(self.term.history_size() as i32)
        };
        let bottom = self.term.screen_lines() as i32 - 1;
        let mut wrapped = false;
        for row in top..=bottom {
            wrapped = self.draw_row(&mut out, &mut pen, Line(row), wrapped);
            if row < bottom && !wrapped {
                pen.reset(&mut out);
                out.push_str("\r\n");
            }
        }
        pen.reset(&mut out);
        let title = self.listener.with(|pending| pending.title.clone());
        if !title.is_empty() {
            let _ = write!(out, "\x1b]2;{}\x07", title.replace(char::is_control, ""));
        }
        self.draw_modes(&mut out, mode);
        out.into_bytes()
    }

    /// Draws a row; `continues`: the one above was wrapped into it. Says whether it is wrapped itself.
    fn draw_row(&self, out: &mut String, pen: &mut Pen, row: Line, continues: bool) -> bool {
        let cells = &self.term.grid()[row];
        let columns = self.term.columns();
        let wrapped = cells[Column(columns - 1)].flags.contains(Flags::WRAPLINE);
        let used = if wrapped {
            columns
        } else {
            (0..columns)
                .rev()
                .find(|&column| !is_blank(&cells[Column(column)]))
                .map_or(0, |last| last + 1)
        };
        // Only a character in it makes a viewer's terminal begin the row that another goes on in.
        for column in 0..used.max(usize::from(continues)) {
            let Some(shown) = self.shown(row, column) else {
                continue;
            };
            let cell = &cells[Column(column)];
            pen.take(out, cell);
            out.push(shown);
            if shown == cell.c {
                out.extend(cell.zerowidth().into_iter().flatten());
            }
            let whole_row = columns == 2 && cell.flags.contains(Flags::WIDE_CHAR);
            if continues && column == 0 && cell.bg != Pen::GROUND && !whole_row {
                // It has scrolled the screen, and the new row is all in its colour.
                pen.reset(out);
                out.push_str("\x1b[K");
            }
        }
        wrapped
    }

    fn draw_modes(&self, out: &mut String, mode: TermMode) {
        for (flag, number) in MODES {
            if mode.contains(flag) {
                let _ = write!(out, "\x1b[?{number}h");
            }
        }
        if mode.contains(TermMode::APP_KEYPAD) {
            out.push_str("\x1b=");
        }
        let style = self.term.cursor_style();
        let shape = match style.shape {
            CursorShape::Underline => 3,
            CursorShape::Beam => 5,
            _ => 1,
        };
        let _ = write!(out, "\x1b[{} q", shape + u8::from(!style.blinking));
        let cursor = self.cursor();
        let _ = write!(out, "\x1b[{};{}H", cursor.row + 1, cursor.col + 1);
        if !cursor.visible {
            out.push_str("\x1b[?25l");
        }
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.c == ' '
        && cell.zerowidth().is_none()
        && cell.bg == Pen::GROUND
        && !cell
            .flags
            .intersects(Flags::INVERSE | Flags::ALL_UNDERLINES | Flags::STRIKEOUT)
}

/// The attributes that the last drawn cell had, so that only changes are written.
#[derive(Default)]
struct Pen {
    last: Option<(Color, Color, Flags)>,
    link: Option<String>,
}

impl Pen {
    const GROUND: Color = Color::Named(NamedColor::Background);
    const DRAWN: Flags = Flags::INVERSE
        .union(Flags::BOLD)
        .union(Flags::ITALIC)
        .union(Flags::DIM)
        .union(Flags::HIDDEN)
        .union(Flags::STRIKEOUT)
        .union(Flags::ALL_UNDERLINES);

    fn take(&mut self, out: &mut String, cell: &Cell) {
        let link = cell
            .hyperlink()
            .map(|link| link.uri().replace(char::is_control, ""));
        if link != self.link {
            let _ = write!(out, "\x1b]8;;{}\x1b\\", link.as_deref().unwrap_or_default());
            self.link = link;
        }
        let flags = cell.flags & Self::DRAWN;
        if self.last == Some((cell.fg, cell.bg, flags)) {
            return;
        }
        out.push_str("\x1b[0");
        for (flag, code) in [
            (Flags::BOLD, "1"),
            (Flags::DIM, "2"),
            (Flags::ITALIC, "3"),
            (Flags::INVERSE, "7"),
            (Flags::HIDDEN, "8"),
            (Flags::STRIKEOUT, "9"),
            (Flags::UNDERLINE, "4"),
            (Flags::DOUBLE_UNDERLINE, "4:2"),
            (Flags::UNDERCURL, "4:3"),
            (Flags::DOTTED_UNDERLINE, "4:4"),
            (Flags::DASHED_UNDERLINE, "4:5"),
        ] {
            if flags.contains(flag) {
                out.push(';');
                out.push_str(code);
            }
        }
        colour(out, cell.fg, 30);
        colour(out, cell.bg, 40);
        out.push('m');
        self.last = Some((cell.fg, cell.bg, flags));
    }

    fn reset(&mut self, out: &mut String) {
        if self.link.take().is_some() {
            out.push_str("\x1b]8;;\x1b\\");
        }
        if self.last.take().is_some() {
            out.push_str("\x1b[0m");
        }
    }
}

/// Writes a colour as SGR parameters; `base` is 30 for the foreground and 40 for the background.
fn colour(out: &mut String, colour: Color, base: u16) {
    let _ = match colour {
        Color::Named(name) => match name as u16 {
            index @ 0..=7 => write!(out, ";{}", base + index),
            index @ 8..=15 => write!(out, ";{}", base + 60 + index - 8),
            _ => Ok(()),
        },
        Color::Indexed(index) => write!(out, ";{};5;{index}", base + 8),
        Color::Spec(Rgb { r, g, b }) => write!(out, ";{};2;{r};{g};{b}", base + 8),
    };
}
