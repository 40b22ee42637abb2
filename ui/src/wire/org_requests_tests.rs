use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::super::read;
use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01.25Z";

/// What the engine writes is read as what it meant.
fn check<T: Read + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let meant: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let written = serde_json::to_string(&meant).unwrap();
    assert_eq!(read::<T>(&written).as_ref(), Ok(&meant), "{written}");
}

/// What the page writes is read as what it meant.
fn check_body<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
    let written = body.write();
    let read: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
    assert_eq!(read, *body, "{written}");
}

fn person() -> String {
    format!(r#"{{"user":"{ID}","name":"Una \"q\"","email":"una@b.example","is_you":true}}"#)
}

#[test]
fn answers_are_read_as_serde_reads_them() {
    let person = person();
    check::<OrgErasures>(&format!(
        r#"{{"is_admin":true,"requests":[
            {{"id":"{ID}","person":{person},"requested_by":{person},"requested_at":"{AT}","performed_at":null}},
            {{"id":"{ID}","person":null,"requested_by":null,"requested_at":"{AT}","performed_at":"{AT}"}}],
            "people":[{person}]}}"#
    ));
    check::<OrgErasures>(r#"{"is_admin":false,"requests":[],"people":[]}"#);
    check::<OrgConsents>(&format!(
        r#"{{"is_admin":true,"texts":[
            {{"id":"{ID}","purpose":"recording","version":2,"body":"ä \"q\"\nwords","published_at":"{AT}",
              "is_current":true,"waits":false,"agreed_at":"{AT}","agreements":[{{"person":{person},"at":"{AT}"}}]}},
            {{"id":"{ID}","purpose":"recording","version":1,"body":"","is_current":false,"waits":true}}]}}"#
    ));
}

#[test]
fn bodies_are_written_as_serde_reads_them() {
    check_body(&NewErasure { user: None });
    check_body(&NewErasure {
        user: Some(ID.parse().unwrap()),
    });
    check_body(&NewConsentText {
        purpose: "recording".to_owned(),
        body: "ä \"q\" \\ 🦀\n\twords".to_owned(),
    });
}
