use serde_json::{Value, from_value};

use super::*;

const YOU: &str = "019a0000-0000-7000-8000-000000000001";
const UNA: &str = "019a0000-0000-7000-8000-000000000002";
const OLD: &str = "019a0000-0000-7000-8000-000000000011";
const NEW: &str = "019a0000-0000-7000-8000-000000000012";
const EARLY: &str = "2026-11-28T12:00:00Z";
const LATE: &str = "2026-11-29T12:00:00Z";

fn text(id: &str, version: u32) -> Text {
    let row = json!({"id": id, "purpose": "recording", "version": version, "body": "words"});
    Text {
        row: from_value(row).unwrap(),
        waits: false,
    }
}

fn said(text: &str, user: Option<&str>, at: &str, withdrawn: Value) -> Said {
    let row = json!({
        "id": Uuid::now_v7(), "user_id": user, "consent_text_id": text, "granted_at": at,
        "withdrawn_at": withdrawn,
    });
    Said {
        row: from_value(row).unwrap(),
        is_new: user.is_none(),
        change: None,
    }
}

fn known(said: Vec<Said>) -> Known {
    Known {
        you: YOU.parse().unwrap(),
        is_admin: true,
        texts: vec![text(OLD, 1), text(NEW, 2)],
        said,
        people: BTreeMap::new(),
    }
}

#[test]
fn the_newest_text_of_a_purpose_is_told_and_an_older_one_as_long_as_somebody_agrees_to_it() {
    let versions = |said: Vec<Said>| -> Vec<(u32, bool)> {
        let texts = known(said).told().texts.into_iter();
        texts.map(|text| (text.version, text.is_current)).collect()
    };
    assert_eq!(versions(Vec::new()), [(2, true)]);
    let standing = said(OLD, Some(UNA), EARLY, Value::Null);
    assert_eq!(versions(vec![standing]), [(2, true), (1, false)]);
    let withdrawn = said(OLD, Some(UNA), EARLY, json!(LATE));
    assert_eq!(versions(vec![withdrawn]), [(2, true)]);
    assert_eq!(known(Vec::new()).newest("other"), 0);
}

#[test]
fn who_agreed_twice_agrees_once_and_since_the_first_time() {
    let known = known(vec![
        said(NEW, Some(UNA), LATE, Value::Null),
        said(NEW, Some(UNA), EARLY, Value::Null),
        said(NEW, None, LATE, Value::Null),
    ]);
    let told = known.told().texts.remove(0);
    assert_eq!(told.agreements.len(), 2);
    assert_eq!(told.agreed_at, Some(LATE.parse().unwrap()));
    let una = told.agreements.iter().find(|it| !it.person.is_you).unwrap();
    assert_eq!(una.at, EARLY.parse::<Timestamp>().unwrap());
}

#[test]
fn what_the_backend_would_refuse_is_told_by_field() {
    let wanted = |purpose: &str, body: &str| NewConsentText {
        purpose: purpose.to_owned(),
        body: body.to_owned(),
    };
    assert!(problems(&wanted("recording", "words")).is_empty());
    let both = problems(&wanted("Recording", " "));
    let fields: Vec<_> = both.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["purpose", "body"]);
}
