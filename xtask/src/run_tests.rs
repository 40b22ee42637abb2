//! What is asked of an engine that was there before.

use std::time::Duration;

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn an_engine_is_looked_for_in_the_data_folder_that_is_passed_on() {
    let found = |text| data_dir(&words(text)).join(" ");
    assert_eq!(found("--port 4000 --data-dir /a"), "--data-dir /a");
    assert_eq!(found("--data-dir=/a --port 4000"), "--data-dir=/a");
    assert_eq!(found("--port 4000"), "");
    assert_eq!(
        found("--data-dir"),
        "",
        "clap has said that it lacks its folder"
    );
}

#[test]
fn only_an_engine_that_is_known_to_be_older_than_the_build_is_called_so() {
    let built = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    let second = Duration::from_secs(1);
    assert!(is_before(Some(built - second), Some(built)));
    assert!(!is_before(Some(built + second), Some(built)));
    assert!(!is_before(Some(built), Some(built)));
    assert!(!is_before(None, Some(built)));
    assert!(!is_before(Some(built), None));
}
