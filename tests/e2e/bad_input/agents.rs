//! Agents that are missing, broken or too old.

use std::{fs, os::unix::fs::PermissionsExt};

use berth_protocol::{AgentState, Code, CreateSession, Session, WorkspaceRequest};
use berth_tests::{Engine, Setup, session, skip, this_test};

use crate::{plain_project, repository};

#[tokio::test]
async fn an_agent_that_is_not_there_or_not_a_program_is_refused() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let missing = engine
        .client
        .try_start(&session(project.id, "auggie"))
        .await
        .unwrap_err();
    assert!(missing.code == Code::AgentMissing, "{missing:?}");
    let unknown = engine
        .client
        .try_start(&session(project.id, "nobody"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code, Code::AgentNotFound);

    repository.write("data.txt", "no program\n");
    let command = |words: &[&str]| CreateSession {
        command: Some(words.iter().map(|&word| word.to_owned()).collect()),
        workspace: Some(WorkspaceRequest::InPlace),
        ..session(project.id, "custom")
    };
    for (words, code) in [
        (&["no-such-program"][..], Code::AgentMissing),
        (&["./missing.sh"], Code::AgentMissing),
        (&["./data.txt"], Code::AgentNotExecutable),
        (&[], Code::CommandInvalid),
        (&[""], Code::CommandInvalid),
        (&["echo", "nul\0"], Code::CommandInvalid),
    ] {
        let refused = engine.client.try_start(&command(words)).await.unwrap_err();
        assert_eq!(refused.code, code, "{words:?}: {refused:?}");
    }
    let none = engine
        .client
        .try_start(&session(project.id, "custom"))
        .await
        .unwrap_err();
    assert_eq!(none.code, Code::CommandInvalid);
    let shell = CreateSession {
        agent: "shell".parse().unwrap(),
        ..command(&["ls"])
    };
    assert_eq!(
        engine.client.try_start(&shell).await.unwrap_err().code,
        Code::CommandInvalid
    );

    assert_eq!(
        engine.client.sessions().await,
        [],
        "none of them left a session"
    );
    assert_eq!(
        repository.git(&["worktree", "list"]).lines().count(),
        1,
        "nor a worktree"
    );
}

#[tokio::test]
async fn a_missing_agent_says_how_to_install_it() {
    let bare = Setup::new().variable("PATH", "/usr/bin:/bin").start().await;
    let project = plain_project(&bare).await;
    let agents = bare.client.agents().await;
    let claude = agents
        .iter()
        .find(|agent| agent.id.as_str() == "claude")
        .unwrap();
    if claude.state != AgentState::Missing {
        return skip(&this_test(), "claude is installed for the whole system");
    }
    let refused = bare
        .client
        .try_start(&session(project.id, "claude"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::AgentMissing);
    let hint = refused.hint.unwrap();
    assert!(
        hint.contains(claude.install_hint.as_deref().unwrap()),
        "{hint}"
    );
}

#[tokio::test]
async fn an_agent_that_is_not_executable_is_broken_and_refused() {
    let setup = Setup::new();
    let programs = setup.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("claude"), "no program").unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let engine = setup.variable("PATH", path).start().await;
    let project = plain_project(&engine).await;
    let agents = engine.client.agents().await;
    let claude = agents
        .into_iter()
        .find(|agent| agent.id.as_str() == "claude")
        .unwrap();
    if claude.state != AgentState::Broken {
        return skip(&this_test(), "claude is installed for the whole system");
    }
    assert!(claude.detail.is_some(), "it says what is wrong");
    let refused = engine
        .client
        .try_start(&session(project.id, "claude"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::AgentNotExecutable);
}

/// Puts a stand-in for an agent in place that does nothing but print a version.
fn print_version(place: &std::path::Path, version: &str) {
    let script = format!("#!/bin/sh\necho '{version} (stand-in for an agent)'\n");
    // Under another name first: nothing can be run that is still open for writing.
    let new = place.with_extension("new");
    fs::write(&new, script).expect("it can be written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
    fs::rename(&new, place).expect("it can be put in its place");
}

#[tokio::test]
async fn an_agent_that_is_too_old_says_so_and_is_refused() {
    let setup = Setup::new();
    let programs = setup.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    let program = programs.join("claude");
    print_version(&program, "1.0.3");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let engine = setup.variable("PATH", path).start().await;
    let client = &engine.client;
    let project = plain_project(&engine).await;
    // At once, before anybody has looked at the list.
    let request = session(project.id, "claude");
    let refused = client.try_start(&request).await.unwrap_err();
    assert_eq!(refused.code, Code::AgentTooOld);
    assert_eq!(refused.status, 424);
    assert!(refused.detail.contains("1.0.3"), "{refused:?}");
    assert!(refused.detail.contains("2.1.200"), "{refused:?}");
    let hint = refused.hint.unwrap();
    assert!(
        hint.contains("npm install -g @anthropic-ai/claude-code"),
        "{hint}"
    );
    assert!(client.sessions().await.is_empty(), "nothing is left of it");
    let claude = async || {
        let agents = client.agents().await.into_iter();
        let mut claude = agents.filter(|agent| agent.id.as_str() == "claude");
        claude
            .next()
            .filter(|claude| claude.state != AgentState::Checking)
    };
    let old = client.until("claude is looked at", claude).await;
    assert_eq!(old.state, AgentState::TooOld);
    assert_eq!(old.version.as_deref(), Some("1.0.3"));
    assert!(old.detail.unwrap().contains("2.1.200"));

    // Once it is updated it is started, whether or not somebody has looked again.
    print_version(&program, "2.1.200-stand-in");
    let started = client.start(&request).await;
    client.ended(started.id).await;

    // A session that was started before is refused like a new one.
    print_version(&program, "2.1.199");
    let path = format!("/sessions/{}/restart", started.id);
    let refused = client.act::<Session>(&path).await.unwrap_err();
    assert_eq!(refused.code, Code::AgentTooOld);
}
