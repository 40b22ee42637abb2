//! A real terminal with `berth` in it.

use std::{
    io::{Read, Write},
    thread,
};

use berth_tests::{LIMIT, Setup, processes, programs};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::watch;

pub struct Terminal {
    child: Option<Box<dyn Child + Send + Sync>>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: watch::Receiver<String>,
    /// How much of what was shown has been forgotten.
    from: usize,
}

impl Terminal {
    pub fn start(setup: &Setup, words: &[&str]) -> Self {
        let pair = native_pty_system()
            .openpty(size(30, 100))
            .expect("a terminal can be opened");
        let mut command = CommandBuilder::new(programs::berth());
        command.args(words);
        command.cwd(setup.folder());
        command.env_clear();
        for (name, value) in setup.variables() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command);
        let child = child.expect("`berth` can be started");
        let mut output = pair.master.try_clone_reader().expect("it can be read");
        let (show, shown) = watch::channel(String::new());
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // The end of the terminal is an error on Linux.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                // All that is looked for is ASCII.
                let text = String::from_utf8_lossy(&buffer[..count]);
                show.send_modify(|shown| shown.push_str(&text));
            }
        });
        Self {
            child: Some(child),
            keys: pair.master.take_writer().expect("it can be written to"),
            // The slave stays open in it, so that its settings can be looked at after the program's end.
            master: pair.master,
            shown,
            from: 0,
        }
    }

    /// Waits until what was shown since the last [`Self::forget`] has this in it.
    pub async fn sees(&mut self, wanted: &str) {
        let from = self.from;
        let seen = self.shown.wait_for(|shown| shown[from..].contains(wanted));
        let seen = tokio::time::timeout(LIMIT, seen).await;
        let seen = seen.is_ok_and(|seen| seen.is_ok());
        assert!(seen, "{wanted:?} is not in {:?}", self.shown());
    }

    /// What was shown since the last [`Self::forget`].
    pub fn shown(&self) -> String {
        self.shown.borrow()[self.from..].to_owned()
    }

    /// The next wait is for something new.
    pub fn forget(&mut self) {
        self.from = self.shown.borrow().len();
    }

    pub fn type_in(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .and_then(|()| self.keys.flush())
            .expect("it takes keys");
    }

    pub fn resize(&self, rows: u16, cols: u16) {
        let resized = self.master.resize(size(rows, cols));
        resized.expect("it can be resized");
    }

    /// Lines are edited and keys shown and turned into signals, as in a terminal that nobody has
    /// changed.
    pub fn is_usual(&self) -> bool {
        let settings = self.master.get_termios().expect("it has settings");
        let local = settings.local_flags.bits();
        let usual = nix::libc::ICANON | nix::libc::ECHO | nix::libc::ISIG;
        local & usual == usual
    }

    /// Waits for the program's end and returns its exit code.
    pub async fn ends(&mut self) -> u32 {
        let mut child = self.child.take().expect("it has not ended");
        let pid = child.process_id();
        let status = tokio::task::spawn_blocking(move || child.wait());
        match tokio::time::timeout(LIMIT, status).await {
            Ok(status) => status
                .expect("the task ends")
                .expect("it can be waited for")
                .exit_code(),
            Err(_) => {
                processes::kill(pid.unwrap_or_default());
                panic!("`berth` does not end; it shows {:?}", self.shown());
            }
        }
    }

    pub fn pid(&self) -> u32 {
        let child = self.child.as_ref().expect("it has not ended");
        child.process_id().expect("it has an id")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}
