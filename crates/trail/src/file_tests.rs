//! What a file proves, and that nothing in it can be changed unseen.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Begins, Chain, Event, Fault, GENESIS_HASH, LocalEvent, OrgEvent, Proof, Proved, Sealed, Sealer,
    sha256,
};

/// An event of an organization, as its backend has it but for the hashes.
fn org_event(seq: i64) -> OrgEvent {
    OrgEvent {
        org_id: "01890a5d-ac96-774b-bcce-b302099a8059".to_owned(),
        seq,
        id: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
        at: 1_764_331_200_125 + seq,
        occurred_at: Some(1_764_331_200_122 + seq),
        actor: "p_0123456789abcdef0123456789abcdef".to_owned(),
        device_id: Some("01890a5d-ac96-774b-bcce-b302099a8057".to_owned()),
        device_seq: Some(2 + seq),
        device_hash: None,
        action: "session.created".to_owned(),
        subject_kind: "session".to_owned(),
        subject_id: "x\n\u{7f}\"".to_owned(),
        session_id: None,
        details: r#"{"a":"é\u0001\"\\","b":1}"#.to_owned(),
        origin: None,
        prev_hash: String::new(),
        hash: String::new(),
    }
}

fn local_event(seq: i64) -> LocalEvent {
    LocalEvent {
        seq,
        at: 1_764_331_200_125 + seq,
        action: "session.created".to_owned(),
        subject_kind: "session".to_owned(),
        subject_id: "one".to_owned(),
        details: r#"{"code":0}"#.to_owned(),
        prev_hash: String::new(),
        hash: String::new(),
    }
}

/// Events of an organization from `first` on, chained behind a hash.
fn chained(first: i64, count: i64, before: &str) -> Vec<Event> {
    let mut before = before.to_owned();
    let link = |seq| {
        let mut event = org_event(seq);
        event.prev_hash = before.clone();
        event.hash = event.right_hash();
        before.clone_from(&event.hash);
        Event::Organization(Box::new(event))
    };
    (first..first + count).map(link).collect()
}

/// What a backend would say of all of these.
fn sealed(events: &[Event], filter: Value) -> Sealed {
    let (chain, org_id) = match events.first() {
        Some(Event::Organization(event)) => (Chain::Organization, Some(event.org_id.clone())),
        _ => (Chain::Local, None),
    };
    let Value::Object(filter) = filter else {
        panic!("a filter is an object");
    };
    Sealed {
        chain,
        org_id,
        filter,
        until_seq: events.last().map(Event::seq),
        head_hash: events.last().map(|event| event.hash().to_owned()),
        exported_at: "2025-11-28T12:00:01Z".to_owned(),
    }
}

fn file(events: &[Event], sealed: Sealed) -> String {
    let mut sealer = Sealer::new();
    let mut file: String = events.iter().map(|event| sealer.event(event)).collect();
    file.push_str(&sealer.manifest(sealed));
    file
}

fn prove(file: &[u8]) -> Result<Proved, Fault> {
    let mut proof = Proof::new();
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    for line in file.split(|byte| *byte == b'\n') {
        proof.line(line)?;
    }
    proof.end()
}

fn whole(events: &[Event]) -> Result<Proved, Fault> {
    prove(file(events, sealed(events, json!({}))).as_bytes())
}

/// The hash is what `private.audit_hash` of the backend's migrations makes of this event.
#[test]
fn the_hash_of_an_organizations_event_is_the_backends() {
    let mut event = org_event(1);
    event.prev_hash = GENESIS_HASH.to_owned();
    assert_eq!(
        event.right_hash(),
        "aa8c335ab22311803d5f613392725a6ac41e4c95b25e7553febac6110df43971"
    );
}

#[test]
fn all_events_of_a_chain_prove_themselves_from_the_first_on() {
    let events = chained(1, 4, GENESIS_HASH);
    let proved = whole(&events).unwrap();
    assert_eq!((proved.count, proved.begins), (4, Begins::AtFirst));
    assert_eq!(proved.manifest.last_hash.as_deref(), Some(events[3].hash()));

    let none = whole(&[]).unwrap();
    assert_eq!((none.count, none.begins), (0, Begins::AtFirst));
}

#[test]
fn what_was_retired_is_missing_only_in_front_and_only_of_an_organization() {
    let before = sha256(b"the checkpoint");
    let events = chained(8, 3, &before);
    let proved = whole(&events).unwrap();
    let begins = Begins::Behind {
        seq: 7,
        hash: before,
    };
    assert_eq!(proved.begins, begins);

    let mut local = local_event(8);
    local.hash = local.right_hash();
    let missing = whole(&[Event::Local(local)]).unwrap_err();
    assert_eq!(missing, Fault::Missing { seq: 1 });
    let mut none = sealed(&[], json!({}));
    none.until_seq = Some(3);
    let missing = prove(file(&[], none).as_bytes()).unwrap_err();
    assert_eq!(missing, Fault::Missing { seq: 1 });
}

#[test]
fn an_event_that_is_not_there_is_missing_unless_a_filter_has_chosen() {
    let events = chained(1, 5, GENESIS_HASH);
    let some = [events[0].clone(), events[1].clone(), events[4].clone()];
    assert_eq!(whole(&some).unwrap_err(), Fault::Missing { seq: 3 });

    let chosen = sealed(&events, json!({"actions": ["session.created"]}));
    let proved = prove(file(&some, chosen).as_bytes()).unwrap();
    assert_eq!((proved.count, proved.begins), (3, Begins::Chosen));

    // Those at the end are missed by what the backend said of its chain.
    let cut = file(&events[..3], sealed(&events, json!({})));
    assert_eq!(
        prove(cut.as_bytes()).unwrap_err(),
        Fault::Missing { seq: 4 }
    );
}

#[test]
fn events_in_another_order_or_of_another_chain_are_found() {
    let events = chained(1, 3, GENESIS_HASH);
    let turned = [events[0].clone(), events[2].clone(), events[1].clone()];
    assert_eq!(whole(&turned).unwrap_err().seq(), Some(2));
    let twice = [events[0].clone(), events[0].clone()];
    assert_eq!(whole(&twice).unwrap_err().seq(), Some(1));

    let mut local = local_event(2);
    local.prev_hash = events[0].hash().to_owned();
    local.hash = local.right_hash();
    let mixed = [events[0].clone(), Event::Local(local)];
    let fault = whole(&mixed).unwrap_err();
    assert_eq!(fault, Fault::OtherChain { line: 2, seq: 2 });
}

#[test]
fn a_file_that_breaks_off_proves_nothing() {
    let events = chained(1, 3, GENESIS_HASH);
    let file = file(&events, sealed(&events, json!({})));
    let lines: Vec<_> = file.lines().collect();
    let cut = lines[..3].join("\n");
    let fault = prove(cut.as_bytes()).unwrap_err();
    assert_eq!(fault, Fault::NoManifest { seq: Some(4) });
    assert!(prove(b"").is_err());
    let more = format!("{file}{}\n", lines[0]);
    let fault = prove(more.as_bytes()).unwrap_err();
    assert_eq!(fault, Fault::AfterManifest { line: 5 });
}

#[test]
fn a_manifest_that_speaks_of_other_events_is_found() {
    let events = chained(1, 3, GENESIS_HASH);
    let file = file(&events, sealed(&events, json!({})));
    let (lines, last) = file.trim_end().rsplit_once('\n').unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    for (name, other) in [
        ("format", json!("berth.audit.9")),
        ("chain", json!("local")),
        ("org_id", json!(null)),
        ("count", json!(4)),
        ("first_seq", json!(2)),
        ("first_hash", json!(GENESIS_HASH)),
        ("last_seq", json!(4)),
        ("last_hash", json!(GENESIS_HASH)),
        ("until_seq", json!(2)),
        ("until_seq", json!(null)),
        ("head_hash", json!(GENESIS_HASH)),
        ("sha256", json!(GENESIS_HASH)),
        ("unknown", json!(1)),
    ] {
        let mut changed = last.clone();
        changed["manifest"][name] = other;
        let file = format!("{lines}\n{changed}\n");
        assert!(prove(file.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn any_changed_byte_of_the_events_is_found() {
    let events = chained(1, 3, GENESIS_HASH);
    let file = file(&events, sealed(&events, json!({})));
    let ends = file.trim_end().rfind('\n').unwrap();
    for place in 0..=ends {
        for bit in [1, 32, 128] {
            let mut changed = file.clone().into_bytes();
            changed[place] ^= bit;
            let what = String::from_utf8_lossy(&changed[place.saturating_sub(20)..=place]);
            assert!(prove(&changed).is_err(), "byte {place}: {what}");
        }
    }
}

/// Another value of the same kind.
fn other(value: &Value, place: usize, by: char) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => {
            let mut letters: Vec<_> = text.chars().collect();
            let place = place % letters.len();
            letters[place] = if letters[place] == by { '#' } else { by };
            Value::from(letters.into_iter().collect::<String>())
        }
        Value::String(_) => Value::from(by.to_string()),
        Value::Number(number) => {
            Value::from(number.as_i64().unwrap_or_default() ^ (1 << (place % 40)))
        }
        _ if place.is_multiple_of(2) => Value::from(by.to_string()),
        _ => Value::from(place),
    }
}

/// The event with one field changed; nothing when it is no event any more.
fn changed<T: serde::Serialize + serde::de::DeserializeOwned>(
    event: &T,
    field: usize,
    place: usize,
    by: char,
) -> (String, Option<T>) {
    let value = serde_json::to_value(event).expect("it is JSON");
    let Value::Object(mut fields) = value else {
        panic!("an event is an object");
    };
    let name = fields.keys().nth(field % fields.len()).cloned();
    let name = name.expect("it has fields");
    let other = other(&fields[&name], place, by);
    fields.insert(name.clone(), other);
    (name, serde_json::from_value(Value::Object(fields)).ok())
}

proptest! {
    /// Also by somebody who makes a manifest that fits.
    #[test]
    fn any_changed_field_of_an_organizations_event_is_found_in_a_file_that_is_sealed_anew(
        which in 0_usize..4, field in 0_usize..17, place in 0_usize..200, by in any::<char>(),
    ) {
        let mut events = chained(1, 4, GENESIS_HASH);
        let Event::Organization(event) = &events[which] else {
            unreachable!("all are an organization's");
        };
        let (name, other) = changed(&**event, field, place, by);
        if let Some(other) = other {
            let seq = other.seq;
            events[which] = Event::Organization(Box::new(other));
            let fault = whole(&events).unwrap_err();
            prop_assert_eq!(fault.seq(), Some(seq), "{}: {}", name, fault);
        }
    }

    #[test]
    fn any_changed_field_of_a_machines_event_is_found(
        field in 0_usize..8, place in 0_usize..200, by in any::<char>(),
    ) {
        let mut event = local_event(1);
        event.prev_hash = GENESIS_HASH.to_owned();
        event.hash = event.right_hash();
        if let (_, Some(other)) = changed(&event, field, place, by) {
            prop_assert!(!Event::Local(other).is_whole());
        }
    }

    #[test]
    fn what_is_no_file_is_refused_and_nothing_breaks(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(prove(&bytes).is_err());
    }
}

#[test]
fn details_that_would_say_more_than_themselves_are_no_details() {
    let mut event = local_event(1);
    event.prev_hash = GENESIS_HASH.to_owned();
    event.details = r#"{},"seq":9,"x":{}"#.to_owned();
    event.hash = event.right_hash();
    assert!(!Event::Local(event).is_whole());
}

#[test]
fn what_a_hostile_file_says_does_not_reach_the_terminal_as_it_is() {
    let line = "{\"org_id\":\"a\",\"\\u001b[2K\\rvalid: 9000 events\":1}\n";
    let fault = prove(line.as_bytes()).unwrap_err().to_string();
    assert!(
        fault.contains("9000"),
        "the fault repeats what stands there: {fault}"
    );
    assert!(!fault.contains(char::is_control), "{fault:?}");
}
