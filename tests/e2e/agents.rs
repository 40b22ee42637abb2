//! Real agents against a server that stands in for their providers.

#![cfg(unix)]

use std::{path::Path, time::Duration};

use berth_model_server::{ModelServer, Script, TurnKind};
use berth_protocol::{
    Attention, Beginning, CreateSession, Project, Role, ServerControl, Session, SessionId, Status,
    Transport,
};
use berth_tests::{
    Engine, LIMIT, Repository, Setup, Shown, agents, break_off, processes, programs, session, skip,
    this_test,
};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How long an agent may take for one thing on a slow machine that does other things too.
const PATIENCE: Duration = LIMIT;

macro_rules! tests {
    ($transport:ident: $($test:ident: $agent:literal => $act:ident($($argument:expr),*);)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                berth_tests::undisturbed(async || {
                    if let Some(stage) = Stage::set($agent, Transport::$transport).await {
                        stage.$act($($argument),*).await;
                    }
                })
                .await;
            }
        )*
    };
}

#[path = "agents/acp.rs"]
mod acp;
#[path = "agents/defined.rs"]
mod defined;
#[path = "agents/fresh.rs"]
mod fresh;
#[path = "agents/gateway.rs"]
mod gateway;
#[path = "agents/given.rs"]
mod given;
#[path = "agents/prompted.rs"]
mod prompted;
#[path = "agents/workspace.rs"]
mod workspace;

/// The processors, as far as the tests of this file share them.
static ROOM: RwLock<()> = RwLock::const_new(());

/// A place beside other agents, or all of it.
enum Room {
    Shared {
        _room: RwLockReadGuard<'static, ()>,
    },
    Whole {
        _room: RwLockWriteGuard<'static, ()>,
    },
}

impl Room {
    /// opencode gives itself two seconds to colour an answer, and ends with "Unexpected error" when another
    /// program keeps the processors from it for longer.
    async fn of(agent: &str, transport: Transport) -> Self {
        match (agent, transport) {
            ("opencode", Transport::Pty) => Self::Whole {
                _room: ROOM.write().await,
            },
            _ => Self::Shared {
                _room: ROOM.read().await,
            },
        }
    }
}

struct Stage {
    agent: &'static str,
    transport: Transport,
    engine: Engine,
    repository: Repository,
    project: Project,
    // Dropped last: an agent that loses its provider says so.
    model: ModelServer,
    _room: Room,
}

impl Stage {
    /// An engine whose agents speak to a model server and know the repository; `None`, and the
    /// test counts as skipped, where the agent is not installed.
    async fn set(agent: &'static str, transport: Transport) -> Option<Self> {
        let program = match (transport, agent) {
            (Transport::Acp, "claude") => "claude-agent-acp",
            (Transport::Acp, "codex") => "codex-acp",
            _ => agent,
        };
        for program in [agent, program] {
            if programs::agent(program).is_none() {
                skip(&this_test(), &format!("{program} is not installed"));
                return None;
            }
        }
        let room = Room::of(agent, transport).await;
        let model = ModelServer::start(Script::default()).expect("the model server starts");
        let setup = Setup::new();
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let setup = agents::configure(setup, &model, &repository.path);
        let engine = setup.start().await;
        let project = engine.client.add_project(&repository.path).await;
        Some(Self {
            agent,
            transport,
            engine,
            repository,
            project,
            model,
            _room: room,
        })
    }

    async fn start(&self) -> Session {
        self.start_with(None).await
    }

    async fn start_with(&self, message: Option<&str>) -> Session {
        let request = CreateSession {
            message: message.map(str::to_owned),
            transport: Some(self.transport),
            ..session(self.project.id, self.agent)
        };
        let session = self.engine.client.start(&request).await;
        if self.agent == "droid" && self.transport == Transport::Pty {
            self.trust(session.id).await;
        }
        if message.is_some() {
            return session;
        }
        self.waiting(session.id).await
    }

    /// Droid asks in each worktree whether its folder is trusted.
    async fn trust(&self, id: SessionId) {
        let attention = self.asks(id).await;
        assert!(
            attention.options[0].label.contains("Trust"),
            "{attention:?}"
        );
        let client = &self.engine.client;
        let answered = client.answer(id, &attention.id, &attention.options[0].id);
        answered.await.expect("it is done");
    }

    async fn waiting(&self, id: SessionId) -> Session {
        self.reaches(id, "waiting").await
    }

    /// Droid has ended on its terminal with code 1, as CI has seen once and nobody could make it do again. Whatever
    /// else ends fails its test.
    async fn has_crashed(&self, session: &Session) {
        if self.agent != "droid" || self.transport != Transport::Pty {
            return;
        }
        if !matches!(session.status, Status::Exited { code: Some(1), .. }) {
            return;
        }
        let screen = self.engine.client.screen(session.id).await.text;
        break_off(format!(
            "Droid has ended by itself with code 1; its screen:\n{screen}"
        ));
    }

    /// Waits for a status; when another one stays, the screen says why.
    async fn reaches(&self, id: SessionId, word: &str) -> Session {
        let client = &self.engine.client;
        let mut events = client.chat_events(id, None).await;
        let mut session = client.session(id).await;
        let reached = async {
            while session.status.word() != word {
                self.has_crashed(&session).await;
                events.next().await;
                session = client.session(id).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reached).await.is_ok();
        if !in_time {
            let screen = client.screen(id).await.text;
            panic!(
                "{} is {:?} and not {word}; its screen:\n{screen}",
                self.agent, session.status
            );
        }
        session
    }

    async fn asks(&self, id: SessionId) -> Attention {
        match self.reaches(id, "needs_attention").await.status {
            Status::NeedsAttention { attention } => attention,
            other => panic!("{other:?} is no question"),
        }
    }

    /// Sends a message and waits for the whole answer.
    async fn exchange(&self, id: SessionId, message: &str) -> String {
        let client = &self.engine.client;
        let sent = match client.chat(id, message).await {
            Ok(sent) => sent,
            Err(refused) => panic!(
                "{} does not take {message:?}: {refused}; its screen:\n{}",
                self.agent,
                client.screen(id).await.text
            ),
        };
        let mut events = client.chat_events(id, None).await;
        let answer = async {
            loop {
                let messages = client.messages(id).await.into_iter();
                let mut said = messages.filter(|m| m.role == Role::Agent);
                if let Some(found) = said.find(|m| m.seq > sent.seq) {
                    return found;
                }
                self.has_crashed(&client.session(id).await).await;
                events.next().await;
            }
        };
        let Ok(answer) = tokio::time::timeout(LIMIT, answer).await else {
            let status = client.session(id).await.status;
            let screen = client.screen(id).await.text;
            panic!("no answer to {message:?}, {status:?}; the screen:\n{screen}");
        };
        let answer = answer.content;
        self.waiting(id).await;
        answer
    }

    /// A message gets its answer, and the transcript holds the words of both and nothing else.
    async fn answers(&self) {
        let first = self.start_with(Some("say: The first answer.")).await;
        let client = &self.engine.client;
        client
            .message_with(first.id, Role::Agent, "The first answer.")
            .await;
        self.waiting(first.id).await;
        assert_eq!(
            self.exchange(first.id, "say: Paris is in France.").await,
            "Paris is in France."
        );
        let several = self
            .exchange(first.id, "say: One.\\n\\nTwo with `code`.\\n\\nThree.")
            .await;
        let words: Vec<&str> = several.split_whitespace().collect();
        assert!(words.join(" ").starts_with("One. Two with"), "{several:?}");
        let said: Vec<(Role, String)> = client
            .messages(first.id)
            .await
            .into_iter()
            .map(|m| (m.role, m.content))
            .collect();
        assert_eq!(said.len(), 6, "{said:?}");
        assert_eq!(said[0], (Role::User, "say: The first answer.".to_owned()));
        assert_eq!(said[1], (Role::Agent, "The first answer.".to_owned()));
        client.assert_audit_valid().await;
    }

    /// A question reaches the user, and its first answer lets the agent go on.
    async fn approves(&self, message: &str, file: &str) {
        let client = &self.engine.client;
        let session = self.start().await;
        client
            .chat(session.id, message)
            .await
            .expect("the agent takes the message");
        let attention = self.asks(session.id).await;
        assert!(attention.options.len() >= 2, "{attention:?}");
        assert!(attention.question.contains(file), "{attention:?}");
        let path = Path::new(&session.workspace.path).join(file);
        assert!(!path.exists(), "nothing happens before the answer");
        let busy = client
            .chat(session.id, "say: hello")
            .await
            .expect_err("it is refused");
        assert_eq!(busy.code, berth_protocol::Code::SessionNeedsAttention);
        let wrong = client
            .answer(session.id, "9-9", &attention.options[0].id)
            .await
            .expect_err("it is refused");
        assert_eq!(wrong.code, berth_protocol::Code::AttentionGone);

        client
            .answer(session.id, &attention.id, &attention.options[0].id)
            .await
            .expect("it is done");
        self.waiting(session.id).await;
        assert!(path.is_file(), "{}", client.screen(session.id).await.text);
        let diff = client.diff(session.id).await;
        let files: Vec<&str> = diff
            .files
            .iter()
            .map(|changed| changed.path.as_str())
            .collect();
        assert_eq!(files, [file]);
        assert_eq!(
            self.repository.git(&["status", "--short"]),
            "",
            "the project is untouched"
        );
        let counted = client.session_until(session.id, "has counted", |session| {
            session.changes.is_some_and(|changes| changes.files == 1)
        });
        counted.await;
    }

    /// Nothing of a long answer is lost, and its lines are in their order.
    async fn answers_at_length(&self) {
        let session = self.start().await;
        let answer = self.exchange(session.id, "long: 60").await;
        let mut from = 0;
        for line in 1..=60 {
            let wanted = [format!("ine {line} "), format!("line {line}\"")];
            let found = wanted
                .iter()
                .filter_map(|text| answer[from..].find(text.as_str()))
                .min();
            let found =
                found.unwrap_or_else(|| panic!("line {line} is not in its place in:\n{answer}"));
            from += found + 1;
        }
    }

    /// Sends a message that is never answered, and waits until the provider has it.
    async fn hangs(&self, id: SessionId) {
        let sent = self.engine.client.chat(id, "hang").await;
        sent.expect("the agent takes the message");
        self.reaches(id, "running").await;
        // Not what some agents ask for themselves, such as a title for the message.
        let asked = self.model.wait_for(PATIENCE, |request| {
            request.kind == Some(TurnKind::Message) && request.body.to_string().contains("hang")
        });
        asked.await.expect("the agent asks its provider");
    }

    /// An interrupted agent waits for the next message.
    async fn is_interrupted(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        self.hangs(session.id).await;
        client.interrupt(session.id).await.expect("it is done");
        self.waiting(session.id).await;
        // These keep the connection to their provider.
        if !matches!(self.agent, "opencode" | "aider") {
            let left = self
                .model
                .wait_for(PATIENCE, |request| request.abandoned_at.is_some());
            left.await.expect("the agent gives the request up");
        }
        assert_eq!(
            self.exchange(session.id, "say: Still here.").await,
            "Still here."
        );
    }

    /// What goes wrong at the provider is told, and the agent waits again.
    async fn tells_an_error(&self, status: &str) {
        let screen = async |id: SessionId| self.engine.client.screen(id).await.text;
        let session = self.start().await;
        let answer = self.exchange(session.id, &format!("error: {status}")).await;
        assert!(
            answer.contains(status),
            "{answer:?}; the screen:\n{}",
            screen(session.id).await
        );
        let answer = self.exchange(session.id, "say: Better now.").await;
        assert_eq!(answer, "Better now.", "{}", screen(session.id).await);
    }

    async fn stands_in_the_box(&self, id: SessionId, message: &str) -> bool {
        let text = self.engine.client.screen(id).await.text;
        let lines: Vec<&str> = text.lines().collect();
        let end = &lines[lines.len().saturating_sub(5)..];
        end.iter().any(|line| line.contains(message))
    }

    /// Types a message into the agent's terminal as a user does.
    async fn type_in(&self, id: SessionId, message: &str) {
        let client = &self.engine.client;
        let mut viewer = client.view(id).await;
        client.input(id, message).await.expect("it is typed");
        // Enter that comes with the text would be taken for part of it.
        while !self.stands_in_the_box(id, message).await {
            viewer.next().await.expect("the terminal stays open");
        }
        client.input(id, "\r").await.expect("it is typed");
    }

    /// What the user types while the agent works is answered after it, and stands behind it.
    async fn takes_a_message_meanwhile(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        client
            .chat(session.id, "slow: 4000: First.")
            .await
            .expect("the agent takes the message");
        self.reaches(session.id, "running").await;
        self.type_in(session.id, "say: Second.").await;
        client
            .message_with(session.id, Role::Agent, "Second.")
            .await;
        self.waiting(session.id).await;
        let messages = client.messages(session.id).await;
        let said: Vec<_> = messages
            .iter()
            .map(|m| (m.role, m.content.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Role::User, "slow: 4000: First."),
                (Role::Agent, "First."),
                (Role::User, "say: Second."),
                (Role::Agent, "Second."),
            ]
        );
    }

    /// What the user types into the terminal enters the transcript.
    async fn takes_typed_messages(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        assert_eq!(self.exchange(session.id, "say: Sent.").await, "Sent.");
        // The same words again are a message of their own.
        for typed in [1, 1, 2] {
            let message = format!("say: Typed {typed}.");
            let message = message.as_str();
            let before = client.messages(session.id).await.len();
            self.type_in(session.id, message).await;
            let answered = client.until(format!("typed message {typed} is answered"), async || {
                let messages = client.messages(session.id).await;
                assert!(messages.len() <= before + 2, "{messages:?}");
                let said = (messages.len() == before + 2).then(|| &messages[before]);
                said.map(|said| (said.role, said.content.clone()))
            });
            let Ok((role, content)) = tokio::time::timeout(PATIENCE / 2, answered).await else {
                panic!(
                    "typed message {typed} is not answered: {:?}\n{}",
                    client.messages(session.id).await,
                    client.screen(session.id).await.text
                );
            };
            assert_eq!((role, content.as_str()), (Role::User, message));
            self.waiting(session.id).await;
        }
    }

    /// What stands in the input box is not sent with a message.
    async fn empties_its_box(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        let mut viewer = client.view(session.id).await;
        let draft = "half a thought";
        client.input(session.id, draft).await.expect("it is typed");
        while !self.stands_in_the_box(session.id, draft).await {
            viewer.next().await.expect("the terminal stays open");
        }
        assert_eq!(
            self.exchange(session.id, "say: Whole.").await,
            "Whole.",
            "{}",
            client.screen(session.id).await.text
        );
        // Behind the cursor too: it stands in the middle.
        client.input(session.id, draft).await.expect("it is typed");
        while !self.stands_in_the_box(session.id, draft).await {
            viewer.next().await.expect("the terminal stays open");
        }
        for _ in 0..4 {
            let left = client.input(session.id, "\x1b[D").await;
            left.expect("it is pressed");
        }
        let answer = self.exchange(session.id, "say: Whole again.").await;
        assert_eq!(answer, "Whole again.");
    }

    /// Keys reach the agent in the form that it asked for: those that move and delete, Escape and Ctrl-C.
    async fn takes_keys(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        let mut viewer = client.view(session.id).await;
        client
            .input(session.id, "say: Keyss.")
            .await
            .expect("it is typed");
        for (message, keys) in [
            ("say: Keyss.", &["\x1b[D", "\x7f"][..]),
            ("say: Keys.", &["\r"]),
        ] {
            while !self.stands_in_the_box(session.id, message).await {
                viewer.next().await.expect("the terminal stays open");
            }
            for keys in keys {
                client.input(session.id, keys).await.expect("it is typed");
            }
        }
        client.message_with(session.id, Role::Agent, "Keys.").await;
        self.waiting(session.id).await;

        self.hangs(session.id).await;
        // Before it has begun, Codex takes Escape for something else.
        while self.agent == "codex" && !client.screen(session.id).await.text.contains("Waiting") {
            viewer.next().await.expect("the terminal stays open");
        }
        client.input(session.id, "\x1b").await.expect("it is typed");
        self.waiting(session.id).await;

        // Codex ends at once; Claude Code wants it twice within a moment, and says so anew when that has passed.
        client.input(session.id, "\x03").await.expect("it is typed");
        let mut said = false;
        loop {
            if let Some(Shown::Control(ServerControl::Ended { .. })) = viewer.next().await {
                break;
            }
            let screen = client.screen(session.id).await.text;
            let says = screen.contains("again to exit");
            if says && !said {
                // It may have ended.
                let _ = client.input(session.id, "\x03").await;
            }
            said = says;
        }
        let ended = client.ended(session.id).await;
        assert!(
            matches!(ended.status, Status::Exited { code: Some(0), .. }),
            "{:?}",
            ended.status
        );
        let recording = client.recording(session.id).await.expect("there is one");
        assert!(
            recording.contains("u001b[>"),
            "the agent asks for exact keys"
        );
    }

    /// A stopped session leaves no process, whatever the agent was doing.
    async fn is_stopped(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        client
            .chat(session.id, "hang")
            .await
            .expect("the agent takes the message");
        self.reaches(session.id, "running").await;
        let family = || processes::with("BERTH_SESSION_ID", session.id.to_string());
        assert!(!family().is_empty());
        let stopped = client.stop(session.id).await;
        assert!(
            matches!(stopped.status, Status::Exited { .. }),
            "{:?}",
            stopped.status
        );
        assert_eq!(family(), Vec::<u32>::new());
        // Not with the message that was never answered, which some agents would send again.
        let again = self.restart(session.id, Some(Beginning::New)).await;
        assert_eq!(again.run, 2);
        self.waiting(session.id).await;
        assert_eq!(
            self.exchange(session.id, "say: Back again.").await,
            "Back again."
        );
    }
}

tests! {
    Pty:
    claude_answers_and_the_transcript_has_its_words: "claude" => answers();
    claude_writes_a_file_once_that_is_approved:
        "claude" => approves("write: made.txt: made by the agent", "made.txt");
    claude_answers_at_length_and_nothing_is_lost: "claude" => answers_at_length();
    claude_is_interrupted_and_goes_on: "claude" => is_interrupted();
    claude_tells_an_error_of_its_provider: "claude" => tells_an_error("400");
    claude_s_terminal_takes_messages_too: "claude" => takes_typed_messages();
    claude_is_sent_a_message_without_what_stood_in_its_box: "claude" => empties_its_box();
    claude_s_keys_reach_it: "claude" => takes_keys();
    claude_takes_a_message_while_it_works: "claude" => takes_a_message_meanwhile();
    claude_leaves_no_process_when_it_is_stopped: "claude" => is_stopped();

    codex_answers_and_the_transcript_has_its_words: "codex" => answers();
    codex_runs_a_command_once_that_is_approved: "codex" => approves("run: touch made.txt", "made.txt");
    codex_answers_at_length_and_nothing_is_lost: "codex" => answers_at_length();
    codex_is_interrupted_and_goes_on: "codex" => is_interrupted();
    codex_tells_an_error_of_its_provider: "codex" => tells_an_error("400");
    codex_s_terminal_takes_messages_too: "codex" => takes_typed_messages();
    codex_is_sent_a_message_without_what_stood_in_its_box: "codex" => empties_its_box();
    codex_s_keys_reach_it: "codex" => takes_keys();
    codex_leaves_no_process_when_it_is_stopped: "codex" => is_stopped();

    gemini_answers_and_the_transcript_has_its_words: "gemini" => answers();
    gemini_writes_a_file_once_that_is_approved:
        "gemini" => approves("write: made.txt: made by the agent", "made.txt");
    gemini_answers_at_length_and_nothing_is_lost: "gemini" => answers_at_length();
    gemini_is_interrupted_and_goes_on: "gemini" => is_interrupted();
    gemini_tells_an_error_of_its_provider: "gemini" => tells_an_error("400");
    gemini_is_sent_a_message_without_what_stood_in_its_box: "gemini" => empties_its_box();
    gemini_leaves_no_process_when_it_is_stopped: "gemini" => is_stopped();

    opencode_answers_and_the_transcript_has_its_words: "opencode" => answers();
    opencode_writes_a_file_once_that_is_approved:
        "opencode" => approves("write: made.txt: made by the agent", "made.txt");
    opencode_answers_at_length_and_nothing_is_lost: "opencode" => answers_at_length();
    opencode_is_interrupted_and_goes_on: "opencode" => is_interrupted();
    opencode_tells_an_error_of_its_provider: "opencode" => tells_an_error("400");
    opencode_is_sent_a_message_without_what_stood_in_its_box: "opencode" => empties_its_box();
    opencode_leaves_no_process_when_it_is_stopped: "opencode" => is_stopped();

    goose_answers_and_the_transcript_has_its_words: "goose" => answers();
    goose_writes_a_file_once_that_is_approved:
        "goose" => approves("write: made.txt: made by the agent", "made.txt");
    goose_answers_at_length_and_nothing_is_lost: "goose" => answers_at_length();
    goose_is_interrupted_and_goes_on: "goose" => is_interrupted();
    goose_tells_an_error_of_its_provider: "goose" => tells_an_error("500");
    goose_is_sent_a_message_without_what_stood_in_its_box: "goose" => empties_its_box();
    goose_leaves_no_process_when_it_is_stopped: "goose" => is_stopped();

    aider_answers_and_the_transcript_has_its_words: "aider" => answers();
    // It takes edits from the text of the answer.
    aider_writes_a_file_once_that_is_approved:
        "aider" => approves("say: made.txt\\n```\\nmade by the agent\\n```", "made.txt");
    aider_answers_at_length_and_nothing_is_lost: "aider" => answers_at_length();
    aider_is_interrupted_and_goes_on: "aider" => is_interrupted();
    aider_tells_an_error_of_its_provider: "aider" => tells_an_error("400");
    aider_is_sent_a_message_without_what_stood_in_its_box: "aider" => empties_its_box();
    aider_leaves_no_process_when_it_is_stopped: "aider" => is_stopped();

    droid_answers_and_the_transcript_has_its_words: "droid" => answers();
    droid_writes_a_file_once_that_is_approved:
        "droid" => approves("write: made.txt: made by the agent", "made.txt");
    droid_answers_at_length_and_nothing_is_lost: "droid" => answers_at_length();
    droid_is_interrupted_and_goes_on: "droid" => is_interrupted();
    droid_tells_an_error_of_its_provider: "droid" => tells_an_error("400");
    droid_is_sent_a_message_without_what_stood_in_its_box: "droid" => empties_its_box();
    droid_leaves_no_process_when_it_is_stopped: "droid" => is_stopped();
}
