//! A server that is a program.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_protocol::{LONGEST_SECRET, Secret};
use process_wrap::tokio::CommandWrap;
use rmcp::transport::TokioChildProcess;
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, Command},
    sync::watch,
    task::JoinHandle,
};

use super::{McpError, visible};

/// So much of what a program writes to its standard error is kept, in bytes.
const TAIL: usize = 4096;

/// How long to wait for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What is left of a program besides its connection.
pub struct Child {
    tail: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
    ended: watch::Receiver<bool>,
    secrets: Vec<Secret>,
}

impl Drop for Child {
    fn drop(&mut self) {
        // What the program has started may keep its standard error open.
        self.reading.abort();
    }
}

impl Child {
    /// What it writes of these is shown to nobody.
    pub fn hide(&mut self, secrets: Vec<Secret>) {
        self.secrets = secrets;
    }

    /// The end of what it wrote to its standard error. One that has ended has said everything soon.
    pub async fn said(&self) -> String {
        let mut ended = self.ended.clone();
        // One that goes on has said what it has said.
        let _ = tokio::time::timeout(LAST_WORDS, ended.wait_for(|ended| *ended)).await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = without(&String::from_utf8_lossy(whole(&tail)), &self.secrets);
        visible(&shown).trim().to_owned()
    }
}

/// A tail that may begin inside of a secret begins with the next line instead.
fn whole(tail: &[u8]) -> &[u8] {
    if tail.len() < TAIL {
        return tail;
    }
    let line = tail.iter().position(|byte| *byte == b'\n');
    &tail[line.unwrap_or(LONGEST_SECRET).min(tail.len())..]
}

fn without(text: &str, secrets: &[Secret]) -> String {
    /// Shorter ones stand in any text.
    const SHORTEST: usize = 4;
    let mut text = text.to_owned();
    for secret in secrets {
        if secret.expose().len() >= SHORTEST {
            text = text.replace(secret.expose().as_str(), "<redacted>");
        }
    }
    text
}

/// Starts a program without a shell, at the head of a process group of its own, which ends with the
/// connection.
pub fn start(
    program: &Path,
    args: &[OsString],
    env: &BTreeMap<OsString, OsString>,
    folder: &Path,
) -> Result<(TokioChildProcess, Child), McpError> {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env).current_dir(folder);
    let mut command = CommandWrap::from(command);
    #[cfg(unix)]
    command.wrap(process_wrap::tokio::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::tokio::JobObject);
    let spawned = TokioChildProcess::builder(command)
        .stderr(Stdio::piped())
        .spawn();
    let (transport, errors) = spawned.map_err(|source| McpError::Spawn {
        program: program.to_owned(),
        source,
    })?;
    let tail = Arc::new(Mutex::new(Vec::new()));
    let (tell, ended) = watch::channel(false);
    let kept = Arc::clone(&tail);
    let reading = tokio::spawn(async move {
        read(errors, kept).await;
        tell.send_replace(true);
    });
    let child = Child {
        tail,
        reading,
        ended,
        secrets: Vec::new(),
    };
    Ok((transport, child))
}

async fn read(errors: Option<ChildStderr>, tail: Arc<Mutex<Vec<u8>>>) {
    let Some(mut errors) = errors else { return };
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = errors.read(&mut piece).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&piece[..length]);
        let old = tail.len().saturating_sub(TAIL);
        tail.drain(..old);
    }
}
