//! A program on a pseudo-terminal of its own.
//!
//! A thread of its own moves its output into a bounded queue, because reading a terminal blocks on
//! every platform. A full queue makes the reader wait, and with it the program; viewers are never a
//! reason for that.

#[cfg(unix)]
mod exits;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Read, Write},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use berth_protocol::Size;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

/// Output held for a session that is not processed yet, in bytes: more than a flood brings while the
/// screen is read.
const QUEUE_CAP: usize = 1024 * 1024;

/// Most that is taken from the queue at once, in bytes: the largest frame a viewer gets.
pub const FRAME: usize = 64 * 1024;

/// Input that a program has not read yet, in messages; beyond it input is refused.
const INPUT_CAP: usize = 256;

/// The threads here only move bytes.
const STACK: usize = 128 * 1024;

/// What to run, with its whole environment: nothing is inherited.
#[derive(Clone)]
pub struct Launch {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Arguments without the program itself.
    pub args: Vec<OsString>,
    /// The whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Working folder.
    pub cwd: PathBuf,
    /// Size of the terminal.
    pub size: Size,
}

impl std::fmt::Debug for Launch {
    /// Without the values of variables, among which are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .field("size", &self.size)
            .finish()
    }
}

/// Why a program could not be put on a terminal.
#[derive(Debug, thiserror::Error)]
pub enum PtyError {
    /// No terminal could be had from the system.
    #[error("the system gave no pseudo-terminal: {0}")]
    Open(String),
    /// The program could not be started.
    #[error("{program} could not be started in {cwd}: {reason}")]
    Spawn {
        /// The program.
        program: String,
        /// Its working folder.
        cwd: String,
        /// What the system said.
        reason: String,
    },
}

/// Why input did not reach a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The program does not read its input.
    #[error("the program does not read its input")]
    Stuck,
    /// The program has ended.
    #[error("the program has ended")]
    Ended,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit code; absent when a signal ended it.
    pub code: Option<i32>,
    /// Name of the signal that ended it.
    pub signal: Option<String>,
}

/// A running program and its terminal.
pub struct Pty {
    master: Mutex<Box<dyn MasterPty + Send>>,
    input: mpsc::Sender<Vec<u8>>,
    /// What the program prints.
    pub output: Arc<Output>,
    /// Process id of the program. On Unix it leads its own process session and group.
    pub pid: u32,
    #[cfg(windows)]
    _leash: crate::process::Leash,
}

/// Output on its way from the reading thread to the session.
#[derive(Default)]
pub struct Output {
    state: Mutex<OutputState>,
    space: Condvar,
    ready: Notify,
}

#[derive(Default)]
struct OutputState {
    bytes: Vec<u8>,
    /// Who takes the output wants to be woken only when there are as many bytes.
    enough: usize,
    ended: bool,
    abandoned: bool,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for output and takes at most [`FRAME`] bytes of it; `None` at the end of the output.
    /// Until `patient_until` only a whole frame counts as output, so that a flood, which comes in
    /// pieces of 4 KiB, does not wake anybody for each of them. Cancelling loses nothing.
    pub async fn take(&self, patient_until: Option<Instant>) -> Option<Vec<u8>> {
        loop {
            let ready = self.ready.notified();
            let patience = patient_until.filter(|until| Instant::now() < *until);
            {
                let mut state = self.lock();
                state.enough = if patience.is_some() { FRAME } else { 1 };
                if state.bytes.len() >= state.enough || (state.ended && !state.bytes.is_empty()) {
                    let rest = if state.bytes.len() > FRAME {
                        state.bytes.split_off(FRAME)
                    } else {
                        Vec::new()
                    };
                    let taken = std::mem::replace(&mut state.bytes, rest);
                    self.space.notify_one();
                    return Some(taken);
                }
                if state.ended {
                    return None;
                }
            }
            match patience {
                // The end of patience is as good a reason to look again as more output.
                Some(until) => drop(tokio::time::timeout_at(until, ready).await),
                None => ready.await,
            }
        }
    }

    /// There is output that nobody has taken yet.
    pub fn is_pending(&self) -> bool {
        !self.lock().bytes.is_empty()
    }

    fn push(&self, bytes: &[u8]) -> bool {
        let mut state = self.lock();
        while state.bytes.len() >= QUEUE_CAP && !state.abandoned {
            state = self
                .space
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.abandoned {
            return false;
        }
        state.bytes.extend_from_slice(bytes);
        let enough = state.bytes.len() >= state.enough;
        drop(state);
        if enough {
            self.ready.notify_one();
        }
        true
    }

    fn end(&self) {
        self.lock().ended = true;
        self.ready.notify_one();
    }

    /// Lets the reading thread end although nobody takes its output any more.
    pub fn abandon(&self) {
        self.lock().abandoned = true;
        self.space.notify_one();
    }
}

impl Pty {
    /// Starts a program. Blocks for the time of a fork, so call it off the async threads.
    ///
    /// The receiver gets the program's end once, whether or not its output has ended too.
    pub fn spawn(launch: &Launch) -> Result<(Self, oneshot::Receiver<Exit>), PtyError> {
        let pair = native_pty_system()
            .openpty(pty_size(launch.size))
            .map_err(|error| PtyError::Open(error.to_string()))?;
        let mut command = CommandBuilder::new(&launch.program);
        command.args(&launch.args);
        command.env_clear();
        for (name, value) in &launch.env {
            command.env(name, value);
        }
        command.cwd(&launch.cwd);
        let failed = |reason: String| PtyError::Spawn {
            program: launch.program.display().to_string(),
            cwd: launch.cwd.display().to_string(),
            reason,
        };
        #[cfg(unix)]
        exits::prepare().map_err(PtyError::Open)?;
        let reader = pair
            .master
            .try_clone_reader()
            .map_err(|error| PtyError::Open(error.to_string()))?;
        let writer = pair
            .master
            .take_writer()
            .map_err(|error| PtyError::Open(error.to_string()))?;
        let child = pair
            .slave
            .spawn_command(command)
            .map_err(|error| failed(format!("{error:#}")))?;
        // Only the program may hold the terminal's other side, or its end would go unnoticed.
        drop(pair.slave);
        let pid = child
            .process_id()
            .ok_or_else(|| failed("it has no process id".to_owned()))?;
        #[cfg(windows)]
        let leash = crate::process::Leash::on(&*child);

        let output = Arc::new(Output::default());
        let queue = Arc::clone(&output);
        #[cfg(unix)]
        let exit = exits::watch(
            i32::try_from(pid).map_err(|_| failed(format!("{pid} is no process id")))?,
        );
        #[cfg(not(unix))]
        let exit = wait(child)?;
        // Without the thread the terminal's side is closed here, which ends the program.
        start_thread("pty-read", move || read(reader, &queue))?;
        let (input, inputs) = mpsc::channel(INPUT_CAP);
        tokio::spawn(write(writer, inputs));
        Ok((
            Self {
                master: Mutex::new(pair.master),
                input,
                output,
                pid,
                #[cfg(windows)]
                _leash: leash,
            },
            exit,
        ))
    }

    /// Queues bytes for the program to read.
    pub fn write(&self, bytes: Vec<u8>) -> Result<(), InputError> {
        self.input.try_send(bytes).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => InputError::Stuck,
            mpsc::error::TrySendError::Closed(_) => InputError::Ended,
        })
    }

    /// Tells the program that its terminal has a new size.
    pub fn resize(&self, size: Size) {
        let master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = master.resize(pty_size(size)) {
            tracing::debug!(pid = self.pid, %error, "the terminal could not be resized");
        }
    }

    /// The program itself owns the terminal, not a job that it started. Always true on Windows,
    /// which has no such notion.
    pub fn leader_in_foreground(&self) -> bool {
        #[cfg(unix)]
        {
            let master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
            master
                .process_group_leader()
                .and_then(|pid| u32::try_from(pid).ok())
                == Some(self.pid)
        }
        #[cfg(not(unix))]
        true
    }

    /// The terminal collects whole lines and edits them itself (`ICANON` of termios(3)), as it does
    /// until a program wants each key: one that draws an input box has not begun to read it.
    /// Never on Windows, where the side that Berth holds does not tell.
    pub fn collects_lines(&self) -> bool {
        #[cfg(unix)]
        {
            let canonical = nix::sys::termios::LocalFlags::ICANON.bits();
            let master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
            master
                .get_termios()
                .is_some_and(|state| state.local_flags.bits() & canonical != 0)
        }
        #[cfg(not(unix))]
        false
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.output.abandon();
    }
}

fn pty_size(size: Size) -> PtySize {
    PtySize {
        rows: size.rows,
        cols: size.cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn start_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), PtyError> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(work)
        .map(drop)
        .map_err(|error| PtyError::Open(format!("no thread for it: {error}")))
}

fn read(mut reader: Box<dyn Read + Send>, output: &Output) {
    let mut buffer = vec![0; FRAME];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                if !output.push(&buffer[..count]) {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Linux reports EIO once the last program on the terminal is gone.
            Err(_) => break,
        }
    }
    output.end();
}

/// Writes what is queued, each piece on a blocking thread because a program that does not read
/// blocks its terminal; a quiet session occupies none.
async fn write(mut writer: Box<dyn Write + Send>, mut inputs: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = inputs.recv().await {
        let written = tokio::task::spawn_blocking(move || {
            let result = writer.write_all(&bytes).and_then(|()| writer.flush());
            (writer, result)
        });
        match written.await {
            Ok((returned, Ok(()))) => writer = returned,
            Ok((_, Err(_))) | Err(_) => return,
        }
    }
}

/// Tells the end of a program, once.
#[cfg(not(unix))]
fn wait(
    mut child: Box<dyn portable_pty::Child + Send + Sync>,
) -> Result<oneshot::Receiver<Exit>, PtyError> {
    let (exited, exit) = oneshot::channel();
    start_thread("pty-wait", move || {
        let code = child
            .wait()
            .ok()
            .and_then(|status| i32::try_from(status.exit_code()).ok());
        // The session may be gone; then nobody needs to know.
        let _ = exited.send(Exit { code, signal: None });
    })?;
    Ok(exit)
}
