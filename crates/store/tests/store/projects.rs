use berth_protocol::{Code, ProjectId};
use berth_store::{Op, StoreError};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent, new_session};

#[tokio::test]
async fn a_project_can_be_added_read_renamed_and_removed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let a = store.create_project("/work/a", "a").await.unwrap();
    let b = store.create_project("/work/b", "b").await.unwrap();
    assert_eq!(
        store.projects().await.unwrap(),
        [a.clone(), b.clone()],
        "oldest first"
    );
    assert_eq!(store.project(b.id).await.unwrap(), Some(b.clone()));
    assert_eq!(
        a.created_at.subsec_nanosecond() % 1_000_000,
        0,
        "what is returned is what is stored: whole milliseconds"
    );

    let renamed = store.rename_project(b.id, "B").await.unwrap();
    assert_eq!(renamed.name, "B");
    assert_eq!(store.project(b.id).await.unwrap(), Some(renamed));

    store.delete_project(a.id).await.unwrap();
    assert_eq!(store.project(a.id).await.unwrap(), None);
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_folder_is_a_project_once() {
    let fixture = Fixture::new().await;
    let first = fixture.store.create_project("/work/a", "a").await.unwrap();
    let error = fixture.store.create_project("/work/a", "other").await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::ProjectExists { id } if id == first.id));
    assert_eq!(error.code(), Code::ProjectExists);
    assert_eq!(
        fixture.store.audit(0, 10).await.unwrap().events.len(),
        1,
        "what was refused leaves no trace"
    );
}

#[tokio::test]
async fn a_project_with_sessions_stays() {
    let (fixture, project, session) = Fixture::with_session().await;
    let store = &fixture.store;
    let second = store.create_session(new_session(project.id)).await.unwrap();
    let error = store.delete_project(project.id).await.unwrap_err();
    assert!(matches!(
        error,
        StoreError::ProjectHasSessions { count: 2, .. }
    ));

    for id in [session.id, second.id] {
        let end = berth_store::Phase::Exited {
            code: Some(0),
            signal: None,
        };
        store.session_ended(id, end).await.unwrap();
        store.delete_session(id).await.unwrap();
    }
    store.delete_project(project.id).await.unwrap();
    assert_consistent(store).await;
    let outbox = store.outbox(0, 100).await.unwrap();
    let last = outbox.last().unwrap();
    assert_eq!(
        (
            last.op,
            last.entity_kind.as_str(),
            last.entity_id.parse::<ProjectId>()
        ),
        (Op::Delete, "project", Ok(project.id))
    );
}

#[tokio::test]
async fn a_project_that_does_not_exist_is_said_so() {
    let fixture = Fixture::new().await;
    let id = ProjectId(Uuid::now_v7());
    let store = &fixture.store;
    for error in [
        store.rename_project(id, "x").await.unwrap_err(),
        store.delete_project(id).await.unwrap_err(),
        store.create_session(new_session(id)).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::ProjectNotFound(missing) if missing == id));
        assert_eq!(error.code(), Code::ProjectNotFound);
    }
}

#[tokio::test]
async fn settings_and_agent_versions_are_plain() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(store.setting("theme").await.unwrap(), None);
    store.set_setting("theme", "dark").await.unwrap();
    store.set_setting("theme", "light").await.unwrap();
    assert_eq!(
        store.setting("theme").await.unwrap().as_deref(),
        Some("light")
    );

    store
        .set_agent_version("/bin/a", 5, 10, "1.0")
        .await
        .unwrap();
    let version = |mtime, size| store.agent_version("/bin/a", mtime, size);
    assert_eq!(version(5, 10).await.unwrap().as_deref(), Some("1.0"));
    assert_eq!(version(6, 10).await.unwrap(), None, "the file was changed");
    assert_eq!(version(5, 11).await.unwrap(), None, "the file was replaced");
    store
        .set_agent_version("/bin/a", 6, 10, "1.1")
        .await
        .unwrap();
    assert_eq!(version(6, 10).await.unwrap().as_deref(), Some("1.1"));

    assert_eq!(store.audit(0, 10).await.unwrap().events, []);
    assert_eq!(store.outbox(0, 10).await.unwrap(), []);
}
