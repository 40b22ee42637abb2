//! A real keychain of a test's own: a message bus with gnome-keyring behind it, unlocked.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Setup, until};

/// The password of the keyring; nobody else can reach it.
const PASSWORD: &[u8] = b"of a test";

/// A keychain that is there until it is dropped.
pub struct Keychain {
    address: String,
    home: PathBuf,
    bus: Child,
    keyring: Option<Child>,
}

impl Keychain {
    /// Starts one with its files in a folder; `None` where a program of it is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path) -> Option<Self> {
        for program in ["dbus-daemon", "dbus-send", "gnome-keyring-daemon"] {
            is_on_path(program).then_some(())?;
        }
        let home = folder.join("keychain");
        fs::create_dir_all(home.join("run")).expect("a folder of the test can be made");
        let mut bus = command("dbus-daemon", &home)
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bus can be started");
        let output = bus.stdout.take().expect("its output is a pipe");
        let mut address = String::new();
        BufReader::new(output)
            .read_line(&mut address)
            .expect("the bus says its address");
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "the bus does not start");
        let mut keychain = Self {
            address,
            home,
            bus,
            keyring: None,
        };
        keychain.unlock().await;
        Some(keychain)
    }

    async fn unlock(&mut self) {
        let mut keyring = command("gnome-keyring-daemon", &self.home)
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the keyring can be started");
        let mut input = keyring.stdin.take().expect("its input is a pipe");
        input
            .write_all(PASSWORD)
            .expect("the keyring takes its password");
        drop(input);
        self.keyring = Some(keyring);
        until("the keyring is there", || self.is_there()).await;
    }

    fn end(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            // It may have ended by itself.
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    /// An engine that uses it.
    #[must_use]
    pub fn of(&self, setup: Setup) -> Setup {
        setup.variable("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// How many secrets it holds.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn count(&self) -> usize {
        let mut ask = command("dbus-send", &self.home);
        ask.arg(format!("--bus={}", self.address))
            .args(["--print-reply", "--dest=org.freedesktop.secrets"])
            .arg("/org/freedesktop/secrets/collection/login")
            .arg("org.freedesktop.DBus.Properties.Get")
            .args(["string:org.freedesktop.Secret.Collection", "string:Items"]);
        let answer = tokio::task::spawn_blocking(move || ask.output()).await;
        let answer = answer
            .expect("the task goes on")
            .expect("the bus can be asked");
        assert!(answer.status.success(), "{answer:?}");
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        text.matches("object path").count()
    }

    /// From now on it takes questions and answers none, as one does that waits for its user.
    ///
    /// # Panics
    /// When it does not run.
    pub fn fall_silent(&self) {
        let keyring = self.keyring.as_ref().expect("it runs");
        let pid = i32::try_from(keyring.id()).expect("a process has such a number");
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("it can be stopped");
    }

    fn is_there(&self) -> bool {
        let answer = command("dbus-send", &self.home)
            .arg(format!("--bus={}", self.address))
            .args(["--print-reply", "--dest=org.freedesktop.DBus", "/"])
            .args([
                "org.freedesktop.DBus.NameHasOwner",
                "string:org.freedesktop.secrets",
            ])
            .output()
            .expect("the bus can be asked");
        String::from_utf8_lossy(&answer.stdout).contains("boolean true")
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.end();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .stderr(Stdio::null());
    if let Some(run) = std::env::var_os("BERTH_TEST_RUN") {
        command.env("BERTH_TEST_RUN", run);
    }
    command
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
