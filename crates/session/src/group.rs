//! A group of processes, which ends as a whole.

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// The group that a program leads, killed when dropped: what it has started ends with it.
pub struct Group(Option<Pid>);

impl Group {
    /// The group of a program that was started to lead one.
    pub fn of(leader: Option<u32>) -> Self {
        let leader = leader.and_then(|id| i32::try_from(id).ok());
        Self(leader.map(Pid::from_raw))
    }

    /// Sends a signal to all of it.
    pub fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // It may be gone already.
            let _ = killpg(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
