//! Output that need not be drawn.
//!
//! A program that prints faster than anybody can look scrolls most of its rows out of the
//! scrollback before the screen is read again. Drawing them is most of the work that a flood
//! makes. So output is held back until somebody reads the terminal, and of what is held only the
//! rows that can still be seen are drawn. This is done with nothing but text, line ends, colours
//! and erased rests of lines on the main screen; the result is the same, cell by cell, as if
//! everything had been drawn.

use memchr::memrchr_iter;

/// Where the terminal's parser stands after the output so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between sequences.
    #[default]
    Text,
    /// Behind an escape character.
    Escape,
    /// Behind an escape character and intermediate bytes.
    EscapeIntermediate,
    /// In a control sequence.
    Csi {
        /// So far it could set colours or erase a line: only parameters have come.
        simple: bool,
    },
    /// In an operating system command, which also ends with BEL.
    Osc,
    /// In another string, which ends with an escape character.
    Other,
}

/// Follows a stream of output just far enough to know what may be held back.
#[derive(Debug, Default)]
pub(super) struct Watch {
    place: Place,
    /// The parameters of the control sequence that the stream is in.
    parameters: Vec<u8>,
    /// Rows scroll within margins: which rows leave the screen is not known then.
    margins: bool,
    /// Pasted text was to be marked, now or before.
    has_pasted: bool,
    /// Bytes of the operating system command that the stream is in, as far as they are counted.
    command: usize,
}

/// Longest operating system command that reaches the parser, in bytes, but for the end of the piece
/// of output that it becomes as long in: the parser keeps all of it. Nothing that the emulator
/// understands is as long.
const LONGEST_COMMAND: usize = 64 * 1024;

/// More parameters than this are not looked at.
const LONGEST: usize = 64;

/// What a piece of output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Nothing but text, line ends, colours and erased rests of lines: it asks nothing, and changes
    /// nothing but the rows it is drawn on and the pen.
    pub plain: bool,
    /// It has no part in any other sequence either, not even in the beginning of one.
    pub whole: bool,
    /// Where sequences end that must not reach the emulator: each would have it draw far more than it
    /// is long.
    pub refused: Vec<usize>,
}

/// How often the last character may be repeated at once (REP): as often as the widest terminal has
/// columns. The emulator would draw it 65,535 times for eight bytes.
const MOST_REPEATED: u32 = 1000;

impl Watch {
    /// Takes the next piece of output on a terminal of so many rows.
    pub fn see(&mut self, bytes: &[u8], rows: u16) -> Seen {
        let began_inside = self.place != Place::Text;
        let mut plain = true;
        let mut refused = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.place == Place::Text {
                let Some(at) = special(rest) else {
                    break;
                };
                if rest[at] == 0x1b {
                    self.place = Place::Escape;
                } else {
                    plain = false;
                }
                rest = &rest[at + 1..];
            } else {
                let in_csi = matches!(self.place, Place::Csi { .. });
                if in_csi && rest[0] == b'b' && repeats_much(&self.parameters) {
                    refused.push(bytes.len() - rest.len());
                }
                plain &= self.step(rest[0], rows);
                rest = &rest[1..];
            }
        }
        Seen {
            plain,
            whole: plain && !began_inside && self.place == Place::Text,
            refused,
        }
    }

    /// The next piece of output without what would go on in an operating system command that is too
    /// long already.
    pub fn without_rest_of_string<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.place != Place::Osc {
            self.command = 0;
            return bytes;
        }
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b))
            .unwrap_or(bytes.len());
        let too_long = self.command > LONGEST_COMMAND;
        // Whatever begins behind its end is another one.
        self.command = if end < bytes.len() {
            0
        } else {
            self.command.saturating_add(end)
        };
        if too_long { &bytes[end..] } else { bytes }
    }

    /// Margins do not outlive a change of the terminal's size.
    pub fn resized(&mut self) {
        self.margins = false;
    }

    /// Rows leave the screen over its top edge and no other way.
    pub fn scrolls_whole_screen(&self) -> bool {
        !self.margins
    }

    /// The program has asked for pasted text to be marked (DEC mode 2004), now or before: it may ask for
    /// it and take it back in one piece of output.
    pub fn has_pasted(&self) -> bool {
        self.has_pasted
    }

    /// One byte inside a sequence; says whether it may still be held back.
    fn step(&mut self, byte: u8, rows: u16) -> bool {
        match (self.place, byte) {
            (_, 0x18 | 0x1a) => {
                self.place = Place::Text;
                false
            }
            (_, 0x1b) => {
                self.place = Place::Escape;
                false
            }
            (Place::Escape, b'[') => {
                self.parameters.clear();
                self.place = Place::Csi { simple: true };
                true
            }
            (Place::Escape, b']') => self.enter(Place::Osc),
            (Place::Escape, b'P' | b'X' | b'^' | b'_') => self.enter(Place::Other),
            (Place::Escape, 0x20..=0x2f) => self.enter(Place::EscapeIntermediate),
            (Place::Escape | Place::EscapeIntermediate, 0x30..=0x7e) => {
                // A full reset; with intermediate bytes it would be something else, and then the
                // margins are known a little less well than they could be.
                if self.place == Place::Escape && byte == b'c' {
                    self.margins = false;
                }
                self.enter(Place::Text)
            }
            (Place::Csi { simple }, b'0'..=b'9' | b';' | b':') => {
                if self.parameters.len() < LONGEST {
                    self.parameters.push(byte);
                }
                simple
            }
            (Place::Csi { simple }, b'm' | b'K') => {
                self.place = Place::Text;
                simple
            }
            (Place::Csi { simple }, 0x40..=0x7e) => {
                if byte == b'r' && simple {
                    self.margins = !whole_screen(&self.parameters, rows);
                }
                self.has_pasted |= byte == b'h' && marks_pasted(&self.parameters);
                self.enter(Place::Text)
            }
            (Place::Csi { .. }, _) => {
                if self.parameters.len() < LONGEST && matches!(byte, 0x20..=0x3f) {
                    self.parameters.push(byte);
                }
                self.enter(Place::Csi { simple: false })
            }
            (Place::Osc, 0x07) => self.enter(Place::Text),
            _ => false,
        }
    }

    fn enter(&mut self, place: Place) -> bool {
        self.place = place;
        false
    }
}

/// Margins (DECSTBM) with these parameters leave no row out.
fn whole_screen(parameters: &[u8], rows: u16) -> bool {
    let Ok(parameters) = std::str::from_utf8(parameters) else {
        return false;
    };
    let mut numbers = parameters.split(';').map(|number| match number {
        "" => Some(0),
        number => number.parse::<u16>().ok(),
    });
    let top = numbers.next().flatten().unwrap_or(u16::MAX);
    let bottom = numbers.next().unwrap_or(Some(0));
    top <= 1 && bottom.is_some_and(|bottom| bottom == 0 || bottom >= rows)
}

/// A repetition with these parameters is too long.
fn repeats_much(parameters: &[u8]) -> bool {
    let first = parameters.split(|byte| matches!(byte, b';' | b':')).next();
    let Some(Ok(first)) = first.map(std::str::from_utf8) else {
        return false;
    };
    let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    let number = first.parse::<u32>().unwrap_or(u32::MAX);
    is_number && (parameters.len() >= LONGEST || number > MOST_REPEATED)
}

/// Modes with these parameters are private ones, and 2004 is one of them.
fn marks_pasted(parameters: &[u8]) -> bool {
    let private = parameters.strip_prefix(b"?");
    private.is_some_and(|modes| {
        modes
            .split(|&byte| byte == b';')
            .any(|mode| mode == b"2004")
    })
}

/// The first byte that is neither text nor the end of a line.
fn special(bytes: &[u8]) -> Option<usize> {
    const STEP: usize = 32;
    let mut chunks = bytes.chunks_exact(STEP);
    let mut at = 0;
    for chunk in &mut chunks {
        // Without a way out in the middle the compiler compares all bytes at once.
        if chunk
            .iter()
            .fold(false, |any, &byte| any | is_special(byte))
        {
            return chunk
                .iter()
                .position(|&byte| is_special(byte))
                .map(|p| at + p);
        }
        at += STEP;
    }
    let rest = chunks.remainder();
    rest.iter()
        .position(|&byte| is_special(byte))
        .map(|p| at + p)
}

fn is_special(byte: u8) -> bool {
    ((byte < 0x20) & (byte != b'\n') & (byte != b'\r') & (byte != b'\t')) | (byte == 0x7f)
}

/// The part of plain output whose rows cannot be seen in the end: it begins behind a line's end and
/// ends behind one, and at least `rows` ends of lines follow. `None` when there is too little.
pub(super) fn unseen(held: &[u8], rows: usize) -> Option<(usize, usize)> {
    let from = memchr::memchr(b'\n', held)? + 1;
    let to = memrchr_iter(b'\n', held)
        .skip(rows)
        // The rows behind it then begin in the first column.
        .find(|&at| at > 0 && held[at - 1] == b'\r')?
        + 1;
    (from < to).then_some((from, to))
}

/// The colours that plain output leaves the pen with, as the sequences that set them.
pub(super) fn pen(skipped: &[u8]) -> Vec<u8> {
    let mut pen = Vec::new();
    let mut rest = skipped;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        let sequence = &rest[at..];
        let length = sequence
            .iter()
            .skip(2)
            .position(|byte| byte.is_ascii_alphabetic())
            .map_or(sequence.len(), |last| last + 3);
        let (sequence, behind) = sequence.split_at(length);
        match sequence {
            b"\x1b[m" | b"\x1b[0m" => {
                pen.clear();
                pen.extend_from_slice(sequence);
            }
            _ if sequence.ends_with(b"m") => pen.extend_from_slice(sequence),
            _ => {}
        }
        rest = behind;
    }
    pen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Seen {
        Watch::default().see(bytes, 24)
    }

    #[test]
    fn text_colours_and_erased_lines_are_plain_and_nothing_else_is() {
        for plain in [
            &b"text\r\n\ttab"[..],
            "宽 é ©".as_bytes(),
            b"\x1b[1;31mred\x1b[0m\x1b[K\x1b[38:2::1:2:3m",
        ] {
            assert!(seen(plain).whole, "{plain:?}");
        }
        for other in [
            &b"\x1b[6n"[..],
            b"\x1b[2J",
            b"\x1b[?25l",
            b"\x1b[>1m",
            b"\x1b[1\nm",
            b"\x1b[1 m",
            b"\x1b]0;title\x07",
            b"\x1bM",
            b"\x1b(0",
            b"\x0e",
            b"\x07",
            b"\x08",
            b"\x0c",
            b"\x00",
            b"\x7f",
        ] {
            assert!(!seen(other).plain, "{other:?}");
        }
    }

    #[test]
    fn it_knows_what_is_plain_wherever_the_stream_is_cut() {
        let stream = b"a\x1b[31mb\x1b]8;;http://x/\x1b\\link\x1b[Kc\x1b[2Jd\x1bPq\x07x\x1b\\e\r\n";
        let plain_to = 7;
        for cut in 0..stream.len() {
            let mut watch = Watch::default();
            let first = watch.see(&stream[..cut], 24);
            assert_eq!(first.plain, cut < plain_to + 2, "cut at {cut}");
            watch.see(&stream[cut..], 24);
            assert_eq!(watch.place, Place::Text, "cut at {cut}");
        }
    }

    #[test]
    fn margins_are_followed() {
        let mut watch = Watch::default();
        let mut margins = |bytes: &[u8]| {
            watch.see(bytes, 24);
            !watch.scrolls_whole_screen()
        };
        assert!(margins(b"\x1b[2;10r"));
        assert!(margins(b"\x1b[?1r"), "restored modes are no margins");
        assert!(!margins(b"\x1b[r"));
        assert!(margins(b"\x1b[1;23r"));
        assert!(!margins(b"\x1b[1;24r"));
        assert!(margins(b"\x1b[5r"));
        assert!(!margins(b"\x1b[;r"));
        assert!(margins(b"\x1b[2;3r"));
        assert!(!margins(b"\x1bc"));
    }

    #[test]
    fn long_repetitions_are_refused() {
        assert_eq!(seen(b"a\x1b[1000bb").refused, [] as [usize; 0]);
        assert_eq!(seen(b"a\x1b[1001bb").refused, [7]);
        assert_eq!(seen(b"a\x1b[1\n001;2bb").refused, [10]);
        assert_eq!(seen(b"\x1b[99999999999999999999b").refused, [22]);
        let zeros = "0".repeat(LONGEST);
        assert_eq!(
            seen(format!("\x1b[{zeros}9999b").as_bytes()).refused.len(),
            1
        );
    }

    #[test]
    fn marked_pastes_are_remembered() {
        let has_pasted = |bytes: &[u8]| {
            let mut watch = Watch::default();
            watch.see(bytes, 24);
            watch.has_pasted()
        };
        assert!(has_pasted(b"\x1b[?2004h\x1b[?2004l"));
        assert!(has_pasted(b"\x1b[?25;2004h"));
        for other in ["\x1b[?2004l", "\x1b[2004h", "\x1b[?2004$h", "\x1b[?20045h"] {
            assert!(!has_pasted(other.as_bytes()), "{other:?}");
        }
    }

    #[test]
    fn the_pen_is_what_the_last_colours_made_it() {
        assert_eq!(
            pen(b"a\x1b[1mb\x1b[0mc\x1b[31md\x1b[Ke\x1b[4m"),
            b"\x1b[0m\x1b[31m\x1b[4m"
        );
        assert_eq!(pen(b"none"), b"");
    }
}
