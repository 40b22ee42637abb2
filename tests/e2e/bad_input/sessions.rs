//! What a session does not take.

use berth_protocol::{
    Approval, ChatRequest, Code, CreateSession, DiffPage, Session, Status, Transport,
};
use berth_tests::{Engine, session};
use serde_json::json;

use crate::plain_project;

#[tokio::test]
async fn a_session_that_cannot_be_started_as_asked_is_refused() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let shell = || session(project.id, "shell");
    let refused = async |request: CreateSession| {
        engine
            .client
            .try_start(&request)
            .await
            .expect_err("it is refused")
            .code
    };
    let mode = CreateSession {
        permission_mode: Some("yolo".to_owned()),
        ..shell()
    };
    assert_eq!(refused(mode).await, Code::PermissionModeUnknown);
    let acp = CreateSession {
        transport: Some(Transport::Acp),
        ..shell()
    };
    assert_eq!(refused(acp).await, Code::TransportUnsupported);
    for message in ["", " \n ", "\u{7}"] {
        let empty = CreateSession {
            message: Some(message.to_owned()),
            ..shell()
        };
        assert_eq!(refused(empty).await, Code::BadRequest, "{message:?}");
    }
    let long = CreateSession {
        message: Some("x".repeat(256 * 1024 + 1)),
        ..shell()
    };
    assert_eq!(refused(long).await, Code::BodyTooLarge);
    let title = CreateSession {
        title: Some("x".repeat(201)),
        ..shell()
    };
    assert_eq!(refused(title).await, Code::BadRequest);
    let name = json!({"project_id": project.id, "agent": "No Agent!"});
    let name = engine
        .client
        .post::<Session>("/sessions", &name)
        .await
        .unwrap_err();
    assert_eq!(name.code, Code::BadRequest);
    assert_eq!(
        engine.client.sessions().await,
        [],
        "none of them left a session"
    );
}

#[tokio::test]
async fn a_session_that_does_not_take_it_refuses_a_message() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    for empty in ["", "   \n\t", "\u{1b}"] {
        let refused = engine.client.chat(id, empty).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{empty:?}");
    }
    let approval = Approval {
        attention_id: "1-1".to_owned(),
        option_id: "1".to_owned(),
    };
    let path = format!("/sessions/{id}/approval");
    let refused = engine.client.tell(&path, &approval).await.unwrap_err();
    assert_eq!(refused.code, Code::AttentionGone);

    engine.client.chat(id, "sleep 1000").await.unwrap();
    let busy = engine
        .client
        .session_until(id, "works", |s| s.status == Status::Running);
    busy.await;
    assert_eq!(
        engine.client.chat(id, "echo hi").await.unwrap_err().code,
        Code::SessionBusy
    );
    engine.client.interrupt(id).await.unwrap();
    engine.client.waiting(id).await;
    engine.client.stop(id).await;
    for refused in [
        engine.client.chat(id, "echo hi").await.map(drop),
        engine.client.input(id, "x").await,
        engine.client.interrupt(id).await,
    ] {
        assert_eq!(refused.unwrap_err().code, Code::SessionEnded);
    }
    let diff = engine
        .client
        .get::<DiffPage>(&format!("/sessions/{id}/diff"))
        .await;
    assert_eq!(
        diff.unwrap_err().code,
        Code::NotARepository,
        "a plain folder has no base"
    );
}

#[tokio::test]
async fn control_characters_in_a_message_press_no_keys() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    // A program that shows every byte it gets, and that a real Ctrl-C would end.
    let script = "printf '\\e[?2004h'; stty -icanon -echo; echo rea''dy; exec cat -v";
    let id = engine
        .client
        .command(project.id, &["bash", "-c", script])
        .await
        .id;
    let mut viewer = engine.client.view(id).await;
    viewer.sees("ready").await;
    engine.client.waiting(id).await;
    let message = "one\u{1b}[201~\u{3}\u{4}\u{1a}two";
    let request = ChatRequest {
        session_id: id,
        content: message.to_owned(),
    };
    // Whether the program shows it as an agent would is not the question.
    let _ = engine
        .client
        .post::<serde_json::Value>("/chat", &request)
        .await;
    viewer.sees("two").await;
    let drawn = viewer.drawn();
    assert!(drawn.contains("^[[200~one[201~two^[[201~"), "{drawn:?}");
    assert!(!drawn.contains("^C") && !drawn.contains("^D"), "{drawn:?}");
    assert!(
        engine.client.session(id).await.status.is_live(),
        "the program goes on"
    );
}
