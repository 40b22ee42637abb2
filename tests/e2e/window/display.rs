//! A window's display, as an X client beside it: no window manager runs there, so a test does what one would do.
//!
//! The tests need eight requests of the protocol, each a few words of four bytes, so there is no library between them
//! and the server. Source: <https://www.x.org/releases/current/doc/xproto/x11protocol.html>.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    io::{Read, Write},
    mem,
    os::unix::{ffi::OsStringExt, net::UnixStream},
};

use berth_tests::LIMIT;

/// The number by which the display knows a window.
pub type XWindow = u32;

/// How a client shows that it may use a display.
const AUTHORIZATION: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// Numbers of requests.
mod request {
    pub const GET_WINDOW_ATTRIBUTES: u8 = 3;
    pub const UNMAP_WINDOW: u8 = 10;
    pub const CONFIGURE_WINDOW: u8 = 12;
    pub const GET_GEOMETRY: u8 = 14;
    pub const QUERY_TREE: u8 = 15;
    pub const INTERN_ATOM: u8 = 16;
    pub const GET_PROPERTY: u8 = 20;
    pub const SEND_EVENT: u8 = 25;
    pub const GET_INPUT_FOCUS: u8 = 43;
}

/// The first byte of what the display sends.
const ERROR: u8 = 0;
const ANSWER: u8 = 1;

/// The event by which a window is told something.
const CLIENT_MESSAGE: u8 = 33;

/// The property with a window's title.
const WM_NAME: u32 = 39;

/// The state of a window that can be seen.
const VIEWABLE: u8 = 2;

/// Bytes of an answer's beginning, and of an event and an error as a whole.
const PACKET: usize = 32;

/// A connection to a display.
pub struct Display {
    stream: UnixStream,
    root: XWindow,
    protocols: u32,
    delete: u32,
}

/// Where a window is, in pixels from the display's left and top edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of its left edge.
    pub x: u16,
    /// Of its top edge.
    pub y: u16,
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

impl Display {
    /// Connects to the display that a process uses.
    pub fn of(pid: u32) -> Self {
        let environment = environment(pid);
        let text = |name: &str| {
            let value = environment.get(OsStr::new(name));
            let value = value.map(|value| value.to_string_lossy().into_owned());
            value.unwrap_or_else(|| panic!("process {pid} has no {name}"))
        };
        let display = text("DISPLAY");
        let number = display.trim_start_matches(':');
        let number = number.split('.').next().unwrap_or_default();
        let cookies = fs::read(text("XAUTHORITY")).expect("there are cookies for the display");
        let cookie = cookie_in(&cookies, number).expect("there is a cookie for the display");

        let stream = UnixStream::connect(format!("/tmp/.X11-unix/X{number}"));
        let stream = stream.expect("the display can be reached");
        stream
            .set_read_timeout(Some(LIMIT))
            .expect("a wait can be limited");
        // Byte order and version; then the lengths of what follows.
        let mut hello = vec![u32::from_le_bytes([b'l', 0, 11, 0])];
        hello.extend([length(AUTHORIZATION) << 16, length(cookie)]);
        hello.extend(words(AUTHORIZATION));
        hello.extend(words(cookie));
        send(&stream, &hello);
        let head = receive(&stream, 8);
        let setup = receive(&stream, usize::from(half(&head, 6)) * 4);
        assert_eq!(head[0], ANSWER, "the display takes the cookie");
        // The first screen comes behind the vendor's name and the formats of pixels.
        let vendor = usize::from(half(&setup, 16)).next_multiple_of(4);
        let root = word(&setup, 32 + vendor + usize::from(setup[21]) * 8);

        let mut display = Self {
            stream,
            root,
            protocols: 0,
            delete: 0,
        };
        display.protocols = display.atom("WM_PROTOCOLS");
        display.delete = display.atom("WM_DELETE_WINDOW");
        display
    }

    /// The windows of this title that can be seen.
    pub fn windows(&self, title: &str) -> Vec<XWindow> {
        let tree = self.ask(request::QUERY_TREE, 0, &[self.root]);
        let tree = tree.expect("the display tells its windows");
        let all = tree[PACKET..].chunks_exact(4).map(|child| word(child, 0));
        all.filter(|&window| self.is_seen(window) && self.title(window) == title.as_bytes())
            .collect()
    }

    /// Asks a window to close, as a click on its cross does.
    pub fn ask_to_close(&self, window: XWindow) {
        let event = [
            u32::from_le_bytes([CLIENT_MESSAGE, 32, 0, 0]),
            window,
            self.protocols,
            self.delete,
            0,
            0,
            0,
            0,
        ];
        let mut message = vec![window, 0];
        message.extend(event);
        self.tell(request::SEND_EVENT, &message);
    }

    /// Takes a window away from the display, as minimizing does.
    pub fn minimize(&self, window: XWindow) {
        self.tell(request::UNMAP_WINDOW, &[window]);
    }

    /// Puts a window somewhere, as dragging it and its edges does.
    pub fn put(&self, window: XWindow, place: Place) {
        let values = [place.x, place.y, place.width, place.height].map(u32::from);
        let mut change = vec![window, 0b1111];
        change.extend(values);
        self.tell(request::CONFIGURE_WINDOW, &change);
    }

    /// Where a window is; nothing when it is gone.
    pub fn place(&self, window: XWindow) -> Option<Place> {
        let found = self.ask(request::GET_GEOMETRY, 0, &[window])?;
        Some(Place {
            x: half(&found, 12),
            y: half(&found, 14),
            width: half(&found, 16),
            height: half(&found, 18),
        })
    }

    fn is_seen(&self, window: XWindow) -> bool {
        let about = self.ask(request::GET_WINDOW_ATTRIBUTES, 0, &[window]);
        about.is_some_and(|about| about[26] == VIEWABLE)
    }

    fn title(&self, window: XWindow) -> Vec<u8> {
        let (any_type, from, words) = (0, 0, 64);
        let wanted = [window, WM_NAME, any_type, from, words];
        let Some(found) = self.ask(request::GET_PROPERTY, 0, &wanted) else {
            return Vec::new();
        };
        let (unit, count) = (usize::from(found[1] / 8), word(&found, 16));
        let end = PACKET + unit * count as usize;
        found[PACKET..end].to_vec()
    }

    /// The number of a name.
    fn atom(&self, name: &str) -> u32 {
        let mut wanted = vec![length(name.as_bytes())];
        wanted.extend(words(name.as_bytes()));
        let found = self.ask(request::INTERN_ATOM, 0, &wanted);
        word(&found.expect("a name has a number"), 8)
    }

    /// The answer to a request; nothing when it cannot be answered, since the window is gone.
    fn ask(&self, number: u8, detail: u8, rest: &[u32]) -> Option<Vec<u8>> {
        self.request(number, detail, rest);
        self.answer()
    }

    /// Sends a request that has no answer, and waits until it was carried out.
    fn tell(&self, number: u8, rest: &[u32]) {
        self.request(number, 0, rest);
        // Requests are carried out in their order. An error of the one before comes in this answer's place.
        let done = self.ask(request::GET_INPUT_FOCUS, 0, &[]);
        assert!(done.is_some(), "the display refuses request {number}");
    }

    fn request(&self, number: u8, detail: u8, rest: &[u32]) {
        let count = u16::try_from(rest.len() + 1).expect("a request is short");
        let [low, high] = count.to_le_bytes();
        let mut all = vec![u32::from_le_bytes([number, detail, low, high])];
        all.extend(rest);
        send(&self.stream, &all);
    }

    fn answer(&self) -> Option<Vec<u8>> {
        loop {
            let mut packet = receive(&self.stream, PACKET);
            match packet[0] {
                ERROR => return None,
                ANSWER => {
                    let more = word(&packet, 4) as usize * 4;
                    packet.extend(receive(&self.stream, more));
                    return Some(packet);
                }
                // An event that every client gets.
                _ => {}
            }
        }
    }
}

/// The environment with which a process was started.
pub fn environment(pid: u32) -> BTreeMap<OsString, OsString> {
    let all = fs::read(format!("/proc/{pid}/environ")).expect("the process runs");
    let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    all.split(|byte| *byte == 0)
        .filter_map(|variable| {
            let equals = variable.iter().position(|byte| *byte == b'=')?;
            Some((owned(&variable[..equals]), owned(&variable[equals + 1..])))
        })
        .collect()
}

/// The cookie of a display in a file of cookies, whose numbers have their high byte first.
fn cookie_in<'a>(file: &'a [u8], display: &str) -> Option<&'a [u8]> {
    let mut rest = file;
    loop {
        // The kind of the address.
        rest = rest.get(2..)?;
        let (_address, number) = (field(&mut rest)?, field(&mut rest)?);
        let (name, cookie) = (field(&mut rest)?, field(&mut rest)?);
        if number == display.as_bytes() && name == AUTHORIZATION {
            return Some(cookie);
        }
    }
}

/// The next field of a cookie, which stands behind its length.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = mem::take(rest).split_first_chunk::<2>()?;
    let (field, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(field)
}

fn send(mut stream: &UnixStream, words: &[u32]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    stream.write_all(&bytes).expect("the display listens");
}

fn receive(mut stream: &UnixStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("the display answers");
    bytes
}

/// Bytes as words, filled up with zeros.
fn words(bytes: &[u8]) -> Vec<u32> {
    let word = |part: &[u8]| {
        let mut word = [0; 4];
        word[..part.len()].copy_from_slice(part);
        u32::from_le_bytes(word)
    };
    bytes.chunks(4).map(word).collect()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a name is short")
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
