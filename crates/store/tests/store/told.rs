//! What organizations are told of sessions and sign-ins, queued with the change itself.

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{
    Beginning, Code, DiffStat, Failure, McpConfigurationId, McpDraft, McpGrantFacts,
    OrganizationId, UserId,
    tenant::{EntityKind, Mutation, MutationState, OrganizationRole, Resolution, Tenant},
};
use berth_store::{
    GivenPrompt, NewSession, Page, Phase, PulledChange, PushOutcome, PushVerdict, SessionRecord,
    Store,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent, new_session};

/// A store that belongs to an organization, which has nothing yet.
async fn with_organization() -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = organization(&fixture.store).await;
    (fixture, tenant)
}

async fn organization(store: &Store) -> Tenant {
    let tenant = Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
    };
    let role = OrganizationRole::User;
    let added = store.add_organization(tenant, "https://example.org/rest/v1", "acme", role);
    added.await.unwrap();
    pulled(store, tenant, 0, 1, Vec::new()).await;
    tenant
}

async fn pulled(store: &Store, tenant: Tenant, since: i64, rev: i64, changes: Vec<PulledChange>) {
    let page = Page {
        since,
        rev,
        token: "1.1.0".to_owned(),
        is_last: true,
        changes,
    };
    store.apply_page(tenant, &page).await.unwrap();
}

async fn begins(store: &Store, tenant: Option<Tenant>) -> SessionRecord {
    let project = store.create_project("/work/app", "app").await.unwrap();
    let mut new = NewSession {
        tenant,
        ..new_session(project.id)
    };
    new.workspace.base_commit = Some("0f3a".repeat(10));
    store.create_session(new).await.unwrap()
}

/// What the backend has, by identifier.
#[derive(Default)]
struct Far(BTreeMap<Uuid, Value>);

impl Far {
    /// Takes what waits, and has the replica show it.
    async fn takes(&mut self, store: &Store, tenant: Tenant) {
        loop {
            let since = at(store, tenant).await;
            let sent = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
            if sent.is_empty() {
                return;
            }
            let rev = since + 1;
            let mut changes = Vec::new();
            for change in sent {
                let verdict = PushVerdict::Applied { rev };
                let id = change.id;
                let outcome = PushOutcome { id, verdict };
                store.settle_outgoing(tenant, &[outcome]).await.unwrap();
                let id = change.entity_id;
                let row = self.0.entry(id).or_insert_with(|| json!({"id": id}));
                for (field, value) in change.patch.as_object().unwrap() {
                    row[field] = value.clone();
                }
                changes.push(PulledChange {
                    kind: change.kind.as_str().to_owned(),
                    id,
                    rev,
                    is_deleted: change.deletes,
                    row: row.clone(),
                });
            }
            pulled(store, tenant, since, rev, changes).await;
        }
    }
}

/// The revision of the replica.
async fn at(store: &Store, tenant: Tenant) -> i64 {
    let organization = store.organization(tenant).await.unwrap();
    organization.unwrap().cursor.rev
}

fn nothing_stays(_: &McpDraft, _: &McpDraft) -> BTreeSet<String> {
    BTreeSet::new()
}

async fn waiting(store: &Store, tenant: Tenant) -> Vec<Mutation> {
    store.mutations(tenant).await.unwrap()
}

async fn row(store: &Store, tenant: Tenant, kind: EntityKind) -> Value {
    let mut rows = store.tenant_rows(tenant, kind.as_str()).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).row
}

fn exited(code: i32) -> Phase {
    Phase::Exited {
        code: Some(code),
        signal: None,
    }
}

#[tokio::test]
async fn a_session_is_queued_with_its_workspace_and_without_title_and_path() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let session = begins(store, Some(tenant)).await;
    let queued = waiting(store, tenant).await;
    let kinds: Vec<_> = queued.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [EntityKind::Session, EntityKind::Workspace]);
    assert_eq!(queued[0].entity_id, session.id.0);
    let text = json!([queued[0].patch, queued[1].patch]).to_string();
    for hidden in [&session.title, &session.workspace.path] {
        assert!(!text.contains(hidden.as_str()), "{text}");
    }
    let installation = store.installation().await.unwrap();
    assert_eq!(
        queued[0].patch,
        json!({
            "device_id": installation, "agent": "claude", "transport": "pty", "phase": "live", "run": 1,
            "permission_mode": "plan", "started_at": session.created_at,
        })
    );
    assert_eq!(
        queued[1].patch,
        json!({
            "session_id": session.id, "kind": "worktree", "branch": "berth/fix-the-login",
            "base_commit": "0f3a".repeat(10),
        })
    );
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_happens_offline_is_one_change_and_what_happens_later_another() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = begins(store, Some(tenant)).await.id;
    let lost = Phase::Failed(Failure {
        code: Code::EngineLost,
        detail: "words".to_owned(),
    });
    store.session_ended(id, lost).await.unwrap();
    assert_eq!(waiting(store, tenant).await.len(), 2);
    let told = row(store, tenant, EntityKind::Session).await;
    assert_eq!(
        (&told["phase"], &told["failure_code"]),
        (&json!("failed"), &json!("session.engine_lost"))
    );
    assert!(!told.to_string().contains("words"), "{told}");
    far.takes(store, tenant).await;
    assert_eq!(waiting(store, tenant).await, []);

    let given = GivenPrompt::default();
    let again = store.session_restarted(id, Beginning::New, None, &given, Some(tenant));
    again.await.unwrap();
    let changed = DiffStat {
        files: 2,
        added: 30,
        removed: 4,
    };
    let queued = waiting(store, tenant).await.len();
    store.set_session_changes(id, Some(changed)).await.unwrap();
    assert_eq!(waiting(store, tenant).await.len(), queued, "it runs");
    store.session_ended(id, exited(3)).await.unwrap();
    store.archive_session(id, None).await.unwrap();
    let queued = waiting(store, tenant).await;
    assert_eq!(queued.len(), 2);
    assert!(queued.iter().all(|it| it.base_rev.is_some()));
    far.takes(store, tenant).await;
    let told = row(store, tenant, EntityKind::Session).await;
    assert_eq!(
        (&told["phase"], &told["exit_code"], &told["run"]),
        (&json!("exited"), &json!(3), &json!(2))
    );
    assert_eq!(told["failure_code"], Value::Null);
    assert!(told["archived_at"].is_string(), "{told}");
    let told = row(store, tenant, EntityKind::Workspace).await;
    assert_eq!(
        (&told["changed_files"], &told["added_lines"]),
        (&json!(2), &json!(30))
    );
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_change_behind_one_that_was_sent_waits_for_it_and_loses_nothing() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = begins(store, Some(tenant)).await.id;
    // It was sent, and the answer is lost.
    let sent = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
    store.session_ended(id, exited(0)).await.unwrap();
    let again = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
    assert_eq!(again, sent, "it is sent again as it was");
    far.takes(store, tenant).await;
    let told = row(store, tenant, EntityKind::Session).await;
    assert_eq!(told["phase"], "exited");
    assert_eq!(waiting(store, tenant).await, []);
}

#[tokio::test]
async fn a_session_that_is_deleted_before_it_was_told_leaves_nothing_and_later_it_is_deleted_there()
{
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let session = begins(store, Some(tenant)).await;
    store.session_ended(session.id, exited(0)).await.unwrap();
    store.delete_session(session.id).await.unwrap();
    assert_eq!(waiting(store, tenant).await, []);

    let new = NewSession {
        tenant: Some(tenant),
        ..new_session(session.project_id)
    };
    let id = store.create_session(new).await.unwrap().id;
    far.takes(store, tenant).await;
    store.session_ended(id, exited(0)).await.unwrap();
    store.delete_session(id).await.unwrap();
    let queued = waiting(store, tenant).await;
    let deleted: Vec<_> = queued.iter().map(|it| (it.kind, it.deletes)).collect();
    // The end was queued first, and is one with the deletion.
    assert!(deleted.contains(&(EntityKind::Session, true)), "{queued:?}");
    assert!(
        deleted.contains(&(EntityKind::Workspace, true)),
        "{queued:?}"
    );
    assert_eq!(queued.len(), 2);
    assert_consistent(store).await;
}

#[tokio::test]
async fn each_organization_is_told_of_the_runs_that_are_its_own() {
    let (fixture, acme) = with_organization().await;
    let store = &fixture.store;
    let globex = organization(store).await;
    let alone = begins(store, None).await.id;
    assert_eq!(waiting(store, acme).await, []);
    store.session_ended(alone, exited(0)).await.unwrap();

    let given = GivenPrompt::default();
    let restart = |tenant| store.session_restarted(alone, Beginning::New, None, &given, tenant);
    restart(Some(acme)).await.unwrap();
    store.session_ended(alone, exited(1)).await.unwrap();
    let told = row(store, acme, EntityKind::Session).await;
    assert_eq!((&told["run"], &told["exit_code"]), (&json!(2), &json!(1)));
    // Only what begins under an organization has its own identifier there.
    assert_ne!(told["id"], json!(alone));

    restart(Some(globex)).await.unwrap();
    assert_eq!(row(store, acme, EntityKind::Session).await, told);
    let other = row(store, globex, EntityKind::Session).await;
    assert_eq!(
        (&other["run"], &other["phase"]),
        (&json!(3), &json!("live"))
    );
    assert_ne!(other["id"], told["id"]);
    store.session_ended(alone, exited(0)).await.unwrap();

    restart(None).await.unwrap();
    store.session_ended(alone, exited(2)).await.unwrap();
    let other = row(store, globex, EntityKind::Session).await;
    assert_eq!((&other["run"], &other["exit_code"]), (&json!(3), &json!(0)));

    restart(Some(acme)).await.unwrap();
    let again = row(store, acme, EntityKind::Session).await;
    assert_eq!((&again["id"], &again["run"]), (&told["id"], &json!(5)));
}

#[tokio::test]
async fn what_was_queued_goes_with_the_membership_and_the_session_stays() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let id = begins(store, Some(tenant)).await.id;
    let wiped = store.wipe_organization(tenant, "membership_ended").await;
    assert_eq!(wiped.unwrap().unsent, 2);
    assert_eq!(waiting(store, tenant).await, []);
    store.session_ended(id, exited(0)).await.unwrap();
    assert_eq!(waiting(store, tenant).await, []);
    // A session that begins while the membership ends is told to nobody.
    let project = store.session(id).await.unwrap().unwrap().project_id;
    let new = NewSession {
        tenant: Some(tenant),
        ..new_session(project)
    };
    store.create_session(new).await.unwrap();
    assert_eq!(waiting(store, tenant).await, []);
    assert_consistent(store).await;
}

fn facts(issuer: &str, at: i64) -> McpGrantFacts {
    let moment = |seconds| berth_protocol::Timestamp::from_second(seconds).unwrap();
    McpGrantFacts {
        issuer: issuer.to_owned(),
        client_id: "berth".to_owned(),
        scopes: vec!["read".to_owned()],
        given_at: moment(at),
        expires_at: Some(moment(at + 60)),
        can_refresh: true,
    }
}

/// A server that the organization shares, which is signed in to with OAuth.
async fn shares(store: &Store, tenant: Tenant) -> McpConfigurationId {
    let id = McpConfigurationId(Uuid::now_v7());
    let rev = at(store, tenant).await;
    let shared = PulledChange {
        kind: EntityKind::McpConfiguration.as_str().to_owned(),
        id: id.0,
        rev: rev + 1,
        is_deleted: false,
        row: json!({
            "id": id, "scope": "organization", "name": "files", "auth": {"type": "oauth"},
            "server": {"type": "http", "url": "https://mcp.example"},
        }),
    };
    pulled(store, tenant, rev, rev + 1, vec![shared]).await;
    assert!(store.share_servers(tenant, nothing_stays).await.unwrap());
    id
}

#[tokio::test]
async fn a_sign_in_at_a_shared_server_is_told_renewed_and_taken_back() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = shares(store, tenant).await;
    // Nothing was told yet that could be renewed.
    store
        .mcp_renewed(id, &facts("https://as.example", 1))
        .await
        .unwrap();
    assert_eq!(waiting(store, tenant).await, []);

    let given = facts("https://as.example", 100);
    store.mcp_signed_in(id, &given).await.unwrap();
    let queued = waiting(store, tenant).await;
    assert_eq!(queued.len(), 1);
    assert_eq!(
        queued[0].patch,
        json!({
            "mcp_configuration_id": id, "issuer": "https://as.example", "client_id": "berth", "scopes": ["read"],
            "signed_in_at": given.given_at, "expires_at": given.expires_at, "can_refresh": true,
        })
    );
    far.takes(store, tenant).await;
    let renewed = facts("https://as.example", 150);
    store.mcp_renewed(id, &renewed).await.unwrap();
    far.takes(store, tenant).await;
    let told = row(store, tenant, EntityKind::McpOauth).await;
    assert_eq!(told["signed_in_at"], json!(given.given_at));
    assert_eq!(told["refreshed_at"], json!(renewed.given_at));

    store.set_mcp_secret(id, "sign_in", false).await.unwrap();
    let queued = waiting(store, tenant).await;
    assert!(matches!(
        queued[..],
        [Mutation {
            deletes: true,
            state: MutationState::Pending,
            ..
        }]
    ));
    far.takes(store, tenant).await;
    // The next one is another row.
    store.mcp_signed_in(id, &given).await.unwrap();
    let again = row(store, tenant, EntityKind::McpOauth).await;
    assert_ne!(again["id"], told["id"]);
}

#[tokio::test]
async fn a_sign_in_goes_with_its_server_and_one_that_the_backend_refuses_is_not_told() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = shares(store, tenant).await;
    let near = facts("http://localhost:8080", 100);
    store.mcp_signed_in(id, &near).await.unwrap();
    assert_eq!(waiting(store, tenant).await, []);
    let near = facts("http://127.0.0.1:8080", 100);
    store.mcp_signed_in(id, &near).await.unwrap();
    far.takes(store, tenant).await;

    let rev = at(store, tenant).await;
    let gone = PulledChange {
        kind: EntityKind::McpConfiguration.as_str().to_owned(),
        id: id.0,
        rev: rev + 1,
        is_deleted: true,
        row: json!({}),
    };
    pulled(store, tenant, rev, rev + 1, vec![gone]).await;
    assert!(store.share_servers(tenant, nothing_stays).await.unwrap());
    let queued = waiting(store, tenant).await;
    assert_eq!(queued.len(), 1);
    assert_eq!(
        (queued[0].kind, queued[0].deletes),
        (EntityKind::McpOauth, true)
    );
}

#[tokio::test]
async fn what_is_told_is_counted_apart_from_edits_and_nobody_drops_it() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    begins(store, Some(tenant)).await;
    let counts = store.sync_counts(tenant).await.unwrap();
    assert_eq!((counts.waiting, counts.told.waiting), (0, 2));
    let queued = waiting(store, tenant).await;
    let dropped = store.discard_change(tenant, queued[0].id).await;
    assert_eq!(dropped.unwrap_err().code(), Code::ChoiceImpossible);

    for sent in store.take_outgoing(tenant, 50, |_| true).await.unwrap() {
        let refused = PushOutcome {
            id: sent.id,
            verdict: PushVerdict::Rejected {
                code: "sync.invalid".to_owned(),
                reason: Some("a_constraint".to_owned()),
            },
        };
        store.settle_outgoing(tenant, &[refused]).await.unwrap();
        let dropped = store.discard_change(tenant, sent.id).await;
        assert_eq!(dropped.unwrap_err().code(), Code::ChoiceImpossible);
    }
    let counts = store.sync_counts(tenant).await.unwrap();
    assert_eq!((counts.parked, counts.parked_code), (0, None));
    assert_eq!((counts.told.waiting, counts.told.refused), (0, 2));
    assert_eq!(counts.told.refused_code.as_deref(), Some("sync.invalid"));

    assert_eq!(store.retry_told(tenant).await.unwrap(), 2);
    let again = waiting(store, tenant).await;
    let ids = |all: &[Mutation]| all.iter().map(|it| it.id).collect::<BTreeSet<_>>();
    assert!(ids(&again).is_disjoint(&ids(&queued)), "{again:?}");
    let counts = store.sync_counts(tenant).await.unwrap();
    assert_eq!((counts.told.waiting, counts.told.refused), (2, 0));
    assert_consistent(store).await;
}

/// Sends what waits of a session, and has the backend say that somebody else has changed it.
async fn contradicted(store: &Store, tenant: Tenant, code: &str) -> PushOutcome {
    let rev = at(store, tenant).await + 1;
    let sent = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
    let [session] = &sent[..] else {
        panic!("its end alone is sent: {sent:?}");
    };
    assert_eq!(session.kind, EntityKind::Session);
    let outcome = PushOutcome {
        id: session.id,
        verdict: PushVerdict::Conflict {
            code: code.to_owned(),
            fields: vec!["exit_code".to_owned()],
            server: json!({"id": session.entity_id, "phase": "live", "exit_code": 9, "run": 1}),
            rev,
            is_deleted: code == "sync.deleted",
        },
    };
    let told = [outcome];
    store.settle_outgoing(tenant, &told).await.unwrap();
    let [outcome] = told;
    outcome
}

#[tokio::test]
async fn a_conflict_about_what_is_told_ends_with_the_word_of_this_machine_and_asks_nobody() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = begins(store, Some(tenant)).await.id;
    far.takes(store, tenant).await;
    assert!(
        !store.hold_told(tenant).await.unwrap(),
        "none is in conflict"
    );
    store.session_ended(id, exited(3)).await.unwrap();
    let PushOutcome { id: sent, .. } = contradicted(store, tenant, "sync.changed").await;

    let counts = store.sync_counts(tenant).await.unwrap();
    assert_eq!((counts.conflicts, counts.told.waiting), (0, 1));
    let rev = at(store, tenant).await + 1;
    let theirs = store.resolve_conflict(tenant, sent, rev, Resolution::KeepTheirs);
    assert_eq!(theirs.await.unwrap_err().code(), Code::ChoiceImpossible);

    assert!(store.hold_told(tenant).await.unwrap());
    let again = store.take_outgoing(tenant, 50, |_| true).await.unwrap();
    let again: Vec<_> = again
        .into_iter()
        .map(|it| (it.base_rev, it.patch))
        .collect();
    assert_eq!(again.len(), 1, "{again:?}");
    assert_eq!(again[0].0, Some(rev), "it is about what there is now");
    assert_eq!(again[0].1["exit_code"], 3);
    let told = row(store, tenant, EntityKind::Session).await;
    assert_eq!(told["exit_code"], 3);
}

#[tokio::test]
async fn what_the_organization_has_deleted_is_not_told_anew() {
    let (fixture, tenant) = with_organization().await;
    let store = &fixture.store;
    let mut far = Far::default();
    let id = begins(store, Some(tenant)).await.id;
    far.takes(store, tenant).await;
    store.session_ended(id, exited(3)).await.unwrap();
    contradicted(store, tenant, "sync.deleted").await;
    assert!(!store.hold_told(tenant).await.unwrap(), "nothing is sent");
    assert_eq!(waiting(store, tenant).await, []);
    store.archive_session(id, None).await.unwrap();
    let told = waiting(store, tenant).await;
    assert!(
        told.iter().all(|it| it.kind != EntityKind::Session),
        "{told:?}"
    );
}
