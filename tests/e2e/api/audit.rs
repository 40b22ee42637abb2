//! The audit trail.

use berth_protocol::{AuditPage, Event, Role, Session};
use berth_tests::Engine;

use crate::repository;

#[tokio::test]
async fn the_audit_trail_tells_what_happened_and_is_whole() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = client.add_project(&repository(&engine).path).await;
    let session = client.shell(project.id).await;
    let path = format!("/sessions/{}", session.id);
    client.chat(session.id, "echo secret-wo''rd").await.unwrap();
    client
        .message_with(session.id, Role::Agent, "secret-word")
        .await;
    client.waiting(session.id).await;
    client.interrupt(session.id).await.unwrap();
    client.stop(session.id).await;
    client
        .act::<Session>(&format!("{path}/restart"))
        .await
        .unwrap();
    client
        .act::<Session>(&format!("{path}/archive"))
        .await
        .unwrap();
    client
        .act::<Session>(&format!("{path}/restore"))
        .await
        .unwrap();
    client.delete(&path).await.unwrap();
    client
        .delete(&format!("/projects/{}", project.id))
        .await
        .unwrap();

    let events = client.audit().await;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    let mut rest = actions.as_slice();
    for expected in [
        "project.created",
        "session.created",
        "session.spawned",
        "message.added",
        "message.added",
        "session.interrupted",
        "session.ended",
        "session.restarted",
        "session.ended",
        "session.archived",
        "session.restored",
        "session.deleted",
        "project.deleted",
    ] {
        let at = rest.iter().position(|action| *action == expected);
        let at = at.unwrap_or_else(|| panic!("{expected} is not in its place in {actions:?}"));
        rest = &rest[at + 1..];
    }
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.seq, seq, "there are no gaps");
    }
    let text = serde_json::to_string(&events).unwrap();
    assert!(
        !text.contains("secret-wo"),
        "no words of user or agent stand in it"
    );
    client.assert_audit_valid().await;
    let verified = engine.setup().berth(&["audit", "verify"]).await;
    assert!(verified.status.success());
    assert!(String::from_utf8_lossy(&verified.stdout).starts_with("valid: "));
}

#[tokio::test]
async fn a_session_s_activity_is_told_apart_and_as_it_happens() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = client.add_project(&repository(&engine).path).await;
    let other = client.shell(project.id).await;
    let mut stream = client.events(None).await;
    let session = client.shell(project.id).await;
    client.interrupt(session.id).await.unwrap();

    // The stream tells it as it happens.
    let mut told = Vec::new();
    while told.last().map(String::as_str) != Some("session.interrupted") {
        if let Event::AuditAdded { event } = stream.next().await.event {
            assert_eq!(event.session_id, Some(session.id));
            told.push(event.action);
        }
    }
    assert_eq!(
        told,
        ["session.created", "session.spawned", "session.interrupted"]
    );

    // And the trail tells it afterwards, the newest first.
    let mut read = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!(
            "/audit?session_id={}&order=newest&limit=2{after}",
            session.id
        );
        let page: AuditPage = client.get(&path).await.unwrap();
        read.extend(page.events.into_iter().map(|event| event.action));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    told.reverse();
    assert_eq!(read, told);
    client.stop(other.id).await;
}
