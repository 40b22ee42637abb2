use std::{future::Future, pin::pin, task::Poll};

use berth_protocol::Role;
use berth_store::StoreError;

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
