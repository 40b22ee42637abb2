//! The note of calls of MCP tools that are under way: a file beside the store, with a line for each.
//!
//! An agent waits for this note before each of its calls, so it is one `write` of a few hundred bytes and no turn of the
//! database. The system keeps what was written when this process is killed; a power cut may take it. The file holds
//! calls that are over too until it is tidied, so whoever reads it looks into the trail for what became of each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_protocol::McpConfigurationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::StoreError;

/// Bytes that the file may have before what is over is taken out of it.
const TIDY_AT: u64 = 64 * 1024;

/// What the trail will say of a call, should nobody find out what became of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OpenCall {
    pub(crate) call: String,
    pub(crate) configuration_id: McpConfigurationId,
    /// The newest event of the trail when the call began: how it ended is told by a later one.
    pub(crate) after: i64,
    pub(crate) details: Value,
}

#[derive(Debug)]
pub(crate) struct OpenCalls {
    path: PathBuf,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// Absent until the first call, and after a write that failed: what it holds then is not known.
    file: Option<File>,
    bytes: u64,
    tidy_at: u64,
    open: Vec<OpenCall>,
    /// What another process has left here.
    left: Vec<OpenCall>,
    is_closed: bool,
}

impl OpenCalls {
    /// What is noted beside the store at `store`.
    ///
    /// # Errors
    /// [`StoreError::File`] when there is a file that cannot be read.
    pub(crate) fn beside(store: &Path) -> Result<Self, StoreError> {
        let path = beside(store, "-calls");
        let left = match fs::read(&path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::file("reading", path, error)),
        };
        let notes = Notes {
            left,
            ..Notes::default()
        };
        Ok(Self {
            path,
            notes: Mutex::new(notes),
        })
    }

    /// Notes that a call leaves. It is with the system when this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::File`], and [`StoreError::Closed`] after [`close`](Self::close).
    pub(crate) fn begin(&self, doing: &'static str, call: OpenCall) -> Result<(), StoreError> {
        let mut notes = self.notes();
        if notes.is_closed {
            return Err(StoreError::Closed { doing });
        }
        let noted = notes.append(&self.path, &call);
        noted.map_err(|error| StoreError::file("writing", self.path.clone(), error))?;
        notes.open.push(call);
        Ok(())
    }

    /// Forgets calls of which the trail tells.
    pub(crate) fn told<'a>(&self, calls: impl Iterator<Item = &'a str>) {
        let mut notes = self.notes();
        for call in calls {
            notes.open.retain(|open| open.call != call);
        }
        if notes.file.is_some() && notes.bytes > notes.tidy_at {
            self.tidy(&mut notes);
        }
    }

    /// What another process has left here, in its order.
    pub(crate) fn left(&self) -> Vec<OpenCall> {
        self.notes().left.clone()
    }

    /// Forgets what another process has left here.
    pub(crate) fn left_is_told(&self) {
        let mut notes = self.notes();
        notes.left.clear();
        self.tidy(&mut notes);
    }

    /// No call begins after this. The file goes, unless a call is still open.
    pub(crate) fn close(&self) {
        let mut notes = self.notes();
        notes.is_closed = true;
        notes.file = None;
        if !notes.open.is_empty() || !notes.left.is_empty() {
            return;
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.path.display(), "a file that is not needed any more stays");
            }
            _ => {}
        }
    }

    fn tidy(&self, notes: &mut Notes) {
        // What is over stays in it then, and the trail tells of that.
        if let Err(error) = notes.rewrite(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the note of open calls was not tidied");
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Each change of it is whole before anything can fail.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn append(&mut self, path: &Path, call: &OpenCall) -> io::Result<()> {
        let line = line(call)?;
        if self.file.is_none() {
            self.rewrite(path)?;
        }
        let Some(file) = &mut self.file else {
            return Err(io::Error::other("the file is not open"));
        };
        if let Err(error) = file.write_all(&line) {
            // Half a line may be there: the next call begins with a new file.
            self.file = None;
            return Err(error);
        }
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Puts a file with nothing but the open calls in the place of what is there.
    fn rewrite(&mut self, path: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        for call in self.left.iter().chain(&self.open) {
            text.extend(line(call)?);
        }
        let new = beside(path, "-new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(&text)?;
        fs::rename(&new, path)?;
        self.file = Some(file);
        self.bytes = text.len() as u64;
        self.tidy_at = TIDY_AT.max(2 * self.bytes);
        Ok(())
    }
}

fn line(call: &OpenCall) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    Ok(line)
}

fn read(text: &[u8]) -> Vec<OpenCall> {
    let mut calls = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(call) if line.ends_with(b"\n") => calls.push(call),
            // The last line is cut when the process is killed, or the disk is full, while it is written: that call did
            // not leave.
            _ if !line.ends_with(b"\n") => {}
            _ => tracing::warn!("a call of a tool is not told: its note is damaged"),
        }
    }
    calls
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
