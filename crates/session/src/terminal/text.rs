//! Reading the emulator's cells as lines of text.

use alacritty_terminal::{
    grid::Dimensions,
    index::{Column, Line as Row},
    term::cell::Flags,
    vte::ansi::{Color, NamedColor},
};

use super::Terminal;

/// A row of the terminal as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its characters, without blanks at the end. A wide character stands once.
    pub text: String,
    /// The row goes on in the next one: it was wrapped by the terminal, not by the program.
    pub wrapped: bool,
    /// Where its look changes, from left to right; it begins without any.
    pub looks: Vec<(usize, Look)>,
}

/// How a character looks, as far as it tells what is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// It is bold.
    pub bold: bool,
    /// What is behind it.
    background: Color,
}

impl Look {
    const PLAIN: Self = Self {
        bold: false,
        background: Color::Named(NamedColor::Background),
    };

    /// It has a background of its own.
    pub fn filled(&self) -> bool {
        self.background != Self::PLAIN.background
    }
}

impl Line {
    /// How the character at a place in the text looks, in bytes.
    pub fn look(&self, at: usize) -> Look {
        let before = self.looks.iter().rev().find(|(from, _)| *from <= at);
        before.map_or(Look::PLAIN, |(_, look)| *look)
    }
}

impl Terminal {
    /// The visible rows from top to bottom.
    pub fn screen_lines(&self) -> Vec<Line> {
        (0..self.term.screen_lines())
            .map(|row| self.line(Row(row as i32)))
            .collect()
    }

    /// The last `limit` rows of scrollback and screen together, oldest first.
    pub fn all_lines(&self, limit: usize) -> Vec<Line> {
        let bottom = self.term.screen_lines() as i32;
        let top = (bottom - i32::try_from(limit).unwrap_or(i32::MAX))
            .max(-(self.term.history_size() as i32));
        (top..bottom).map(|row| self.line(Row(row))).collect()
    }

    /// Nothing stands on the screen.
    pub fn is_blank(&self) -> bool {
        self.screen_lines()
            .iter()
            .all(|line| line.text.trim().is_empty())
    }

    /// How many rows of scrollback and screen stand above the cursor's.
    pub fn rows_above_cursor(&self) -> usize {
        self.term.history_size() + usize::from(self.cursor().row)
    }

    fn line(&self, row: Row) -> Line {
        self.assert_drawn();
        let cells = &self.term.grid()[row];
        let columns = self.term.columns();
        let mut text = String::with_capacity(columns);
        let mut looks = Vec::new();
        let mut last = Look::PLAIN;
        for column in 0..columns {
            let Some(shown) = self.shown(row, column) else {
                continue;
            };
            let cell = &cells[Column(column)];
            let look = Look {
                bold: cell.flags.contains(Flags::BOLD),
                background: cell.bg,
            };
            if look != last {
                looks.push((text.len(), look));
                last = look;
            }
            text.push(shown);
            if shown == cell.c {
                text.extend(cell.zerowidth().into_iter().flatten());
            }
        }
        let wrapped = cells[Column(columns - 1)].flags.contains(Flags::WRAPLINE);
        if !wrapped {
            text.truncate(text.trim_end_matches(' ').len());
        }
        Line {
            text,
            wrapped,
            looks,
        }
    }

    /// The character that a cell shows, blank when it has none; nothing where a wide one stands in
    /// the cell before, or did not fit and stands in the next row. Programs that delete or overwrite
    /// half of a wide character leave the other half, which shows nothing but takes its place.
    pub(super) fn shown(&self, row: Row, column: usize) -> Option<char> {
        let grid = self.term.grid();
        let has = |row: Row, column: usize, flag| grid[row][Column(column)].flags.contains(flag);
        let last = self.term.columns() - 1;
        let cell = &grid[row][Column(column)];
        if cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
            let whole = column > 0 && has(row, column - 1, Flags::WIDE_CHAR);
            return (!whole).then_some(' ');
        }
        if cell.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER) {
            let whole = column == last
                && cell.flags.contains(Flags::WRAPLINE)
                && row < self.term.bottommost_line()
                && has(row + 1, 0, Flags::WIDE_CHAR)
                && has(row + 1, 1, Flags::WIDE_CHAR_SPACER);
            return (!whole).then_some(' ');
        }
        let half = cell.flags.contains(Flags::WIDE_CHAR)
            && (column == last || !has(row, column + 1, Flags::WIDE_CHAR_SPACER));
        Some(if half || cell.c.is_control() {
            ' '
        } else {
            cell.c
        })
    }
}
