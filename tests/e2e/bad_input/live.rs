//! Agents that go wrong while somebody works with them. Each is a stand-in: a script in the place of
//! Claude Code that has its face, another one, or none.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use berth_protocol::{
    Code, CreateSession, Event, Message, Project, Role, Session, SessionId, Status,
};
use berth_tests::{Engine, Setup, session};

use crate::plain_project;

/// What all stand-ins begin with: they know how to draw Claude Code's input box, and how to read a
/// message that is pasted into it.
const BEGINNING: &str = r#"#!/bin/bash
# A stand-in for Claude Code.
[ "$1" = --version ] && { echo '2.1.330 (stand-in)'; exit; }
stty raw -echo
rule=$(printf '─%.0s' {1..40})
# What was said, a row above the box, what is typed in it.
draw() {
  printf '\e[2J\e[H%b\r\n\r\n%s\r\n\r\n%s\r\n❯\xc2\xa0%s\r\n%s\r\n' "$1" "$2" "$rule" "$3" "$rule"
}
take() {
  IFS= read -rs -d '~' begin
  IFS= read -rs -d '~' text
  text=${text%$'\e[201'}
  draw "$1" '' "$text"
  IFS= read -rsN1 enter
}
known() {
  printf '\e[?2004h'
  said=Welcome
  while :; do
    draw "$said" '' ''
    take "$said"
    said="$said\r\n\r\n❯ $text\r\n\r\n● You said $text."
  done
}
"#;

struct Stage {
    engine: Engine,
    project: Project,
    programs: PathBuf,
}

impl Stage {
    /// An engine that finds the stand-in in the place of Claude Code.
    async fn set(script: &str) -> Self {
        let setup = Setup::new();
        let programs = setup.folder().join("programs");
        fs::create_dir(&programs).expect("a folder can be made");
        let program = programs.join("claude");
        fs::write(&program, format!("{BEGINNING}{script}")).expect("it can be written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is a program");
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let engine = setup.variable("PATH", path).start().await;
        let project = plain_project(&engine).await;
        Self {
            engine,
            project,
            programs,
        }
    }

    async fn start(&self, message: Option<&str>) -> Session {
        let request = CreateSession {
            message: message.map(str::to_owned),
            ..session(self.project.id, "claude")
        };
        self.engine.client.start(&request).await
    }

    /// The actions in the trail that begin so.
    async fn trail(&self, begin: &str) -> Vec<String> {
        let events = self.engine.client.audit().await.into_iter();
        let actions = events.map(|event| event.action);
        actions.filter(|action| action.starts_with(begin)).collect()
    }

    /// Waits until the trail has this.
    async fn trails(&self, action: &str) {
        let noted = self
            .engine
            .client
            .until(action.to_owned(), async || self.trail(action).await.pop());
        noted.await;
    }

    async fn said(&self, id: SessionId) -> Vec<(Role, String)> {
        let messages = self.engine.client.messages(id).await.into_iter();
        messages.map(|m: Message| (m.role, m.content)).collect()
    }
}

/// Answers the first half and dies in the way that the next key says.
const DIES: &str = r#"
printf '\e[?2004h'
draw Welcome '' ''
take Welcome
draw "Welcome\r\n\r\n❯ $text\r\n\r\n● The first half" '✻ Thinking… (esc to interrupt)' ''
IFS= read -rsN1 key
[ $key = k ] && kill -KILL $$
printf '\e[2J\e[HError: out of memory\r\n'
exit 7
"#;

#[tokio::test]
async fn what_an_agent_has_said_before_it_crashes_stays_in_the_transcript() {
    let stage = Stage::set(DIES).await;
    let client = &stage.engine.client;
    for (key, code, signal) in [("k", None, Some("SIGKILL")), ("e", Some(7), None)] {
        let id = stage.start(None).await.id;
        client.waiting(id).await;
        let mut events = client.chat_events(id, None).await;
        client.chat(id, "go on").await.expect("it is taken");
        // Told while it grows, and before it is complete.
        loop {
            if let Event::MessageChanged { message } = events.next().await.event
                && message.content == "The first half"
            {
                assert!(message.partial);
                break;
            }
        }
        client.input(id, key).await.expect("it is typed");
        let ended = client.ended(id).await;
        let signal = signal.map(str::to_owned);
        assert_eq!(ended.status, Status::Exited { code, signal });
        let expected = [
            (Role::User, "go on".to_owned()),
            (Role::Agent, "The first half".to_owned()),
        ];
        assert_eq!(stage.said(id).await, expected, "after the key {key}");
        let messages = client.messages(id).await;
        assert!(messages.iter().all(|message| !message.partial));
        let refused = client.chat(id, "and?").await.expect_err("it is refused");
        assert_eq!(refused.code, Code::SessionEnded);
    }
    client.assert_audit_valid().await;
}

/// Ends before it takes a message, as often as there is a file that says so.
const DIES_AT_FIRST: &str = r#"
rm "$0.dies" 2>/dev/null && { printf 'no licence\r\n'; exit 3; }
known
"#;

#[tokio::test]
async fn a_message_that_a_crashed_agent_never_took_is_kept_for_the_next_run() {
    let stage = Stage::set(DIES_AT_FIRST).await;
    let client = &stage.engine.client;
    fs::write(stage.programs.join("claude.dies"), "").expect("it can be written");
    let id = stage.start(Some("the task")).await.id;
    let ended = client.ended(id).await;
    let Status::Failed { failure } = &ended.status else {
        panic!("{:?}", ended.status)
    };
    assert_eq!(failure.code, Code::SpawnFailed);
    assert!(failure.detail.contains("no licence"), "{failure:?}");
    let kept = client.messages(id).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(ended.undelivered, Some(kept[0].id));

    let path = format!("/sessions/{id}/restart");
    let _: Session = client.act(&path).await.expect("it is started again");
    client
        .message_with(id, Role::Agent, "You said the task.")
        .await;
    let now = client.waiting(id).await;
    assert_eq!(now.undelivered, None);
    assert_eq!(stage.said(id).await.len(), 2, "it was handed over once");
}

/// A line editor instead of the box. With the message "old" it takes its known face on.
const NEW_FACE: &str = r#"
stty sane -icanon -echo
printf 'The all new agent\n'
while :; do
  printf '~~> '
  text=
  while IFS= read -rsN1 key && [ "$key" != $'\n' ]; do text+=$key; printf '%s' "$key"; done
  printf '\n'
  [ "$text" = old ] && { stty raw -echo; known; }
  printf 'Heard: %s\n' "$text"
done
"#;

#[tokio::test]
async fn an_agent_with_a_new_face_is_read_as_plain_text_and_that_is_said() {
    let stage = Stage::set(NEW_FACE).await;
    let client = &stage.engine.client;
    let id = stage.start(None).await.id;
    let waits = client.waiting(id).await;
    stage.trails("screen.unknown").await;
    assert_eq!(stage.trail("screen.").await, ["screen.unknown"]);
    let path = format!("/audit?session={}", waits.id);
    let of_session: serde_json::Value = client.get(&path).await.expect("there is a trail");
    assert!(of_session.to_string().contains("screen.unknown"));

    client.chat(id, "hello").await.expect("it is taken");
    client.message_with(id, Role::Agent, "Heard: hello").await;
    client.waiting(id).await;
    client.chat(id, "again").await.expect("it is taken");
    client.message_with(id, Role::Agent, "Heard: again").await;
    client.waiting(id).await;

    // The user leaves whatever it was, and the agent has the face that is known.
    client.input(id, "old\r").await.expect("it is typed");
    stage.trails("screen.known").await;
    client.waiting(id).await;
    client.chat(id, "welcome back").await.expect("it is taken");
    let answer = client.message_with(id, Role::Agent, "welcome back").await;
    assert_eq!(
        answer.content, "You said welcome back.",
        "without its furniture"
    );
    assert_eq!(
        stage.trail("screen.").await,
        ["screen.unknown", "screen.known"]
    );
}

/// A wizard of which no rule knows anything: it shows nothing of what is typed, and Enter takes its
/// first choice.
const WIZARD: &str = r#"
printf 'How would you like to pay?\r\n\r\n  [x] With everything you have\r\n  [ ] Not at all\r\n'
while IFS= read -rsN1 key; do
  # bash makes a line feed of Enter here.
  [[ $key = [$'\r\n'] ]] && { printf 'You are poor now.\r\n'; touch "$0.paid"; }
  [ "$key" = q ] && known
done
"#;

#[tokio::test]
async fn a_message_answers_no_question_that_nobody_knows() {
    let stage = Stage::set(WIZARD).await;
    let client = &stage.engine.client;
    let id = stage.start(Some("do the task")).await.id;
    stage.trails("screen.unknown").await;
    let refused = loop {
        match client.chat(id, "what now?").await {
            Err(refused) if refused.code == Code::SessionBusy => {
                // The first message is being typed.
                client.waiting(id).await;
            }
            refused => break refused.expect_err("it is refused"),
        }
    };
    assert_eq!(refused.code, Code::SessionNotReady, "{refused:?}");
    assert!(refused.detail.contains("Enter"), "{refused:?}");
    let paid = |programs: &Path| programs.join("claude.paid").exists();
    assert!(!paid(&stage.programs), "nobody has pressed Enter");
    assert!(client.session(id).await.undelivered.is_some());

    client.input(id, "q").await.expect("it is typed");
    client
        .message_with(id, Role::Agent, "You said do the task.")
        .await;
    assert!(!paid(&stage.programs));
    assert_eq!(client.waiting(id).await.undelivered, None);
}
