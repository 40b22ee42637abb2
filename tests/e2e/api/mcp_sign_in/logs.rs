//! What the logs tell of a sign-in and of the calls behind it, however talkative the engine is.

use std::{collections::BTreeSet, fs};

use berth_tests::Setup;

use super::*;

/// What an agent gives a tool.
const ARGUMENT: &str = "argument-of-an-agent-7c1e";

/// What a user gives it by hand.
const BY_HAND: &str = "argument-by-hand-52ab";

/// What it answers.
const ANSWER: &str = "answer-of-the-tool-90d4";

/// The secret of a client that its user has registered.
const SECRET: &str = "secret-of-the-registered-client";

/// All that the engine has logged, in its files and on its console.
fn logged(engine: &Engine) -> String {
    let mut files = vec![engine.setup().folder().join("stderr.log")];
    let logs = fs::read_dir(engine.data_dir().join("logs")).expect("there are logs");
    files.extend(logs.map(|file| file.expect("it can be listed").path()));
    let read = files.iter().map(|file| {
        let bytes = fs::read(file).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    read.collect::<Vec<_>>().join("\n")
}

/// The codes, tokens and secrets that the server was sent.
fn sent(fixture: &Fixture) -> BTreeSet<String> {
    const PARTS: [&str; 4] = ["code", "code_verifier", "refresh_token", "token"];
    let mut sent = BTreeSet::new();
    for what in ["POST /token", "POST /revoke", "POST /mcp"] {
        for asked in fixture.seen(what) {
            let proof = asked.authorization.as_deref();
            let proof = proof.and_then(|it| it.split_once(' '));
            sent.extend(proof.map(|(_, value)| value.to_owned()));
            if what == "POST /mcp" {
                continue;
            }
            let form = reqwest::Url::parse(&format!("http://form/?{}", asked.body));
            let form = form.expect("it is a form");
            let pairs = form.query_pairs();
            let pairs = pairs.filter(|(name, _)| PARTS.contains(&&**name));
            sent.extend(pairs.map(|(_, value)| value.into_owned()));
        }
    }
    sent
}

/// Whether a log tells a word. The server counts, so that `code-2` may stand in another word by chance.
fn tells(log: &str, word: &str) -> bool {
    let within = |next: Option<char>| next.is_some_and(|c| c.is_ascii_alphanumeric());
    log.match_indices(word).any(|(at, _)| {
        let (before, after) = (&log[..at], &log[at + word.len()..]);
        !within(before.chars().next_back()) && !within(after.chars().next())
    })
}

fn arguments(word: &str) -> Map<String, Value> {
    Map::from_iter([("path".to_owned(), json!(word))])
}

async fn calls(agent: &Connection) {
    let called = agent.try_call("echo", arguments(ARGUMENT)).await;
    let called = called.expect("the gateway answers");
    let text = called.result.to_string();
    assert!(!called.is_error && text.contains(ANSWER), "{text}");
}

/// Signs in, has the tool called in every way, signs out and in again as a registered client, and looks at what was
/// logged meanwhile, which has lines of this level.
async fn assert_nothing_private_is_logged(wanted: &str, level: &str) {
    let setup = Setup::new().variable("BERTH_LOG", wanted);
    let Some(mut stage) = Stage::with(setup, draft).await else {
        return;
    };
    stage.fixture.change("/mcp", |answer| {
        if answer.body["result"]["content"].is_array() {
            answer.body["result"]["content"][0]["text"] = json!(ANSWER);
        }
    });
    stage.sign_in().await;
    add_agent(&stage.engine).await;
    let place = folder(&stage.engine, "first");
    let (_, given) = session_in(stage.client(), &place, "guarded").await;
    let given = given.expect("it is given the server");
    let agent = given.connect().await;
    calls(&agent).await;
    // The token is renewed.
    stage.fixture.forget_access_tokens();
    calls(&agent).await;
    agent.close().await;
    let path = stage.path("/call");
    let call = json!({"tool": "echo", "arguments": arguments(BY_HAND)});
    let called = stage.client().post::<McpCalled>(&path, &call).await;
    assert!(!called.expect("it answers").is_error);
    let out = stage.sign_out().await;
    assert_eq!(out.revoked, McpRevoked::Revoked, "{:?}", out.why);

    let mut registered = draft(&stage.fixture.mcp());
    registered["auth"]["client_id"] = json!("mine");
    stage.edit(registered).await;
    stage.keep(SECRET).await;
    stage.sign_in().await;
    let engines = stage.client().endpoint().token.clone();
    // What waits to be logged is in the files once it has ended.
    stage.engine.stop().await;

    let log = logged(&stage.engine);
    let seen = format!("\"level\":\"{level}\"");
    assert!(log.contains(&seen), "it says as much as it was told to");
    let sent = sent(&stage.fixture);
    for kind in ["code-", "access-", "refresh-"] {
        assert!(sent.iter().any(|it| it.starts_with(kind)), "{kind}");
    }
    for word in &sent {
        assert!(!tells(&log, word), "{word}");
    }
    for word in [ARGUMENT, BY_HAND, SECRET, "secret-of-the-client"] {
        assert!(stage.fixture.was_told(word), "{word} would be noticed");
        assert!(!log.contains(word), "{word}");
    }
    assert!(!log.contains(ANSWER));
    assert!(!log.contains(&given.token), "the token of the gateway");
    assert!(!log.contains(&engines), "the token of the engine");
}

#[tokio::test]
async fn no_code_token_secret_or_argument_is_logged_at_debug() {
    assert_nothing_private_is_logged("debug", "DEBUG").await;
}

#[tokio::test]
async fn no_code_token_secret_or_argument_is_logged_whatever_is_wished_for() {
    let wanted = "trace,rmcp=trace,rmcp::service=trace,rmcp::transport=trace,[serve_inner]=trace";
    assert_nothing_private_is_logged(wanted, "TRACE").await;
}
