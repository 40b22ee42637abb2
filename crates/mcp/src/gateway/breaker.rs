//! When a server may be tried again that could not be reached, and how often an agent may call.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// First and longest pause after failures.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// A circuit breaker: after each failure in a row the pause before the next attempt is twice as long.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    until: Option<Instant>,
}

impl Breaker {
    /// How long to wait before the next attempt; nothing when there may be one now.
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        self.until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|pause| !pause.is_zero())
    }

    /// An attempt failed.
    pub fn failed(&mut self, now: Instant) {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + doubled.min(LONGEST));
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

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
    fn each_failure_doubles_the_pause_up_to_a_minute_and_success_ends_it() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        assert_eq!(breaker.pause(now), None);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            breaker.failed(now);
            pauses.push(breaker.pause(now).unwrap_or_default().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(breaker.pause(now + Duration::from_secs(60)), None);
        breaker.succeeded();
        assert_eq!(breaker.pause(now), None);
    }

    #[test]
    fn calls_are_counted_by_the_minute() {
        let now = Instant::now();
        let mut rate = Rate::new(2);
        assert!(rate.takes(now) && rate.takes(now));
        assert!(!rate.takes(now + Duration::from_secs(59)));
        assert!(rate.takes(now + Duration::from_secs(60)));
    }
}
