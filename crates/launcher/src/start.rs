//! Attaches to the engine that runs, or starts one that outlives its starter.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use berth_protocol::Endpoint;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{ENDPOINT_FILE, LaunchError, probe, read_endpoint};
use stderr_log::StderrLog;

mod stderr_log;

/// How long an engine may take to be ready, migrations of its store included.
pub const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Exit code of an engine that found another one running on the same data folder.
pub const EXIT_ALREADY_RUNNING: i32 = 3;

/// How long the engine that was first may take to publish its endpoint before a start is tried
/// again. It may also be one that is just ending, and then a new start is what helps.
const OTHER_PATIENCE: Duration = Duration::from_secs(1);

/// How often the endpoint file of another client's engine is looked at: it is no child of this
/// process, so there is nothing to wait on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which engine to start, and for which data.
#[derive(Clone, Debug)]
pub struct StartOptions {
    /// The engine program, an absolute path.
    pub engine_program: PathBuf,
    /// The data folder, an absolute path; made when it does not exist.
    pub data_dir: PathBuf,
    /// How long to wait for the engine to be ready.
    pub timeout: Duration,
}

impl StartOptions {
    /// Options with the usual timeout.
    pub fn new(engine_program: PathBuf, data_dir: PathBuf) -> Self {
        Self {
            engine_program,
            data_dir,
            timeout: START_TIMEOUT,
        }
    }
}

/// Returns the endpoint of the engine that runs on this data folder, and starts it if none does.
///
/// Any number of clients may do this at once: the engine allows one of itself per data folder, and
/// whoever comes second attaches to the first.
pub async fn attach_or_start(options: &StartOptions) -> Result<Endpoint, LaunchError> {
    // Whatever is wrong with a file that is left from before, a new engine replaces it.
    if let Ok(Some(endpoint)) = live_endpoint(&options.data_dir).await {
        tracing::debug!(pid = endpoint.pid, "attached to the engine");
        return Ok(endpoint);
    }
    make_private_folder(&options.data_dir)?;
    let deadline = Instant::now() + options.timeout;
    loop {
        match start(options, deadline).await? {
            Outcome::Ready(endpoint) => return Ok(endpoint),
            Outcome::OtherRuns => {}
        }
        let patience = deadline.min(Instant::now() + OTHER_PATIENCE);
        let found = loop {
            let found = live_endpoint(&options.data_dir).await;
            if matches!(found, Ok(Some(_))) || Instant::now() >= patience {
                break found;
            }
            sleep(LOOK_EVERY).await;
        };
        match found {
            Ok(Some(endpoint)) => return Ok(endpoint),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Ok(None) if Instant::now() >= deadline => {
                return Err(LaunchError::OtherSilent {
                    data_dir: options.data_dir.clone(),
                });
            }
            _ => {}
        }
    }
}

enum Outcome {
    Ready(Endpoint),
    OtherRuns,
}

/// The endpoint of an engine that runs; `None` when none does.
async fn live_endpoint(data_dir: &Path) -> Result<Option<Endpoint>, LaunchError> {
    match read_endpoint(data_dir)? {
        Some(endpoint) if probe(&endpoint).await => Ok(Some(endpoint)),
        _ => Ok(None),
    }
}

/// Starts one engine and waits for its announcement, its end or the deadline.
async fn start(options: &StartOptions, deadline: Instant) -> Result<Outcome, LaunchError> {
    let log = StderrLog::open(&options.data_dir)?;
    let mut child = spawn(options, &log)?;
    tracing::info!(pid = child.id(), program = %options.engine_program.display(), "started the engine");
    let started = async {
        let announced = child.stdout.take();
        tokio::select! {
            biased;
            true = announcement(announced) => Ok(None),
            status = child.wait() => status.map(Some),
        }
    };
    let status: Option<ExitStatus> = match timeout_at(deadline, started).await {
        // It goes on starting: a long migration that is killed each time would never end.
        Err(_) => {
            return Err(LaunchError::Timeout {
                waited: options.timeout,
                stderr: log.tail(),
            });
        }
        Ok(Err(source)) => {
            return Err(LaunchError::Spawn {
                path: options.engine_program.clone(),
                source,
            });
        }
        Ok(Ok(status)) => status,
    };
    match status {
        None => read_endpoint(&options.data_dir)?
            .map(Outcome::Ready)
            .ok_or_else(|| LaunchError::EndpointMissing {
                path: options.data_dir.join(ENDPOINT_FILE),
            }),
        Some(status) if status.code() == Some(EXIT_ALREADY_RUNNING) => Ok(Outcome::OtherRuns),
        Some(status) => Err(LaunchError::Exited {
            status,
            stderr: log.tail(),
        }),
    }
}

fn spawn(options: &StartOptions, log: &StderrLog) -> Result<Child, LaunchError> {
    if !options.engine_program.is_file() {
        return Err(LaunchError::ProgramMissing {
            path: options.engine_program.clone(),
        });
    }
    let mut command = Command::new(&options.engine_program);
    command
        .arg("serve")
        .arg("--data-dir")
        .arg(&options.data_dir)
        .arg("--announce")
        // Not the starter's folder: that could then be neither unmounted nor, on Windows, deleted.
        .current_dir(&options.data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.writer()?)
        .kill_on_drop(false);
    detach(&mut command);
    command.spawn().map_err(|source| LaunchError::Spawn {
        path: options.engine_program.clone(),
        source,
    })
}

/// Out of the starter's process group, so that Ctrl-C in its terminal does not reach the engine.
#[cfg(unix)]
fn detach(command: &mut Command) {
    command.process_group(0);
}

/// Out of the starter's process group, with a console that nobody sees. `DETACHED_PROCESS` would
/// leave it without one, and then each git that it runs would open a window of its own.
#[cfg(windows)]
fn detach(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

/// The line that `berth serve --announce` writes when it is ready. Its address stands in the
/// endpoint file too, which was written before.
#[derive(Deserialize)]
struct Announcement {
    ready: bool,
}

/// Whether the announcement came before the pipe was closed.
async fn announcement(stdout: Option<impl AsyncRead + Unpin>) -> bool {
    let Some(stdout) = stdout else {
        return false;
    };
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if serde_json::from_str(&line).is_ok_and(|line: Announcement| line.ready) {
            return true;
        }
    }
    false
}

/// Makes the data folder, for this user alone, if it is not there.
fn make_private_folder(path: &Path) -> Result<(), LaunchError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|source| LaunchError::DataFolder {
            path: path.to_owned(),
            source,
        })
}
