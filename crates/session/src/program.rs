//! Asking a program something: it is run, and what it prints is its answer.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

/// What a program has answered.
pub struct Answer {
    /// The beginning of its standard output.
    pub output: Vec<u8>,
    /// The beginning of its standard error.
    pub errors: Vec<u8>,
    /// How it ended.
    pub status: ExitStatus,
}

/// Runs a program and reads what it prints, of each stream `longest` bytes: what prints more has no reader
/// any more. It and what it has started are killed when it takes longer than `patience`, and in any case in
/// the end. The error is for people.
pub async fn answer(
    mut command: Command,
    longest: u64,
    patience: Duration,
) -> Result<Answer, String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("it does not start: {error}"))?;
    #[cfg(unix)]
    let _group = crate::group::Group::of(child.id());
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let answered = async {
        let (output, errors) = tokio::join!(read(output, longest), read(errors, longest));
        let status = child.wait().await.map_err(|error| error.to_string())?;
        Ok(Answer {
            output,
            errors,
            status,
        })
    };
    let late = |_| Err(format!("no answer within {} s", patience.as_secs()));
    tokio::time::timeout(patience, answered)
        .await
        .unwrap_or_else(late)
}

async fn read(from: Option<impl AsyncRead + Unpin>, longest: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was read before an error counts.
        let _ = from.take(longest).read_to_end(&mut bytes).await;
    }
    bytes
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_it() {
        let script = "sleep 1000 > /dev/null 2>&1 & echo $!";
        let said = answer(shell(script), 100, Duration::from_secs(20)).await;
        let said = String::from_utf8(said.unwrap().output).unwrap();
        let left = nix::unistd::Pid::from_raw(said.trim().parse().unwrap());
        // Killed it is, and then whoever adopts it takes note.
        let gone = async {
            while nix::sys::signal::kill(left, None).is_ok() && !is_dead(left.as_raw()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone)
            .await
            .unwrap();
    }

    /// A process that has ended and that nobody has waited for.
    fn is_dead(pid: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_program_that_does_not_answer_is_given_up() {
        let said = answer(shell("sleep 1000"), 100, Duration::from_millis(50)).await;
        assert_eq!(said.err().as_deref(), Some("no answer within 0 s"));
    }
}
