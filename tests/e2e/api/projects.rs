//! Projects and the agents that can work in them.

use std::{collections::BTreeSet, fs, path::Path};

use berth_protocol::{Code, Project, UpdateProject};
use berth_tests::{Engine, programs, skip};
use reqwest::Method;
use serde_json::Value;

use crate::{folder, repository};

#[tokio::test]
async fn projects_are_added_listed_renamed_and_removed() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let plain = folder(&engine, "plain");
    let client = &engine.client;

    let git = client.add_project(&repository.path).await;
    assert_eq!(git.name, "repository");
    let info = git.git.clone().unwrap();
    assert_eq!(
        (info.branch.as_deref(), info.has_commits),
        (Some("main"), true)
    );
    assert_eq!(Path::new(&info.root), repository.path);
    let other = client.add_project(&plain).await;
    assert_eq!(other.git, None, "a plain folder is no repository");
    assert!(!other.missing);

    let branches = client.branches(git.id).await;
    assert_eq!(branches.branches.iter().collect::<BTreeSet<_>>().len(), 2);
    let path = format!("/projects/{}", git.id);
    let rename = UpdateProject {
        name: "Renamed".to_owned(),
    };
    let renamed: Project = client
        .value(client.request(Method::PATCH, &path).json(&rename))
        .await
        .unwrap();
    assert_eq!(
        renamed,
        Project {
            name: "Renamed".to_owned(),
            ..git.clone()
        }
    );
    assert_eq!(client.get::<Project>(&path).await.unwrap(), renamed);
    let listed: Value = client.get("/projects").await.unwrap();
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);

    client.delete(&path).await.unwrap();
    assert_eq!(
        client.get::<Project>(&path).await.unwrap_err().code,
        Code::ProjectNotFound
    );
    assert!(
        repository.path.join("README.md").is_file(),
        "the folder itself is not touched"
    );
    assert!(
        client.add_project(&repository.path).await.id != git.id,
        "it can be added again"
    );

    fs::remove_dir(&plain).unwrap();
    let gone: Project = client
        .get(&format!("/projects/{}", other.id))
        .await
        .unwrap();
    assert!(gone.missing, "a project whose folder is gone says so");
}

#[tokio::test]
async fn a_project_with_sessions_is_not_removed() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let path = format!("/projects/{}", project.id);
    let refused = engine.client.delete(&path).await.unwrap_err();
    assert_eq!(refused.code, Code::ProjectHasSessions);
    engine
        .client
        .delete(&format!("/sessions/{}", session.id))
        .await
        .unwrap();
    engine.client.delete(&path).await.unwrap();
}

#[tokio::test]
async fn agents_are_found_with_their_versions() {
    let engine = Engine::start().await;
    let agents = engine.client.agents().await;
    let find = |id: &str| {
        agents
            .iter()
            .find(|agent| agent.id.as_str() == id)
            .unwrap()
            .clone()
    };
    assert_eq!(find("shell").state, berth_protocol::AgentState::Ready);
    let missing = find("auggie");
    assert_eq!(missing.state, berth_protocol::AgentState::Missing);
    assert!(
        missing.install_hint.is_some(),
        "a missing agent says how to install it"
    );

    let Some(claude) = programs::agent("claude") else {
        return skip(
            "agents_are_found_with_their_versions",
            "claude is not installed",
        );
    };
    let found = engine.client.until("claude is ready", async || {
        let agents = engine.client.agents().await;
        agents.into_iter().find(|agent| {
            agent.id.as_str() == "claude" && agent.state == berth_protocol::AgentState::Ready
        })
    });
    let found = found.await;
    assert_eq!(found.path.as_deref(), claude.to_str());
    assert!(
        found
            .version
            .unwrap()
            .starts_with(|c: char| c.is_ascii_digit())
    );
    assert!(!found.permission_modes.is_empty());
}
