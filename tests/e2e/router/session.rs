//! A session of `ccr` is spoken with like one of any other agent: its questions are answered, it is interrupted
//! and resumed, all behind its router.

use std::path::Path;

use berth_model_server::{ModelServer, Recorded, TurnKind};
use berth_protocol::{Beginning, Role, Session, SessionId, Status};
use berth_tests::routers::{of, provider};

use super::{PATIENCE, engine::Desk};

/// What only the first run's conversation has.
const SECRET: &str = "The door is blue.";

/// A session of `ccr`, and the provider that its router leads to.
struct Routed {
    desk: Desk,
    id: SessionId,
    // Dropped last: an agent that loses its provider says so.
    provider: ModelServer,
}

impl Routed {
    /// `None`, and the test counts as skipped, where one of the programs is not installed.
    async fn begin(version: &str) -> Option<Self> {
        let desk = Desk::set(version).await?;
        let provider = provider("sk-1");
        let router = desk.add("Work", of(version, &provider)).await;
        desk.set_key(router.id, "sk-1").await;
        let request = desk.request("ccr", Some(router.id));
        let id = desk.engine.client.start(&request).await.id;
        let routed = Self { desk, id, provider };
        routed.reaches("waiting").await;
        Some(routed)
    }

    async fn screen(&self) -> String {
        self.desk.engine.client.screen(self.id).await.text
    }

    /// Waits for a status; when another one stays, the screen says why.
    async fn reaches(&self, word: &str) -> Session {
        let client = &self.desk.engine.client;
        let is_it = |session: &Session| session.status.word() == word;
        let reached = client.session_until(self.id, format!("is {word}"), is_it);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(session) => session,
            Err(_) => panic!(
                "it is {:?} and not {word}; its screen:\n{}",
                client.session(self.id).await.status,
                self.screen().await
            ),
        }
    }

    async fn send(&self, message: &str) {
        if let Err(refused) = self.desk.engine.client.chat(self.id, message).await {
            panic!(
                "{message:?} is not taken: {refused}; the screen:\n{}",
                self.screen().await
            );
        }
    }

    async fn exchange(&self, words: &str) {
        self.send(&format!("say: {words}")).await;
        let client = &self.desk.engine.client;
        let said = client.message_with(self.id, Role::Agent, words);
        let in_time = tokio::time::timeout(PATIENCE, said).await.is_ok();
        assert!(
            in_time,
            "{words:?} is not said; the screen:\n{}",
            self.screen().await
        );
        self.reaches("waiting").await;
    }

    /// What the provider was asked when the user said this.
    async fn asked(&self, message: &str) -> Recorded {
        let asked = self.provider.wait_for(PATIENCE, |request| {
            request.kind == Some(TurnKind::Message) && request.body.to_string().contains(message)
        });
        asked.await.expect("the router asks its provider")
    }

    async fn approves(&self) {
        let client = &self.desk.engine.client;
        self.send("write: made.txt: made by the agent").await;
        let asks = self.reaches("needs_attention").await;
        let Status::NeedsAttention { attention } = &asks.status else {
            panic!("{:?} is no question", asks.status);
        };
        assert!(attention.question.contains("made.txt"), "{attention:?}");
        assert!(attention.options.len() >= 2, "{attention:?}");
        let made = Path::new(&asks.workspace.path).join("made.txt");
        assert!(!made.exists(), "nothing happens before the answer");
        let answered = client.answer(self.id, &attention.id, &attention.options[0].id);
        answered.await.expect("it is done");
        self.reaches("waiting").await;
        assert!(made.is_file(), "{}", self.screen().await);
    }

    async fn is_interrupted(&self) {
        let client = &self.desk.engine.client;
        self.send("hang").await;
        self.reaches("running").await;
        self.asked("hang").await;
        client.interrupt(self.id).await.expect("it is done");
        self.reaches("waiting").await;
        self.exchange("Still here.").await;
    }

    async fn resumes(&self) {
        let client = &self.desk.engine.client;
        self.exchange(SECRET).await;
        client.stop(self.id).await;
        let path = format!("/sessions/{}/restart", self.id);
        let again = client.act::<Session>(&path).await.expect("it is restarted");
        assert_eq!(again.run, 2);
        let again = self.reaches("waiting").await;
        assert_eq!(again.beginning, Beginning::Resumed);
        self.exchange("Still here.").await;
        let asked = self.asked("say: Still here.").await.body.to_string();
        assert!(asked.contains(SECRET), "the agent has forgotten: {asked}");
    }

    async fn has_kept_to_its_router(&self) {
        assert!(
            self.desk.direct.requests().is_empty(),
            "it went past its router"
        );
        self.desk.engine.client.assert_audit_valid().await;
    }
}

macro_rules! tests {
    ($($test:ident: $version:literal => $act:ident();)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                if let Some(routed) = Routed::begin($version).await {
                    routed.$act().await;
                    routed.has_kept_to_its_router().await;
                }
            }
        )*
    };
}

tests! {
    ccr_writes_a_file_behind_version_1_once_that_is_approved: "ccr-v1" => approves();
    ccr_is_interrupted_behind_version_1_and_goes_on: "ccr-v1" => is_interrupted();
    ccr_resumes_its_conversation_behind_version_1: "ccr-v1" => resumes();
    ccr_writes_a_file_behind_version_3_once_that_is_approved: "ccr-v3" => approves();
    ccr_is_interrupted_behind_version_3_and_goes_on: "ccr-v3" => is_interrupted();
    ccr_resumes_its_conversation_behind_version_3: "ccr-v3" => resumes();
}
