use berth_protocol::{AuditVerification, Beginning, Failure, Role};
use berth_store::{AuditQuery, ChainedEvent, GENESIS_HASH, GivenPrompt, Phase, event_hash};
use serde_json::json;

use crate::support::{Fixture, assert_consistent, execute, new_session};

/// A store with five events, tampered with by `sql` after the triggers were taken away.
async fn verify_after(sql: &'static str) -> AuditVerification {
    let (fixture, _, session) = Fixture::with_session().await;
    for n in 1..=3 {
        let id = session.id.to_string();
        let note = fixture
            .store
            .note("session.interrupted", "session", &id, json!({"n": n}));
        note.await.unwrap();
    }
    let mut conn = fixture.raw().await;
    execute(
        &mut conn,
        "DROP TRIGGER audit_events_are_appended;
         DROP TRIGGER audit_events_never_change;
         DROP TRIGGER audit_events_are_never_deleted;
         DROP TRIGGER audit_head_follows;
         DROP TRIGGER audit_head_stays;",
    )
    .await;
    execute(&mut conn, sql).await;
    fixture.store.verify_audit().await.unwrap()
}

async fn check_broken(sql: &'static str, at: i64) {
    let verified = verify_after(sql).await;
    assert_eq!(
        (verified.valid, verified.broken_at),
        (false, Some(at)),
        "{sql}"
    );
}

#[tokio::test]
async fn an_untouched_chain_is_valid() {
    assert_eq!(
        verify_after("SELECT 1").await,
        AuditVerification {
            valid: true,
            checked: 5,
            first: Some(1),
            last: Some(5),
            broken_at: None
        }
    );
    let empty = Fixture::new().await.store.verify_audit().await.unwrap();
    assert_eq!((empty.valid, empty.checked, empty.last), (true, 0, None));
}

#[tokio::test]
async fn a_changed_event_is_found() {
    check_broken("UPDATE audit_events SET details = '{}' WHERE seq = 3", 3).await;
    check_broken("UPDATE audit_events SET details = 'x' WHERE seq = 2", 2).await;
    check_broken("UPDATE audit_events SET at = at + 1 WHERE seq = 1", 1).await;
    check_broken("UPDATE audit_events SET action = 'x' WHERE seq = 5", 5).await;
    check_broken(
        "UPDATE audit_events SET details = '{\"n\": 1}' WHERE seq = 3",
        3,
    )
    .await;
}

#[tokio::test]
async fn an_event_removed_from_the_beginning_or_the_middle_is_found() {
    check_broken("DELETE FROM audit_events WHERE seq = 1", 1).await;
    check_broken("DELETE FROM audit_events WHERE seq = 3", 3).await;
    check_broken(
        "DELETE FROM audit_events WHERE seq = 3;
         UPDATE audit_events SET seq = seq - 1 WHERE seq > 3;",
        3,
    )
    .await;
}

#[tokio::test]
async fn events_that_changed_places_are_found() {
    check_broken(
        "UPDATE audit_events SET seq = -3 WHERE seq = 3;
         UPDATE audit_events SET seq = 3 WHERE seq = 4;
         UPDATE audit_events SET seq = 4 WHERE seq = -3;",
        3,
    )
    .await;
}

#[tokio::test]
async fn a_cut_off_end_is_found() {
    check_broken("DELETE FROM audit_events WHERE seq = 5", 5).await;
    check_broken("DELETE FROM audit_events WHERE seq > 2", 3).await;
    check_broken("DELETE FROM audit_events", 1).await;
    check_broken("DELETE FROM audit_head", 5).await;
}

#[tokio::test]
async fn an_event_added_past_the_store_is_found() {
    check_broken(
        "INSERT INTO audit_events SELECT 6, at, action, subject_kind, subject_id, details, hash,
             hash FROM audit_events WHERE seq = 5",
        6,
    )
    .await;
}

#[tokio::test]
async fn a_chain_longer_than_one_batch_is_verified_to_its_end() {
    let fixture = Fixture::new().await;
    for n in 0..1005 {
        let note = fixture.store.note("test", "test", "1", json!({"n": n}));
        note.await.unwrap();
    }
    let verified = fixture.store.verify_audit().await.unwrap();
    assert_eq!((verified.valid, verified.checked), (true, 1005));
    let mut conn = fixture.raw().await;
    execute(
        &mut conn,
        "DROP TRIGGER audit_events_never_change;
         UPDATE audit_events SET subject_id = '2' WHERE seq = 1003;",
    )
    .await;
    let verified = fixture.store.verify_audit().await.unwrap();
    assert_eq!(verified.broken_at, Some(1003));
}

#[tokio::test]
async fn the_file_itself_refuses_to_change_the_trail() {
    let (fixture, ..) = Fixture::with_session().await;
    let mut conn = fixture.raw().await;
    for sql in [
        "UPDATE audit_events SET action = 'x'",
        "DELETE FROM audit_events WHERE seq = 1",
        "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events WHERE seq = 1",
        "INSERT INTO audit_events VALUES (9, 0, '', '', '', '{}', '', '')",
        "UPDATE audit_head SET seq = 1",
        "UPDATE audit_head SET hash = 'x'",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, '')",
    ] {
        let outcome = sqlx::query(sql).execute(&mut conn).await;
        assert!(outcome.is_err(), "{sql} was accepted");
    }
    assert_consistent(&fixture.store).await;
}

#[tokio::test]
async fn the_trail_is_read_in_pages() {
    let fixture = Fixture::new().await;
    for n in 0..3 {
        let note = fixture
            .store
            .note("approval.answered", "session", "s", n.into());
        note.await.unwrap();
    }
    let page = fixture.store.audit(0, 2).await.unwrap();
    assert_eq!(page.next, Some(2));
    assert_eq!(page.events[1].details, json!(1));
    assert_eq!(page.events[0].prev_hash, GENESIS_HASH);
    assert_eq!(page.events[1].prev_hash, page.events[0].hash);
    let page = fixture.store.audit(2, 2).await.unwrap();
    assert_eq!((page.events.len(), page.next), (1, None));
}

#[tokio::test]
async fn what_a_session_did_is_read_from_either_end() {
    let (fixture, project, session) = Fixture::with_session().await;
    let store = &fixture.store;
    let other = store.create_session(new_session(project.id)).await.unwrap();
    for id in [session.id, other.id, session.id] {
        let said = store.append_message(id, Role::User, "Hello", 1);
        said.await.unwrap();
    }
    let id = session.id.to_string();
    let note = store.note("session.interrupted", "session", &id, json!({}));
    note.await.unwrap();

    let page = async |newest_first, after, limit| {
        let wanted = AuditQuery {
            session: Some(session.id),
            newest_first,
            after,
            limit,
        };
        let page = store.audit_page(&wanted).await.unwrap();
        let events = page.events.into_iter().inspect(|event| {
            assert_eq!(event.session_id, Some(session.id));
        });
        let actions = events.map(|event| (event.seq, event.action));
        (actions.collect::<Vec<_>>(), page.next)
    };
    let all = [
        (2, "session.created".to_owned()),
        (4, "message.added".to_owned()),
        (6, "message.added".to_owned()),
        (7, "session.interrupted".to_owned()),
    ];
    assert_eq!(page(false, None, 3).await, (all[..3].to_vec(), Some(6)));
    assert_eq!(page(false, Some(6), 3).await, (all[3..].to_vec(), None));
    let newest = |range: &[(i64, String)]| range.iter().rev().cloned().collect::<Vec<_>>();
    assert_eq!(page(true, None, 3).await, (newest(&all[1..]), Some(4)));
    assert_eq!(page(true, Some(4), 3).await, (newest(&all[..1]), None));
}

#[tokio::test]
async fn followers_hear_of_what_was_committed_and_of_nothing_else() {
    let (fixture, _, session) = Fixture::with_session().await;
    let store = &fixture.store;
    let mut events = store.follow_audit();
    let left = store.follow_audit();
    drop(left);
    // This write fails after its audit event was added and before it is committed.
    let mut conn = fixture.raw().await;
    execute(
        &mut conn,
        "CREATE TRIGGER refused BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let refused = store.append_message(session.id, Role::User, "Hello", 1);
    assert!(refused.await.is_err());
    execute(&mut conn, "DROP TRIGGER refused").await;
    store
        .append_message(session.id, Role::User, "Hello", 1)
        .await
        .unwrap();
    let told = events.try_recv().unwrap();
    let written = store.audit(2, 10).await.unwrap().events;
    assert_eq!(written, [told]);
    assert!(events.try_recv().is_err());
}

/// The hash was computed apart, with Python:
/// `hashlib.sha256(("0" * 64 + canonical).encode()).hexdigest()`.
#[test]
fn the_hash_is_the_documented_one() {
    let event = ChainedEvent {
        seq: 1,
        at: 1_700_000_000_123,
        action: "session.ended",
        subject_kind: "session",
        subject_id: "01890a5d-ac96-774b-bcce-b302099a8057",
        details: r#"{"code":0,"phase":"exited","signal":null}"#,
    };
    assert_eq!(
        event_hash(GENESIS_HASH, &event),
        "88464e21629f7ae1ec8cdeaf9edb1a5262fd13e57579202ff3f4adb44eb55d01"
    );
}

#[tokio::test]
async fn trail_and_outbox_hold_no_free_text() {
    const TEXT: &str = "Sesame";
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let project = store.create_project("/Sesame", TEXT).await.unwrap();
    store.rename_project(project.id, "Sesame!").await.unwrap();
    let mut new = new_session(project.id);
    new.title = TEXT.to_owned();
    new.command = Some(vec![TEXT.to_owned()]);
    new.workspace.path = "/Sesame".to_owned();
    new.workspace.branch = Some(TEXT.to_owned());
    new.workspace.base = Some(TEXT.to_owned());
    new.agent_session = Some(TEXT.to_owned());
    let id = store.create_session(new).await.unwrap().id;
    store.rename_session(id, "Sesame!").await.unwrap();
    store.session_spawned(id, 1, 1).await.unwrap();
    for role in [Role::User, Role::Agent] {
        store.append_message(id, role, TEXT, 1).await.unwrap();
    }
    let failure = Failure {
        code: berth_protocol::Code::SpawnFailed,
        detail: TEXT.to_owned(),
    };
    store
        .session_ended(id, Phase::Failed(failure))
        .await
        .unwrap();
    store
        .session_restarted(id, Beginning::New, None, &GivenPrompt::default(), None)
        .await
        .unwrap();
    let end = Phase::Exited {
        code: None,
        signal: Some("SIGTERM".to_owned()),
    };
    store.session_ended(id, end).await.unwrap();
    store.archive_session(id, None).await.unwrap();
    store.restore_session(id, None).await.unwrap();
    store.delete_session(id).await.unwrap();
    store.delete_project(project.id).await.unwrap();

    for event in store.audit(0, 100).await.unwrap().events {
        assert!(!format!("{event:?}").contains(TEXT), "{event:?}");
    }
    for entry in store.outbox(0, 100).await.unwrap() {
        assert!(!format!("{entry:?}").contains(TEXT), "{entry:?}");
    }
    assert_consistent(store).await;
}
