//! The agent's program, spoken to over its standard input and output.

use std::process::Stdio;

use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::oneshot,
};

use crate::pty::{Exit, Launch, PtyError};

/// A running program.
pub struct Process {
    /// Its id. On Unix it leads its own process group.
    pub pid: u32,
    /// What it reads.
    pub input: ChildStdin,
    /// What it answers.
    pub output: ChildStdout,
    /// What it says besides.
    pub errors: ChildStderr,
    /// How it ends.
    pub exit: oneshot::Receiver<Exit>,
}

/// Starts a program, whose end is waited for in a task.
pub fn spawn(launch: &Launch) -> Result<Process, PtyError> {
    let failed = |reason: String| PtyError::Spawn {
        program: launch.program.display().to_string(),
        cwd: launch.cwd.display().to_string(),
        reason,
    };
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(&launch.env)
        .current_dir(&launch.cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Signals that are meant for the engine must not reach it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let taken = (
        child.id(),
        child.stdin.take(),
        child.stdout.take(),
        child.stderr.take(),
    );
    let (Some(pid), Some(input), Some(output), Some(errors)) = taken else {
        return Err(failed("it has ended already".to_owned()));
    };
    let (ended, exit) = oneshot::channel();
    tokio::spawn(async move {
        let exit = wait(child).await;
        // The session may be gone; then nobody needs to know.
        let _ = ended.send(exit);
    });
    Ok(Process {
        pid,
        input,
        output,
        errors,
        exit,
    })
}

async fn wait(mut child: Child) -> Exit {
    #[cfg(windows)]
    let _leash = crate::process::Leash::on_handle(child.raw_handle());
    let status = child.wait().await.ok();
    #[cfg(unix)]
    let signal = status
        .and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status))
        .and_then(|signal| nix::sys::signal::Signal::try_from(signal).ok())
        .map(|signal| signal.as_str().to_owned());
    #[cfg(not(unix))]
    let signal = None;
    Exit {
        code: status.and_then(|status| status.code()),
        signal,
    }
}
