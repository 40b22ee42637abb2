use berth_protocol::{AgentDefinition, AgentId, Code};
use berth_store::StoreError;

use crate::support::{Fixture, assert_consistent, new_session};

fn id() -> AgentId {
    "mine".parse().unwrap()
}

fn definition(program: &str) -> AgentDefinition {
    AgentDefinition {
        name: "Mine".to_owned(),
        program: program.to_owned(),
        secrets: vec!["KEY".to_owned()],
        ..AgentDefinition::default()
    }
}

#[tokio::test]
async fn an_agent_can_be_described_read_described_anew_and_forgotten() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = store.define_agent(&id(), &definition("a")).await.unwrap();
    assert_eq!((made.version, made.secrets.len()), (1, 0));
    assert_eq!(
        store.defined_agent(&id()).await.unwrap(),
        Some(made.clone())
    );
    assert_eq!(store.defined_agents().await.unwrap(), [made]);
    let again = store
        .define_agent(&id(), &definition("b"))
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::AgentExists);

    let set = store.set_agent_secret(&id(), "KEY", true).await.unwrap();
    assert_eq!((set.version, set.secrets), (1, vec!["KEY".to_owned()]));
    let changed = store.redefine_agent(&id(), &definition("b")).await.unwrap();
    assert_eq!(
        (changed.version, changed.definition.program.as_str()),
        (2, "b")
    );
    assert_eq!(changed.missing_secrets().count(), 0);
    let without = store.set_agent_secret(&id(), "KEY", false).await.unwrap();
    assert_eq!(without.missing_secrets().collect::<Vec<_>>(), ["KEY"]);

    store.forget_agent(&id()).await.unwrap();
    assert_eq!(store.defined_agent(&id()).await.unwrap(), None);
    assert_consistent(store).await;
}

#[tokio::test]
async fn an_agent_that_runs_is_not_forgotten() {
    let (fixture, project, _) = Fixture::with_session().await;
    let store = &fixture.store;
    store.define_agent(&id(), &definition("a")).await.unwrap();
    let new = berth_store::NewSession {
        agent: id(),
        ..new_session(project.id)
    };
    store.create_session(new).await.unwrap();
    let refused = store.forget_agent(&id()).await.unwrap_err();
    assert!(matches!(refused, StoreError::AgentInUse { count: 1, .. }));
    assert_eq!(refused.code(), Code::AgentInUse);
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_is_not_described_cannot_be_changed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let gone = |error| matches!(error, StoreError::AgentNotFound(found) if found == id());
    assert!(gone(
        store
            .redefine_agent(&id(), &definition("a"))
            .await
            .unwrap_err()
    ));
    assert!(gone(
        store
            .set_agent_secret(&id(), "KEY", true)
            .await
            .unwrap_err()
    ));
    assert!(gone(store.forget_agent(&id()).await.unwrap_err()));
    assert_consistent(store).await;
}
