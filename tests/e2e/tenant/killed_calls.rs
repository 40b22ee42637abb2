//! An engine that is killed again and again while an agent calls a tool, and its sync sends what its trail tells of that.

use std::{collections::HashSet, fs, time::Duration};

use berth_mcp::Connection;
use berth_tests::{
    Client, LIMIT, Setup,
    keychain::Keychain,
    mcp, programs, skip,
    tenant::{Member, Project, seed},
    this_test,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Map, json};
use tokio::sync::mpsc;

use crate::killed::signed_in;

/// How often the engine is killed.
const KILLS: usize = 5;

/// Longest time between the answer that a kill follows and the kill, in milliseconds.
const LONGEST_PAUSE: u64 = 40;

/// Calls a tool, one call after the other, until the gateway is gone, and tells of each answer.
async fn call(connection: Connection, told: mpsc::UnboundedSender<()>) {
    let mut arguments = Map::new();
    arguments.insert("message".to_owned(), json!("hello"));
    while let Ok(called) = connection.try_call("echo", arguments.clone()).await {
        assert!(!called.is_error, "{called:?}");
        if told.send(()).is_err() {
            return;
        }
    }
}

/// Has the sync send what there is, again and again, until the engine is gone.
async fn look(client: Client) {
    let path = "/org/organizations/refresh";
    let ask = || client.request(Method::POST, path).json(&json!({})).send();
    while ask().await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_answered_before_a_kill_is_told_once_and_arrives_in_its_order() {
    let Some(program) = programs::mcp_server("mcp-server-everything") else {
        return skip(&this_test(), "mcp-server-everything is not installed");
    };
    let Some(project) = Project::start().await else {
        return;
    };
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    let org = project.backend.organization("acme").await;
    let member = Member::of(&project, org.user.id, "user@acme.example").await;
    let mut engine = keychain.of(setup).start().await;
    mcp::add_agent(&engine).await;
    let server = json!({"name": "tools",
        "server": {"type": "stdio", "command": program, "args": ["stdio"]}});
    mcp::agreed(&engine.client, &server).await;
    member.sign_in(&engine.client).await;
    engine.client.org_fresh(org.id).await;
    engine.client.switch_org(Some(org.id)).await;

    let seed = seed();
    let mut luck = StdRng::seed_from_u64(seed);
    let mut answered = 0;
    for kill in 1..=KILLS {
        signed_in(&engine.client, &member).await;
        let place = engine.setup().folder().join(format!("place-{kill}"));
        fs::create_dir_all(&place).expect("it can be made");
        let (_, given) = mcp::session_in(&engine.client, &place, "tools").await;
        let given = given.expect("it is given the server");
        let connection = given.connect().await;
        let (told, mut heard) = mpsc::unbounded_channel();
        let calling = tokio::spawn(call(connection, told));
        let looking = tokio::spawn(look(engine.client.clone()));
        for _ in 0..luck.random_range(3..=12) {
            let answer = tokio::time::timeout(LIMIT, heard.recv()).await;
            let answer =
                answer.unwrap_or_else(|_| panic!("seed {seed}, kill {kill}: nothing is answered"));
            answer.expect("calls are answered");
            answered += 1;
        }
        // No condition is waited for here: the kill is to fall into the middle of whatever goes on then.
        let pause = luck.random_range(0..LONGEST_PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        engine.kill();
        // Whoever calls over a stream that has ended may wait for another one as long as they have patience.
        calling.abort();
        if let Err(error) = calling.await {
            assert!(error.is_cancelled(), "seed {seed}, kill {kill}: {error}");
        }
        while heard.recv().await.is_some() {
            answered += 1;
        }
        looking.await.expect("it ends with the engine");
        eprintln!(
            "seed {seed}, kill {kill} after {pause} ms: {answered} calls were answered so far"
        );
        engine.restart().await;
    }

    let client = &engine.client;
    signed_in(client, &member).await;
    let trail = client.audit().await;
    let sync = client.org_settled(org.id).await;
    assert_eq!(sync.audit_refused, 0, "seed {seed}: {sync:?}");

    // Each kill has cut off one call at the most, of which is told that nobody knows what became of it.
    let calls: Vec<_> = trail
        .iter()
        .filter(|event| event.action == "mcp.called")
        .collect();
    let ids: HashSet<String> = calls
        .iter()
        .map(|event| event.details["call"].to_string())
        .collect();
    assert_eq!(ids.len(), calls.len(), "seed {seed}: one is told twice");
    assert!(
        (answered..=answered + KILLS).contains(&calls.len()),
        "seed {seed}: {answered} were answered, and {} are told",
        calls.len()
    );
    for event in &calls {
        let outcome = event.details["outcome"].as_str().unwrap_or_default();
        assert!(["answered", "unknown"].contains(&outcome), "{event:?}");
    }

    let here: Vec<String> = calls
        .iter()
        .map(|event| format!("{} {}", event.seq, event.hash))
        .collect();
    let arrived = "select device_seq || ' ' || device_hash from audit.logs
        where device_id is not null and action = 'mcp.called' order by seq";
    let there = project.backend.cluster.ask(arrived).await;
    assert_eq!(there, here, "seed {seed}");
    client.assert_audit_valid().await;
    let verified = org.admin.call("audit_verify", json!({"org": org.id})).await;
    assert_eq!(verified.ok()["valid"], true, "seed {seed}");
}
