//! When the backend is asked, and when again.

use std::time::Duration;

/// How often the backend is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Between two questions.
    pub every: Duration,
    /// By how much of itself each pause is longer or shorter at random, 0 to 1, so that many clients do not ask at
    /// the same moment.
    pub spread: f64,
    /// Upper bound of the pause between being told by the backend that something has changed and asking: all members
    /// are told at the same moment, and several changes in a row are one question.
    pub told: Duration,
    /// How often the connection over which it is told is shown to be alive, and to whom it belongs. Realtime ends one
    /// that is silent for longer than 25 s.
    pub heartbeat: Duration,
    /// Upper bound of the pause after a first failure.
    pub first_retry: Duration,
    /// Upper bound of any pause after a failure.
    pub longest_retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
            spread: 0.2,
            told: Duration::from_millis(200),
            heartbeat: Duration::from_secs(25),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(300),
        }
    }
}

impl Pace {
    /// Until the next question when all is well.
    pub(super) fn idle(&self) -> Duration {
        let random = 2.0 * rand::random::<f64>() - 1.0;
        self.every.mul_f64(1.0 + self.spread * random)
    }

    /// Until the next question when the backend has told of something.
    pub(super) fn told(&self) -> Duration {
        self.told.mul_f64(rand::random::<f64>())
    }

    /// Until the next attempt after so many failures in a row, from 1: anything up to a bound that doubles each
    /// time ("full jitter").
    pub(super) fn retry(&self, failures: u32) -> Duration {
        self.bound(failures).mul_f64(rand::random::<f64>())
    }

    fn bound(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(31));
        self.first_retry
            .saturating_mul(doubled)
            .min(self.longest_retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_anything_below() {
        let pace = Pace::default();
        let seconds = |failures| pace.bound(failures).as_secs();
        assert_eq!(
            [seconds(1), seconds(2), seconds(3), seconds(9), seconds(10)],
            [1, 2, 4, 256, 300]
        );
        assert_eq!(seconds(u32::MAX), 300);
        for _ in 0..1000 {
            assert!(pace.retry(4) <= Duration::from_secs(8));
        }
    }

    #[test]
    fn questions_are_spread_around_a_minute_and_follow_at_once_on_what_was_told() {
        let pace = Pace::default();
        for _ in 0..1000 {
            assert!((48..=72).contains(&pace.idle().as_secs()));
            assert!(pace.told() <= Duration::from_millis(200));
        }
    }
}
