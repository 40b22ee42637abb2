use berth_protocol::{Code, Message, MessageId, Part, Role, SessionId, Timestamp};
use berth_store::{Phase, Store};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent};

#[tokio::test]
async fn a_transcript_is_read_in_pages() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let mut all = Vec::new();
    for (index, role) in [Role::User, Role::Agent, Role::User]
        .into_iter()
        .enumerate()
    {
        let text = format!("line {index}\nwith \"quotes\" and 🦀");
        all.push(store.append_message(id, role, &text, 1).await.unwrap());
    }
    let page = store.messages(id, 0, 2).await.unwrap();
    assert_eq!(page.messages, all[..2]);
    assert_eq!(page.next, Some(2));
    let page = store.messages(id, 2, 2).await.unwrap();
    assert_eq!((page.messages, page.next), (all[2..].to_vec(), None));
    assert_eq!(
        store.messages(id, 0, 3).await.unwrap().next,
        None,
        "a page that is just full is the last"
    );
    assert_eq!(store.message_count(id).await.unwrap(), 3);
}

#[tokio::test]
async fn a_message_needs_its_session() {
    let fixture = Fixture::new().await;
    let id = SessionId(Uuid::now_v7());
    let error = fixture.store.append_message(id, Role::User, "x", 1).await;
    assert_eq!(error.unwrap_err().code(), Code::SessionNotFound);
    assert_eq!(fixture.store.message_count(id).await.unwrap(), 0);
}

#[tokio::test]
async fn deleting_a_session_takes_its_transcript_and_leaves_its_audit_events() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    store
        .append_message(id, Role::User, "hello", 1)
        .await
        .unwrap();
    let end = Phase::Exited {
        code: Some(0),
        signal: None,
    };
    store.session_ended(id, end).await.unwrap();
    store.delete_session(id).await.unwrap();
    assert_eq!(store.messages(id, 0, 10).await.unwrap().messages, []);
    let actions: Vec<_> = store.audit(0, 10).await.unwrap().events;
    let actions: Vec<_> = actions.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "project.created",
            "session.created",
            "message.added",
            "session.ended",
            "session.deleted"
        ]
    );
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_message_keeps_the_identifier_that_it_was_shown_under() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, MessageId(Uuid::now_v7()));
    let parts = [
        Part::Thought {
            text: "hm".to_owned(),
        },
        Part::Text {
            text: "done".to_owned(),
        },
    ];
    let said = Message {
        id,
        session_id: session.id,
        seq: 7,
        role: Role::Agent,
        content: "done".to_owned(),
        parts: parts.to_vec(),
        at: Timestamp::UNIX_EPOCH,
        run: 1,
        partial: true,
    };
    let stored = store.append_known(&said).await.unwrap();
    let expected = Message {
        seq: 1,
        partial: false,
        ..said.clone()
    };
    assert_eq!(stored, expected, "its position is that in the transcript");
    let page = store.messages(session.id, 0, 10).await.unwrap();
    assert_eq!(page.messages, [stored]);
    let again = store.append_known(&said).await;
    assert!(again.is_err(), "an identifier stands for one message");
    assert_eq!(store.message_count(session.id).await.unwrap(), 1);
    assert_consistent(store).await;
}

/// Appends from several tasks at once and checks that positions have no gaps.
async fn check_concurrent(stores: Vec<Store>, id: SessionId) {
    const EACH: usize = 25;
    let tasks: Vec<_> = stores
        .iter()
        .enumerate()
        .map(|(task, store)| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let text = format!("{task}/{n}");
                    store
                        .append_message(id, Role::Agent, &text, 1)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let page = stores[0].messages(id, 0, 1000).await.unwrap();
    let seqs: Vec<_> = page.messages.iter().map(|message| message.seq).collect();
    let expected: Vec<_> = (1..=(stores.len() * EACH) as i64).collect();
    assert_eq!(seqs, expected);
    assert_consistent(&stores[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_leave_no_gap() {
    let (fixture, _, session) = Fixture::with_session().await;
    check_concurrent(vec![fixture.store.clone(); 4], session.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_through_two_open_stores_leave_no_gap() {
    let (fixture, _, session) = Fixture::with_session().await;
    let other = Store::open(fixture.folder.path()).await.unwrap();
    check_concurrent(vec![fixture.store.clone(), other], session.id).await;
}
