use berth_protocol::{
    Beginning, Code, DiffStat, Failure, SessionId, SessionMcpServer, Size, Timestamp, Workspace,
    WorkspaceKind,
};
use berth_store::{GivenPrompt, Phase, Process, StoreError};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent, new_session};

fn exited() -> Phase {
    Phase::Exited {
        code: Some(3),
        signal: None,
    }
}

#[tokio::test]
async fn a_session_comes_back_as_it_was_made() {
    let (fixture, project, _) = Fixture::with_session().await;
    let server = SessionMcpServer::Http {
        name: "docs".to_owned(),
        url: "https://example.com/mcp".to_owned(),
        bearer: None,
    };
    let new = berth_store::NewSession {
        agent: "custom".parse().unwrap(),
        command: Some(vec!["my \"agent\"".to_owned(), "--flag".to_owned()]),
        workspace: Workspace {
            kind: WorkspaceKind::InPlace,
            path: "/work/app".to_owned(),
            branch: None,
            base: Some("main".to_owned()),
            base_commit: None,
        },
        agent_session: Some("abc".to_owned()),
        instructions: Some("Be brief.".to_owned()),
        mcp_servers: vec![server],
        ..new_session(project.id)
    };
    let made = fixture.store.create_session(new.clone()).await.unwrap();
    assert_eq!((made.phase.clone(), made.run), (Phase::Live, 1));
    assert_eq!(made.command, new.command);
    assert_eq!(made.workspace, new.workspace);
    assert_eq!(made.instructions, new.instructions);
    assert_eq!(made.mcp_servers, new.mcp_servers);
    assert_eq!(
        fixture.store.session(new.id).await.unwrap(),
        Some(made.clone())
    );
    assert_eq!(
        fixture.store.sessions().await.unwrap()[0],
        made,
        "newest first"
    );
}

#[tokio::test]
async fn a_session_lives_ends_and_starts_again() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let process = Process {
        pid: 4242,
        started_at: 1_700_000_000,
    };
    let spawned = store.session_spawned(id, process.pid, process.started_at);
    assert_eq!(spawned.await.unwrap().process, Some(process));
    assert_eq!(store.live_sessions().await.unwrap().len(), 1);

    let ended = store.session_ended(id, exited()).await.unwrap();
    assert_eq!((&ended.phase, ended.process), (&exited(), None));
    assert!(ended.ended_at.is_some());
    assert_eq!(store.live_sessions().await.unwrap(), []);

    let again = store
        .session_restarted(
            id,
            Beginning::Resumed,
            Some("s-2"),
            &GivenPrompt::default(),
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        (&again.phase, again.run, again.ended_at),
        (&Phase::Live, 2, None)
    );
    assert_eq!(
        (again.beginning, again.agent_session.as_deref()),
        (Beginning::Resumed, Some("s-2"))
    );

    let failure = Phase::Failed(Failure {
        code: Code::EngineLost,
        detail: "gone".to_owned(),
    });
    let failed = store.session_ended(id, failure.clone()).await.unwrap();
    assert_eq!(failed.phase, failure);
    assert_eq!(store.session(id).await.unwrap(), Some(failed));
    assert_consistent(store).await;
}

#[tokio::test]
async fn the_first_end_stays() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let first = store.session_ended(id, exited()).await.unwrap();
    let late = Phase::Exited {
        code: None,
        signal: Some("SIGKILL".to_owned()),
    };
    assert_eq!(store.session_ended(id, late).await.unwrap(), first);
    let actions = store.audit(0, 10).await.unwrap().events;
    let ends = actions.iter().filter(|e| e.action == "session.ended");
    assert_eq!(ends.count(), 1);
}

#[tokio::test]
async fn an_end_that_is_stored_later_has_the_moment_at_which_it_came() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let came = Timestamp::UNIX_EPOCH;
    let ended = store.session_ended_at(id, exited(), came).await.unwrap();
    assert_eq!(ended.ended_at, Some(came));
    assert!(
        ended.updated_at > came,
        "clients see that it has changed now"
    );
    assert_eq!(store.session(id).await.unwrap(), Some(ended));
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_a_phase_forbids_is_refused_and_leaves_no_trace() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let live = [
        store
            .session_restarted(id, Beginning::New, None, &GivenPrompt::default(), None)
            .await
            .unwrap_err(),
        store.archive_session(id, None).await.unwrap_err(),
        store.delete_session(id).await.unwrap_err(),
        store.session_ended(id, Phase::Live).await.unwrap_err(),
    ];
    for error in live {
        assert_eq!(error.code(), Code::SessionLive, "{error}");
    }
    store.session_ended(id, exited()).await.unwrap();
    let error = store.session_spawned(id, 1, 1).await.unwrap_err();
    assert_eq!(error.code(), Code::SessionEnded);
    store.archive_session(id, None).await.unwrap();
    let error = store
        .session_restarted(id, Beginning::New, None, &GivenPrompt::default(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SessionArchived);
    assert_eq!(store.audit(0, 100).await.unwrap().events.len(), 4);
    assert_consistent(store).await;
}

#[tokio::test]
async fn an_archived_session_keeps_its_commit_and_comes_back_elsewhere() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    store.session_ended(id, exited()).await.unwrap();
    let archived = store.archive_session(id, Some("beef".to_owned()));
    let archived = archived.await.unwrap();
    assert_eq!(archived.archive_commit.as_deref(), Some("beef"));
    assert_eq!(
        store.archive_session(id, None).await.unwrap(),
        archived,
        "archiving twice changes nothing"
    );

    let workspace = Workspace {
        path: "/work/app-2".to_owned(),
        ..session.workspace
    };
    let restored = store.restore_session(id, Some(workspace.clone())).await;
    let restored = restored.unwrap();
    assert_eq!(
        (restored.archived_at, &restored.archive_commit),
        (None, &None)
    );
    assert_eq!(restored.workspace, workspace);
    assert_eq!(store.restore_session(id, None).await.unwrap(), restored);
    assert_consistent(store).await;
}

#[tokio::test]
async fn size_changes_and_the_agents_own_session_are_plain() {
    let (fixture, _, session) = Fixture::with_session().await;
    let (store, id) = (&fixture.store, session.id);
    let before = store.audit(0, 100).await.unwrap();
    let size = Size { rows: 10, cols: 20 };
    let changes = DiffStat {
        files: 1,
        added: 1 << 40,
        removed: 0,
    };
    store.set_session_size(id, size).await.unwrap();
    store.set_session_changes(id, Some(changes)).await.unwrap();
    store
        .set_agent_session(id, "s-1", Beginning::Resumed)
        .await
        .unwrap();
    let read = store.session(id).await.unwrap().unwrap();
    assert_eq!((read.size, read.changes), (size, Some(changes)));
    assert_eq!(read.agent_session.as_deref(), Some("s-1"));
    assert_eq!(read.updated_at, session.updated_at);

    store.set_session_changes(id, None).await.unwrap();
    assert_eq!(store.session(id).await.unwrap().unwrap().changes, None);
    assert_eq!(store.audit(0, 100).await.unwrap(), before);
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_said_so() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = SessionId(Uuid::now_v7());
    let errors = [
        store.session_spawned(id, 1, 1).await.unwrap_err(),
        store
            .session_restarted(id, Beginning::New, None, &GivenPrompt::default(), None)
            .await
            .unwrap_err(),
        store.session_ended(id, exited()).await.unwrap_err(),
        store.rename_session(id, "x").await.unwrap_err(),
        store.archive_session(id, None).await.unwrap_err(),
        store.restore_session(id, None).await.unwrap_err(),
        store.set_session_size(id, Size::DEFAULT).await.unwrap_err(),
        store.set_session_changes(id, None).await.unwrap_err(),
        store
            .set_agent_session(id, "s-1", Beginning::New)
            .await
            .unwrap_err(),
        store.delete_session(id).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::SessionNotFound(missing) if missing == id));
    }
    assert_eq!(store.session(id).await.unwrap(), None);
}
