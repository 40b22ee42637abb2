//! Tests that a program which is not ours has broken off by itself.
//!
//! An agent that crashes, or a window system that answers nothing, says nothing about Berth. Such a test runs a
//! second time, and never silently: `cargo xtask test` prints what happened beside the counts, and fails when it
//! happens often.

use std::{
    env, fs,
    future::Future,
    io::Write,
    panic::{self, AssertUnwindSafe},
};

use futures::FutureExt;

use crate::this_test;

/// What broke off a test, as the payload of its panic.
struct Disturbed(String);

/// Breaks off the test because of something that a program did by itself which is not ours.
///
/// # Panics
/// Always: [`undisturbed`] catches it once.
#[expect(clippy::print_stdout, reason = "the payload is not printed by itself")]
pub fn break_off(what: String) -> ! {
    println!("BROKEN OFF: {what}");
    panic::panic_any(Disturbed(what))
}

/// Runs a test, and once more when it is broken off.
///
/// # Panics
/// When the test fails, or is broken off twice.
pub async fn undisturbed<F: Future<Output = ()>>(test: impl Fn() -> F) {
    twice(test, note).await;
}

/// [`undisturbed`], which tells `note` what broke off the first run.
async fn twice<F: Future<Output = ()>>(test: impl Fn() -> F, note: impl FnOnce(&str)) {
    let Err(payload) = AssertUnwindSafe(test()).catch_unwind().await else {
        return;
    };
    match payload.downcast::<Disturbed>() {
        Ok(disturbed) => {
            note(&disturbed.0);
            test().await;
        }
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Says that this test was broken off and goes on: on the screen, and in the file that `BERTH_TEST_DISTURBED`
/// names.
///
/// # Panics
/// When the file cannot be written.
#[expect(
    clippy::print_stdout,
    reason = "a person who runs one test wants to read it"
)]
pub fn note(what: &str) {
    let (test, what) = (this_test(), what.trim().replace('\n', " | "));
    println!("DISTURBED {test}: {what}");
    if let Some(path) = env::var_os("BERTH_TEST_DISTURBED") {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        // At once, for other tests write there too.
        let line = format!("{test}\t{what}\n");
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.expect("what disturbed the test can be noted");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    // None of them calls `note`: what it writes is counted as a test that was really disturbed.

    #[tokio::test]
    async fn a_test_that_is_broken_off_runs_once_more() {
        let (runs, noted) = (Cell::new(0), RefCell::new(String::new()));
        let broken_off_once = async || {
            runs.set(runs.get() + 1);
            if runs.get() == 1 {
                break_off("the agent has crashed".to_owned());
            }
        };
        let note = |what: &str| *noted.borrow_mut() = what.to_owned();
        twice(broken_off_once, note).await;
        assert_eq!(runs.get(), 2);
        assert_eq!(noted.take(), "the agent has crashed");
    }

    #[tokio::test]
    async fn a_test_that_fails_runs_no_second_time() {
        let runs = Cell::new(0);
        let failing = async || {
            runs.set(runs.get() + 1);
            panic!("it is wrong");
        };
        let failing = twice(failing, |what| panic!("it was not broken off: {what}"));
        assert!(AssertUnwindSafe(failing).catch_unwind().await.is_err());
        assert_eq!(runs.get(), 1);
    }

    #[tokio::test]
    async fn a_test_that_is_broken_off_twice_fails() {
        let failing = twice(async || break_off("again".to_owned()), |_| {});
        assert!(AssertUnwindSafe(failing).catch_unwind().await.is_err());
    }
}
