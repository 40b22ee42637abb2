use std::sync::Arc;

use berth_protocol::{Endpoint, PromptTarget, Transport};
use berth_session::environment::Environment;
use berth_store::Store;
use tempfile::TempDir;

use super::*;
use crate::{Config, defined_agents, endpoint};

/// An engine without its API. The prompts of an organization, which come with sync, are put into its store.
async fn engine() -> (TempDir, Arc<State>) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    endpoint::prepare_folder(&data_dir).unwrap();
    let mut config = Config::new(data_dir.clone());
    config.environment = Some(Environment::own("a test", None));
    let store = Store::open(&data_dir.join("berth.db")).await.unwrap();
    let endpoint = Endpoint {
        url: "http://127.0.0.1:1".to_owned(),
        token: String::new(),
        pid: std::process::id(),
        version: crate::VERSION.to_owned(),
    };
    (folder, State::new(config, store, endpoint).unwrap())
}

async fn add(state: &State, name: &str, locked: bool) -> SystemPrompt {
    let draft = PromptDraft {
        scope: PromptScope::Organization,
        name: name.to_owned(),
        content: name.to_owned(),
        enabled: true,
        locked,
        ..PromptDraft::default()
    };
    state
        .store
        .create_prompt(&draft, Some("admin"))
        .await
        .unwrap()
}

/// The names of what a session of this agent would be given.
async fn given_to(state: &State, agent: &str) -> Result<Vec<String>, Problem> {
    let spec = &defined_agents::spec(state, &agent.parse().unwrap()).unwrap();
    let composing = Composing::now(state).await.unwrap();
    let wanted = effective::For {
        spec,
        transport: Transport::Pty,
        project: None,
        path: "/work",
        branch: None,
        own: None,
    };
    let given = given(state, &composing, &wanted)
        .await
        .map_err(|error| *error.0)?;
    let parts = given.effective.parts.into_iter();
    Ok(parts.map(|part| part.name).collect())
}

#[tokio::test]
async fn a_user_can_do_without_an_organization_s_prompt_unless_it_is_locked() {
    let (_folder, state) = engine().await;
    let (open, locked) = (
        add(&state, "Open", false).await,
        add(&state, "Locked", true).await,
    );
    assert_eq!(
        given_to(&state, "claude").await.unwrap(),
        ["Locked", "Open"]
    );
    let declined = PromptChoice { declined: true };
    decline(&state, open.id, declined).await.unwrap();
    assert_eq!(given_to(&state, "claude").await.unwrap(), ["Locked"]);
    assert_eq!(list(&state).await.unwrap().declined, [open.id]);
    let refused = decline(&state, locked.id, declined).await.unwrap_err().0;
    assert_eq!(refused.code, Code::PromptScopeDenied);
    // What was open when it was declined may be locked later.
    let draft = PromptDraft {
        locked: true,
        ..open.draft()
    };
    state
        .store
        .update_prompt(open.id, 1, &draft, Some("admin"))
        .await
        .unwrap();
    assert_eq!(
        given_to(&state, "claude").await.unwrap(),
        ["Locked", "Open"]
    );
    decline(&state, open.id, PromptChoice { declined: false })
        .await
        .unwrap();
    assert!(list(&state).await.unwrap().declined.is_empty());
}

#[tokio::test]
async fn an_agent_that_takes_no_prompts_is_refused_what_is_locked() {
    let (_folder, state) = engine().await;
    add(&state, "Open", false).await;
    assert_eq!(given_to(&state, "shell").await.unwrap(), ["Open"]);
    add(&state, "Locked", true).await;
    let refused = given_to(&state, "shell").await.unwrap_err();
    assert_eq!(refused.code, Code::AgentTakesNoPrompt);
    assert!(refused.detail.contains("Locked"), "{refused}");
}

#[test]
fn what_is_wrong_with_a_prompt_is_said_by_field() {
    let draft = PromptDraft {
        name: "two\nlines".to_owned(),
        format: PromptFormat::Template,
        content: "Dear {{ usr_name }}".to_owned(),
        locked: true,
        target: PromptTarget::default(),
        ..PromptDraft::default()
    };
    let problem = checked(draft).unwrap_err().0;
    assert_eq!(problem.code, Code::PromptInvalid);
    let fields: Vec<&str> = problem.fields.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["name", "content", "locked"]);
    assert!(
        problem.fields[1].message.starts_with("Line 1, column 9"),
        "{problem:?}"
    );
}
