use std::{collections::BTreeSet, future::Future, pin::pin, task::Poll};

use berth_protocol::Role;
use berth_store::StoreError;
use serde_json::json;

use crate::support::{Fixture, assert_consistent};

/// Polls a future until it has been pending so many times, then drops it.
async fn drop_after<F: Future>(future: F, pending: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = pending;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_dropped_write_is_whole_or_absent_and_the_next_one_works() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let mut acknowledged = Vec::new();
    let mut dropped = 0;
    // How often a write is pending varies with the scheduling of the connection's thread, so the
    // points at which it is dropped are not the same in every round, and together they are many.
    for pending in (0..12).cycle().take(360) {
        let append = store.append_message(id, Role::User, "dropped", 1);
        match drop_after(append, pending).await {
            Some(message) => acknowledged.push(message.unwrap().seq),
            None => dropped += 1,
        }
        let message = store.append_message(id, Role::User, "kept", 1).await;
        acknowledged.push(message.unwrap().seq);
    }
    assert!(dropped > 60, "only {dropped} were dropped before their end");
    let stored = store.messages(id, 0, 1000).await.unwrap().messages;
    for seq in acknowledged {
        assert!(stored.iter().any(|message| message.seq == seq), "{seq}");
    }
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_is_kept_in_memory_is_what_is_stored_whoever_is_gone_meanwhile() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let draft =
        json!({"name": "tools", "server": {"type": "http", "url": "https://a.example/mcp"}});
    let draft = serde_json::from_value(draft).unwrap();
    store.create_mcp(&draft).await.unwrap();
    let mut raw = fixture.raw().await;
    let (mut made, mut undone) = (0, 0);
    for (round, pending) in (0..16).cycle().take(320).enumerate() {
        let known = store.mcp_configurations().await.unwrap().remove(0);
        let mut draft = known.draft.clone();
        draft.name = format!("tools-{round}");
        let kept = BTreeSet::new();
        let update = store.update_mcp(known.id, known.version, &draft, &kept);
        drop_after(update, pending).await;
        // Whatever was begun is over when the next write is.
        store.note("a.note", "test", "1", json!({})).await.unwrap();
        let stored: String = sqlx::query_scalar("SELECT name FROM mcp_configurations")
            .fetch_one(&mut raw)
            .await
            .unwrap();
        let now = store.mcp_configurations().await.unwrap().remove(0);
        assert_eq!(
            now.draft.name, stored,
            "dropped when pending {pending} times"
        );
        match stored == draft.name {
            true => made += 1,
            false => undone += 1,
        }
    }
    assert!(
        made > 0 && undone > 0,
        "{made} were made, {undone} were not"
    );
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn a_call_that_is_given_up_while_it_begins_is_in_the_trail_once() {
    const ROUNDS: usize = 240;
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let draft =
        json!({"name": "tools", "server": {"type": "http", "url": "https://a.example/mcp"}});
    let draft = serde_json::from_value(draft).unwrap();
    let id = store.create_mcp(&draft).await.unwrap().id;
    let mut wanted = Vec::new();
    for (round, pending) in (0..8).cycle().take(ROUNDS).enumerate() {
        let call = format!("{round:016x}");
        let told = json!({"call": call});
        drop_after(store.begin_mcp_call(id, &call, &told), pending).await;
        let over = json!({"call": call, "outcome": "cancelled"});
        store.end_mcp_call(id, call.clone(), over);
        wanted.push(json!(call));
    }
    let events = store.audit(0, 1000).await.unwrap().events;
    let called = events.iter().filter(|event| event.action == "mcp.called");
    let called: Vec<_> = called.map(|event| event.details["call"].clone()).collect();
    assert_eq!(called, wanted);
    // A row that is left would be told again by the next start.
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 0);
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (fixture, _, session) = Fixture::with_session().await;
    let store = &fixture.store;
    store.close().await;
    store.close().await;
    let write = store.append_message(session.id, Role::User, "x", 1).await;
    assert!(matches!(
        write.unwrap_err(),
        StoreError::Closed {
            doing: "adding a message"
        }
    ));
    let read = store.sessions().await.unwrap_err();
    assert!(matches!(read, StoreError::Closed { .. }));
    let left: Vec<_> = crate::support::files(fixture.folder.path())
        .into_keys()
        .collect();
    assert_eq!(left, ["berth.db"], "the WAL was moved into the file");
}
