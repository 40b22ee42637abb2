//! More access than there is: what is asked for then, and how often (specification of 2025-11-25,
//! `/basic/authorization`, "Scope Challenge Handling"). It is the same whether a user signs in for it or a client asks
//! for itself.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many times within [`WINDOW`] more access to one server is asked for.
const MOST: usize = 2;

/// The time in which step-ups are counted.
const WINDOW: Duration = Duration::from_secs(600);

/// The step-ups of one server.
#[derive(Default)]
pub(super) struct StepUps(Mutex<VecDeque<Instant>>);

impl StepUps {
    /// Counts one that begins now. Answers whether it may; one that may not is not counted.
    pub(super) fn begin(&self, now: Instant) -> bool {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|time| now.saturating_duration_since(*time) < WINDOW);
        let may_begin = times.len() < MOST;
        if may_begin {
            times.push_back(now);
        }
        may_begin
    }

    /// The last one does not count: nobody has decided on it.
    pub(super) fn take_back(&self) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.pop_back();
    }
}

/// The scopes to ask for: those that are held, and those that are wanted besides.
pub(super) fn united(mut held: Vec<String>, wanted: &[String]) -> Vec<String> {
    for scope in wanted {
        if !held.contains(scope) {
            held.push(scope.clone());
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_access_is_asked_for_twice_within_ten_minutes_and_no_more() {
        let (step_ups, began) = (StepUps::default(), Instant::now());
        let minutes = |minutes: u64| began + Duration::from_secs(60 * minutes);
        for (minute, may_begin) in [
            (0, true),
            (4, true),
            (5, false),
            (9, false),
            // The first is over, and those that were refused do not count.
            (10, true),
            (13, false),
            (14, true),
        ] {
            assert_eq!(step_ups.begin(minutes(minute)), may_begin, "{minute}");
        }
    }

    #[test]
    fn what_is_held_is_asked_for_with_what_is_wanted_and_nothing_twice() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert_eq!(united(words("a b"), &words("b c c")), words("a b c"));
        assert_eq!(united(Vec::new(), &words("c")), words("c"));
        assert_eq!(united(words("a"), &[]), words("a"));
    }
}
