//! Bounds what may be logged: a busy day at `BERTH_LOG=debug` must not take the disk's space from sessions and the
//! store.

use std::io::{self, Write};

/// Passes lines on until the limit of a period is reached, then says so once and passes nothing on until the next.
pub struct Bounded<W, P> {
    inner: W,
    /// Bytes that may be written in one period.
    limit: u64,
    /// The line that says that the limit is reached.
    notice: &'static str,
    /// Tells which period it is.
    period: P,
    current: u64,
    written: u64,
    full: bool,
}

impl<W: Write, P: Fn() -> u64> Bounded<W, P> {
    /// `written` bytes of this period are there already.
    pub fn new(inner: W, limit: u64, notice: &'static str, period: P, written: u64) -> Self {
        Self {
            inner,
            limit,
            notice,
            current: period(),
            period,
            written,
            full: false,
        }
    }
}

impl<W: Write, P: Fn() -> u64> Write for Bounded<W, P> {
    /// Takes a whole line: half of one would be worth nothing.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let now = (self.period)();
        if now != self.current {
            self.current = now;
            self.written = 0;
            self.full = false;
        }
        if self.full {
            return Ok(line.len());
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(length);
        if self.written > self.limit {
            self.full = true;
            self.inner.write_all(self.notice.as_bytes())?;
        } else {
            self.inner.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn check(limit: u64, written: u64, lines: &[(u64, &str)], expected: &str) {
        let day = Cell::new(0);
        let mut log = Bounded::new(Vec::<u8>::new(), limit, "full\n", || day.get(), written);
        for (on, line) in lines {
            day.set(*on);
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(String::from_utf8(log.inner).unwrap(), expected);
    }

    #[test]
    fn what_goes_beyond_the_limit_is_left_out_and_said_once() {
        let lines = [(0, "one\n"), (0, "two\n"), (0, "three\n"), (0, "4\n")];
        check(8, 0, &lines, "one\ntwo\nfull\n");
    }

    #[test]
    fn the_next_period_begins_anew() {
        let lines = [(0, "one\n"), (0, "two\n"), (1, "one\n"), (1, "two\n")];
        check(4, 0, &lines, "one\nfull\none\nfull\n");
    }

    #[test]
    fn what_an_earlier_start_has_written_counts() {
        check(8, 6, &[(0, "one\n"), (1, "two\n")], "full\ntwo\n");
    }
}
