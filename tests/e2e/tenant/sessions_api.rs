//! What an organization is told of sessions and sign-ins, and who is shown it: a real engine, signed in to a real
//! backend.

use berth_protocol::{
    Code, CreateSession, McpConfiguration, McpList, McpSignedOut, Session, SessionId, Size,
    Transport, Workspace, WorkspaceKind, WorkspaceRequest,
    tenant::{EntityKind, OrgChanges, OrgSessionPhase, OrgSessions, OrgWorkspaceKind},
};
use berth_store::{GivenPrompt, NewSession, Phase, TenantEdit};
use berth_tests::{
    Repository,
    oauth::{Fixture, browse},
    session,
    tenant::{Backend, Chaos, Device, Mood, Organization, addition, change, fast, removal},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    attempt, push,
    signed_in::{Machine, Who},
};

impl Machine {
    /// A session of a program that ends with the exit code 3 once it is told to, after it has written a file.
    async fn begins(&self) -> (Session, Repository) {
        let folder = self.engine.setup().folder().join("repository");
        let repository = Repository::with_history(&folder);
        let client = &self.engine.client;
        let project = client.add_project(&repository.path).await;
        let script = "echo ready; read line; echo new > new.txt; exit 3";
        let wanted = CreateSession {
            title: Some("secret words".to_owned()),
            command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
            workspace: Some(WorkspaceRequest::Worktree {
                base: None,
                branch: None,
            }),
            ..session(project.id, "custom")
        };
        let started = client.start(&wanted).await;
        // What ends before that has failed.
        client.waiting(started.id).await;
        (started, repository)
    }

    /// Tells it to end, and waits until its changes are counted.
    async fn ends(&self, id: SessionId) -> Session {
        let client = &self.engine.client;
        client.input(id, "\n").await.expect("it is typed");
        client.ended(id).await;
        let is_counted =
            |session: &Session| session.changes.is_some_and(|changes| changes.files == 1);
        client.session_until(id, "is counted", is_counted).await
    }

    /// The rows of a table at the backend, past all its rules.
    async fn rows(&self, table: &str) -> Vec<Value> {
        let query = format!("select to_jsonb(t)::text from public.{table} as t");
        let rows = self.project.backend.cluster.ask(&query).await;
        let read = rows.iter().map(|row| serde_json::from_str(row));
        read.collect::<Result<_, _>>().expect("they are rows")
    }

    async fn sessions(&self, query: &str) -> OrgSessions {
        let path = format!("/org/organizations/{}/sessions{query}", self.org.id);
        let page = self.engine.client.get(&path).await;
        page.expect("they are listed")
    }
}

#[tokio::test]
async fn a_session_arrives_with_its_end_its_changes_and_its_archive_and_without_its_words() {
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let (client, org) = (&machine.engine.client, machine.org.id);
    let (started, _repository) = machine.begins().await;
    client.org_settled(org).await;
    let rows = machine.rows("user_sessions").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["id"], json!(started.id));
    assert_eq!(rows[0]["user_id"], json!(machine.org.user.id));
    assert_eq!(
        (&rows[0]["phase"], &rows[0]["agent"]),
        (&json!("live"), &json!("custom"))
    );

    let counted = machine.ends(started.id).await.changes;
    let path = format!("/sessions/{}/archive", started.id);
    let archived: Session = client.act(&path).await.expect("it is put away");
    client.org_settled(org).await;
    let rows = machine.rows("user_sessions").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["phase"], &rows[0]["exit_code"]),
        (&json!("exited"), &json!(3))
    );
    assert!(rows[0]["ended_at"].is_string(), "{rows:?}");
    assert!(rows[0]["archived_at"].is_string(), "{rows:?}");
    let places = machine.rows("session_workspaces").await;
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!(places[0]["session_id"], json!(started.id));
    assert_eq!(places[0]["branch"], json!(archived.workspace.branch));
    assert_eq!(
        places[0]["base_commit"],
        json!(archived.workspace.base_commit)
    );
    assert_eq!(places[0]["changed_files"], json!(1));
    let added = counted.map(|changes| changes.added);
    assert_eq!(places[0]["added_lines"], json!(added));
    // Neither what it is called nor where it is on this machine.
    assert_eq!(
        (&rows[0]["title"], &places[0]["path"]),
        (&Value::Null, &Value::Null)
    );

    let delete = format!("/sessions/{}?discard=true", started.id);
    client.delete(&delete).await.expect("it is deleted");
    client.org_settled(org).await;
    assert!(machine.sessions("").await.sessions.is_empty());
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn what_happens_without_a_network_arrives_once_it_is_back_and_the_list_says_that_it_is_away()
{
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let client = &machine.engine.client;
    machine.cable.cut().await;
    let (started, _repository) = machine.begins().await;
    machine.ends(started.id).await;
    let path = format!("/org/organizations/{}/sessions", machine.org.id);
    let away = client.get::<OrgSessions>(&path).await;
    let away = away.expect_err("the backend is away");
    assert_eq!(away.code, Code::TenantUnreachable);

    machine.is_back().await;
    client.org_settled(machine.org.id).await;
    let page = machine.sessions("").await;
    assert!(!page.is_admin);
    let told: Vec<_> = page.sessions.iter().map(|it| it.id).collect();
    assert_eq!(told, [started.id.0]);
    let told = &page.sessions[0];
    assert_eq!(
        (told.phase, told.exit_code),
        (OrgSessionPhase::Exited, Some(3))
    );
    assert!(told.is_here && told.person.is_you);
    let place = told.workspace.as_ref().expect("it was told");
    assert_eq!(place.kind, OrgWorkspaceKind::Worktree);
    assert_eq!(place.changes.map(|changes| changes.files), Some(1));
}

#[tokio::test]
async fn what_a_machine_tells_is_no_change_of_its_user_and_holds_against_what_somebody_else_writes()
{
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let (client, org) = (&machine.engine.client, &machine.org);
    let (started, _repository) = machine.begins().await;
    client.org_settled(org.id).await;
    // The same user, at another machine, or past all machines.
    let other = Device::synced(&machine.project.backend.root(), org.id, org.user.id).await;

    machine.cable.cut().await;
    machine.ends(started.id).await;
    let waits: OrgChanges = client.get(&machine.changes_path()).await.expect("told");
    assert_eq!(waits.changes, [], "none of it is an edit");
    assert!(waits.told.waiting > 0, "{waits:?}");
    let edit = TenantEdit::Change {
        kind: EntityKind::Session,
        id: started.id.0,
        fields: json!({"exit_code": 9}),
    };
    other.edit(edit).await;
    other.settled().await;

    machine.is_back().await;
    let sync = client.org_settled(org.id).await;
    assert_eq!((sync.conflicts, sync.parked, sync.told.refused), (0, 0, 0));
    let rows = machine.rows("user_sessions").await;
    assert_eq!(
        (&rows[0]["phase"], &rows[0]["exit_code"]),
        (&json!("exited"), &json!(3))
    );
    let waits: OrgChanges = client.get(&machine.changes_path()).await.expect("told");
    assert_eq!((waits.changes.len(), waits.told.waiting), (0, 0));
    client.assert_audit_valid().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_line_that_is_cut_while_sessions_are_sent_none_is_lost_and_none_comes_twice() {
    const SESSIONS: usize = 60;
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let line = Chaos::to(backend.port(), Mood::Wild).await;
    let mut device = Device::new(&line.root, org.id, org.user.id).await;
    device.pace = fast();
    device.start().await;
    let project = device.store.create_project("/work/app", "app").await;
    let project = project.expect("the store works").id;
    let mut wanted = Vec::new();
    for number in 0..SESSIONS {
        let new = NewSession {
            id: SessionId(Uuid::now_v7()),
            project_id: project,
            agent: "claude".parse().expect("it is an agent"),
            title: "words".to_owned(),
            workspace: Workspace {
                kind: WorkspaceKind::Worktree,
                path: "/work/words".to_owned(),
                branch: Some(format!("berth/{number}")),
                base: None,
                base_commit: None,
            },
            transport: Transport::Pty,
            permission_mode: None,
            command: None,
            size: Size::DEFAULT,
            agent_session: None,
            instructions: None,
            mcp_servers: Vec::new(),
            router: None,
            prompt: GivenPrompt::default(),
            tenant: Some(device.tenant),
        };
        let id = new.id;
        let code = i32::try_from(number).expect("it is small");
        device.store.create_session(new).await.expect("it begins");
        let exited = Phase::Exited {
            code: Some(code),
            signal: None,
        };
        let ended = device.store.session_ended(id, exited).await;
        ended.expect("it ends");
        device.sync().wake(berth_tenant::sync::Wake::Edited);
        wanted.push(format!("{id} exited {code} berth/{number}"));
    }
    let state = device.settled().await;
    let held = (state.conflicts, state.parked, state.told.refused);
    assert_eq!(held, (0, 0, 0), "{}", line.met());
    let query =
        "select concat_ws(' ', s.id, s.phase, s.exit_code, w.branch) from public.user_sessions as s
        left join public.session_workspaces as w on w.session_id = s.id";
    let mut stored = backend.cluster.ask(query).await;
    stored.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(stored, wanted, "{}", line.met());
}

/// A session of somebody with its workspace; its identifier and that of the workspace.
async fn told(
    who: &berth_tests::tenant::Caller,
    org: &Organization,
    started_at: &str,
    phase: &str,
) -> (Uuid, Uuid) {
    let (id, place) = (Uuid::now_v7(), Uuid::now_v7());
    let ended_at = (phase != "live").then_some(started_at);
    let session = json!({
        "device_id": Uuid::now_v7(), "agent": "claude", "transport": "pty", "phase": phase,
        "title": "words of a title", "started_at": started_at, "ended_at": ended_at,
    });
    let workspace = json!({
        "session_id": id, "kind": "worktree", "path": "/words", "branch": "berth/fix", "changed_files": 2,
        "added_lines": 5, "removed_lines": 1,
    });
    let added = [
        addition("session", id, session),
        addition("workspace", place, workspace),
    ];
    push(who, org.id, &added).await;
    (id, place)
}

#[tokio::test]
async fn nobody_but_its_user_writes_a_session_and_nobody_but_admins_sees_it_too() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let email = "other@acme.example";
    let other = backend.member(org.id, &org.admin, email, "user").await;
    let (id, place) = told(&org.user, &org, "2026-11-28T12:00:00Z", "live").await;

    let all = json!({"org": org.id});
    let of_user = json!({"org": org.id, "person": org.user.id});
    for (who, count) in [(&org.admin, 1), (&org.user, 1), (&other, 0)] {
        for wanted in [&all, &of_user] {
            let listed = who.call("session_list", wanted.clone()).await.rows();
            assert_eq!(listed.len(), count, "{wanted}: {listed:?}");
            let text = json!(listed).to_string();
            assert!(!text.contains("words"), "{text}");
        }
    }
    // The path of a workspace is for its user alone.
    assert!(org.admin.get("session_workspaces").await.rows().is_empty());
    for table in ["user_sessions", "session_workspaces"] {
        assert!(other.get(table).await.rows().is_empty(), "{table}");
    }
    let page = other.call("sync_pull", all).await.ok().to_string();
    assert!(!page.contains(&id.to_string()), "{page}");

    for who in [&other, &org.admin] {
        let ends = change("session", id, 1_000, json!({"phase": "failed"}));
        let moves = change("workspace", place, 1_000, json!({"branch": "taken"}));
        let joins = addition(
            "workspace",
            Uuid::now_v7(),
            json!({"session_id": id, "kind": "in_place"}),
        );
        let tries = [
            ends,
            removal("session", id, 1_000),
            moves,
            removal("workspace", place, 1_000),
            joins,
        ];
        for result in attempt(who, org.id, &tries).await {
            assert_eq!(result["status"], "rejected", "{result}");
        }
    }
    let rev = backend
        .cluster
        .ask("select rev::text from public.user_sessions")
        .await;
    let rev: i64 = rev[0].parse().expect("it is a number");
    let forged = [change("session", id, rev, json!({"phase": "failed"}))];
    let refused = attempt(&org.admin, org.id, &forged).await.remove(0);
    assert_eq!(refused["code"], "sync.forbidden", "{refused}");
    // What no client could show of one must not hide the others.
    let endless = json!({
        "device_id": Uuid::now_v7(), "agent": "claude", "transport": "pty", "phase": "live",
        "started_at": "infinity",
    });
    let endless = [addition("session", Uuid::now_v7(), endless)];
    let refused = attempt(&other, org.id, &endless).await.remove(0);
    assert_eq!(refused["code"], "sync.invalid", "{refused}");
}

#[tokio::test]
async fn an_admin_looks_through_the_sessions_of_all_page_by_page_by_member_and_by_state() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let org = &machine.org;
    // Two began at the same moment.
    let (first, _) = told(&org.user, org, "2026-11-28T10:00:00Z", "exited").await;
    let (second, _) = told(&org.user, org, "2026-11-28T11:00:00Z", "live").await;
    let (third, _) = told(&org.admin, org, "2026-11-28T11:00:00Z", "failed").await;

    let mut seen = Vec::new();
    let mut after = String::new();
    for _ in 0..3 {
        let page = machine.sessions(&format!("?limit=1{after}")).await;
        assert!(page.is_admin);
        seen.extend(page.sessions.into_iter().map(|it| it.id));
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let mut same = [second, third];
    same.sort_unstable();
    assert_eq!(seen, [same[1], same[0], first]);

    let ids = async |query: &str| -> Vec<Uuid> {
        let page = machine.sessions(query).await;
        page.sessions.into_iter().map(|it| it.id).collect()
    };
    assert_eq!(ids("?state=running").await, [second]);
    let of_user = format!("?state=ended&person={}", org.user.id);
    assert_eq!(ids(&of_user).await, [first]);
    let page = machine.sessions(&of_user).await;
    let place = page.sessions[0].workspace.as_ref();
    let place = place.expect("an admin sees where it works");
    assert_eq!(place.branch.as_deref(), Some("berth/fix"));
    assert_eq!(page.sessions[0].person.email, "user@acme.example");

    let path = format!("/org/organizations/{}/sessions?after=words", org.id);
    let refused = machine.engine.client.get::<OrgSessions>(&path).await;
    let refused = refused.expect_err("it is no place");
    assert_eq!(refused.code, Code::BadRequest);
}

#[tokio::test]
async fn a_sign_in_at_a_shared_server_is_told_with_its_renewal_and_its_end_and_never_a_token() {
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let (client, org) = (&machine.engine.client, machine.org.id);
    let fixture = Fixture::start().await;
    let shared = json!({
        "scope": "organization", "name": "notes", "auth": {"type": "oauth"},
        "server": {"type": "http", "url": fixture.mcp()},
    });
    let id = Uuid::now_v7();
    let added = [addition("mcp_configuration", id, shared)];
    push(&machine.org.admin, org, &added).await;
    machine.looks().await;
    let server = async |what: &str, is_so: fn(&McpConfiguration) -> bool| {
        let look = async || {
            let list: McpList = client.get("/mcp/configurations").await.expect("a list");
            let mut servers = list.configurations.into_iter();
            servers.find(|it| it.id.0 == id && is_so(it))
        };
        client.until(what, look).await
    };
    let found = server("it is shared", |_| true).await;
    let path = format!("/mcp/configurations/{id}");
    let agreed = json!({"version": found.version});
    let agreed: McpConfiguration = client
        .post(&format!("{path}/consent"), &agreed)
        .await
        .expect("it is agreed to");
    assert!(agreed.consented);
    let begun: McpConfiguration = client
        .act(&format!("{path}/sign-in"))
        .await
        .expect("it begins");
    let waits = begun.signing_in.expect("it waits for the browser");
    browse(&waits.url).await;
    server("it is signed in", McpConfiguration::is_signed_in).await;

    client.org_settled(org).await;
    let rows = machine.rows("mcp_oauth").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["user_id"], json!(machine.org.user.id));
    assert_eq!(rows[0]["mcp_configuration_id"], json!(id));
    assert_eq!(rows[0]["issuer"], json!(fixture.base));
    assert_eq!(rows[0]["can_refresh"], true);
    assert!(rows[0]["expires_at"].is_string(), "{rows:?}");
    assert_eq!(rows[0]["refreshed_at"], Value::Null);

    fixture.forget_access_tokens();
    let test = json!({"id": id});
    let tested = client.post::<Value>("/mcp/test", &test).await;
    tested.expect("another token was had");
    client.org_settled(org).await;
    let rows = machine.rows("mcp_oauth").await;
    assert!(rows[0]["refreshed_at"].is_string(), "{rows:?}");

    let out: McpSignedOut = client
        .act(&format!("{path}/sign-out"))
        .await
        .expect("it is signed out");
    assert!(!out.configuration.is_signed_in());
    client.org_settled(org).await;
    let rows = machine.rows("mcp_oauth").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0]["deleted_at"].is_string(), "{rows:?}");
    for token in ["access-", "refresh-", "secret"] {
        let text = json!(rows).to_string();
        assert!(!text.contains(token), "{text}");
    }
}
