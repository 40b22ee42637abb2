//! What holds over the Agent Client Protocol.

use std::path::Path;

use berth_model_server::TurnKind;
use berth_protocol::{Code, CreateSession, Part, Status, ToolOutput, ToolState, Transport};
use berth_tests::{Repository, Setup, processes, programs, session, skip, this_test};

use crate::{PATIENCE, Stage};

impl Stage {
    /// A tool's call stands in the message with its change, and says how it ended.
    async fn tells_of_its_tools(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        let sent = client.chat(session.id, "write: made.txt: one").await;
        sent.expect("the agent takes the message");
        let attention = self.asks(session.id).await;
        let answered = client.answer(session.id, &attention.id, &attention.options[0].id);
        answered.await.expect("it is done");
        self.waiting(session.id).await;
        let reply = client.messages(session.id).await;
        let reply = reply.last().expect("there is a reply");
        let call = reply.parts.iter().find_map(|part| match part {
            Part::Tool(call) => Some(call),
            _ => None,
        });
        let call = call.unwrap_or_else(|| panic!("no tool in {reply:?}"));
        assert_eq!(
            (call.tool.as_str(), call.state),
            ("edit", ToolState::Completed)
        );
        let change = call.output.iter().find_map(|output| match output {
            ToolOutput::Diff { path, patch } => Some((path, patch)),
            ToolOutput::Text { .. } => None,
        });
        let (path, patch) = change.unwrap_or_else(|| panic!("no change in {call:?}"));
        assert!(
            path.ends_with("made.txt") && patch.contains("+one"),
            "{patch}"
        );
        let screen = client.screen(session.id).await.text;
        assert!(screen.contains("> write: made.txt"), "{screen}");
        let refused = client
            .input(session.id, "keys")
            .await
            .expect_err("it is refused");
        assert_eq!(refused.code, Code::TransportUnsupported);
        client.assert_audit_valid().await;
    }

    /// In a mode that allows it the agent edits without asking.
    async fn starts_in_its_mode(&self, mode: &str) {
        let client = &self.engine.client;
        let request = CreateSession {
            permission_mode: Some(mode.to_owned()),
            transport: Some(self.transport),
            ..session(self.project.id, self.agent)
        };
        let session = client.start(&request).await;
        self.waiting(session.id).await;
        let answer = self.exchange(session.id, "write: made.txt: one").await;
        assert_eq!(answer, "Wrote made.txt.");
        assert!(
            Path::new(&session.workspace.path)
                .join("made.txt")
                .is_file()
        );
    }

    /// An agent that is killed ends its session, and what it had said stays.
    async fn is_killed(&self) {
        let client = &self.engine.client;
        let session = self.start().await;
        let sent = client.chat(session.id, "slow: 60000: First. Second.").await;
        sent.expect("the agent takes the message");
        self.reaches(session.id, "running").await;
        let asked = self.model.wait_for(PATIENCE, |request| {
            request.kind == Some(TurnKind::Message) && request.body.to_string().contains("slow")
        });
        asked.await.expect("the agent asks its provider");
        for pid in processes::with("BERTH_SESSION_ID", session.id.to_string()) {
            processes::kill(pid);
        }
        let ended = self.reaches(session.id, "exited").await;
        assert!(
            matches!(&ended.status, Status::Exited { signal: Some(signal), .. } if signal == "SIGKILL"),
            "{:?}",
            ended.status
        );
        let refused = client.chat(session.id, "say: Hello.").await;
        assert_eq!(refused.expect_err("it is refused").code, Code::SessionEnded);
        client.assert_audit_valid().await;
    }

    async fn lacks_a_mode(&self, mode: &str) {
        let request = CreateSession {
            permission_mode: Some(mode.to_owned()),
            transport: Some(self.transport),
            ..session(self.project.id, self.agent)
        };
        let client = &self.engine.client;
        let refused = client.try_start(&request).await.expect_err("it is refused");
        assert_eq!(refused.code, Code::PermissionModeUnknown);
        assert!(refused.detail.contains("over ACP"), "{}", refused.detail);
    }
}

tests! {
    Acp:
    claude_over_acp_answers_and_the_transcript_has_its_words: "claude" => answers();
    claude_over_acp_acts_once_that_is_approved:
        "claude" => approves("write: made.txt: made by the agent", "made.txt");
    claude_over_acp_answers_at_length_and_nothing_is_lost: "claude" => answers_at_length();
    claude_over_acp_is_interrupted_and_goes_on: "claude" => is_interrupted();
    claude_over_acp_leaves_no_process_when_it_is_stopped: "claude" => is_stopped();
    codex_over_acp_answers_and_the_transcript_has_its_words: "codex" => answers();
    codex_over_acp_acts_once_that_is_approved:
        "codex" => approves("run: touch made.txt", "made.txt");
    codex_over_acp_answers_at_length_and_nothing_is_lost: "codex" => answers_at_length();
    codex_over_acp_is_interrupted_and_goes_on: "codex" => is_interrupted();
    codex_over_acp_leaves_no_process_when_it_is_stopped: "codex" => is_stopped();
    gemini_over_acp_answers_and_the_transcript_has_its_words: "gemini" => answers();
    gemini_over_acp_acts_once_that_is_approved:
        "gemini" => approves("write: made.txt: made by the agent", "made.txt");
    gemini_over_acp_answers_at_length_and_nothing_is_lost: "gemini" => answers_at_length();
    gemini_over_acp_is_interrupted_and_goes_on: "gemini" => is_interrupted();
    gemini_over_acp_leaves_no_process_when_it_is_stopped: "gemini" => is_stopped();
    opencode_over_acp_answers_and_the_transcript_has_its_words: "opencode" => answers();
    opencode_over_acp_acts_once_that_is_approved:
        "opencode" => approves("write: made.txt: made by the agent", "made.txt");
    opencode_over_acp_answers_at_length_and_nothing_is_lost: "opencode" => answers_at_length();
    opencode_over_acp_is_interrupted_and_goes_on: "opencode" => is_interrupted();
    opencode_over_acp_leaves_no_process_when_it_is_stopped: "opencode" => is_stopped();
    goose_over_acp_answers_and_the_transcript_has_its_words: "goose" => answers();
    goose_over_acp_acts_once_that_is_approved:
        "goose" => approves("write: made.txt: made by the agent", "made.txt");
    goose_over_acp_answers_at_length_and_nothing_is_lost: "goose" => answers_at_length();
    goose_over_acp_is_interrupted_and_goes_on: "goose" => is_interrupted();
    goose_over_acp_leaves_no_process_when_it_is_stopped: "goose" => is_stopped();
    droid_over_acp_answers_and_the_transcript_has_its_words: "droid" => answers();
    droid_over_acp_acts_once_that_is_approved:
        "droid" => approves("write: made.txt: made by the agent", "made.txt");
    droid_over_acp_answers_at_length_and_nothing_is_lost: "droid" => answers_at_length();
    droid_over_acp_is_interrupted_and_goes_on: "droid" => is_interrupted();
    droid_over_acp_leaves_no_process_when_it_is_stopped: "droid" => is_stopped();
    claude_over_acp_tells_an_error_of_its_provider: "claude" => tells_an_error("400");
    codex_over_acp_tells_an_error_of_its_provider: "codex" => tells_an_error("400");
    gemini_over_acp_tells_an_error_of_its_provider: "gemini" => tells_an_error("400");
    opencode_over_acp_tells_an_error_of_its_provider: "opencode" => tells_an_error("400");
    goose_over_acp_tells_an_error_of_its_provider: "goose" => tells_an_error("500");
    droid_over_acp_tells_an_error_of_its_provider: "droid" => tells_an_error("400");
    claude_over_acp_tells_what_its_tools_do: "claude" => tells_of_its_tools();
    claude_over_acp_starts_in_the_mode_that_was_asked_for: "claude" => starts_in_its_mode("acceptEdits");
    gemini_over_acp_starts_in_the_mode_that_was_asked_for: "gemini" => starts_in_its_mode("auto_edit");
    opencode_over_acp_starts_in_the_mode_that_was_asked_for: "opencode" => starts_in_its_mode("allow-all");
    claude_over_acp_ends_its_session_when_it_is_killed: "claude" => is_killed();
    codex_over_acp_says_which_modes_it_lacks: "codex" => lacks_a_mode("never-ask");
}

/// Who is not signed in is told so, and what to do.
#[tokio::test]
async fn an_agent_over_acp_that_nobody_has_signed_in_says_so() {
    if programs::agent("gemini").is_none() {
        return skip(&this_test(), "gemini is not installed");
    }
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let home = setup.folder().join("gemini");
    std::fs::create_dir(&home).expect("a folder can be made");
    let engine = setup.variable("GEMINI_CLI_HOME", home).start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let request = CreateSession {
        transport: Some(Transport::Acp),
        ..session(project.id, "gemini")
    };
    let started = client.start(&request).await;
    let ended = client.session_until(started.id, "has failed", |session| {
        !session.status.is_live()
    });
    match ended.await.status {
        Status::Failed { failure } => {
            assert_eq!(failure.code, Code::AgentSignedOut);
            assert!(failure.detail.contains("sign in"), "{}", failure.detail);
        }
        other => panic!("{other:?}"),
    }
}

/// A stand-in, because no real agent does so: a program whose output never ends a line. It is ended before it
/// fills the memory, and the reason is told.
#[tokio::test]
async fn an_agent_over_acp_that_never_ends_a_line_is_ended() {
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let folder = setup.folder().join("bin");
    std::fs::create_dir(&folder).expect("a folder can be made");
    let program = folder.join("gemini");
    // Its shell stays to keep the standard input open: what cannot be written to ends sooner.
    let script = "#!/bin/sh\nprintf '0.61.0 '\ntr '\\000' x < /dev/zero\n";
    std::fs::write(&program, script).expect("a file can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("it can be made executable");
    let engine = setup
        .variable("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .start()
        .await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let request = CreateSession {
        transport: Some(Transport::Acp),
        ..session(project.id, "gemini")
    };
    let started = client.start(&request).await;
    let ended = client.session_until(started.id, "has failed", |session| {
        !session.status.is_live()
    });
    match ended.await.status {
        Status::Failed { failure } => {
            assert_eq!(failure.code, Code::AgentProtocol);
            assert!(failure.detail.contains("64 MiB"), "{}", failure.detail);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        processes::with("BERTH_SESSION_ID", started.id.to_string()),
        Vec::<u32>::new()
    );
}

/// An agent whose adapter is not installed says how to get it, before anything is made for the session.
#[tokio::test]
async fn an_adapter_for_acp_that_is_missing_is_named() {
    if programs::agent("claude").is_none() {
        return skip(&this_test(), "claude is not installed");
    }
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let folder = programs::agents_folder().expect("claude is there");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let engine = setup.variable("PATH", path).start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let request = CreateSession {
        transport: Some(Transport::Acp),
        ..session(project.id, "claude")
    };
    let refused = client.try_start(&request).await.expect_err("it is refused");
    assert_eq!(refused.code, Code::AgentMissing);
    let all = format!("{refused:?}");
    assert!(all.contains("claude-agent-acp"), "{all}");
    let agents = client.agents().await;
    let claude = agents.iter().find(|agent| agent.id.as_str() == "claude");
    let acp = claude
        .and_then(|agent| agent.acp.as_ref())
        .expect("it can speak it");
    assert!(!acp.installed && acp.install_hint.is_some(), "{acp:?}");
    let request = CreateSession {
        transport: Some(Transport::Acp),
        ..session(project.id, "shell")
    };
    let refused = client.try_start(&request).await.expect_err("it is refused");
    assert_eq!(refused.code, Code::TransportUnsupported);
}
