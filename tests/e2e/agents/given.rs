//! What a session gives its agent: an earlier conversation, instructions, MCP servers.

use std::path::Path;

use berth_model_server::{Recorded, TurnKind};
use berth_protocol::{
    Beginning, Code, CreateSession, RestartSession, Role, Session, SessionId, SessionMcpServer,
    Transport,
};
use berth_tests::{programs, session, skip, this_test};

use crate::{PATIENCE, Stage};

/// What only the first run's conversation has.
const SECRET: &str = "The door is blue.";

/// What only the instructions have.
const INSTRUCTION: &str = "Always mention \"Kilimanjaro\" in the end.";

/// The name of the server, which stands nowhere else.
const SERVER: &str = "mountains";

/// In the name of a tool that only server-everything has.
const TOOL: &str = "get-annotated-message";

impl Stage {
    /// Starts a session again.
    pub async fn restart(&self, id: SessionId, beginning: Option<Beginning>) -> Session {
        let client = &self.engine.client;
        let path = format!("/sessions/{id}/restart");
        client
            .post(&path, &RestartSession { beginning })
            .await
            .expect("it is done")
    }

    async fn said(&self, id: SessionId) -> Vec<(Role, String)> {
        let messages = self.engine.client.messages(id).await;
        messages
            .into_iter()
            .map(|message| (message.role, message.content))
            .collect()
    }

    /// What the model was asked when the user said this.
    async fn asked(&self, message: &str) -> Recorded {
        let asked = self.model.wait_for(PATIENCE, |request| {
            // Some ask for a title with the same words.
            request.kind == Some(TurnKind::Message) && request.body.to_string().contains(message)
        });
        asked.await.expect("the agent asks its provider")
    }

    /// After a restart the agent knows what was said before, and nothing stands twice in the transcript.
    pub async fn resumes(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        assert_eq!(session.beginning, Beginning::New);
        let first = format!("say: {SECRET}");
        assert_eq!(self.exchange(session.id, &first).await, SECRET);
        client.stop(session.id).await;
        let again = self.restart(session.id, None).await;
        assert_eq!(again.run, 2);
        let again = self.waiting(again.id).await;
        assert_eq!(again.beginning, Beginning::Resumed);
        // Nothing was said in the second run, and the conversation goes on all the same.
        self.restart(session.id, None).await;
        let again = self.waiting(again.id).await;
        assert_eq!((again.run, again.beginning), (3, Beginning::Resumed));
        assert_eq!(
            self.exchange(session.id, "say: Still here.").await,
            "Still here."
        );
        let asked = self.asked("say: Still here.").await;
        assert!(
            asked.body.to_string().contains(SECRET),
            "the agent has forgotten"
        );
        let said = self.said(session.id).await;
        let words: Vec<&str> = said.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(
            words,
            [first.as_str(), SECRET, "say: Still here.", "Still here."]
        );
        client.assert_audit_valid().await;
    }

    /// When that is asked for the agent begins anew, and is told what was said if that is asked for too.
    async fn begins_anew(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        assert_eq!(
            self.exchange(session.id, &format!("say: {SECRET}")).await,
            SECRET
        );

        let again = self.restart(session.id, Some(Beginning::New)).await;
        assert_eq!(again.beginning, Beginning::New);
        self.waiting(session.id).await;
        // The new conversation counts, although nothing was said in it.
        let again = self.restart(session.id, None).await;
        assert_eq!(again.beginning, Beginning::New);
        self.waiting(session.id).await;
        assert_eq!(self.exchange(session.id, "say: Anew.").await, "Anew.");
        let asked = self.asked("say: Anew.").await;
        assert!(
            !asked.body.to_string().contains(SECRET),
            "the agent remembers"
        );

        let again = self.restart(session.id, Some(Beginning::Transcript)).await;
        assert_eq!(again.beginning, Beginning::Transcript);
        let told = self
            .said(session.id)
            .await
            .pop()
            .expect("there is a message");
        assert!(told.0 == Role::User && told.1.contains(SECRET), "{told:?}");
        // The message is handed over and answered before the next one is taken.
        let answered = client.until("the transcript is answered", async || {
            let last = client.messages(session.id).await.pop();
            last.filter(|last| last.role == Role::Agent && last.run == 4)
        });
        let _ = tokio::time::timeout(PATIENCE, answered)
            .await
            .expect("in time");
        self.waiting(session.id).await;
        assert_eq!(self.exchange(session.id, "say: With it.").await, "With it.");
        let asked = self.asked("say: With it.").await;
        assert!(
            asked.body.to_string().contains(SECRET),
            "the agent was not told"
        );
    }

    /// The end of one session is nothing to another of the same agent.
    async fn works_by_itself(&self) {
        let client = &self.engine.client;
        let first = self.start().await;
        let second = self.start().await;
        self.exchange(second.id, "say: One.").await;
        client.stop(first.id).await;
        assert_eq!(self.exchange(second.id, "say: Two.").await, "Two.");
    }

    /// A session in which nothing was said has nothing to resume.
    async fn has_nothing_to_resume(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        let request = RestartSession {
            beginning: Some(Beginning::Resumed),
        };
        let path = format!("/sessions/{}/restart", session.id);
        let refused = client.post::<Session>(&path, &request).await;
        assert_eq!(
            refused.expect_err("it is refused").code,
            Code::ConversationGone
        );
        let again = self.restart(session.id, None).await;
        assert_eq!(again.beginning, Beginning::New);
        self.waiting(session.id).await;
        assert_eq!(self.exchange(session.id, "say: Hello.").await, "Hello.");
    }

    /// Instructions and MCP servers reach the model, the agent works in its workspace, and what only it
    /// needs to know is gone with the session.
    pub async fn is_given_what_the_session_has(&self, takes_mcp: bool) {
        let Some(server) = programs::mcp_server("mcp-server-everything") else {
            skip(&this_test(), "mcp-server-everything is not installed");
            return;
        };
        let client = &self.engine.client;
        let server = SessionMcpServer::Stdio {
            name: SERVER.to_owned(),
            command: server.display().to_string(),
            args: vec!["stdio".to_owned()],
        };
        let request = CreateSession {
            instructions: Some(INSTRUCTION.to_owned()),
            mcp_servers: vec![server],
            transport: Some(self.transport),
            ..session(self.project.id, self.agent)
        };
        let request = if takes_mcp {
            request
        } else {
            let refused = client.try_start(&request).await.expect_err("it is refused");
            assert_eq!(refused.code, Code::AgentTakesNoMcp);
            CreateSession {
                mcp_servers: Vec::new(),
                ..request
            }
        };
        let session = client.start(&request).await;
        if self.agent == "droid" && self.transport == Transport::Pty {
            self.trust(session.id).await;
        }
        self.waiting(session.id).await;
        // The server may still be starting when the first message is sent.
        let mut tries = 0..30;
        let asked = loop {
            let number = tries.next().expect("the model is told of the tool");
            let message = format!("say: Number {number}.");
            self.exchange(session.id, &message).await;
            let body = self.asked(&message).await.body.to_string();
            // Where tools are searched for, only the server is named.
            if !takes_mcp || body.contains(TOOL) || body.contains(SERVER) {
                break body;
            }
        };
        assert!(
            asked.contains("Always mention \\\"Kilimanjaro\\\" in the end."),
            "{asked}"
        );
        let workspace = &session.workspace.path;
        assert!(
            asked.contains(workspace.as_str()),
            "the agent works elsewhere"
        );

        let private = self
            .engine
            .data_dir()
            .join("private")
            .join(session.id.to_string());
        assert_only_the_owner_can_read(&private);
        client.stop(session.id).await;
        client
            .delete(&format!("/sessions/{}", session.id))
            .await
            .expect("it is done");
        assert!(!private.exists());
    }
}

fn assert_only_the_owner_can_read(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o077;
    assert_eq!(mode(folder), 0);
    for entry in folder.read_dir().expect("it is a folder") {
        assert_eq!(mode(&entry.expect("it is there").path()), 0);
    }
}

tests! {
    Pty:
    claude_resumes_its_conversation: "claude" => resumes();
    claude_begins_anew_with_and_without_the_transcript: "claude" => begins_anew();
    claude_has_nothing_to_resume_before_the_first_message: "claude" => has_nothing_to_resume();
    claude_is_given_instructions_and_mcp_servers: "claude" => is_given_what_the_session_has(true);
    codex_works_on_when_another_session_of_it_ends: "codex" => works_by_itself();
    codex_resumes_its_conversation: "codex" => resumes();
    codex_begins_anew_with_and_without_the_transcript: "codex" => begins_anew();
    codex_is_given_instructions_and_mcp_servers: "codex" => is_given_what_the_session_has(true);
    gemini_resumes_its_conversation: "gemini" => resumes();
    gemini_is_given_instructions_and_mcp_servers: "gemini" => is_given_what_the_session_has(true);
    opencode_resumes_its_conversation: "opencode" => resumes();
    opencode_is_given_instructions_and_mcp_servers: "opencode" => is_given_what_the_session_has(true);
    goose_resumes_its_conversation: "goose" => resumes();
    goose_is_given_instructions_and_mcp_servers: "goose" => is_given_what_the_session_has(true);
    aider_resumes_its_conversation: "aider" => resumes();
    droid_resumes_its_conversation: "droid" => resumes();
    droid_is_given_instructions: "droid" => is_given_what_the_session_has(false);
}

tests! {
    Acp:
    claude_over_acp_resumes_its_conversation: "claude" => resumes();
    claude_over_acp_begins_anew_with_and_without_the_transcript: "claude" => begins_anew();
    claude_over_acp_is_given_instructions_and_mcp_servers: "claude" => is_given_what_the_session_has(true);
    codex_over_acp_resumes_its_conversation: "codex" => resumes();
    codex_over_acp_is_given_instructions_and_mcp_servers: "codex" => is_given_what_the_session_has(true);
    gemini_over_acp_begins_anew_with_and_without_the_transcript: "gemini" => begins_anew();
    gemini_over_acp_is_given_instructions_and_mcp_servers: "gemini" => is_given_what_the_session_has(true);
    opencode_over_acp_resumes_its_conversation: "opencode" => resumes();
    opencode_over_acp_is_given_instructions_and_mcp_servers:
        "opencode" => is_given_what_the_session_has(true);
    goose_over_acp_resumes_its_conversation: "goose" => resumes();
    goose_over_acp_is_given_instructions_and_mcp_servers: "goose" => is_given_what_the_session_has(true);
    droid_over_acp_resumes_its_conversation: "droid" => resumes();
}
