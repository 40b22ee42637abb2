//! A server that is a program.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_protocol::Secret;
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
        let shown = shown(&tail, &self.secrets);
        visible(&shown).trim().to_owned()
    }
}

/// What takes the place of a secret.
const REDACTED: &str = "<redacted>";

/// Shorter secrets, and beginnings of one, stand in any text.
const SHORTEST: usize = 4;

/// A tail without secrets, also those that are not whole in it.
fn shown(tail: &[u8], secrets: &[Secret]) -> String {
    let mut text = String::from_utf8_lossy(whole(tail, secrets)).into_owned();
    // One that another one begins with would leave its rest.
    let mut secrets: Vec<&str> = secrets.iter().map(|it| it.expose().as_str()).collect();
    secrets.retain(|secret| secret.len() >= SHORTEST);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in &secrets {
        text = text.replace(secret, REDACTED);
    }
    without_beginning(text, &secrets)
}

/// A tail that may begin inside of a secret begins with the next line instead: no secret has a line break in it.
fn whole<'a>(tail: &'a [u8], secrets: &[Secret]) -> &'a [u8] {
    if tail.len() < TAIL {
        return tail;
    }
    let line = tail.iter().position(|byte| *byte == b'\n');
    let longest = secrets.iter().map(|secret| secret.expose().len()).max();
    &tail[line.or(longest).unwrap_or(0).min(tail.len())..]
}

/// A program that still writes may have written a part of a secret.
fn without_beginning(mut text: String, secrets: &[&str]) -> String {
    let begun = secrets.iter().filter_map(|secret| {
        let lengths = (SHORTEST..secret.len().min(text.len() + 1)).rev();
        let mut begun = lengths.filter(|length| secret.is_char_boundary(*length));
        begun.find(|length| text.ends_with(&secret[..*length]))
    });
    if let Some(length) = begun.max() {
        text.truncate(text.len() - length);
        text.push_str(REDACTED);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(written: &str, secrets: &[&str]) -> String {
        let secrets = secrets.iter().map(|it| Secret::new((*it).to_owned()));
        let start = written.len().saturating_sub(TAIL);
        shown(&written.as_bytes()[start..], &secrets.collect::<Vec<_>>())
    }

    /// As long as a token with many claims, without anything that repeats.
    fn long() -> String {
        (0..1000).map(|number| format!("{number:03}")).collect()
    }

    #[test]
    fn a_secret_is_shown_neither_whole_nor_in_part_however_long_it_is() {
        let long = long();
        assert_eq!(told("no: abcd\n", &["abcd"]), "no: <redacted>\n");
        assert_eq!(
            told(&format!("no: {long}\nwhy"), &[&long]),
            "no: <redacted>\nwhy"
        );
        let rest = "y".repeat(TAIL - 100);
        let cut = format!("no: {long}{rest}");
        assert_eq!(
            told(&cut, &[&long]),
            "y".repeat(TAIL - long.len()),
            "what may be of a secret is left out"
        );
        assert_eq!(told(&format!("{cut}\nwhy"), &[&long]), "\nwhy");
        let longer = long.repeat(2);
        let cut = format!("no: {longer}{rest}");
        assert_eq!(told(&cut, &[&longer]), "");
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_is_not_shown() {
        let long = long();
        assert_eq!(
            told(&format!("no: {}", &long[..1500]), &[&long, "none"]),
            "no: <redacted>"
        );
        assert_eq!(told("no: 000", &[&long]), "no: 000", "too short to tell");
        assert_eq!(told("0000", &["000012"]), "<redacted>");
    }

    #[test]
    fn a_secret_that_begins_as_another_one_leaves_no_rest_of_it() {
        let text = told("no: abcdefgh\n", &["abcd", "abcdefgh"]);
        assert_eq!(text, "no: <redacted>\n");
    }

    #[test]
    fn without_secrets_everything_is_shown() {
        let all = "y".repeat(TAIL);
        assert_eq!(told(&all, &[]), all);
    }
}
