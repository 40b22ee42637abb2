//! The first message reaches the agent, whatever dies before the agent could take it.

use std::{fs, path::PathBuf};

use berth_protocol::{
    CreateSession, Message, Project, Role, Session, SessionId, Status, WorkspaceRequest,
};
use berth_tests::{Client, Engine, session};

use crate::folder;

/// A program that never pauses, and so takes no message, until a file says what it shall do: end, or
/// repeat every line from now on.
struct Shy {
    project: Project,
    sign: PathBuf,
}

impl Shy {
    async fn new(engine: &Engine) -> Self {
        Self {
            project: engine.client.add_project(&folder(engine, "plain")).await,
            sign: engine.setup().folder().join("sign"),
        }
    }

    /// Starts it with a message, which it does not take.
    async fn start(&self, client: &Client) -> Session {
        let script = "until [ -s \"$0\" ]; do echo busy; sleep 0.05; done; . \"$0\"";
        let sign = self.sign.to_str().expect("the path is text");
        let request = CreateSession {
            command: Some(["bash", "-c", script, sign].map(str::to_owned).to_vec()),
            workspace: Some(WorkspaceRequest::InPlace),
            message: Some("hello".to_owned()),
            ..session(self.project.id, "custom")
        };
        let started = client.start(&request).await;
        let said = said(client, started.id).await;
        assert_eq!(words(&said), ["hello"]);
        assert_eq!(started.undelivered, Some(said[0].id));
        client.view(started.id).await.sees("busy").await;
        started
    }

    /// Lets it end, and take no message when it is started again.
    async fn give_up(&self, client: &Client, session: &Session) -> Session {
        self.tell("rm \"$0\"; exit");
        client.ended(session.id).await
    }

    /// Lets it take messages from its next start on.
    fn relent(&self) {
        self.tell("exec sed -u 's/^/said /'");
    }

    fn tell(&self, script: &str) {
        fs::write(&self.sign, script).expect("the sign can be given");
    }
}

/// What the user said, as far as the transcript has it.
async fn said(client: &Client, id: SessionId) -> Vec<Message> {
    let mut messages = client.messages(id).await;
    messages.retain(|message| message.role == Role::User);
    messages
}

fn words(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.content.as_str())
        .collect()
}

async fn restart(client: &Client, session: &Session) -> Session {
    let path = format!("/sessions/{}/restart", session.id);
    client.act(&path).await.expect("the session restarts")
}

/// The message is handed over in the run that was just started, once, and not in the one after.
async fn check_delivered(client: &Client, restarted: &Session) {
    let id = restarted.id;
    client.view(id).await.sees("said hello").await;
    let waiting = client.session_until(id, "has its message", |session| {
        session.undelivered.is_none() && session.status == Status::Waiting
    });
    waiting.await;
    assert_eq!(words(&said(client, id).await), ["hello"]);

    // Ctrl-D: the program ends by itself.
    client.input(id, "\u{4}").await.expect("it is typed");
    client.ended(id).await;
    restart(client, restarted).await;
    client.waiting(id).await;
    let again = client.chat(id, "again").await;
    again.expect("the program takes a message");
    let mut viewer = client.view(id).await;
    viewer.sees("said again").await;
    assert!(!viewer.drawn().contains("hello"), "it was handed over once");
    assert_eq!(words(&said(client, id).await), ["hello", "again"]);
    let audit = client.audit().await;
    let delivered = audit.iter().filter(|e| e.action == "message.delivered");
    assert_eq!(delivered.count(), 1);
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn the_first_message_is_handed_over_after_the_engine_was_killed() {
    let mut engine = Engine::start().await;
    let shy = Shy::new(&engine).await;
    let started = shy.start(&engine.client).await;
    engine.kill();
    engine.restart().await;
    let lost = engine.client.session(started.id).await;
    assert!(matches!(lost.status, Status::Failed { .. }));
    assert_eq!(lost.undelivered, started.undelivered);
    shy.relent();
    let restarted = restart(&engine.client, &lost).await;
    check_delivered(&engine.client, &restarted).await;
}

#[tokio::test]
async fn the_first_message_is_handed_over_after_the_agent_ended() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let shy = Shy::new(&engine).await;
    let started = shy.start(client).await;
    let ended = shy.give_up(client, &started).await;
    assert_eq!(ended.undelivered, started.undelivered);
    // It stays until the agent takes it, however often that is started.
    let again = restart(client, &started).await;
    assert_eq!(again.undelivered, started.undelivered);
    shy.give_up(client, &started).await;
    shy.relent();
    let restarted = restart(client, &started).await;
    check_delivered(client, &restarted).await;
}
