//! Recordings: everything a session's program printed, with times, as asciicast v2.
//!
//! Input is not recorded: people type passwords into terminals. A recording ends early when it
//! reaches its cap, with a marker that says so, or when the disk does not take it; the session goes on.
//! It does not begin again in between: what stood behind a gap would be drawn on a screen that never was.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use berth_protocol::Size;

use crate::{terminal::Terminal, utf8::complete_prefix};

/// Largest recording of one run, in bytes.
pub const CAP: u64 = 64 * 1024 * 1024;

/// Longest line that is read back, in bytes; a damaged file must not fill the memory.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Writes the recording of one run.
pub struct Recorder {
    file: BufWriter<File>,
    started: Instant,
    written: u64,
    cap: u64,
    /// The beginning of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    /// Where the next line is put together.
    line: Vec<u8>,
}

/// Why a recording ended before its session.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It reached its cap.
    #[error("the recording reached its limit of {0} bytes")]
    Full(u64),
    /// It could not be written.
    #[error("the recording {path} could not be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Recorder {
    /// Starts a recording in a file that must not exist yet.
    pub fn create(path: &Path, size: Size, title: &str, cap: u64) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Write {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(failed)?;
        let timestamp = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs());
        let header = serde_json::json!({
            "version": 2, "width": size.cols, "height": size.rows,
            "timestamp": timestamp, "title": title,
        });
        let mut recorder = Self {
            file: BufWriter::with_capacity(8 * 1024, file),
            started: Instant::now(),
            written: 0,
            cap,
            partial: Vec::new(),
            line: Vec::new(),
        };
        let mut line = header.to_string();
        line.push('\n');
        recorder
            .put(line.as_bytes())
            .and_then(|()| recorder.file.flush())
            .map_err(failed)?;
        Ok(recorder)
    }

    /// Records output. After an error nothing more must be recorded.
    pub fn output(&mut self, bytes: &[u8]) -> io::Result<Recorded> {
        if self.partial.is_empty() {
            let (whole, rest) = bytes.split_at(complete_prefix(bytes));
            self.partial.extend_from_slice(rest);
            return self.text(whole);
        }
        let mut joined = std::mem::take(&mut self.partial);
        joined.extend_from_slice(bytes);
        self.partial = joined.split_off(complete_prefix(&joined));
        self.text(&joined)
    }

    fn text(&mut self, whole: &[u8]) -> io::Result<Recorded> {
        if whole.is_empty() {
            return Ok(Recorded::All);
        }
        match std::str::from_utf8(whole) {
            // Checking is several times faster than mending.
            Ok(text) => self.event("o", text),
            Err(_) => self.event("o", &String::from_utf8_lossy(whole)),
        }
    }

    /// Records a new size.
    pub fn resized(&mut self, size: Size) -> io::Result<Recorded> {
        self.event("r", &format!("{}x{}", size.cols, size.rows))
    }

    fn event(&mut self, kind: &str, data: &str) -> io::Result<Recorded> {
        let time = self.started.elapsed().as_secs_f64();
        // Kept from event to event: a flood of output has thousands.
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        write!(line, "[{time:.6},\"{kind}\",")?;
        serde_json::to_writer(&mut line, data)?;
        line.extend_from_slice(b"]\n");
        let fits = self.written + line.len() as u64 <= self.cap;
        if fits {
            self.put(&line)?;
        } else {
            let marker = format!("[{time:.6},\"m\",\"the recording reached its size limit\"]\n");
            self.file.write_all(marker.as_bytes())?;
        }
        self.line = line;
        // A kill of the engine loses nothing that the system has taken.
        self.file.flush()?;
        Ok(if fits { Recorded::All } else { Recorded::Full })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is written.
    All,
    /// The recording has reached its cap and is closed.
    Full,
}

/// An event of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Played {
    /// Output.
    Output(String),
    /// A new size.
    Resized(Size),
}

/// Reads a recording's size and events. A line that was cut by a kill ends it.
pub fn play(path: &Path) -> io::Result<(Size, Vec<(Duration, Played)>)> {
    let mut reader = BufReader::new(File::open(path)?);
    let header = next_line(&mut reader)?.unwrap_or_default();
    let header: serde_json::Value = serde_json::from_str(&header)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let cells = |name: &str| {
        header[name]
            .as_u64()
            .and_then(|cells| u16::try_from(cells).ok())
    };
    let size = match (cells("height"), cells("width")) {
        (Some(rows), Some(cols)) => Size { rows, cols }.clamped(),
        _ => Size::DEFAULT,
    };
    let mut events = Vec::new();
    while let Some(line) = next_line(&mut reader)? {
        let Ok((time, kind, data)) = serde_json::from_str::<(f64, String, String)>(&line) else {
            break;
        };
        let time = Duration::try_from_secs_f64(time).unwrap_or_default();
        match kind.as_str() {
            "o" => events.push((time, Played::Output(data))),
            "r" => {
                let (cols, rows) = data.split_once('x').unwrap_or_default();
                if let (Ok(rows), Ok(cols)) = (rows.parse(), cols.parse()) {
                    events.push((time, Played::Resized(Size { rows, cols }.clamped())));
                }
            }
            _ => {}
        }
    }
    Ok((size, events))
}

/// The terminal as it stood at the end of a recording.
pub fn final_terminal(path: &Path) -> io::Result<Terminal> {
    let (size, events) = play(path)?;
    let mut terminal = Terminal::new(size);
    for (_, event) in events {
        match event {
            Played::Output(data) => {
                terminal.feed(data.as_bytes());
            }
            Played::Resized(size) => terminal.resize(size),
        }
    }
    terminal.end_synchronized_update();
    Ok(terminal)
}

/// A terminal that shows a screen given as plain text, with all of its rows and the cursor behind
/// the last of them.
pub fn plain_terminal(text: &str) -> Terminal {
    let text = text.trim_end_matches(['\n', '\r']);
    let rows = text.lines().count();
    let cols = text.lines().map(|line| line.chars().count() * 2).max();
    let cells = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let size = Size {
        rows: cells(rows).max(Size::DEFAULT.rows),
        cols: cells(cols.unwrap_or(0)).max(Size::DEFAULT.cols),
    };
    let mut terminal = Terminal::new(size);
    // What is meant as text must not act as a control sequence.
    let shown = text.replace("\r\n", "\n").replace('\x1b', "");
    terminal.feed(shown.replace('\n', "\r\n").as_bytes());
    terminal
}

fn next_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    io::Read::take(&mut *reader, LONGEST_LINE as u64).read_until(b'\n', &mut line)?;
    Ok(if line.is_empty() {
        None
    } else {
        Some(String::from_utf8_lossy(&line).into_owned())
    })
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
