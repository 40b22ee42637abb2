//! Outputs as libtest prints them.

use super::*;

fn tally(output: &str, success: bool) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        tally.line(line);
    }
    tally.finish(success)
}

#[test]
fn results_of_all_programs_are_added() {
    let tally = tally(
        "running 3 tests\n\
         test a ... ok\n\
         test b ... FAILED\n\
         test c ... ignored, needs a printer\n\
         test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
         running 1 test\n\
         test d - should panic ... ok\n\
         test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        false,
    );
    assert_eq!(
        (tally.passed, tally.failed, tally.failures, tally.ignored),
        (
            2,
            1,
            vec!["b".to_owned()],
            vec![("c".to_owned(), "needs a printer".to_owned())]
        )
    );
}

#[test]
fn what_another_test_starts_is_neither_passed_nor_skipped() {
    let tally = tally(
        "running 3 tests\n\
         test a ... ok\n\
         test child ... ignored, a part of another test\n\
         test c ... ignored\n\
         test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        true,
    );
    assert_eq!(
        (tally.passed, tally.ignored),
        (1, vec![("c".to_owned(), "ignored".to_owned())])
    );
}

#[test]
fn a_program_without_a_result_has_failed() {
    let tally = tally(
        "running 3 tests\n\
         test a ... ok\n\
         running 1 test\n\
         test d ... ok\n\
         test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        false,
    );
    assert_eq!((tally.passed, tally.failed), (1, 1));
}

#[test]
fn a_failed_cargo_is_a_failure_even_in_silence() {
    assert_eq!(tally("", false).failed, 1);
    assert_eq!(tally("", true).failed, 0);
}

#[test]
fn output_of_a_child_does_not_hide_a_result() {
    let tally = tally(
        "running 1 test\nbyetest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        true,
    );
    assert_eq!((tally.passed, tally.failed), (1, 0));
}

#[test]
fn what_a_failed_test_said_is_kept() {
    let tally = tally(
        "running 2 tests\n\
         test a::b ... FAILED\n\
         test c ... FAILED\n\
         \n\
         failures:\n\
         \n\
         ---- a::b stdout ----\n\
         what it printed\n\
         \n\
         thread 'a::b' (12) panicked at tests/a.rs:1:2:\n\
         assertion failed\n\
         left: 1\n\
         note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\
         more\n\
         \n\
         ---- c stdout ----\n\
         thread 'c' (13) panicked at tests/c.rs:1:2:\n\
         not in time\n\
         stack backtrace:\n\
            0: main\n\
         \n\
         failures:\n\
             a::b\n\
             c\n\
         test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        false,
    );
    assert_eq!(tally.reasons["a::b"], ["assertion failed", "left: 1"]);
    assert_eq!(tally.reasons["c"], ["not in time"]);
}

#[test]
fn a_test_in_documentation_that_does_not_compile_says_why() {
    let tally = tally(
        "running 1 test\n\
         test src/lib.rs - (line 6) ... FAILED\n\
         failures:\n\
         ---- src/lib.rs - (line 6) stdout ----\n\
         error[E0716]: temporary value dropped while borrowed\n\
         \x20--> src/lib.rs:8:14\n\
         failures:\n\
         \x20   src/lib.rs - (line 6)\n\
         test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        false,
    );
    let why = &tally.reasons["src/lib.rs - (line 6)"];
    assert!(why[0].starts_with("error[E0716]"), "{why:?}");
}
