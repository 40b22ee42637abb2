use berth_protocol::{Beginning, MessageId, SessionId};
use berth_store::{GivenPrompt, NewSession, Phase, UnfinishedWorkspace};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent, new_session};

fn workspace(session_id: SessionId) -> UnfinishedWorkspace {
    UnfinishedWorkspace {
        session_id,
        project_path: "/work/app".to_owned(),
        path: "/data/workspaces/app/1".to_owned(),
    }
}

#[tokio::test]
async fn a_workspace_is_unfinished_until_its_session_is_recorded_or_it_is_undone() {
    let (fixture, project, _) = Fixture::with_session().await;
    let store = &fixture.store;
    let [kept, undone, left] = [(); 3].map(|()| workspace(SessionId(Uuid::now_v7())));
    for begun in [&kept, &undone, &left] {
        store.workspace_begun(begun).await.unwrap();
    }
    let session = NewSession {
        id: kept.session_id,
        ..new_session(project.id)
    };
    store.create_session(session).await.unwrap();
    store.workspace_undone(undone.session_id).await.unwrap();
    store.workspace_undone(undone.session_id).await.unwrap();
    assert_eq!(store.unfinished_workspaces().await.unwrap(), [left]);
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_session_that_could_not_be_recorded_leaves_its_workspace_unfinished() {
    let (fixture, _, session) = Fixture::with_session().await;
    let store = &fixture.store;
    let mut new = new_session(session.project_id);
    new.project_id.0 = Uuid::now_v7();
    let begun = workspace(new.id);
    store.workspace_begun(&begun).await.unwrap();
    store.create_session(new).await.unwrap_err();
    assert_eq!(store.unfinished_workspaces().await.unwrap(), [begun]);
}

#[tokio::test]
async fn a_message_is_undelivered_until_its_agent_took_it() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let undelivered = async || store.session(id).await.unwrap().unwrap().undelivered;
    assert_eq!(undelivered().await, None);
    let message = store.append_undelivered(id, "First", 1).await.unwrap();
    assert_eq!(undelivered().await, Some(message.id));
    assert_eq!(
        store.message(message.id).await.unwrap(),
        Some(message.clone())
    );

    // It outlives the run, and messages after it change nothing about it.
    let end = Phase::Exited {
        code: Some(0),
        signal: None,
    };
    store.session_ended(id, end.clone()).await.unwrap();
    store.archive_session(id, None).await.unwrap();
    store.restore_session(id, None).await.unwrap();
    store
        .session_restarted(id, Beginning::New, None, &GivenPrompt::default(), None)
        .await
        .unwrap();
    let other = store
        .append_message(id, berth_protocol::Role::User, "Second", 2)
        .await
        .unwrap();
    store.message_delivered(&other, 2).await.unwrap();
    assert_eq!(undelivered().await, Some(message.id));

    store.message_delivered(&message, 2).await.unwrap();
    assert_eq!(undelivered().await, None);
    let before = store.audit(0, 100).await.unwrap();
    store.message_delivered(&message, 2).await.unwrap();
    let events = store.audit(0, 100).await.unwrap();
    assert_eq!(events, before, "it is told once");
    let told = events.events.last().unwrap();
    assert_eq!(told.action, "message.delivered");
    assert_eq!(told.subject_id, message.id.to_string());
    assert_consistent(store).await;

    store.append_undelivered(id, "Third", 2).await.unwrap();
    store.session_ended(id, end).await.unwrap();
    store.delete_session(id).await.unwrap();
    let missing = MessageId(Uuid::now_v7());
    assert_eq!(store.message(missing).await.unwrap(), None);
}
