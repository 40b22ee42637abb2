//! Starts other programs and never leaves one behind.
//!
//! Every child gets a process group of its own, and an interrupt ends the groups before it ends
//! xtask: a cargo that is killed alone would leave its test programs running.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::leaks;

/// How long children may take to end themselves after an interrupt.
const GRACE: Duration = Duration::from_secs(10);

/// The exit code that shells expect of a program ended by an interrupt.
const INTERRUPTED: i32 = 130;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("`{command}` could not be started; is it installed and on PATH?")]
    Start { command: String, source: io::Error },
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: ExitStatus },
    #[error("`{command}` ended with {status}: {stderr}")]
    FailedSaying {
        command: String,
        status: ExitStatus,
        stderr: String,
    },
    #[error("the output of `{command}` could not be read")]
    Output { command: String, source: io::Error },
    #[error("interrupts cannot be handled")]
    Interrupts(#[from] ctrlc::Error),
}

/// What has to end when xtask does.
struct Running {
    groups: Vec<u32>,
    test_run: Option<String>,
    stopping: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: Vec::new(),
    test_run: None,
    stopping: false,
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes Ctrl-C, a hangup and a termination end all children first.
pub(crate) fn end_children_on_interrupt() -> Result<(), ProcessError> {
    ctrlc::set_handler(|| {
        let (groups, test_run) = {
            let mut running = running();
            running.stopping = true;
            (running.groups.clone(), running.test_run.clone())
        };
        end_groups(&groups);
        if let Some(run) = test_run {
            leaks::end(&leaks::find(&run));
        }
        std::process::exit(INTERRUPTED);
    })?;
    Ok(())
}

/// Names the test run whose processes an interrupt ends too, wherever they moved to.
pub(crate) fn end_test_run_on_interrupt(run: Option<String>) {
    running().test_run = run;
}

/// `cargo`, the one that started xtask, without the variables that it set for xtask alone.
pub(crate) fn cargo() -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    forget_own_package(&mut command);
    command
}

/// Removes what `cargo run` set for xtask.
///
/// Build scripts that watch these variables would run again on each switch between `cargo` and
/// `cargo xtask`, and an agent must not load libraries from our target folder.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || matches!(text, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME")
        {
            command.env_remove(&name);
        }
    }
    if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
        match foreign_library_paths(&paths) {
            Some(kept) => command.env("LD_LIBRARY_PATH", kept),
            None => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}

/// The entries of `LD_LIBRARY_PATH` that cargo did not add: neither our build's nor the toolchain's.
fn foreign_library_paths(paths: &OsString) -> Option<OsString> {
    let build = env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    let toolchain = env::var_os("CARGO")
        .map(PathBuf::from)
        .and_then(|cargo| cargo.parent()?.parent().map(PathBuf::from));
    let ours = [build, toolchain];
    let kept: Vec<PathBuf> = env::split_paths(paths)
        .filter(|path| !ours.iter().flatten().any(|own| path.starts_with(own)))
        .collect();
    if kept.is_empty() {
        return None;
    }
    env::join_paths(kept).ok()
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    // The full path of a cargo inside its toolchain says nothing that a reader wants.
    let name = match program.file_name() {
        Some(name) if name == "cargo" => name.to_string_lossy(),
        _ => program.to_string_lossy(),
    };
    let mut text = name.into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Runs the command with our output streams.
///
/// # Errors
/// When it cannot be started or does not end with success.
pub(crate) fn run(command: &mut Command) -> Result<(), ProcessError> {
    let status = status(command)?;
    succeeded(command, status)
}

/// Runs the command with our output streams and returns how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, ProcessError> {
    let child = start(command)?;
    wait(command, child)
}

/// Runs a command that may ask for a password: it keeps the terminal and our process group.
pub(crate) fn run_asking(command: &mut Command) -> Result<(), ProcessError> {
    let status = command.status().map_err(|source| ProcessError::Start {
        command: shown(command),
        source,
    })?;
    succeeded(command, status)
}

/// Runs the command and returns what it wrote to its standard output, whatever it ended with.
pub(crate) fn output(command: &mut Command) -> Result<(ExitStatus, String), ProcessError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ProcessError::Start {
            command: shown(command),
            source,
        })?;
    Ok((
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

/// Runs the command and returns what it wrote to its standard output.
///
/// # Errors
/// When it does not end with success; its standard error is part of the message.
pub(crate) fn read(command: &mut Command) -> Result<String, ProcessError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ProcessError::Start {
            command: shown(command),
            source,
        })?;
    if !output.status.success() {
        return Err(ProcessError::FailedSaying {
            command: shown(command),
            status: output.status,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command, passing its standard output on and giving each line to `each` as well.
pub(crate) fn stream(
    command: &mut Command,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus, ProcessError> {
    command.stdout(Stdio::piped());
    let mut child = start(command)?;
    let read_error = |command: &Command, source| ProcessError::Output {
        command: shown(command),
        source,
    };
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader
                .read_until(b'\n', &mut line)
                .map_err(|source| read_error(command, source))?;
            if length == 0 {
                break;
            }
            io::stdout()
                .write_all(&line)
                .and_then(|()| io::stdout().flush())
                .map_err(|source| read_error(command, source))?;
            each(String::from_utf8_lossy(&line).trim_end());
        }
    }
    wait(command, child)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), ProcessError> {
    if status.success() {
        return Ok(());
    }
    Err(ProcessError::Failed {
        command: shown(command),
        status,
    })
}

fn start(command: &mut Command) -> Result<Child, ProcessError> {
    command.stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    // Held across the spawn, so that an interrupt sees either no child or a registered one.
    let mut running = running();
    stay_if_stopping(&running);
    let child = command.spawn().map_err(|source| ProcessError::Start {
        command: shown(command),
        source,
    })?;
    running.groups.push(child.id());
    Ok(child)
}

fn wait(command: &Command, mut child: Child) -> Result<ExitStatus, ProcessError> {
    let status = child.wait().map_err(|source| ProcessError::Output {
        command: shown(command),
        source,
    })?;
    let mut running = running();
    stay_if_stopping(&running);
    running.groups.retain(|group| *group != child.id());
    Ok(status)
}

/// After an interrupt, leaves the rest to the handler, which ends the program: that a child was
/// ended is no news, and no other is to be started.
fn stay_if_stopping(running: &MutexGuard<'_, Running>) {
    if running.stopping {
        loop {
            thread::park();
        }
    }
}

#[cfg(unix)]
fn end_groups(groups: &[u32]) {
    use nix::sys::signal::{Signal, killpg};

    let groups: Vec<_> = groups.iter().filter_map(|id| leaks::pid(*id)).collect();
    for group in &groups {
        killpg(*group, Signal::SIGTERM).ok();
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && groups.iter().any(|group| killpg(*group, None).is_ok()) {
        thread::sleep(Duration::from_millis(20));
    }
    for group in &groups {
        killpg(*group, Signal::SIGKILL).ok();
    }
}

/// On Windows the console sends the interrupt to the children itself.
#[cfg(not(unix))]
fn end_groups(_groups: &[u32]) {
    let _ = (GRACE, Instant::now());
}
