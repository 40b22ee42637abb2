//! In which form the program wants its keys: the flags of the kitty keyboard protocol.
//!
//! The specification is at <https://sw.kovidgoyal.net/kitty/keyboard-protocol/>. They are kept here and
//! not by the emulator: alacritty_terminal 0.26 reports the top of its stack, which `CSI = flags u` does
//! not change, and loses what that has set when the program changes screens.

use alacritty_terminal::vte::ansi::{KeyboardModes, KeyboardModesApplyBehavior};

/// Most flags that a program can put on top of each other on one screen; the oldest make room. The
/// specification leaves the number open, and wants one.
const DEEPEST: usize = 16;

/// What the terminal can do. Viewers send bytes, which tell neither that a key is held nor that it is
/// let go, so a program that asks for event types is told that it does not get them.
const KNOWN: KeyboardModes = KeyboardModes::REPORT_EVENT_TYPES.complement();

/// The flags of both screens.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    main: Stack,
    alternate: Stack,
}

/// The flags of one screen: the last are in force, and without any there are none.
#[derive(Debug, Default)]
pub(super) struct Stack(Vec<KeyboardModes>);

impl Keyboard {
    /// Those of the screen that is shown.
    pub fn of(&self, alternate: bool) -> &Stack {
        if alternate {
            &self.alternate
        } else {
            &self.main
        }
    }

    /// Those of the screen that is shown, to be changed.
    pub fn of_mut(&mut self, alternate: bool) -> &mut Stack {
        if alternate {
            &mut self.alternate
        } else {
            &mut self.main
        }
    }
}

impl Stack {
    /// The flags in force.
    pub fn flags(&self) -> KeyboardModes {
        self.0.last().copied().unwrap_or_default()
    }

    /// `CSI > flags u`
    pub fn push(&mut self, flags: KeyboardModes) {
        if self.0.is_empty() {
            // What the program comes back to.
            self.0.push(KeyboardModes::NO_MODE);
        }
        if self.0.len() == DEEPEST {
            self.0.remove(0);
        }
        self.0.push(flags & KNOWN);
    }

    /// `CSI < count u`
    pub fn pop(&mut self, count: u16) {
        let left = self.0.len().saturating_sub(count.into());
        self.0.truncate(left);
    }

    /// `CSI = flags ; how u`
    pub fn set(&mut self, flags: KeyboardModes, how: KeyboardModesApplyBehavior) {
        let flags = flags & KNOWN;
        let before = self.0.pop().unwrap_or_default();
        self.0.push(match how {
            KeyboardModesApplyBehavior::Replace => flags,
            KeyboardModesApplyBehavior::Union => before | flags,
            KeyboardModesApplyBehavior::Difference => before & !flags,
        });
    }
}
