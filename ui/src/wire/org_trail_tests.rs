use std::fmt::Debug;

use berth_protocol::tenant::{OrgTrailEvent, OrgTrailPage};
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

#[test]
fn people_and_what_a_check_came_to_are_read_as_serde_reads_them() {
    check::<OrgTrailPeople>(&format!(
        r#"{{"people":[{{"pseudonym":"p_1","user_id":"{ID}","display_name":"Ada","email":null}},
            {{"pseudonym":"p_2","user_id":"{ID}"}}]}}"#
    ));
    check::<OrgTrailVerification>(
        r#"{"valid":true,"checked":2,"first":1,"last":2,"broken_at":null,"checkpoint":null,"head":"00","kept":null}"#,
    );
    check::<OrgTrailVerification>(
        r#"{"valid":false,"checked":2,"first":4,"last":5,"broken_at":4,"checkpoint":3,"head":"00",
            "kept":{"seq":5,"is_same":false,"is_retired":true}}"#,
    );
}

#[test]
fn where_an_event_came_from_is_read_as_serde_reads_it() {
    check::<OrgTrailOrigin>(r#"{"address":"192.0.2.7","program":"berth/0.1.0"}"#);
    check::<OrgTrailOrigin>("{}");
}

#[test]
fn a_page_is_read_as_serde_reads_it_but_for_its_facts() {
    let events = [
        format!(
            r#"{{"seq":2,"at":"{AT}","occurred_at":"{AT}","actor":"p_1","actor_name":"Ada","device_id":"{ID}",
                "device_seq":4,"is_here":true,"action":"session.created","subject_kind":"session","subject_id":"{ID}","session_id":"{ID}",
                "details":{{"agent":"claude","none":null}},"prev_hash":"aa","hash":"bb","is_whole":true}}"#
        ),
        format!(
            r#"{{"seq":1,"at":"{AT}","actor":"system","action":"membership.created","subject_kind":"membership",
                "subject_id":"p_1","subject_name":"Ada","details":{{}},"prev_hash":"00","hash":"aa","is_whole":false}}"#
        ),
    ];
    let text = format!(r#"{{"events":[{}],"next":1}}"#, events.join(","));
    let meant: OrgTrailPage = serde_json::from_str(&text).unwrap();
    let read: OrgTrailEntries = read(&serde_json::to_string(&meant).unwrap()).unwrap();
    assert_eq!(read.next, meant.next);
    for (read, meant) in read.events.iter().zip(&meant.events) {
        let OrgTrailEvent {
            seq,
            at,
            occurred_at,
            actor,
            actor_name,
            device_id,
            device_seq,
            is_here,
            action,
            subject_kind,
            subject_id,
            subject_name,
            session_id,
            hash,
            is_whole,
            ..
        } = meant.clone();
        let details = read.details.clone();
        let same = OrgTrailEntry {
            seq,
            at,
            occurred_at,
            actor,
            actor_name,
            device_id: device_id.map(|id| id.to_string()),
            device_seq,
            is_here,
            action,
            subject_kind,
            subject_id,
            subject_name,
            session_id: session_id.map(|id| id.to_string()),
            details,
            hash,
            is_whole,
        };
        assert_eq!(*read, same);
    }
    assert_eq!(read.events.len(), 2);
    let agent = [("agent".to_owned(), "claude".to_owned())];
    assert_eq!(read.events[0].details, agent);
}
