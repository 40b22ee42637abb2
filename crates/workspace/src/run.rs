//! One run of git: bounded in time and output, and never left behind.
//!
//! Git runs in a process group of its own, so that its children (a checkout, a hook) end with it
//! when it takes too long or when nobody waits for the answer any more.

use std::{ffi::OsStr, io, ops::ControlFlow, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::{Child, Command},
};

use crate::{WorkspaceError, text::lossy};

/// Bytes of an answer that is kept whole; longer ones are an error. Answers that can be longer are
/// read record by record.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Bytes of one record, which holds a path or two.
const MAX_RECORD: usize = 1024 * 1024;

/// Bytes of git's complaints that are kept, from the end, where git says what was fatal.
const MAX_STDERR: usize = 4 * 1024;

/// Time that output may still arrive after git itself ended: a hook may have left a process behind
/// that holds the pipes open.
const AFTER_EXIT: Duration = Duration::from_secs(1);

/// Time between asking git to end and ending it. Git removes its lock files when asked.
const TO_END: Duration = Duration::from_secs(2);

/// A run that is being put together.
pub(crate) struct Run {
    command: Command,
    folder: PathBuf,
    action: String,
    timeout: Duration,
    input: Vec<u8>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// The answer was longer than allowed and is not whole.
    pub(crate) cut: bool,
    pub(crate) stderr: String,
    folder: PathBuf,
    action: String,
}

impl Run {
    pub(crate) fn new(
        command: Command,
        folder: PathBuf,
        action: String,
        timeout: Duration,
    ) -> Self {
        Self {
            command,
            folder,
            action,
            timeout,
            input: Vec::new(),
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What git reads from its standard input.
    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Gives a question as much time as a change, for one that may have to read every file.
    pub(crate) fn patient(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs and returns the answer, whatever the exit code.
    pub(crate) async fn answer(self) -> Result<Answer, WorkspaceError> {
        let action = self.action.clone();
        let answer = self.answer_up_to(MAX_ANSWER).await?;
        if answer.cut {
            return Err(WorkspaceError::GitAnswer {
                action,
                detail: format!("it is longer than {MAX_ANSWER} bytes"),
            });
        }
        Ok(answer)
    }

    /// Runs and returns at most `limit` bytes of the answer.
    pub(crate) async fn answer_up_to(self, limit: usize) -> Result<Answer, WorkspaceError> {
        let mut stdout = Vec::new();
        let mut cut = false;
        let mut answer = self
            .stream(|chunk| {
                let room = limit - stdout.len();
                if chunk.len() > room {
                    stdout.extend_from_slice(&chunk[..room]);
                    cut = true;
                    return ControlFlow::Break(());
                }
                stdout.extend_from_slice(chunk);
                ControlFlow::Continue(())
            })
            .await?;
        answer.stdout = stdout;
        answer.cut = cut;
        Ok(answer)
    }

    /// Runs and returns the answer; an exit code other than 0 is an error.
    pub(crate) async fn succeed(self) -> Result<Vec<u8>, WorkspaceError> {
        let answer = self.answer().await?;
        match answer.exit {
            Some(0) => Ok(answer.stdout),
            _ => Err(answer.into_error()),
        }
    }

    /// Runs and returns the answer's only line as text; an exit code other than 0 is an error.
    pub(crate) async fn line(self) -> Result<String, WorkspaceError> {
        Ok(lossy(trim_newline(&self.succeed().await?)))
    }

    /// Runs and hands over each record of an answer whose records end with a zero byte; an exit
    /// code other than 0 is an error.
    pub(crate) async fn records(
        self,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), WorkspaceError> {
        let action = self.action.clone();
        let mut rest = Vec::new();
        let mut too_long = false;
        let answer = self
            .stream(|chunk| {
                let mut parts = chunk.split(|byte| *byte == 0);
                let mut part = parts.next().unwrap_or_default();
                for next in parts {
                    if rest.is_empty() {
                        take(part);
                    } else {
                        rest.extend_from_slice(part);
                        take(&rest);
                        rest.clear();
                    }
                    part = next;
                }
                rest.extend_from_slice(part);
                too_long = rest.len() > MAX_RECORD;
                if too_long {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .await?;
        if too_long || (answer.exit == Some(0) && !rest.is_empty()) {
            return Err(WorkspaceError::GitAnswer {
                action,
                detail: "a record does not end".to_owned(),
            });
        }
        match answer.exit {
            Some(0) => Ok(()),
            _ => Err(answer.into_error()),
        }
    }

    /// Runs and hands over the output as it comes. After `Break` the rest is not read, so that git
    /// ends at its next write.
    async fn stream(
        mut self,
        take: impl FnMut(&[u8]) -> ControlFlow<()> + Send,
    ) -> Result<Answer, WorkspaceError> {
        let stdin = if self.input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        };
        self.command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        self.command.process_group(0);
        #[cfg(windows)]
        {
            /// No console window flashes up.
            const CREATE_NO_WINDOW: u32 = 0x0800_0000;
            self.command.creation_flags(CREATE_NO_WINDOW);
        }
        tracing::trace!(action = self.action, "run git");
        let spawned = self.command.spawn();
        let mut child = spawned.map_err(|source| WorkspaceError::GitSpawn {
            action: self.action.clone(),
            source,
        })?;
        let mut group = Group::of(&child);
        let mut stderr = Vec::new();
        let following = follow(&mut child, &self.input, take, &mut stderr);
        let ended = tokio::time::timeout(self.timeout, following).await;
        let exit = match ended {
            Ok(Ok(exit)) => {
                group.release();
                exit
            }
            Ok(Err(source)) => {
                return Err(WorkspaceError::GitSpawn {
                    action: self.action,
                    source,
                });
            }
            Err(_) => {
                group.ask_to_end();
                // Whether it obeyed does not matter: dropping the group ends what is left.
                let _ = tokio::time::timeout(TO_END, child.wait()).await;
                return Err(WorkspaceError::GitTimedOut {
                    action: self.action,
                    after: self.timeout,
                });
            }
        };
        Ok(Answer {
            exit,
            stdout: Vec::new(),
            cut: false,
            stderr: without_credentials(lossy(&stderr).trim()),
            folder: self.folder,
            action: self.action,
        })
    }
}

impl Answer {
    /// The error that git reported.
    pub(crate) fn into_error(self) -> WorkspaceError {
        // Git has one exit code for everything fatal, so these two, which people can act on, are
        // told by their text; `LC_ALL=C` keeps it from being translated.
        if self.stderr.contains("detected dubious ownership") {
            return WorkspaceError::DubiousOwnership { path: self.folder };
        }
        if self.stderr.contains("not a git repository") {
            return WorkspaceError::NotARepository { path: self.folder };
        }
        WorkspaceError::GitFailed {
            action: self.action,
            exit: self.exit,
            stderr: self.stderr,
        }
    }
}

/// Writes the input and reads both other pipes until the program ended, and returns its exit code.
async fn follow(
    child: &mut Child,
    input: &[u8],
    mut take: impl FnMut(&[u8]) -> ControlFlow<()> + Send,
    stderr: &mut Vec<u8>,
) -> io::Result<Option<i32>> {
    let stdin = child.stdin.take();
    let out = child.stdout.take();
    let err = child.stderr.take();
    let piping = async {
        let write_in = write(stdin, input);
        let read_out = read(out, |chunk| take(chunk));
        let read_err = read(err, |chunk| {
            stderr.extend_from_slice(chunk);
            let surplus = stderr.len().saturating_sub(MAX_STDERR);
            stderr.drain(..surplus);
            ControlFlow::Continue(())
        });
        tokio::try_join!(write_in, read_out, read_err).map(|_| ())
    };
    tokio::pin!(piping);
    let status = tokio::select! {
        piped = &mut piping => {
            piped?;
            child.wait().await?
        }
        status = child.wait() => {
            if let Ok(piped) = tokio::time::timeout(AFTER_EXIT, &mut piping).await {
                piped?;
            }
            status?
        }
    };
    Ok(status.code())
}

async fn write(pipe: Option<impl AsyncWrite + Unpin>, input: &[u8]) -> io::Result<()> {
    let Some(mut pipe) = pipe else {
        return Ok(());
    };
    match pipe.write_all(input).await {
        // A program that ends without reading everything says itself why.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    let Some(mut pipe) = pipe else {
        return Ok(());
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = pipe.read(&mut buffer).await?;
        if count == 0 || take(&buffer[..count]).is_break() {
            return Ok(());
        }
    }
}

/// The process group of a run; whatever is left of it ends when this is dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<nix::unistd::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(nix::unistd::Pid::from_raw);
        Self { leader }
    }

    /// Git ended by itself; its process id may belong to somebody else from now on.
    fn release(&mut self) {
        self.leader = None;
    }

    fn ask_to_end(&self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Some(leader) = self.leader {
            // The group may be gone already, which is what is wanted.
            let _ = nix::sys::signal::killpg(leader, signal);
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self {}
    }

    fn release(&mut self) {}

    fn ask_to_end(&self) {}
}

fn trim_newline(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The text with `user:password@` taken out of its addresses: git repeats the remote's address in
/// its complaints.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("://");
        let end = part
            .find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace())
            .unwrap_or(part.len());
        let after = part[..end].rfind('@').map_or(0, |at| at + 1);
        result.push_str(&part[after..]);
    }
    result
}

#[cfg(test)]
mod tests;
