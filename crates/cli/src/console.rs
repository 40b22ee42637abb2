//! The terminal that this program runs in: raw while a session is shown, and always put back.

use std::{
    io::{self, IsTerminal, Read, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use berth_protocol::Size;
use crossterm::terminal;
use tokio::sync::mpsc;

/// Bytes that are read at once of what is typed or pasted.
const READ: usize = 16 * 1024;

/// What a program may have switched on, switched off: mouse, focus, paste and colour reports, a
/// hidden or formed cursor, insert and origin mode, the keypad, drawing characters, margins, colours.
const USUAL: &str = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\
    \x1b[?2004l\x1b[?2026l\x1b[?2031l\x1b[?2048l\x1b[?25h\x1b[0 q\x1b[4l\x1b[?6l\x1b[?7h\x1b[?1l\x1b>\
    \x0f\x1b(B\x1b[r\x1b[0m";

/// The terminal is raw.
static RAW: AtomicBool = AtomicBool::new(false);

/// The terminal shows its alternate screen.
static ALTERNATE: AtomicBool = AtomicBool::new(false);

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("this command shows a terminal and was not started in one")]
    NoTerminal,
    #[error("the terminal cannot be used")]
    Unusable(#[source] io::Error),
}

impl ConsoleError {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTerminal => "Start it in a terminal, with neither input nor output redirected.",
            Self::Unusable(_) => "",
        }
    }
}

/// Keeps the terminal raw. It is put back when this is dropped, and when the program panics.
pub struct Raw(());

impl Raw {
    pub fn enter() -> Result<Self, ConsoleError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(ConsoleError::NoTerminal);
        }
        // A panic's message would otherwise be drawn into the session's screen.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            usual(panic);
        }));
        let raw = Self(());
        RAW.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode().map_err(ConsoleError::Unusable)?;
        enable_sequences().map_err(ConsoleError::Unusable)?;
        // The title is kept where the terminal can keep one.
        print(b"\x1b[22;0t").map_err(ConsoleError::Unusable)?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        leave();
    }
}

/// Puts the terminal back, once.
pub fn leave() {
    if !RAW.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut text = USUAL.to_owned();
    if ALTERNATE.swap(false, Ordering::SeqCst) {
        text.push_str("\x1b[?1049l");
    } else {
        text.push_str("\x1b[999;1H\r\n");
    }
    text.push_str("\x1b[23;0t");
    // A terminal that is gone needs neither.
    let _ = print(text.as_bytes());
    let _ = terminal::disable_raw_mode();
}

/// Remembers which screen the terminal shows.
pub fn shows_alternate(alternate: bool) {
    ALTERNATE.store(alternate, Ordering::SeqCst);
}

/// Draws.
pub fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The terminal's size; `None` when it does not tell.
pub fn size() -> Option<Size> {
    let (cols, rows) = terminal::size().ok()?;
    (cols > 0 && rows > 0).then(|| Size { rows, cols }.clamped())
}

/// What is typed from now on. The channel closes when the terminal is gone.
pub fn keys() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(8);
    // A thread of its own, because nothing can end the reading; it ends with the program.
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut buffer = vec![0; READ];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) if sender.blocking_send(buffer[..count].to_vec()).is_ok() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    });
    receiver
}

/// Draws beside everything else, so that a slow terminal keeps no key from being sent.
pub struct Pen {
    /// What is to be drawn, and the number that is told once it is.
    pub draw: mpsc::UnboundedSender<(Vec<u8>, usize)>,
    /// Tells what has been drawn; it closes when the terminal takes no more.
    pub drawn: mpsc::UnboundedReceiver<usize>,
    thread: thread::JoinHandle<()>,
}

impl Pen {
    pub fn new() -> Self {
        let (draw, mut todo) = mpsc::unbounded_channel::<(Vec<u8>, usize)>();
        let (done, drawn) = mpsc::unbounded_channel();
        let thread = thread::spawn(move || {
            while let Some((bytes, number)) = todo.blocking_recv() {
                if print(&bytes).is_err() || done.send(number).is_err() {
                    break;
                }
            }
        });
        Self {
            draw,
            drawn,
            thread,
        }
    }

    /// Waits until everything is drawn.
    pub fn finish(self) {
        let Self {
            draw,
            drawn,
            thread,
        } = self;
        drop(draw);
        // A panic of the thread has been told.
        let _ = thread.join();
        drop(drawn);
    }
}

/// Wakes when the terminal's size may have changed.
#[cfg(unix)]
pub struct Resizes(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Resizes {
    pub fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::window_change()).ok())
    }

    pub async fn next(&mut self) {
        let told = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if told.is_none() {
            std::future::pending().await
        }
    }
}

/// Windows tells of a new size among the keys, where it cannot be read without losing others: the
/// size is looked at when something is typed.
#[cfg(not(unix))]
pub struct Resizes(());

#[cfg(not(unix))]
impl Resizes {
    pub fn new() -> Self {
        Self(())
    }

    pub async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(unix)]
fn enable_sequences() -> io::Result<()> {
    Ok(())
}

/// Lets a console draw by escape sequences and send keys as such.
#[cfg(windows)]
fn enable_sequences() -> io::Result<()> {
    use crossterm_winapi::{ConsoleMode, Handle};

    /// `ENABLE_VIRTUAL_TERMINAL_INPUT` of the console API.
    const SEQUENCES_IN: u32 = 0x0200;
    /// `ENABLE_PROCESSED_OUTPUT` and `ENABLE_VIRTUAL_TERMINAL_PROCESSING`.
    const SEQUENCES_OUT: u32 = 0x0001 | 0x0004;

    let input = ConsoleMode::from(Handle::current_in_handle()?);
    input.set_mode(input.mode()? | SEQUENCES_IN)?;
    let output = ConsoleMode::from(Handle::current_out_handle()?);
    output.set_mode(output.mode()? | SEQUENCES_OUT)
}
