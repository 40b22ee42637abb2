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
    /// Its first cell has a background.
    pub filled: bool,
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
        for column in 0..columns {
            let cell = &cells[Column(column)];
            if cell
                .flags
                .intersects(Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER)
            {
                continue;
            }
            text.push(if cell.c == '\t' { ' ' } else { cell.c });
            text.extend(cell.zerowidth().into_iter().flatten());
        }
        let wrapped = cells[Column(columns - 1)].flags.contains(Flags::WRAPLINE);
        if !wrapped {
            text.truncate(text.trim_end_matches(' ').len());
        }
        let filled = cells[Column(0)].bg != Color::Named(NamedColor::Background);
        Line {
            text,
            wrapped,
            filled,
        }
    }
}
