//! Reads what libtest prints: the results of each test program, and programs that never gave one.

use std::collections::BTreeMap;

/// How many lines of a panic's message are worth repeating.
const REASON_LINES: usize = 12;

/// How many characters of such a line are.
const REASON_WIDTH: usize = 300;

/// What `#[ignore = …]` says of a test that another test starts in a process of its own. It runs there, so it is
/// neither skipped nor a test to count.
const PART: &str = "a part of another test";

/// A test in the part of the output in which libtest repeats what failed tests have printed.
#[derive(Debug, PartialEq, Eq)]
struct Speaking {
    test: String,
    panicked: bool,
}

/// The counts of some test programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// Names of the failed tests, for the end of a long output.
    pub(super) failures: Vec<String>,
    /// What failed tests said when they panicked, by their names.
    pub(super) reasons: BTreeMap<String, Vec<String>>,
    /// The failed test whose words are being read.
    speaking: Option<Speaking>,
    /// Names of the tests that are marked `#[ignore]`, and what is said there.
    pub(super) ignored: Vec<(String, String)>,
    /// A test program has started and has not yet printed its result.
    open: bool,
}

impl Tally {
    /// Takes the next line of the output.
    pub(super) fn line(&mut self, line: &str) {
        self.hear(line);
        // What a test's child prints without a line's end stands before libtest's own words.
        if let Some(at) = line.find("test result: ")
            && let Some([passed, failed]) = counts(&line[at..])
        {
            self.open = false;
            self.passed += passed;
            self.failed += failed;
        } else if is_start(line) {
            self.close_crashed();
            self.open = true;
        } else if let Some(rest) = line.strip_prefix("test ")
            && let Some((name, result)) = rest.split_once(" ... ")
        {
            let name = name.trim_end_matches(" - should panic").to_owned();
            if let Some(reason) = result.strip_prefix("ignored") {
                match reason.trim_start_matches([',', ' ']) {
                    PART => {}
                    "" => self.ignored.push((name, "ignored".to_owned())),
                    reason => self.ignored.push((name, reason.to_owned())),
                }
            } else if result.starts_with("FAILED") {
                self.failures.push(name);
            }
        }
    }

    /// Takes the line if it says why a test failed.
    fn hear(&mut self, line: &str) {
        if let Some(test) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            self.speaking = Some(Speaking {
                test: test.to_owned(),
                panicked: false,
            });
            return;
        }
        let Some(speaking) = &mut self.speaking else {
            return;
        };
        if line == "failures:" || line == "stack backtrace:" || line.starts_with("note: run with") {
            self.speaking = None;
        } else if !speaking.panicked {
            speaking.panicked = line.starts_with("thread ") && line.contains(" panicked at ");
            // A test in documentation that does not compile says so instead.
            if line.starts_with("error") {
                speaking.panicked = true;
                let reason = self.reasons.entry(speaking.test.clone()).or_default();
                reason.push(line.chars().take(REASON_WIDTH).collect());
            }
        } else if !line.is_empty() {
            let reason = self.reasons.entry(speaking.test.clone()).or_default();
            if reason.len() < REASON_LINES {
                reason.push(line.chars().take(REASON_WIDTH).collect());
            }
        }
    }

    /// Ends the output; `success` is how cargo ended.
    pub(super) fn finish(mut self, success: bool) -> Self {
        self.close_crashed();
        if !success && self.failed == 0 {
            self.fail("cargo test, without saying which test");
        }
        self
    }

    /// A program that was killed or aborted takes its counts with it.
    fn close_crashed(&mut self) {
        if std::mem::take(&mut self.open) {
            self.fail("a test program, which ended before its tests did");
        }
    }

    fn fail(&mut self, what: &str) {
        self.failed += 1;
        self.failures.push(what.to_owned());
    }
}

/// `running 3 tests`, as each test program begins.
fn is_start(line: &str) -> bool {
    line.strip_prefix("running ")
        .and_then(|rest| rest.split_once(" test"))
        .is_some_and(|(count, _)| count.parse::<usize>().is_ok())
}

/// The first two counts of `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
fn counts(line: &str) -> Option<[usize; 2]> {
    let (_, counts) = line.split_once(". ")?;
    let mut counts = counts.split(';');
    let mut next = |word: &str| {
        counts
            .next()?
            .trim()
            .strip_suffix(word)?
            .trim()
            .parse::<usize>()
            .ok()
    };
    Some([next("passed")?, next("failed")?])
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
