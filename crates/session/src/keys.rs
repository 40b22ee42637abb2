//! Typed keys in the form that a program asked for.
//!
//! Viewers and scripts send the bytes that terminals have always sent, in which Escape looks like the
//! beginning of an arrow key and Ctrl-I like Tab. A program that has switched on the kitty keyboard
//! protocol expects more exact ones; the specification, to which the comments here refer, is at
//! <https://sw.kovidgoyal.net/kitty/keyboard-protocol/>. A key that the old bytes cannot tell from
//! another is taken for what programs have always taken it for.

use std::time::{Duration, Instant};

use alacritty_terminal::vte::ansi::KeyboardModes;

const ESCAPE: u8 = 0x1b;

/// What stands around pasted text.
const PASTE: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// After so long without input what has not ended is broken off.
const BROKEN_OFF: Duration = Duration::from_secs(10);

/// Of a control sequence so many bytes are kept: more than those have that are looked for.
const LONGEST: usize = 8;

/// Bytes behind the beginning of a click in the oldest form: button, column and row.
const CLICK: usize = 3;

/// Modifiers as the protocol adds them up ("Modifiers").
const SHIFT: u8 = 1;
const ALT: u8 = 2;
const CTRL: u8 = 4;

/// What somebody types into a program, which may come in pieces that are cut anywhere.
#[derive(Debug, Default)]
pub struct Typing {
    place: Place,
    /// The control sequence whose end has not come yet.
    begun: Vec<u8>,
    /// When the last input came.
    at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between keys.
    #[default]
    Keys,
    /// In a control sequence whose end has not come yet.
    Sequence,
    /// In a click, with so many bytes to come.
    Click(usize),
    /// In pasted text, of whose end so many bytes have come.
    Paste(usize),
}

/// A key or a part of the input that is passed on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    /// A key that prints a character, or has a control character of its own.
    Key(Key),
    /// A key that the protocol sends so, whatever else it is asked for.
    Named(&'a [u8]),
    /// Anything else.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    /// What it prints without Shift; for others the control character.
    code: char,
    modifiers: u8,
    /// What it prints with the modifiers, if it prints anything.
    text: Option<char>,
}

/// Keys that are pressed at once and are complete, in the form that the program wants.
pub fn press(keys: &[u8], form: KeyboardModes) -> Vec<u8> {
    Typing::default().write(keys, form)
}

impl Typing {
    /// The bytes for the program of the next input.
    pub fn write(&mut self, input: &[u8], form: KeyboardModes) -> Vec<u8> {
        self.write_at(Instant::now(), input, form)
    }

    fn write_at(&mut self, now: Instant, input: &[u8], form: KeyboardModes) -> Vec<u8> {
        // Pieces of a paste follow each other closely. One that was broken off, perhaps by a viewer who has
        // gone, must not keep everybody's keys in the form of pasted text.
        if self.at.replace(now).is_some_and(|at| now - at > BROKEN_OFF) {
            self.place = Place::Keys;
            self.begun.clear();
        }
        let mut out = Vec::with_capacity(input.len());
        let mut rest = input;
        while !rest.is_empty() {
            let (part, length) = self.next(rest);
            let (old, behind) = rest.split_at(length);
            match part {
                Part::Key(key) if is_exact(form) => key.write(old, form, &mut out),
                Part::Named(new) if is_exact(form) => out.extend_from_slice(new),
                _ => out.extend_from_slice(old),
            }
            rest = behind;
        }
        out
    }

    /// What the input begins with, and how long that is, which is one byte at least.
    fn next<'a>(&mut self, input: &'a [u8]) -> (Part<'a>, usize) {
        match self.place {
            Place::Keys => self.key(input),
            Place::Sequence => {
                let end = input.iter().position(|byte| !is_inside(*byte));
                let (inside, behind) = input.split_at(end.unwrap_or(input.len()));
                let room = LONGEST.saturating_sub(self.begun.len());
                self.begun.extend(inside.iter().take(room));
                let Some(&last) = behind.first() else {
                    return (Part::Other, inside.len());
                };
                self.place = Place::Keys;
                if matches!(last, 0x40..=0x7e) {
                    let mut sequence = std::mem::take(&mut self.begun);
                    sequence.push(last);
                    self.enter(&sequence);
                    (Part::Other, inside.len() + 1)
                } else if inside.is_empty() {
                    self.key(input)
                } else {
                    (Part::Other, inside.len())
                }
            }
            Place::Click(left) => {
                let length = left.min(input.len());
                self.place = match left - length {
                    0 => Place::Keys,
                    left => Place::Click(left),
                };
                (Part::Other, length)
            }
            Place::Paste(mut matched) => {
                for (at, &byte) in input.iter().enumerate() {
                    matched = match byte {
                        _ if byte == PASTE_END[matched] => matched + 1,
                        ESCAPE => 1,
                        _ => 0,
                    };
                    if matched == PASTE_END.len() {
                        self.place = Place::Keys;
                        return (Part::Other, at + 1);
                    }
                }
                self.place = Place::Paste(matched);
                (Part::Other, input.len())
            }
        }
    }

    fn key<'a>(&mut self, input: &'a [u8]) -> (Part<'a>, usize) {
        match input {
            [ESCAPE] | [ESCAPE, ESCAPE, ..] => (Part::Key(Key::of('\x1b')), 1),
            [ESCAPE, b'[', ..] => self.sequence(input),
            [ESCAPE, b'O', last, ..] => match named(*last) {
                Some(key) => (Part::Named(key), 3),
                // A key of the keypad, which the program has asked for in this form.
                None if matches!(last, b'M' | b'X' | b'j'..=b'y') => (Part::Other, 3),
                None => (alt('O'), 2),
            },
            [ESCAPE, rest @ ..] => match character(rest) {
                Some((c, length)) => (alt(c), length + 1),
                None => (Part::Key(Key::of('\x1b')), 1),
            },
            _ => match character(input) {
                Some((c, length)) => (Part::Key(Key::of(c)), length),
                None => (Part::Other, 1),
            },
        }
    }

    /// What begins with `ESC [`.
    fn sequence<'a>(&mut self, input: &'a [u8]) -> (Part<'a>, usize) {
        let body = &input[2..];
        let Some(end) = body.iter().position(|byte| !is_inside(*byte)) else {
            self.place = Place::Sequence;
            self.begun = input.iter().copied().take(LONGEST).collect();
            return (Part::Other, input.len());
        };
        let sequence = &input[..end + 3];
        match (sequence, body[end]) {
            (b"\x1b[Z", _) => {
                let key = Key {
                    modifiers: SHIFT,
                    ..Key::of('\t')
                };
                (Part::Key(key), sequence.len())
            }
            (_, 0x40..=0x7e) => {
                self.enter(sequence);
                (Part::Other, sequence.len())
            }
            // Not a sequence at all.
            _ => (alt('['), 2),
        }
    }

    /// What comes behind a control sequence may belong to it.
    fn enter(&mut self, sequence: &[u8]) {
        self.place = match sequence {
            PASTE => Place::Paste(0),
            b"\x1b[M" => Place::Click(CLICK),
            _ => Place::Keys,
        };
    }
}

impl Key {
    /// The key that sends this character.
    fn of(c: char) -> Self {
        let ctrl = |code| Self {
            code,
            modifiers: CTRL,
            text: None,
        };
        match c {
            '\r' | '\t' | '\x1b' | '\x7f' => Self {
                code: c,
                modifiers: 0,
                text: None,
            },
            '\0' => ctrl(' '),
            '\x01'..='\x1a' => ctrl(char::from(c as u8 | 0x60)),
            '\x1c'..='\x1f' => ctrl(char::from(c as u8 | 0x40)),
            _ => {
                // Which key of the user's keyboard prints "!" with Shift is not known here, so that one
                // counts as a key of its own.
                let code = Some(c)
                    .filter(|c| c.is_uppercase())
                    .and_then(|c| single(c.to_lowercase()));
                Self {
                    code: code.unwrap_or(c),
                    modifiers: if code.is_some() { SHIFT } else { 0 },
                    text: Some(c),
                }
            }
        }
    }

    /// Writes it; `old` is what it was typed as.
    fn write(self, old: &[u8], form: KeyboardModes, out: &mut Vec<u8>) {
        let all = form.contains(KeyboardModes::REPORT_ALL_KEYS_AS_ESC);
        let prints = self.text.is_some();
        // "Disambiguate escape codes": text stays text, and Enter, Tab and Backspace stay what they were,
        // so that the user of a program that crashed can type "reset".
        let is_old = prints || (self.modifiers == 0 && matches!(self.code, '\r' | '\t' | '\x7f'));
        if !all && is_old {
            out.extend_from_slice(old);
            return;
        }
        let mut sequence = format!("\x1b[{}", u32::from(self.code));
        let shifted = self.shifted();
        if form.contains(KeyboardModes::REPORT_ALTERNATE_KEYS)
            && let Some(shifted) = shifted
        {
            sequence += &format!(":{}", u32::from(shifted));
        }
        let text = self
            .text
            .filter(|_| all && form.contains(KeyboardModes::REPORT_ASSOCIATED_TEXT));
        if self.modifiers != 0 {
            sequence += &format!(";{}", self.modifiers + 1);
        } else if text.is_some() {
            sequence.push(';');
        }
        if let Some(text) = text {
            sequence += &format!(";{}", u32::from(text));
        }
        sequence.push('u');
        out.extend_from_slice(sequence.as_bytes());
    }

    /// What it would print with Shift, if that is pressed.
    fn shifted(self) -> Option<char> {
        (self.modifiers & SHIFT != 0)
            .then(|| single(self.code.to_uppercase()))
            .flatten()
            .filter(|shifted| *shifted != self.code)
    }
}

/// The key that sends this character, with Alt, which prints nothing.
fn alt<'a>(c: char) -> Part<'a> {
    let key = Key::of(c);
    Part::Key(Key {
        modifiers: key.modifiers | ALT,
        text: None,
        ..key
    })
}

/// The keys that have another form while "cursor key mode" is on ("Functional key definitions"): with
/// the protocol that mode has no effect. F3 lost its old form, which looks like the cursor's position.
fn named(last: u8) -> Option<&'static [u8]> {
    Some(match last {
        b'A' => b"\x1b[A",
        b'B' => b"\x1b[B",
        b'C' => b"\x1b[C",
        b'D' => b"\x1b[D",
        b'F' => b"\x1b[F",
        b'H' => b"\x1b[H",
        b'P' => b"\x1b[P",
        b'Q' => b"\x1b[Q",
        b'R' => b"\x1b[13~",
        b'S' => b"\x1b[S",
        _ => return None,
    })
}

/// The program wants to be told keys apart. Alternate keys and text alone change nothing: they add to
/// the new form and do not ask for it.
fn is_exact(form: KeyboardModes) -> bool {
    form.intersects(KeyboardModes::DISAMBIGUATE_ESC_CODES | KeyboardModes::REPORT_ALL_KEYS_AS_ESC)
}

/// Parameters and intermediates of a control sequence, ECMA-48 section 5.4.
fn is_inside(byte: u8) -> bool {
    matches!(byte, 0x20..=0x3f)
}

/// The character at the beginning and its length in bytes; nothing when there is no whole one.
fn character(input: &[u8]) -> Option<(char, usize)> {
    let input = &input[..input.len().min(4)];
    let whole = match std::str::from_utf8(input) {
        Ok(_) => input,
        Err(error) => &input[..error.valid_up_to()],
    };
    let c = std::str::from_utf8(whole).ok()?.chars().next()?;
    Some((c, c.len_utf8()))
}

/// The only one of these characters.
fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
