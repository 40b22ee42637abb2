//! What happens on a machine in the name of an organization arrives in its trail: events of each kind, with both clocks
//! and the program that has reported them. A real engine, signed in to a real backend.

use std::fs;

use berth_protocol::{
    AuditEvent, PromptDraft, PromptEdit, PromptScope, SystemPrompt,
    tenant::{OrgAccount, OrgState, OrgTrailEvent, OrgTrailOrigin, OrgTrailPage},
};
use berth_tests::{
    Client, Engine, Setup,
    keychain::Keychain,
    mcp, programs, skip,
    tenant::{Member, Organization, Project},
    this_test,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::tool_rules::question;

const ADMIN: &str = "admin@acme.example";

/// Seconds that an access token lives until the sign-in has ended: what has ended is noticed with the next one.
const TOKEN_LIVES: u64 = 2;

/// What is done here, in this order, as an organization's trail names it.
const KINDS: [&str; 9] = [
    // Before the organization is active, and again while it is.
    "org.signed_in",
    "org.signed_in",
    "session.created",
    "prompt.changed",
    "approval.answered",
    "mcp.called",
    // What the backend notes under this name is its own.
    "device.audit.exported",
    "org.policy_set",
    "session.ended",
];

/// The sign-in ends at the backend, and is made again while the organization is active.
async fn signs_in_again(client: &Client, project: &Project, member: &Member) {
    project.sign_in().end_sessions(member.id);
    project.sign_in().tokens_live(3600);
    let signed_out = async || {
        let path = "/org/organizations/refresh";
        // That nobody is signed in is what it says then.
        let _ = client.post::<OrgState>(path, &json!({})).await;
        (client.org().await.account == OrgAccount::SignedOut).then_some(())
    };
    client.until("nobody is signed in", signed_out).await;
    member.sign_in_again(client).await;
}

async fn edits_a_prompt(client: &Client) {
    let draft = PromptDraft {
        scope: PromptScope::User,
        name: "mine".to_owned(),
        content: "words".to_owned(),
        enabled: true,
        ..PromptDraft::default()
    };
    let made: SystemPrompt = client.post("/prompts", &draft).await.expect("it is made");
    let edit = PromptEdit {
        version: made.version,
        prompt: PromptDraft {
            content: "other words".to_owned(),
            ..made.draft()
        },
    };
    let path = format!("/prompts/{}", made.id);
    let put = client.request(Method::PUT, &path).json(&edit);
    let edited = client.value::<SystemPrompt>(put).await;
    assert_eq!(edited.expect("it is taken").version, made.version + 1);
}

/// A session whose agent calls a tool that its user is asked about. Returns it running.
async fn calls_a_tool(engine: &Engine) -> berth_protocol::Session {
    let client = &engine.client;
    let place = engine.setup().folder().join("project");
    fs::create_dir_all(&place).expect("it can be made");
    let (session, given) = mcp::session_in(client, &place, "files").await;
    edits_a_prompt(client).await;
    let given = given.expect("it is given the server");
    let connection = given.connect().await;
    let mut arguments = Map::new();
    arguments.insert("message".to_owned(), json!("hello"));
    let answer = async {
        let attention = question(client, session.id).await;
        let answered = client.answer(session.id, &attention.id, "once").await;
        answered.expect("it is taken");
    };
    let (called, ()) = tokio::join!(connection.try_call("echo", arguments), answer);
    assert!(!called.expect("an answer").is_error);
    connection.close().await;
    client.waiting(session.id).await
}

async fn exports(client: &Client) {
    let export = client.request(Method::GET, "/audit/export");
    let export = client.send(export).await.expect("it is given");
    let text = export.text().await.expect("it arrives");
    assert!(text.lines().count() > 1, "{text}");
}

async fn sets_the_policy(client: &Client, org: &Organization) {
    let path = format!("/org/organizations/{}/policy", org.id);
    let policy = json!({"version": 1, "policy": {"sanitize": "warn"}});
    let put = client.request(Method::PUT, &path).json(&policy);
    client.value::<Value>(put).await.expect("it is taken");
}

#[tokio::test]
async fn events_of_each_kind_arrive_once_and_in_order_with_both_clocks_and_their_program() {
    let Some(program) = programs::mcp_server("mcp-server-everything") else {
        return skip(&this_test(), "mcp-server-everything is not installed");
    };
    let why = "it ends a sign-in, and says itself where a request comes from";
    let Some(project) = Project::own(why).await else {
        return;
    };
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    project.sign_in().tokens_live(TOKEN_LIVES);
    let org = project.backend.organization("acme").await;
    let member = Member::of(&project, org.admin.id, ADMIN).await;
    let engine = keychain.of(setup).start().await;
    let client = &engine.client;
    mcp::add_agent(&engine).await;
    let server = json!({"name": "files", "rules": {"default": "ask"},
        "server": {"type": "stdio", "command": program, "args": ["stdio"]}});
    mcp::agreed(client, &server).await;
    member.sign_in(client).await;
    client.org_fresh(org.id).await;
    let before = client.audit().await.last().map_or(0, |event| event.seq);
    client.switch_org(Some(org.id)).await;

    signs_in_again(client, &project, &member).await;
    let session = calls_a_tool(&engine).await;
    exports(client).await;
    sets_the_policy(client, &org).await;
    client.stop(session.id).await;

    let here = client.audit().await.into_iter();
    let here: Vec<AuditEvent> = here
        .filter(|event| event.seq > before || event.action == "org.signed_in")
        .collect();
    let sync = client.org_settled(org.id).await;
    assert_eq!(sync.audit_refused, 0, "{sync:?}");

    // All of them, as they are here: once, and in their order.
    let of_devices = "select device_seq || ' ' || device_hash from audit.logs where device_id is not null order by seq";
    let there = project.backend.cluster.ask(of_devices).await;
    let wanted: Vec<String> = (here.iter())
        .map(|event| format!("{} {}", event.seq, event.hash))
        .collect();
    assert_eq!(there, wanted);

    let trail = format!("/org/organizations/{}/audit", org.id);
    let page: OrgTrailPage = client
        .get(&format!("{trail}?order=oldest&limit=500"))
        .await
        .expect("it is listed");
    let events = page.events.into_iter();
    let events: Vec<OrgTrailEvent> = events.filter(|it| it.device_seq.is_some()).collect();
    let of_kinds: Vec<&OrgTrailEvent> = (events.iter())
        .filter(|event| KINDS.contains(&event.action.as_str()))
        .collect();
    let actions: Vec<&str> = of_kinds.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, KINDS);
    assert_eq!(events.len(), here.len());
    for (event, local) in events.iter().zip(&here) {
        // Of the clocks of this machine and of the backend, which are the same here, the former is earlier.
        let happened = event.occurred_at.expect("a device has reported it");
        assert_eq!(happened.as_millisecond(), local.at.as_millisecond());
        assert!(happened <= event.at, "{event:?}");
        assert_eq!(event.device_seq, Some(local.seq));
        assert_eq!(event.actor_name.as_deref(), Some(ADMIN), "{event:?}");
        assert!(event.is_here && event.is_whole, "{event:?}");
    }
    for event in of_kinds {
        let origin = format!("{trail}/{}/origin", event.seq);
        let origin: OrgTrailOrigin = client.get(&origin).await.expect("it is told");
        assert_eq!(origin.address.as_deref(), Some("127.0.0.1"), "{event:?}");
        let program = origin.program.expect("it has named itself");
        assert!(program.starts_with("berth/"), "{program}");
        if ["approval.answered", "session.created"].contains(&event.action.as_str()) {
            assert_eq!(event.subject_id, session.id.to_string(), "{event:?}");
        }
    }
    let verified = org.admin.call("audit_verify", json!({"org": org.id})).await;
    assert_eq!(verified.ok()["valid"], true);
    client.assert_audit_valid().await;
}
