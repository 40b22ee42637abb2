//! Secrets on a machine without a keychain, whose user has chosen an encrypted file.

use std::{os::unix::fs::PermissionsExt, path::Path};

use berth_protocol::{McpConfiguration, McpList};
use berth_tests::Engine;
use reqwest::Method;
use serde_json::{Value, json};

use super::*;

/// A key in a file, as somebody makes it.
async fn key(setup: &Setup, name: &str) -> PathBuf {
    let path = setup.folder().join(name);
    let words = ["secrets", "new-key", path.to_str().expect("it is text")];
    let made = setup.berth(&words).await;
    assert!(made.status.success(), "{}", err(&made));
    let again = setup.berth(&words).await;
    assert!(!again.status.success(), "a key is not written over");
    path
}

fn set(setup: Setup, file: &Path, key: &Path) -> Setup {
    setup
        .argument("--secrets-file")
        .argument(file)
        .argument("--secrets-key")
        .argument(key)
}

/// A program that writes the secret that it is given into a file and ends.
async fn server(engine: &Engine, into: &Path) -> McpConfiguration {
    let script = format!("printf %s \"$KEY\" > '{}'", into.display());
    let draft = json!({"name": "needs", "server": {"type": "stdio", "command": "/bin/bash",
        "args": ["-c", script], "secret_env": ["KEY"]}});
    let made = engine.client.post("/mcp/configurations", &draft).await;
    made.expect("it is taken")
}

#[tokio::test]
async fn a_secret_is_kept_in_the_file_that_was_chosen_and_given_out_after_a_restart() {
    let setup = Setup::new();
    let (file, key) = (setup.folder().join("secrets"), key(&setup, "key").await);
    let mut engine = set(setup, &file, &key).start().await;
    let into = engine.setup().folder().join("given");
    let made = server(&engine, &into).await;
    let path = format!("/mcp/configurations/{}", made.id);
    let client = &engine.client;
    // More than a keychain takes in one entry.
    let words = "hidden-word".repeat(300);
    let put = client.request(Method::PUT, &format!("{path}/secrets/env%2FKEY"));
    let kept: Result<McpConfiguration, _> = client.value(put.json(&json!({"value": words}))).await;
    let kept = kept.expect("it is kept");
    assert!(kept.kept_secrets.contains("env/KEY"));
    let sealed = fs::read(&file).expect("it is there");
    assert!(!String::from_utf8_lossy(&sealed).contains("hidden-word"));
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    engine.restart().await;
    let client = &engine.client;
    let (consent, shown) = (format!("{path}/consent"), json!({"version": kept.version}));
    let agreed = client.post::<Value>(&consent, &shown).await;
    agreed.expect("it is agreed to");
    // It is no server, but it was started.
    let _ = client
        .post::<Value>("/mcp/test", &json!({"id": made.id}))
        .await;
    let given = fs::read_to_string(&into).expect("it was given its secret");
    assert_eq!(given, words);
}

#[tokio::test]
async fn what_is_said_of_secrets_names_the_file_that_was_chosen() {
    let setup = Setup::new();
    let (file, key) = (setup.folder().join("secrets"), key(&setup, "key").await);
    let engine = set(setup, &file, &key).start().await;
    let into = engine.setup().folder().join("given");
    let made = server(&engine, &into).await;
    let client = &engine.client;
    let list: McpList = client.get("/mcp/configurations").await.expect("a list");
    assert!(list.secrets_file);
    let consent = format!("/mcp/configurations/{}/consent", made.id);
    let shown = json!({"version": made.version});
    let agreed = client.post::<Value>(&consent, &shown).await;
    agreed.expect("it is agreed to");
    let kept = json!({"id": made.id});
    let tested = client.post::<Value>("/mcp/test", &kept).await;
    let refused = tested.expect_err("its secret is missing");
    let said = &refused.detail;
    assert!(said.contains("is not in the encrypted file"), "{said}");
}

#[tokio::test]
async fn an_engine_that_cannot_read_its_secrets_does_not_start_and_says_why() {
    let setup = Setup::new();
    let file = setup.folder().join("secrets");
    let (right, wrong) = (key(&setup, "right").await, key(&setup, "wrong").await);
    let none = key(&setup, "none").await;
    fs::write(&none, "not a key\n").expect("it can be written");
    let mut engine = set(setup, &file, &right).start().await;
    let into = engine.setup().folder().join("given");
    let made = server(&engine, &into).await;
    let path = format!("/mcp/configurations/{}/secrets/env%2FKEY", made.id);
    let client = &engine.client;
    let put = client
        .request(Method::PUT, &path)
        .json(&json!({"value": "hidden-word"}));
    let _: McpConfiguration = client.value(put).await.expect("it is kept");
    engine.stop().await;

    // The choice is remembered: whoever starts the next engine knows nothing of it.
    fs::rename(&right, right.with_extension("away")).expect("it can be moved");
    let refused = engine.setup().berth(&["serve", "--announce"]).await;
    assert!(!refused.status.success());
    assert!(err(&refused).contains("right"), "{}", err(&refused));
    fs::rename(right.with_extension("away"), &right).expect("it can be moved");

    // Neither is a file that is away taken for an empty one, whether it is named again or not.
    fs::rename(&file, file.with_extension("away")).expect("it can be moved");
    let (place, key) = (file.display().to_string(), right.display().to_string());
    let named = ["--secrets-file", &place, "--secrets-key", &key];
    for named in [&[][..], &named] {
        let serve = [&["serve", "--announce"], named].concat();
        let refused = engine.setup().berth(&serve).await;
        assert!(!refused.status.success());
        assert!(!file.exists(), "{}", err(&refused));
    }
    fs::rename(file.with_extension("away"), &file).expect("it can be moved");

    let text = |path: &Path| path.to_str().expect("it is text").to_owned();
    let (file, wrong, none) = (text(&file), text(&wrong), text(&none));
    let setup = engine.setup();
    for (arguments, said) in [
        (
            vec!["--secrets-file", &file, "--secrets-key", &wrong],
            "cannot be decrypted",
        ),
        (
            vec!["--secrets-file", &file, "--secrets-key", &none],
            "holds no key",
        ),
        (vec!["--secrets-file", &file], "--secrets-key"),
    ] {
        let serve = [vec!["serve", "--announce"], arguments].concat();
        let refused = setup.berth(&serve).await;
        assert!(!refused.status.success());
        assert!(err(&refused).contains(said), "{}", err(&refused));
    }
}
