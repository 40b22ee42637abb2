//! `berth audit`: the trail as a file, and the file proved where there is no engine.

use std::{ffi::OsStr, fs, path::PathBuf};

use berth_protocol::{AuditEvent, SystemPrompt};
use berth_tests::{Engine, Setup};
use serde_json::{Value, json};

use crate::{Said, done, err, out, start};

/// An engine with a few events, and its trail in a file.
async fn exported() -> (Engine, PathBuf, Vec<AuditEvent>) {
    let engine = Engine::start().await;
    for name in ["One", "Two", "Three"] {
        let draft = json!({"name": name, "content": "Be brief."});
        let added = engine.client.post::<SystemPrompt>("/prompts", &draft);
        added.await.expect("it is taken");
    }
    let before = engine.client.audit().await;
    let file = engine.setup().folder().join("trail.ndjson");
    let path = file.to_str().expect("it is text");
    let written = engine.setup().berth(&["audit", "export", path]).await;
    assert!(written.status.success(), "{}", err(&written));
    (engine, file, before)
}

/// Proves a file where no engine has ever run.
async fn proved(text: &str) -> Said {
    let setup = Setup::new();
    let file = setup.folder().join("given.ndjson");
    fs::write(&file, text).expect("it can be written");
    let path = file.to_str().expect("it is text");
    let said = setup.berth(&["audit", "verify", "--file", path]).await;
    let made = setup.variables().remove(OsStr::new("BERTH_HOME"));
    let made = made.map(PathBuf::from).expect("there is a data folder");
    assert!(!made.exists(), "an engine was started");
    Said::of(&said)
}

#[tokio::test]
async fn an_exported_trail_proves_itself_where_there_is_no_engine() {
    let (engine, file, before) = exported().await;
    let text = fs::read_to_string(&file).expect("it is there");
    let last = before.last().expect("there are events");
    assert_eq!(text.lines().count(), before.len() + 1);
    let said = proved(&text).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in [
        format!("valid: {} events", before.len()),
        "all from the first on".to_owned(),
        last.hash.clone(),
    ] {
        assert!(said.out.contains(&part), "{said:?}");
    }

    let (_, manifest) = text.trim_end().rsplit_once('\n').expect("it has lines");
    let manifest: Value = serde_json::from_str(manifest).expect("it is JSON");
    let manifest = &manifest["manifest"];
    assert_eq!(manifest["chain"], "local");
    assert_eq!(manifest["count"], before.len());
    assert_eq!(manifest["last_hash"], last.hash.as_str());

    // That somebody has exported is noted, behind what was exported.
    let after = engine.client.audit().await;
    let noted = &after[before.len()];
    assert_eq!(noted.action, "audit.exported");
    assert_eq!(noted.details["count"], before.len());
    engine.client.assert_audit_valid().await;

    // It is the same on the way through a pipe.
    let child = start(engine.setup(), &["audit", "verify", "--file", "-"]);
    let said = done(child, &text).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let printed = engine.setup().berth(&["audit", "export"]).await;
    assert_eq!(proved(&out(&printed)).await.code, Some(0));
}

#[tokio::test]
async fn what_was_changed_in_an_exported_trail_is_found_with_its_event() {
    let (_engine, file, before) = exported().await;
    let text = fs::read_to_string(&file).expect("it is there");
    let place = before.iter().position(|it| it.action == "prompt.created");
    let place = place.expect("a prompt was made");
    let seq = before[place].seq;

    let changed = text.replacen("prompt.created", "prompt.deleted", 1);
    let said = proved(&changed).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(&format!("event {seq} (")), "{said:?}");

    let without = |gone: usize| {
        let lines = text.lines().enumerate();
        let left = lines.filter(|(place, _)| *place != gone);
        left.map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let said = proved(&without(place)).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let missing = format!("event {seq} is missing");
    assert!(said.err.contains(&missing), "{said:?}");
    let said = proved(&without(before.len())).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no manifest"), "{said:?}");

    let said = proved("").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no manifest"), "{said:?}");
    let missing = Setup::new();
    let said = missing
        .berth(&["audit", "verify", "--file", "/no/such/file"])
        .await;
    assert_eq!(said.status.code(), Some(1), "{}", err(&said));
    assert!(
        err(&said).contains("/no/such/file cannot be"),
        "{}",
        err(&said)
    );
}
