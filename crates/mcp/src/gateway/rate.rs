//! How often an agent may call.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Counts the calls of the last minute.
#[derive(Debug)]
pub struct Rate {
    most: usize,
    calls: VecDeque<Instant>,
}

impl Rate {
    pub fn new(most: u32) -> Self {
        Self {
            most: most as usize,
            calls: VecDeque::new(),
        }
    }

    /// Counts a call, unless there were too many.
    pub fn takes(&mut self, now: Instant) -> bool {
        while self
            .calls
            .front()
            .is_some_and(|call| now.duration_since(*call) >= Duration::from_secs(60))
        {
            self.calls.pop_front();
        }
        let takes = self.calls.len() < self.most;
        if takes {
            self.calls.push_back(now);
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_the_minute() {
        let now = Instant::now();
        let mut rate = Rate::new(2);
        assert!(rate.takes(now) && rate.takes(now));
        assert!(!rate.takes(now + Duration::from_secs(59)));
        assert!(rate.takes(now + Duration::from_secs(60)));
    }
}
