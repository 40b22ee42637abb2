//! Messages to a program and its answers.

use berth_protocol::{CreateSession, Role, Session, UpdateSession, WorkspaceKind};
use berth_tests::{Engine, session};
use reqwest::Method;

use crate::{folder, repository};

#[tokio::test]
async fn a_shell_answers_a_message_and_both_stand_in_the_transcript() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    assert_eq!(
        session.workspace.kind,
        WorkspaceKind::Worktree,
        "a repository gives a worktree"
    );
    assert_eq!(session.run, 1);

    let sent = engine.client.chat(session.id, "expr 40 + 2").await.unwrap();
    assert_eq!((sent.role, sent.seq), (Role::User, 1));
    let reply = engine
        .client
        .message_with(session.id, Role::Agent, "42")
        .await;
    assert_eq!(reply.content, "42", "the reply has neither echo nor prompt");
    engine.client.waiting(session.id).await;
    let messages = engine.client.messages(session.id).await;
    assert_eq!(messages, [sent, reply]);
}

#[tokio::test]
async fn the_first_message_is_handed_over_and_names_the_session() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let request = CreateSession {
        message: Some("echo hel''lo".to_owned()),
        ..session(project.id, "shell")
    };
    let session = engine.client.start(&request).await;
    assert_eq!(session.title, "echo hel''lo");
    assert_eq!(
        session.workspace.kind,
        WorkspaceKind::InPlace,
        "no repository, no worktree"
    );
    engine
        .client
        .message_with(session.id, Role::Agent, "hello")
        .await;
    let rename = UpdateSession {
        title: "Greeting".to_owned(),
    };
    let path = format!("/sessions/{}", session.id);
    let renamed: Session = engine
        .client
        .value(engine.client.request(Method::PATCH, &path).json(&rename))
        .await
        .unwrap();
    assert_eq!(renamed.title, "Greeting");
}
