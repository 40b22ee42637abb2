//! Two who edit the same row: different fields join, the same field is a choice that somebody sees.

use berth_protocol::tenant::{MutationState, Resolution};
use berth_store::StoreError;
use berth_tests::tenant::{Backend, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::prompt;

struct Two {
    _backend: Backend,
    one: Device,
    other: Device,
    id: Uuid,
}

impl Two {
    /// Two installations of an admin, with a prompt that both have.
    async fn start() -> Option<Self> {
        let backend = Backend::start().await?;
        let org = backend.organization("acme").await;
        let one = Device::synced(&backend.root(), org.id, org.admin.id).await;
        let other = Device::synced(&backend.root(), org.id, org.admin.id).await;
        let id = one.add_prompt(prompt("organization", "rules")).await;
        one.settled().await;
        other.settled().await;
        Some(Self {
            _backend: backend,
            one,
            other,
            id,
        })
    }

    /// Both edit, the other one sends first.
    async fn edit(&self, mine: Value, theirs: Value) {
        self.other.change_prompt(self.id, theirs).await;
        self.other.settled().await;
        self.one.change_prompt(self.id, mine).await;
        self.one.settled().await;
    }

    /// The one conflict of the first, with the revision of its other side.
    async fn conflict(&self) -> (berth_protocol::MutationId, i64, Vec<String>) {
        let mut mutations = self.one.mutations().await;
        assert_eq!(mutations.len(), 1, "{mutations:?}");
        let mutation = mutations.remove(0);
        match mutation.state {
            MutationState::Conflict {
                server_rev, fields, ..
            } => (mutation.id, server_rev, fields),
            other => panic!("no conflict: {other:?}"),
        }
    }

    async fn choose(&self, choice: Resolution) -> Option<Uuid> {
        let (id, rev, _) = self.conflict().await;
        let store = &self.one.store;
        let kept = store
            .resolve_conflict(self.one.tenant, id, rev, choice)
            .await;
        let kept = kept.expect("it can be chosen");
        let state = self.one.settled().await;
        assert_eq!((state.conflicts, state.parked, state.waiting), (0, 0, 0));
        self.other.settled().await;
        kept
    }

    async fn fields(&self, field: &str) -> (Value, Value) {
        (
            self.one.field(self.id, field).await,
            self.other.field(self.id, field).await,
        )
    }
}

#[tokio::test]
async fn different_fields_join_without_a_question() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.edit(json!({"content": "mine"}), json!({"priority": 7}))
        .await;
    assert_eq!(two.one.state().conflicts, 0);
    two.other.settled().await;
    assert_eq!(two.fields("content").await, (json!("mine"), json!("mine")));
    assert_eq!(two.fields("priority").await, (json!(7), json!(7)));
}

#[tokio::test]
async fn the_same_field_is_a_conflict_that_shows_mine_until_it_is_decided() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.edit(
        json!({"content": "mine", "priority": 1}),
        json!({"content": "theirs"}),
    )
    .await;
    assert_eq!(two.one.state().conflicts, 1);
    let (id, rev, fields) = two.conflict().await;
    assert_eq!(fields, ["content"]);
    assert_eq!(two.one.field(two.id, "content").await, "mine");

    // The other side moves on: what was seen is not what would be overwritten.
    two.other
        .change_prompt(two.id, json!({"content": "theirs again"}))
        .await;
    two.other.settled().await;
    two.one.settled().await;
    let store = &two.one.store;
    let late = store.resolve_conflict(two.one.tenant, id, rev, Resolution::KeepMine);
    let late = late.await.expect_err("the other side has moved");
    assert!(matches!(late, StoreError::ConflictMoved { .. }), "{late}");

    // A further edit is a part of mine.
    two.one
        .change_prompt(two.id, json!({"name": "renamed"}))
        .await;
    assert_eq!(two.one.settled().await.conflicts, 1);
    assert_eq!(two.choose(Resolution::KeepMine).await, Some(two.id));
    assert_eq!(two.fields("content").await, (json!("mine"), json!("mine")));
    assert_eq!(
        two.fields("name").await,
        (json!("renamed"), json!("renamed"))
    );
    assert_eq!(two.fields("priority").await, (json!(1), json!(1)));
}

#[tokio::test]
async fn theirs_is_kept_by_dropping_mine() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.edit(json!({"content": "mine"}), json!({"content": "theirs"}))
        .await;
    assert_eq!(two.choose(Resolution::KeepTheirs).await, None);
    assert_eq!(
        two.fields("content").await,
        (json!("theirs"), json!("theirs"))
    );
}

#[tokio::test]
async fn both_are_kept_by_a_second_row_under_a_free_name() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.edit(json!({"content": "mine"}), json!({"content": "theirs"}))
        .await;
    let mine = two
        .choose(Resolution::KeepBoth)
        .await
        .expect("there is a second row");
    assert_ne!(mine, two.id);
    assert_eq!(
        two.fields("content").await,
        (json!("theirs"), json!("theirs"))
    );
    for device in [&two.one, &two.other] {
        assert_eq!(device.field(mine, "content").await, "mine");
        assert_eq!(device.field(mine, "name").await, "rules (2)");
    }
}

#[tokio::test]
async fn what_was_deleted_comes_back_only_as_a_new_row_and_what_was_changed_is_not_deleted_unseen()
{
    let Some(two) = Two::start().await else {
        return;
    };
    two.other.delete_prompt(two.id).await;
    two.other.settled().await;
    two.one
        .change_prompt(two.id, json!({"content": "mine"}))
        .await;
    two.one.settled().await;
    assert_eq!(two.one.state().conflicts, 1);
    assert_eq!(two.one.field(two.id, "content").await, "mine");
    let back = two.choose(Resolution::KeepMine).await;
    let back = back.expect("it is a new row");
    assert_ne!(back, two.id);
    assert_eq!(two.other.field(back, "content").await, "mine");
    assert_eq!(two.other.field(back, "name").await, "rules");

    two.other
        .change_prompt(back, json!({"content": "theirs"}))
        .await;
    two.other.settled().await;
    two.one.delete_prompt(back).await;
    two.one.settled().await;
    assert_eq!(two.one.state().conflicts, 1);
    let (id, rev, _) = two.conflict().await;
    let both = two
        .one
        .store
        .resolve_conflict(two.one.tenant, id, rev, Resolution::KeepBoth)
        .await;
    assert!(matches!(both, Err(StoreError::ChoiceImpossible { .. })));
    two.choose(Resolution::KeepMine).await;
    assert!(two.other.prompt(back).await.is_none());
}

#[tokio::test]
async fn edits_one_after_the_other_are_never_a_conflict_with_oneself() {
    let Some(two) = Two::start().await else {
        return;
    };
    for round in 0..20 {
        two.one
            .change_prompt(two.id, json!({"content": format!("{round}")}))
            .await;
        two.one.sync().wake(berth_tenant::sync::Wake::Edited);
        // Not waited for: the next edit meets this one at any stage.
        tokio::task::yield_now().await;
        two.one
            .change_prompt(
                two.id,
                json!({"content": format!("{round}+"), "priority": round}),
            )
            .await;
    }
    let state = two.one.settled().await;
    assert_eq!((state.conflicts, state.parked), (0, 0));
    two.other.settled().await;
    assert_eq!(two.fields("content").await, (json!("19+"), json!("19+")));
}
