//! An agent that prints a recording, with its times.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use berth_session::recording::{Played, play};
use clap::Args;

/// How long it stays when everything is printed.
const STAY: Duration = Duration::from_secs(5);

/// What to print, and what to note.
#[derive(Args)]
pub struct Player {
    /// Only print this recording, with its times; used by the measurement of recorded answers
    #[arg(long, hide = true)]
    play: Option<PathBuf>,
    /// The event whose time is noted
    #[arg(long, hide = true, default_value_t = 0)]
    mark: usize,
    /// Where it is noted
    #[arg(long, hide = true)]
    stamp: Option<PathBuf>,
}

impl Player {
    pub fn new(play: &Path, mark: usize, stamp: &Path) -> Self {
        Self {
            play: Some(play.to_owned()),
            mark,
            stamp: Some(stamp.to_owned()),
        }
    }

    /// The arguments that say the same.
    pub fn arguments(&self) -> Vec<OsString> {
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default().into_os_string();
        vec![
            "--play".into(),
            path(&self.play),
            "--mark".into(),
            self.mark.to_string().into(),
            "--stamp".into(),
            path(&self.stamp),
        ]
    }

    /// When the marked event was printed, if it was.
    pub fn marked(&self) -> Option<f64> {
        let text = fs::read_to_string(self.stamp.as_ref()?).ok()?;
        text.trim().parse().ok()
    }

    /// Prints the recording, if there is one to print.
    pub fn run(&self) -> Option<io::Result<()>> {
        self.play.as_deref().map(|file| self.print(file))
    }

    fn print(&self, file: &Path) -> io::Result<()> {
        let (_, events) = play(file)?;
        let started = Instant::now();
        let mut output = io::stdout().lock();
        for (number, (time, event)) in events.iter().enumerate() {
            // The recording's own times are what is played here.
            thread::sleep(time.saturating_sub(started.elapsed()));
            if let Played::Output(text) = event {
                output.write_all(text.as_bytes())?;
                output.flush()?;
            }
            if number == self.mark
                && let Some(stamp) = &self.stamp
            {
                fs::write(stamp, now().to_string())?;
            }
        }
        thread::sleep(STAY);
        Ok(())
    }
}

/// Milliseconds since the Unix epoch: two programs count in them.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1000.0
}
