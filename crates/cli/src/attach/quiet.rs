//! Keeps the user's terminal from answering a program's questions.
//!
//! The engine's own terminal answers them, so that a program gets one answer whether nobody or three
//! people look. Left out are also what would make the terminal send its keys in another form than the
//! old one (the kitty keyboard, into which the engine itself puts them, xterm's other keys, Windows' key
//! records), and what moves or resizes the window.

/// Longest sequence that is looked at, in bytes; a longer one is no question.
const LONGEST: usize = 4 * 1024;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const ENQUIRY: u8 = 0x05;

/// What a program prints, without questions.
#[derive(Default)]
pub struct Quiet {
    state: State,
    /// The sequence that has begun.
    held: Vec<u8>,
    /// The program shows its alternate screen.
    pub alternate: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After an escape character.
    Escape,
    /// In a control sequence, ECMA-48 section 5.4.
    Control,
    /// In a string that ends with ST, or with BEL.
    String,
    /// In a string that is passed on as it comes.
    LongString,
}

impl Quiet {
    /// Nothing of an earlier output goes on.
    pub fn reset(&mut self) {
        self.state = State::Text;
        self.held.clear();
    }

    /// What is to be drawn of the next output. A sequence that is not complete waits for its rest.
    pub fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.next(byte, &mut out);
        }
        out
    }

    fn next(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.state, byte) {
            (State::Text, ESCAPE) => self.begin(byte),
            (State::Text, ENQUIRY) => {}
            (State::Text, _) => out.push(byte),
            (State::LongString, _) => {
                out.push(byte);
                if byte == BELL || self.ends_string(byte) {
                    self.reset();
                }
            }
            // CAN and SUB break any sequence off.
            (_, 0x18 | 0x1a) => self.pass(byte, out),
            (State::Escape | State::Control, ESCAPE) => {
                out.append(&mut self.held);
                self.begin(byte);
            }
            (State::Escape, b'[') => self.go_on(State::Control, byte, out),
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'X') => {
                self.go_on(State::String, byte, out);
            }
            // DECID, the oldest way to ask what the terminal is.
            (State::Escape, b'Z') => self.reset(),
            (State::Escape, 0x20..=0x2f) => self.go_on(State::Escape, byte, out),
            (State::Escape, _) => self.pass(byte, out),
            (State::Control, 0x40..=0x7e) => {
                self.held.push(byte);
                self.end_control(out);
            }
            (State::Control, _) => self.go_on(State::Control, byte, out),
            (State::String, _) => {
                let ends = byte == BELL || self.ends_string(byte);
                self.go_on(State::String, byte, out);
                if ends && self.state == State::String {
                    self.end_string(out);
                }
            }
        }
    }

    fn begin(&mut self, byte: u8) {
        self.state = State::Escape;
        self.held.push(byte);
    }

    fn go_on(&mut self, state: State, byte: u8, out: &mut Vec<u8>) {
        self.state = state;
        self.held.push(byte);
        if self.held.len() <= LONGEST {
            return;
        }
        let last = self.held.last().copied();
        out.append(&mut self.held);
        if state == State::String {
            self.state = State::LongString;
            self.held.extend(last);
        } else {
            self.state = State::Text;
        }
    }

    fn pass(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held.push(byte);
        out.append(&mut self.held);
        self.reset();
    }

    /// This byte is the second one of ST. A long string remembers the byte before it.
    fn ends_string(&mut self, byte: u8) -> bool {
        let ends = byte == b'\\' && self.held.last() == Some(&ESCAPE);
        if self.state == State::LongString {
            self.held.clear();
            self.held.push(byte);
        }
        ends
    }

    fn end_control(&mut self, out: &mut Vec<u8>) {
        let control = Control::of(&self.held);
        if !control.is_left_out() {
            if let Some(alternate) = control.switches_screen() {
                self.alternate = alternate;
            }
            out.append(&mut self.held);
        }
        self.reset();
    }

    fn end_string(&mut self, out: &mut Vec<u8>) {
        if !is_question(&self.held) {
            out.append(&mut self.held);
        }
        self.reset();
    }
}

/// A control sequence in its parts.
struct Control<'a> {
    /// One of `<=>?`, when it is private.
    prefix: Option<u8>,
    parameters: &'a [u8],
    intermediates: &'a [u8],
    last: u8,
}

impl<'a> Control<'a> {
    /// Takes `ESC [`, the parts and the last byte.
    fn of(sequence: &'a [u8]) -> Self {
        let (last, body) = sequence.split_last().unwrap_or((&0, &[]));
        let body = body.get(2..).unwrap_or_default();
        let prefix = body.first().copied().filter(|byte| b"<=>?".contains(byte));
        let body = &body[usize::from(prefix.is_some())..];
        let end = body
            .iter()
            .position(|byte| (0x20..=0x2f).contains(byte))
            .unwrap_or(body.len());
        Self {
            prefix,
            parameters: &body[..end],
            intermediates: &body[end..],
            last: *last,
        }
    }

    fn parameters(&self) -> impl Iterator<Item = u32> {
        self.parameters.split(|byte| *byte == b';').map(|digits| {
            std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        })
    }

    fn is_left_out(&self) -> bool {
        match (self.prefix, self.intermediates, self.last) {
            // Device attributes, device status, terminal parameters, mode requests, the version.
            (None | Some(b'>' | b'='), b"", b'c')
            | (None | Some(b'?'), b"", b'n')
            | (None, b"", b'x')
            | (None | Some(b'?'), b"$", b'p')
            | (Some(b'>'), b"", b'q')
            // The kitty keyboard and xterm's other keys.
            | (Some(_), b"", b'u')
            | (Some(b'>' | b'?'), b"", b'm')
            // What graphics the terminal has.
            | (Some(b'?'), b"", b'S') => true,
            // The window, but for keeping its title.
            (None, b"", b't') => !self.parameters().next().is_some_and(|what| matches!(what, 22 | 23)),
            // Windows' key records.
            (Some(b'?'), b"", b'h') => self.parameters == b"9001",
            _ => false,
        }
    }

    fn switches_screen(&self) -> Option<bool> {
        let switches = self.prefix == Some(b'?')
            && matches!(self.last, b'h' | b'l')
            && self
                .parameters()
                .any(|mode| matches!(mode, 47 | 1047 | 1049));
        switches.then_some(self.last == b'h')
    }
}

/// A string asks for something: settings or terminfo (DCS), colours or the clipboard (OSC), kitty's
/// graphics (APC), which the engine's terminal does not have.
fn is_question(sequence: &[u8]) -> bool {
    let end = if sequence.ends_with(&[BELL]) { 1 } else { 2 };
    let body = sequence
        .get(2..sequence.len().saturating_sub(end))
        .unwrap_or_default();
    match sequence.get(1) {
        Some(b'P') => body.starts_with(b"$q") || body.starts_with(b"+q"),
        Some(b'_') => body.starts_with(b"G"),
        Some(b']') => {
            let text = String::from_utf8_lossy(body);
            let (number, rest) = text.split_once(';').unwrap_or((&text, ""));
            let asks = || rest.split(';').any(|part| part.ends_with('?'));
            match number.parse::<u32>() {
                // The program's status is for the engine.
                Ok(7501) => true,
                Ok(4 | 5 | 10..=19 | 21 | 52) => asks(),
                Ok(1337) => rest.starts_with("Re"),
                _ => false,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the output is cut, this is drawn of it.
    #[track_caller]
    fn check(output: &str, drawn: &str) {
        for cut in 1..=output.len() {
            let mut quiet = Quiet::default();
            let mut out = Vec::new();
            for piece in output.as_bytes().chunks(cut) {
                out.extend(quiet.filter(piece));
            }
            let out = String::from_utf8_lossy(&out);
            assert_eq!(out, drawn, "{output:?} in pieces of {cut}");
        }
    }

    #[test]
    fn what_draws_is_passed_on_as_it_is() {
        for output in [
            "plain ü 👩\r\n\x08\x07",
            "\x1b[1;38:2::1:2:3mred\x1b[0m\x1b[?25l\x1b[2 q\x1b[10;5H\x1b[u\x1b[s",
            "\x1b7\x1b8\x1b(0\x1b#8\x1bM\x1b=",
            "\x1b]0;a title?\x07\x1b]8;;http://x/?q=?\x1b\\link\x1b]8;;\x1b\\",
            "\x1b]11;#000000\x1b\\\x1b]52;c;aGk=\x07",
            "\x1bPq#0;2;0;0;0~\x1b\\",
            "\x1b[22;0t\x1b[23t\x1b[?2004h\x1b[?9001;1h\x1b[>1",
        ] {
            // An unfinished sequence waits, and is not drawn.
            let drawn = output.strip_suffix("\x1b[>1").unwrap_or(output);
            check(output, drawn);
        }
    }

    #[test]
    fn questions_are_left_to_the_engine() {
        for question in [
            "\x1b[c",
            "\x1b[0c",
            "\x1b[>c",
            "\x1b[=c",
            "\x1b[6n",
            "\x1b[?6n",
            "\x1b[?996n",
            "\x1b[?2026$p",
            "\x1b[4$p",
            "\x1b[>0q",
            "\x1b[?u",
            "\x1b[x",
            "\x1b[18t",
            "\x1b[14;2t",
            "\x1bZ",
            "\x05",
            "\x1bP$qm\x1b\\",
            "\x1bP+q544e\x1b\\",
            "\x1b]10;?\x07",
            "\x1b]4;1;?\x1b\\",
            "\x1b]52;c;?\x07",
            "\x1b]7501;?\x1b\\",
            "\x1b_Gi=1,a=q;AA\x1b\\",
            "\x1b]1337;ReportCellSize\x07",
            "\x1b[?1;1;0S",
        ] {
            check(&format!("a{question}b"), "ab");
        }
    }

    #[test]
    fn keys_keep_their_old_form_and_the_window_its_size() {
        for sequence in [
            "\x1b[>1u",
            "\x1b[<u",
            "\x1b[=5;1u",
            "\x1b[>4;2m",
            "\x1b[?9001h",
            "\x1b[8;50;200t",
            "\x1b[2t",
        ] {
            check(&format!("a{sequence}b"), "ab");
        }
    }

    #[test]
    fn broken_sequences_are_drawn_and_end_nothing_else() {
        check("\x1b[3\x1b[1mx", "\x1b[3\x1b[1mx");
        check("\x1b[3\x18x\x1b]0;t\x1ax", "\x1b[3\x18x\x1b]0;t\x1ax");
    }

    #[test]
    fn a_long_string_is_passed_on_to_its_end() {
        let picture = format!("\x1bPq{}\x1b\\a\x1b[cb", "~".repeat(3 * LONGEST));
        let mut quiet = Quiet::default();
        let mut out = quiet.filter(&picture.as_bytes()[..LONGEST + 1]);
        out.extend(quiet.filter(&picture.as_bytes()[LONGEST + 1..]));
        let drawn = picture.replace("\x1b[c", "");
        assert_eq!(String::from_utf8_lossy(&out), drawn);
    }

    #[test]
    fn the_screen_that_is_shown_is_known() {
        let mut quiet = Quiet::default();
        for (output, alternate) in [
            ("\x1b[?1049h", true),
            ("\x1b[?25;1049l", false),
            ("\x1b[?47h", true),
            ("\x1b[?2004h", true),
        ] {
            quiet.filter(output.as_bytes());
            assert_eq!(quiet.alternate, alternate, "{output:?}");
        }
    }
}
