//! Agents that nobody has signed in to, or has told that a folder may be trusted: the user is asked, and
//! the first message waits for the answer.

use std::fs;

use berth_protocol::{Attention, CreateSession, Session};
use berth_tests::{Repository, Setup, agents, programs, session, skip, this_test};
use serde_json::json;

use super::*;

/// What the agents' folders know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing at all.
    Nothing,
    /// The first questions are answered, and nobody is signed in.
    NoLogin,
    /// The provider, and another folder than the project. goose has not asked what it may tell its makers.
    AnotherFolder,
}

impl Stage {
    /// An agent that has not been used in the project before.
    async fn set_fresh(agent: &'static str, known: Known) -> Option<Self> {
        if programs::agent(agent).is_none() {
            skip(&this_test(), &format!("{agent} is not installed"));
            return None;
        }
        let room = Room::of(agent, Transport::Pty).await;
        let model = ModelServer::start(Script::default()).expect("the model server starts");
        let setup = Setup::new();
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let setup = if known == Known::AnotherFolder {
            let another = setup.folder().join("another");
            agents::configure(setup, &model, &another).without("GOOSE_TELEMETRY_ENABLED")
        } else {
            let home = setup.folder().join("fresh");
            fs::create_dir(&home).expect("a folder can be made");
            if known == Known::NoLogin {
                let path = repository.path.to_str().expect("the path is text");
                let known = json!({
                    "hasCompletedOnboarding": true,
                    "projects": {path: {"hasTrustDialogAccepted": true}},
                });
                fs::write(home.join(".claude.json"), known.to_string()).expect("it is written");
            }
            setup
                .variable("CLAUDE_CONFIG_DIR", &home)
                .variable("ANTHROPIC_BASE_URL", model.base_url())
                .variable("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
                .variable("DISABLE_AUTOUPDATER", "1")
                .variable("CODEX_HOME", &home)
                .variable("GEMINI_CLI_HOME", &home)
        };
        let engine = setup.start().await;
        let project = engine.client.add_project(&repository.path).await;
        Some(Self {
            agent,
            transport: Transport::Pty,
            engine,
            repository,
            project,
            model,
            _room: room,
        })
    }

    async fn begin(&self) -> Session {
        let request = CreateSession {
            message: Some("say: Hello.".to_owned()),
            ..session(self.project.id, self.agent)
        };
        self.engine.client.start(&request).await
    }

    /// Waits for a question in which these words stand.
    async fn asks_about(&self, id: SessionId, words: &str) -> Attention {
        let client = &self.engine.client;
        let mut events = client.chat_events(id, None).await;
        let asked = async {
            loop {
                if let Status::NeedsAttention { attention } = client.session(id).await.status
                    && attention.question.contains(words)
                {
                    return attention;
                }
                events.next().await;
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(attention) => attention,
            Err(_) => panic!(
                "{} is {:?} and does not ask about {words:?}; its screen:\n{}",
                self.agent,
                client.session(id).await.status,
                client.screen(id).await.text
            ),
        }
    }

    async fn trusts(&self, id: SessionId, attention: &Attention) {
        let mut options = attention.options.iter();
        let yes = options.find(|option| option.label.to_lowercase().contains("trust"));
        let yes = yes.unwrap_or_else(|| panic!("{attention:?}"));
        let answered = self.engine.client.answer(id, &attention.id, &yes.id);
        answered.await.expect("it is done");
    }

    /// Waits for an answer; when none comes, the screen says why.
    async fn says(&self, id: SessionId, words: &str) {
        let client = &self.engine.client;
        let said = client.message_with(id, Role::Agent, words);
        let in_time = tokio::time::timeout(PATIENCE / 2, said).await.is_ok();
        assert!(
            in_time,
            "{} is {:?} and does not say {words:?}; its screen:\n{}",
            self.agent,
            client.session(id).await.status,
            client.screen(id).await.text
        );
    }

    /// The folder is trusted once the user says so, and then the message is handed over.
    async fn waits_for_trust(self) {
        let client = &self.engine.client;
        let id = self.begin().await.id;
        let attention = self.asks_about(id, "rust").await;
        assert!(client.session(id).await.undelivered.is_some());
        self.trusts(id, &attention).await;
        self.says(id, "Hello.").await;
        let now = self.waiting(id).await;
        assert_eq!(now.undelivered, None);
    }
}

#[tokio::test]
async fn claude_asks_for_trust_before_it_is_given_the_message() {
    if let Some(stage) = Stage::set_fresh("claude", Known::AnotherFolder).await {
        stage.waits_for_trust().await;
    }
}

#[tokio::test]
async fn codex_asks_for_trust_before_it_is_given_the_message() {
    if let Some(stage) = Stage::set_fresh("codex", Known::AnotherFolder).await {
        stage.waits_for_trust().await;
    }
}

#[tokio::test]
async fn droid_asks_for_trust_before_it_is_given_the_message() {
    // Droid may end by itself.
    berth_tests::undisturbed(async || {
        if let Some(stage) = Stage::set_fresh("droid", Known::AnotherFolder).await {
            stage.waits_for_trust().await;
        }
    })
    .await;
}

/// Its question is answered by letters: a message that is typed there would say yes with its first `y`.
#[tokio::test]
async fn goose_asks_what_it_may_tell_its_makers_before_it_is_given_the_message() {
    let Some(stage) = Stage::set_fresh("goose", Known::AnotherFolder).await else {
        return;
    };
    let client = &stage.engine.client;
    let id = stage.begin().await.id;
    let attention = stage.asks_about(id, "Share anonymous usage data").await;
    let labels = attention.options.iter().map(|option| option.label.as_str());
    assert_eq!(labels.collect::<Vec<_>>(), ["Yes", "No"]);
    assert!(client.session(id).await.undelivered.is_some());
    let answered = client.answer(id, &attention.id, &attention.options[1].id);
    if let Err(refused) = answered.await {
        panic!("{refused}; its screen:\n{}", client.screen(id).await.text);
    }
    stage.says(id, "Hello.").await;
    assert_eq!(stage.waiting(id).await.undelivered, None);
    let kept = stage
        .engine
        .setup()
        .folder()
        .join("goose/config/config.yaml");
    let kept = fs::read_to_string(kept).expect("goose keeps the answer");
    assert!(kept.contains("GOOSE_TELEMETRY_ENABLED: false"), "{kept}");
}

#[tokio::test]
async fn claude_says_that_nobody_is_signed_in() {
    let Some(stage) = Stage::set_fresh("claude", Known::NoLogin).await else {
        return;
    };
    let id = stage.begin().await.id;
    let attention = stage.asks_about(id, "Not logged in").await;
    // It is not a choice: the user signs in on the terminal.
    assert!(attention.options.is_empty(), "{attention:?}");
}

#[tokio::test]
async fn codex_offers_ways_to_sign_in() {
    let Some(stage) = Stage::set_fresh("codex", Known::Nothing).await else {
        return;
    };
    let id = stage.begin().await.id;
    let attention = stage.asks_about(id, "Welcome to Codex").await;
    let first = &attention.options[0].label;
    assert!(first.contains("Sign in"), "{attention:?}");
    assert!(stage.engine.client.session(id).await.undelivered.is_some());
}

#[tokio::test]
async fn gemini_asks_for_trust_and_then_how_to_sign_in() {
    let Some(stage) = Stage::set_fresh("gemini", Known::Nothing).await else {
        return;
    };
    let id = stage.begin().await.id;
    let attention = stage.asks_about(id, "Do you trust").await;
    stage.trusts(id, &attention).await;
    let attention = stage.asks_about(id, "authenticate").await;
    let first = &attention.options[0].label;
    assert!(first.contains("Sign in"), "{attention:?}");
    assert!(stage.engine.client.session(id).await.undelivered.is_some());
}
