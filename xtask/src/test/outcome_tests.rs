//! What counts as passed, failed and skipped.

use super::*;

#[test]
fn a_test_that_said_it_was_skipped_did_not_pass() {
    let mut outcome = Outcome {
        passed: 3,
        ..Outcome::default()
    };
    outcome.add_skips("window::opens\tno display\nwindow::opens\tno display\n\nodd line\n");
    assert_eq!(outcome.counts(), "1 passed, 0 failed, 2 skipped");
}

#[test]
fn a_run_of_nothing_fails() {
    assert!(Outcome::default().nothing_ran());
    let skipped_all = {
        let mut outcome = Outcome {
            passed: 1,
            ..Outcome::default()
        };
        outcome.add_skips("a\tno browser\n");
        outcome
    };
    assert!(skipped_all.nothing_ran());
}

#[test]
fn what_broke_off_a_test_is_counted_and_may_not_happen_often() {
    let mut outcome = Outcome {
        passed: 3,
        ..Outcome::default()
    };
    outcome.add_disturbed("agents::a\tit has crashed\n");
    outcome.judge_disturbed();
    assert_eq!(
        outcome.counts(),
        "3 passed, 0 failed, 0 skipped, 1 disturbed"
    );

    outcome.add_disturbed("agents::b\tit has crashed\n");
    outcome.judge_disturbed();
    assert_eq!(
        outcome.counts(),
        "3 passed, 1 failed, 0 skipped, 2 disturbed"
    );
}
