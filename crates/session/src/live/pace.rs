//! How promptly a program has been drawing lately: how long it must rest before all is drawn that it
//! prepares.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// How far back pauses count. A stall before the first words of an answer says little about its end.
const LATELY: Duration = Duration::from_millis(800);

/// Least rest, three frames of a program that draws twenty in a second: the end of an answer may be drawn a
/// frame later than the row that says it is complete, also on a machine that is idle.
const LEAST: Duration = Duration::from_millis(150);

/// Longest rest of a program that does not say when it has finished: it may as well wait for its model.
const SLOWEST: Duration = Duration::from_millis(500);

/// The longest of the pauses that a program made lately between two of its outputs while it worked.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When each pause ended and how long it was, longest first: a shorter one that ended before a longer
    /// one never counts again.
    pauses: VecDeque<(Instant, Duration)>,
}

impl Pace {
    /// The program worked, and has printed nothing for so long until now.
    pub fn paused(&mut self, pause: Duration, now: Instant) {
        while self.pauses.back().is_some_and(|(_, last)| *last <= pause) {
            self.pauses.pop_back();
        }
        self.pauses.push_back((now, pause));
        while self
            .pauses
            .front()
            .is_some_and(|(ended, _)| now.duration_since(*ended) > LATELY)
        {
            self.pauses.pop_front();
        }
    }

    /// How long the program must rest, `most` at most and if nothing is known of it: a quarter longer than it
    /// paused while it drew. Where the machine is busy its frames are far apart, and so may be the one that
    /// says it has finished and the one with the end of its answer.
    pub fn rest(&self, most: Duration) -> Duration {
        self.pauses
            .front()
            .map_or(most, |(_, longest)| *longest + *longest / 4)
            .max(LEAST)
            .min(most)
    }

    /// How long a program must rest that does not say when it has finished: as long as it does where it draws
    /// promptly, and longer where its frames are far apart.
    pub fn rest_beyond(&self, usual: Duration) -> Duration {
        self.pauses.front().map_or(usual, |(_, longest)| {
            (*longest + *longest / 4).clamp(usual, usual.max(SLOWEST))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(500);

    /// Draws with these pauses, in milliseconds; says how long it must rest then.
    fn rest(pauses: &[u64], most: Duration) -> Duration {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for pause in pauses {
            let pause = Duration::from_millis(*pause);
            now += pause;
            pace.paused(pause, now);
        }
        pace.rest(most)
    }

    #[test]
    fn a_program_that_draws_slowly_must_rest_longer() {
        assert_eq!(rest(&[47; 30], MOST), LEAST);
        assert_eq!(rest(&[47, 200, 47], MOST), Duration::from_millis(250));
        assert_eq!(rest(&[47, 580, 47], MOST), MOST);
    }

    #[test]
    fn one_that_must_not_rest_long_never_does() {
        let most = Duration::from_millis(20);
        assert_eq!(rest(&[], most), most);
        assert_eq!(rest(&[580], most), most);
        assert_eq!(rest(&[1], most), most);
    }

    #[test]
    fn one_that_does_not_say_when_it_has_finished_rests_longer_where_it_draws_slowly() {
        let (usual, mut pace) = (Duration::from_millis(200), Pace::default());
        assert_eq!(pace.rest_beyond(usual), usual);
        let pauses = [(47, 200), (300, 375), (580, 500)];
        for (pause, rest) in pauses {
            pace.paused(Duration::from_millis(pause), Instant::now());
            assert_eq!(pace.rest_beyond(usual), Duration::from_millis(rest));
        }
        let usual = Duration::from_millis(800);
        assert_eq!(pace.rest_beyond(usual), usual);
    }

    #[test]
    fn of_one_that_was_not_seen_drawing_nothing_is_expected() {
        assert_eq!(rest(&[], MOST), MOST);
    }

    #[test]
    fn a_pause_counts_until_it_is_long_ago() {
        let mut pauses = vec![400];
        pauses.extend([40; 20]);
        assert_eq!(rest(&pauses, MOST), MOST, "it ended 800 ms ago");
        pauses.push(40);
        assert_eq!(rest(&pauses, MOST), LEAST);
    }

    #[test]
    fn what_is_kept_does_not_grow_with_what_is_printed() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..10_000 {
            now += Duration::from_micros(10);
            pace.paused(Duration::from_micros(10), now);
        }
        assert_eq!(pace.pauses.len(), 1);
    }
}
