use berth_protocol::{
    OrganizationId, UserId,
    tenant::{EntityKind, MutationState, OrganizationRole, Resolution, Tenant},
};
use berth_store::{
    Cursor, Outgoing, Page, PulledChange, PushOutcome, PushVerdict, Store, StoreError, TenantEdit,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent};

const KIND: EntityKind = EntityKind::Prompt;

async fn tenant(store: &Store) -> Tenant {
    let tenant = Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
    };
    let role = OrganizationRole::User;
    let added = store.add_organization(tenant, "https://example.org/rest/v1", "acme", role);
    assert_eq!(added.await.unwrap().cursor.staged, Some((0, None)));
    tenant
}

/// A store with an organization whose replica is complete at revision 5, with one prompt.
async fn synced() -> (Fixture, Tenant, Uuid) {
    let fixture = Fixture::new().await;
    let tenant = tenant(&fixture.store).await;
    let id = Uuid::now_v7();
    let page = page(0, 5, vec![row(id, 5, json!({"name": "a", "content": "b"}))]);
    fixture.store.apply_page(tenant, &page).await.unwrap();
    (fixture, tenant, id)
}

fn page(since: i64, rev: i64, changes: Vec<PulledChange>) -> Page {
    Page {
        since,
        rev,
        token: "1.1.0".to_owned(),
        is_last: true,
        changes,
    }
}

fn row(id: Uuid, rev: i64, row: Value) -> PulledChange {
    PulledChange {
        kind: KIND.as_str().to_owned(),
        id,
        rev,
        is_deleted: false,
        row,
    }
}

fn change(id: Uuid, fields: Value) -> TenantEdit {
    TenantEdit::Change {
        kind: KIND,
        id,
        fields,
    }
}

fn add(id: Uuid, fields: Value) -> TenantEdit {
    TenantEdit::Add {
        kind: KIND,
        id,
        fields,
    }
}

async fn outgoing(store: &Store, tenant: Tenant) -> Vec<Outgoing> {
    store.take_outgoing(tenant, 50, |_| true).await.unwrap()
}

async fn seen(store: &Store, tenant: Tenant, id: Uuid) -> Option<Value> {
    let row = store.tenant_row(tenant, "prompt", id).await.unwrap();
    row.map(|row| row.row)
}

async fn applied(store: &Store, tenant: Tenant, sent: &Outgoing, rev: i64) {
    let outcome = PushOutcome {
        id: sent.id,
        verdict: PushVerdict::Applied { rev },
    };
    store.settle_outgoing(tenant, &[outcome]).await.unwrap();
}

#[tokio::test]
async fn edits_of_a_row_that_wait_are_one_and_a_row_that_was_never_sent_leaves_nothing() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    for fields in [
        json!({"name": "c"}),
        json!({"content": "d"}),
        json!({"name": "e"}),
    ] {
        store.edit_tenant(tenant, change(id, fields)).await.unwrap();
    }
    let new = Uuid::now_v7();
    let fields = json!({"scope": "user", "name": "new", "content": "x"});
    store.edit_tenant(tenant, add(new, fields)).await.unwrap();
    let delete = TenantEdit::Delete {
        kind: KIND,
        id: new,
    };
    store.edit_tenant(tenant, delete.clone()).await.unwrap();
    assert_eq!(
        seen(store, tenant, id).await.unwrap(),
        json!({"id": id, "name": "e", "content": "d"})
    );
    assert_eq!(seen(store, tenant, new).await, None);
    let again = store.edit_tenant(tenant, delete).await.unwrap_err();
    assert!(matches!(again, StoreError::TenantRowNotFound { .. }));
    let sent = outgoing(store, tenant).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].base_rev, &sent[0].patch),
        (Some(5), &json!({"name": "e", "content": "d"}))
    );
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_was_sent_stays_as_it_is_until_it_is_answered() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    let edit = change(id, json!({"name": "c"}));
    store.edit_tenant(tenant, edit).await.unwrap();
    let sent = outgoing(store, tenant).await;
    let later = change(id, json!({"name": "d"}));
    store.edit_tenant(tenant, later).await.unwrap();

    // After a crash it is the same again, and what was edited since then waits behind it.
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(outgoing(&store, tenant).await, sent);
    assert_eq!(seen(&store, tenant, id).await.unwrap()["name"], "d");
    applied(&store, tenant, &sent[0], 6).await;
    assert_eq!(outgoing(&store, tenant).await, []);
    assert_eq!(seen(&store, tenant, id).await.unwrap()["name"], "d");

    let pulled = page(5, 6, vec![row(id, 6, json!({"name": "c", "content": "b"}))]);
    store.apply_page(tenant, &pulled).await.unwrap();
    let next = outgoing(&store, tenant).await;
    assert_eq!(
        (next.len(), next[0].base_rev, &next[0].patch),
        (1, Some(6), &json!({"name": "d"}))
    );
}

#[tokio::test]
async fn a_pull_hides_no_edit_and_finds_the_fields_that_both_have_changed() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    let edit = change(id, json!({"name": "mine"}));
    store.edit_tenant(tenant, edit).await.unwrap();
    let pulled = page(
        5,
        6,
        vec![row(id, 6, json!({"name": "a", "content": "theirs"}))],
    );
    store.apply_page(tenant, &pulled).await.unwrap();
    assert_eq!(
        seen(store, tenant, id).await.unwrap(),
        json!({"id": id, "name": "mine", "content": "theirs"})
    );
    let pulled = page(
        6,
        7,
        vec![row(id, 7, json!({"name": "theirs", "content": "theirs"}))],
    );
    store.apply_page(tenant, &pulled).await.unwrap();
    assert_eq!(seen(store, tenant, id).await.unwrap()["name"], "mine");
    let conflict = store.mutations(tenant).await.unwrap().remove(0);
    let MutationState::Conflict {
        fields, server_rev, ..
    } = conflict.state
    else {
        panic!("no conflict: {conflict:?}");
    };
    assert_eq!((fields, server_rev), (vec!["name".to_owned()], 7));
    assert_eq!(outgoing(store, tenant).await, [], "somebody must choose");
}

#[tokio::test]
async fn nobody_sees_half_of_a_copy_and_a_crash_does_not_lose_the_first_half() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    store.begin_copy(tenant).await.unwrap();
    let new = Uuid::now_v7();
    let half = Page {
        is_last: false,
        ..page(0, 8, vec![row(new, 8, json!({"name": "new"}))])
    };
    store.apply_page(tenant, &half).await.unwrap();
    assert!(seen(store, tenant, id).await.is_some());
    assert_eq!(seen(store, tenant, new).await, None);
    let edit = change(id, json!({"name": "mine"}));
    store.edit_tenant(tenant, edit).await.unwrap();

    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    let known = store.organization(tenant).await.unwrap().unwrap().cursor;
    assert_eq!(known.staged, Some((8, Some("1.1.0".to_owned()))));
    let wrong = store.apply_page(tenant, &half).await.unwrap_err();
    assert!(matches!(wrong, StoreError::CursorMoved { found: 8, .. }));
    let rest = page(8, 9, vec![]);
    store.apply_page(tenant, &rest).await.unwrap();
    assert!(seen(&store, tenant, new).await.is_some());
    // It is gone there and was edited here, so somebody must choose.
    let state = &store.mutations(tenant).await.unwrap()[0].state;
    assert!(matches!(state, MutationState::Conflict { code, .. } if code == "sync.deleted"));
    assert_eq!(seen(&store, tenant, id).await.unwrap()["name"], "mine");
    let known = store.organization(tenant).await.unwrap().unwrap().cursor;
    let done = Cursor {
        rev: 9,
        token: Some("1.1.0".to_owned()),
        staged: None,
    };
    assert_eq!(known, done);
}

#[tokio::test]
async fn one_user_of_an_organization_sees_nothing_of_another_and_a_wipe_takes_only_their_own() {
    let (fixture, one, id) = synced().await;
    let store = &fixture.store;
    let other = Tenant {
        user: UserId(Uuid::now_v7()),
        ..one
    };
    let role = OrganizationRole::Admin;
    let added = store.add_organization(other, "https://example.org/rest/v1", "acme", role);
    added.await.unwrap();
    let theirs = page(0, 5, vec![row(id, 5, json!({"name": "theirs"}))]);
    store.apply_page(other, &theirs).await.unwrap();
    let edit = change(id, json!({"name": "mine"}));
    store.edit_tenant(one, edit).await.unwrap();
    assert_eq!(seen(store, other, id).await.unwrap()["name"], "theirs");
    let wiped = store.wipe_organization(one, "test").await.unwrap();
    assert_eq!((wiped.unsent, wiped.rows), (1, 1));
    assert_eq!(seen(store, one, id).await, None);
    assert_eq!(seen(store, other, id).await.unwrap()["name"], "theirs");
    assert_consistent(store).await;
    let late = store.edit_tenant(one, change(id, json!({"name": "x"})));
    assert!(matches!(
        late.await.unwrap_err(),
        StoreError::TenantNotFound(_)
    ));
}

#[tokio::test]
async fn what_clients_do_not_write_is_refused_before_it_is_kept() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    for edit in [
        change(id, json!({"scope": "organization"})),
        change(id, json!({"rev": 1})),
        change(id, json!("name")),
        add(Uuid::now_v7(), json!({"user_id": tenant.user})),
        TenantEdit::Delete {
            kind: EntityKind::Policy,
            id,
        },
    ] {
        let refused = store.edit_tenant(tenant, edit.clone()).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::TenantFieldRefused { .. }),
            "{edit:?}"
        );
    }
    let taken = store.edit_tenant(tenant, add(id, json!({"scope": "user"})));
    let taken = taken.await.unwrap_err();
    assert!(matches!(taken, StoreError::TenantRowExists { .. }));
    // All or none.
    let edits = vec![
        change(id, json!({"name": "mine"})),
        change(Uuid::now_v7(), json!({"name": "nothing"})),
    ];
    store.edit_tenant_all(tenant, edits).await.unwrap_err();
    assert_eq!(store.mutations(tenant).await.unwrap(), []);
    assert_consistent(store).await;
}

/// How many versions ahead of the replica a row is seen.
async fn ahead(store: &Store, tenant: Tenant, id: Uuid) -> u32 {
    let row = store.tenant_row(tenant, "prompt", id).await.unwrap();
    row.unwrap().ahead
}

#[tokio::test]
async fn edits_that_wait_together_count_each_wherever_they_wait() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    let edit = async |store: &Store, fields: Value| {
        store.edit_tenant(tenant, change(id, fields)).await.unwrap();
    };
    assert_eq!(ahead(store, tenant, id).await, 0);
    edit(store, json!({"name": "c"})).await;
    edit(store, json!({"content": "d"})).await;
    // What changes nothing is no edit.
    edit(store, json!({"content": "d"})).await;
    assert_eq!(ahead(store, tenant, id).await, 2);
    let sent = outgoing(store, tenant).await;
    assert_eq!((sent.len(), sent[0].edits), (1, 2));
    edit(store, json!({"name": "e"})).await;
    assert_eq!(ahead(store, tenant, id).await, 3);

    // After a crash what was sent is the same, and what waits behind it counts still.
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(outgoing(&store, tenant).await, sent);
    assert_eq!(ahead(&store, tenant, id).await, 3);
    let refused = PushOutcome {
        id: sent[0].id,
        verdict: PushVerdict::Rejected {
            code: "sync.forbidden".to_owned(),
            reason: None,
        },
    };
    store.settle_outgoing(tenant, &[refused]).await.unwrap();
    assert_eq!(ahead(&store, tenant, id).await, 3, "they are one now");
    let parked = store.mutations(tenant).await.unwrap().remove(0);
    store.retry_parked(tenant, parked.id).await.unwrap();
    let again = outgoing(&store, tenant).await;
    assert_eq!((again.len(), again[0].edits), (1, 3));

    // Once it has arrived the row is as far as the backend's.
    applied(&store, tenant, &again[0], 6).await;
    assert_eq!(ahead(&store, tenant, id).await, 3);
    let fields = json!({"name": "e", "content": "d"});
    let pulled = page(5, 6, vec![row(id, 6, fields)]);
    store.apply_page(tenant, &pulled).await.unwrap();
    assert_eq!(ahead(&store, tenant, id).await, 0);
}

#[tokio::test]
async fn edits_in_conflict_count_each_until_it_ends() {
    let (fixture, tenant, id) = synced().await;
    let store = &fixture.store;
    for fields in [json!({"name": "mine"}), json!({"content": "mine"})] {
        store.edit_tenant(tenant, change(id, fields)).await.unwrap();
    }
    let fields = json!({"name": "theirs", "content": "b"});
    let pulled = page(5, 6, vec![row(id, 6, fields)]);
    store.apply_page(tenant, &pulled).await.unwrap();
    assert_eq!(outgoing(store, tenant).await, [], "somebody must choose");
    assert_eq!(ahead(store, tenant, id).await, 2);
    let conflict = store.mutations(tenant).await.unwrap().remove(0);
    let kept = store.resolve_conflict(tenant, conflict.id, 6, Resolution::KeepMine);
    kept.await.unwrap();
    let sent = outgoing(store, tenant).await;
    assert_eq!((sent.len(), sent[0].edits), (1, 2));
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_global_prompt_that_comes_with_an_organization_is_only_read() {
    let (fixture, tenant, _) = synced().await;
    let store = &fixture.store;
    let id = Uuid::now_v7();
    let global = json!({"scope": "global", "name": "all", "content": "words"});
    let pulled = page(5, 6, vec![row(id, 6, global)]);
    store.apply_page(tenant, &pulled).await.unwrap();
    assert_eq!(seen(store, tenant, id).await.unwrap()["name"], "all");
    for edit in [
        change(id, json!({"enabled": false})),
        TenantEdit::Delete { kind: KIND, id },
        add(id, json!({"scope": "user", "name": "mine"})),
    ] {
        let refused = store.edit_tenant(tenant, edit.clone()).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::TenantFieldRefused { .. }),
            "{edit:?}"
        );
    }
    assert_eq!(store.mutations(tenant).await.unwrap(), []);
    assert_consistent(store).await;
}
