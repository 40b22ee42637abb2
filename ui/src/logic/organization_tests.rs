use serde_json::{Value, json};

use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01Z";

fn sync(status: Value, more: Value) -> SyncState {
    let mut whole = json!({
        "status": status, "fresh_at": AT, "waiting": 0, "conflicts": 0, "parked": 0, "audit_waiting": 0,
        "audit_refused": 0, "rounds": 1,
    });
    for (name, value) in more.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn state(account: Value, more: Value) -> OrgState {
    let mut whole = json!({
        "account": account, "backend": {"url": "https://a.example", "fixed": false},
    });
    for (name, value) in more.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

#[test]
fn the_page_is_about_what_has_to_be_done_next() {
    let signed_out = json!({"is": "signed_out"});
    let without = state(signed_out.clone(), json!({"backend": null}));
    assert_eq!(face(&without), Face::NoBackend);
    assert_eq!(face(&state(signed_out, json!({}))), Face::SignedOut);
    let waiting = json!({"is": "signing_in", "url": "https://a.example/x", "until": AT});
    assert_eq!(
        face(&state(waiting, json!({}))),
        Face::Browser {
            url: "https://a.example/x".to_owned(),
            until: AT.parse().unwrap(),
        }
    );
    let factor = json!({"id": ID, "name": null, "is_supported": true});
    let asked = json!({"is": "second_factor", "factors": [factor]});
    assert!(matches!(face(&state(asked, json!({}))), Face::Factor(all) if all.len() == 1));
    let signed_in = json!({"is": "signed_in", "user": ID, "email": null, "second_factor": false});
    assert_eq!(face(&state(signed_in, json!({}))), Face::SignedIn);
}

#[test]
fn each_state_of_sync_has_a_word_and_a_sentence() {
    for (status, name, tone, text) in [
        (
            json!({"is": "starting"}),
            "starting",
            Tone::Running,
            "not been asked",
        ),
        (
            json!({"is": "fresh"}),
            "fresh",
            Tone::Waiting,
            "what the backend has",
        ),
        (
            json!({"is": "stale", "since": AT, "code": "tenant.refused", "detail": "no such table"}),
            "stale",
            Tone::Attention,
            "something is wrong: no such table",
        ),
        (
            json!({"is": "offline", "since": AT}),
            "offline",
            Tone::Ended,
            "does not answer",
        ),
        (
            json!({"is": "signed_out"}),
            "signed-out",
            Tone::Attention,
            "Sign in again",
        ),
        (
            json!({"is": "schema", "backend": 3, "known": 2}),
            "schema-newer",
            Tone::Failed,
            "schema 3, and this Berth knows 2. Install",
        ),
        (
            json!({"is": "schema", "backend": 1, "known": 2}),
            "schema-older",
            Tone::Failed,
            "schema 1, and this Berth needs 2. Ask",
        ),
        (
            json!({"is": "schema", "backend": null, "known": 2}),
            "schema-older",
            Tone::Failed,
            "needs, 2. Ask",
        ),
        (
            json!({"is": "wiped", "unsent": 0}),
            "wiped",
            Tone::Failed,
            "is removed.",
        ),
        (
            json!({"is": "wiped", "unsent": 2}),
            "wiped",
            Tone::Failed,
            "is removed. 2 changes had not been sent.",
        ),
    ] {
        let sync = sync(status.clone(), json!({}));
        let stands = standing(Some(&sync));
        assert_eq!((stands.name, stands.tone), (name, tone), "{status}");
        assert!(!stands.word.is_empty(), "{status}");
        let said = told(Some(&sync));
        assert!(said.contains(text), "{status}: {said}");
        let is_late = matches!(name, "stale" | "offline");
        assert_eq!(since(&sync).is_some(), is_late, "{status}");
        assert_eq!(fresh_at(&sync).is_some(), name != "wiped", "{status}");
    }
    assert_eq!(standing(None).name, "unknown");
    assert!(told(None).contains("Nobody is signed in"));
}

#[test]
fn only_what_there_is_is_counted() {
    let fresh = json!({"is": "fresh"});
    assert_eq!(counts(&sync(fresh.clone(), json!({}))), [""; 0]);
    let more = json!({
        "waiting": 1, "conflicts": 2, "parked": 1, "parked_code": "sync.forbidden", "audit_waiting": 3,
        "audit_refused": 1, "told": {"waiting": 2, "refused": 1, "refused_code": "sync.invalid"},
    });
    assert_eq!(
        counts(&sync(fresh, more)),
        [
            "1 change waits to be sent",
            "2 conflicts: somebody else has changed the same",
            "1 change is refused (sync.forbidden)",
            "2 facts of this machine wait to be sent",
            "1 fact of this machine is refused (sync.invalid)",
            "3 audit events wait to be sent",
            "1 audit event is refused",
        ]
    );
}

#[test]
fn the_sign_is_that_of_the_active_one_and_asks_when_somebody_must_choose() {
    let account = json!({"is": "signed_in", "user": ID, "email": null, "second_factor": false});
    let with = |status: Value, more: Value| {
        let sync = serde_json::to_value(sync(status, more)).unwrap();
        let entry = json!({"id": ID, "name": "Acme", "role": "user", "sync": sync});
        state(
            account.clone(),
            json!({"organizations": [entry], "active": ID}),
        )
    };
    let name = |state: &OrgState| sign(state).map(|(_, name, standing)| (name, standing.name));
    let acme = |standing| Some(("Acme".to_owned(), standing));
    let fresh = json!({"is": "fresh"});
    assert_eq!(name(&with(fresh.clone(), json!({}))), acme("fresh"));
    assert_eq!(
        name(&with(fresh.clone(), json!({"conflicts": 1}))),
        acme("needs-you")
    );
    assert_eq!(
        name(&with(fresh.clone(), json!({"parked": 1}))),
        acme("needs-you")
    );
    let signed_out = json!({"is": "signed_out"});
    assert_eq!(
        name(&with(signed_out, json!({"conflicts": 1}))),
        acme("signed-out")
    );
    let alone = OrgState {
        active: None,
        ..with(fresh, json!({}))
    };
    assert_eq!(name(&alone), None);
}

#[test]
fn the_time_that_is_left_ends() {
    let check = |left_ms: i64, shown: Option<&str>| {
        assert_eq!(left(1_000_000, 1_000_000 + left_ms).as_deref(), shown);
    };
    check(300_000, Some("5:00"));
    check(299_001, Some("5:00"));
    check(61_000, Some("1:01"));
    check(9_500, Some("0:10"));
    check(1, Some("0:01"));
    check(0, None);
    check(-5_000, None);
}

#[test]
fn what_is_typed_is_taken_as_people_type_it() {
    assert_eq!(code_of(" 123 456\n"), "123456");
    for (typed, is) in [
        ("a@b.example", true),
        (" a@b ", true),
        ("", false),
        ("a", false),
        ("@b", false),
        ("a@", false),
        ("a@b@c", false),
    ] {
        assert_eq!(is_email(typed), is, "{typed}");
    }
    assert_eq!(provider_name("github"), "GitHub");
    assert_eq!(provider_name("moon"), "moon");
}

#[test]
fn factors_that_cannot_be_entered_are_named_apart() {
    let factor = |name: Option<&str>, is_supported: bool| OrgFactor {
        id: ID.parse().unwrap(),
        name: name.map(str::to_owned),
        is_supported,
    };
    let all = [
        factor(Some("Phone"), true),
        factor(None, true),
        factor(Some("Key"), false),
    ];
    let (usable, others) = factors(&all);
    let names: Vec<_> = usable.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["Phone", "Authenticator 2"]);
    assert!(usable.iter().all(|(id, _)| id == ID));
    assert_eq!(others, ["Key"]);
}
