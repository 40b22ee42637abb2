//! What the tests came to: the closing lines and the exit code.

use std::{collections::BTreeMap, process::ExitCode};

use crate::test::tally::Tally;

/// Tests that may have been broken off in one run; what breaks off more of them is to be found.
const MOST_DISTURBED: usize = 1;

/// The counts of a whole run and the names behind them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    /// What failed tests said, by their names.
    reasons: BTreeMap<String, Vec<String>>,
    skips: Vec<(String, String)>,
    /// What broke off a test that ran once more, by the names of the tests.
    disturbed: Vec<(String, String)>,
    /// What passed and is no test, with what it says of itself.
    notes: Vec<String>,
}

impl Outcome {
    /// Adds what one `cargo test` printed.
    pub(super) fn add(&mut self, tally: Tally) {
        self.passed += tally.passed;
        self.failed += tally.failed;
        self.failures.extend(tally.failures);
        self.reasons.extend(tally.reasons);
        for (name, reason) in tally.ignored {
            self.skip(name, reason);
        }
    }

    /// Counts something as passed that is not a test.
    pub(super) fn pass(&mut self, what: String) {
        self.passed += 1;
        self.notes.push(what);
    }

    /// Counts something as failed that is not a test.
    pub(super) fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }

    /// Counts something as skipped that libtest did not count as passed.
    pub(crate) fn skip(&mut self, name: String, reason: String) {
        self.skips.push((name, reason));
    }

    /// Takes the lines `name<TAB>reason` of tests that returned early: libtest called them passed.
    pub(super) fn add_skips(&mut self, lines: &str) {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let (name, reason) = line.split_once('\t').unwrap_or((line, "no reason given"));
            if self.skips.iter().any(|(known, _)| known == name) {
                continue;
            }
            self.passed = self.passed.saturating_sub(1);
            self.skip(name.to_owned(), reason.to_owned());
        }
    }

    /// Takes the lines `name<TAB>what happened` of tests that a program which is not ours broke off.
    pub(super) fn add_disturbed(&mut self, lines: &str) {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let (name, what) = line.split_once('\t').unwrap_or((line, "nothing is said"));
            self.disturbed.push((name.to_owned(), what.to_owned()));
        }
    }

    /// Fails for what was broken off once too often.
    pub(super) fn judge_disturbed(&mut self) {
        if self.disturbed.len() > MOST_DISTURBED {
            self.fail(format!(
                "{} tests were broken off by programs that are not ours: {MOST_DISTURBED} may be",
                self.disturbed.len()
            ));
        }
    }

    /// Prints the names and, as the last line, the counts.
    pub(crate) fn close(&self) -> ExitCode {
        println!();
        for what in &self.notes {
            println!("PASSED {what}");
        }
        for (name, reason) in &self.skips {
            println!("SKIPPED {name}: {reason}");
        }
        for (name, what) in &self.disturbed {
            println!("DISTURBED {name}, which ran once more: {what}");
        }
        for what in &self.failures {
            println!("FAILED {what}");
            for line in self.reasons.get(what).into_iter().flatten() {
                println!("    {line}");
            }
        }
        if self.nothing_ran() {
            println!("FAILED no test ran");
        }
        println!("{}", self.counts());
        if self.failed > 0 || self.nothing_ran() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    fn nothing_ran(&self) -> bool {
        self.passed + self.failed == 0
    }

    fn counts(&self) -> String {
        let (passed, failed, skipped) = (self.passed, self.failed, self.skips.len());
        let counts = format!("{passed} passed, {failed} failed, {skipped} skipped");
        match self.disturbed.len() {
            0 => counts,
            disturbed => format!("{counts}, {disturbed} disturbed"),
        }
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
