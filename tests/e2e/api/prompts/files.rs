//! Prompts as files: exported and imported.

use berth_protocol::{PromptImportOutcome, PromptImported};
use serde_json::Value;

use super::*;

#[tokio::test]
async fn prompts_are_exported_and_imported_as_files() {
    let engine = engine().await;
    let client = &engine.client;
    let mut first = template(
        "House: rules",
        "Dear {{ user_name }},\n\n---\nuse `<tags>`.\n",
    );
    first.target.agents = vec!["claude".parse().expect("it is a name")];
    let made = add(client, &first).await;
    let path = format!("/prompts/{}/export", made.id);
    let answer = client
        .send(client.request(Method::GET, &path))
        .await
        .expect("it is there");
    let name = answer.headers()["content-disposition"]
        .to_str()
        .expect("it is text")
        .to_owned();
    assert!(name.contains("house-rules.md"), "{name}");
    let text = answer.text().await.expect("it is text");
    assert!(text.starts_with("---\nname: "), "{text}");
    let answer = client
        .send(client.request(Method::GET, "/prompts/export"))
        .await
        .expect("it is there");
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let bytes = answer.bytes().await.expect("it has bytes");
    assert!(bytes.starts_with(b"PK"));

    let changed = text.replace("tags", "marks");
    let import = async |dry_run: bool| {
        let files = json!({"dry_run": dry_run, "files": [
            {"name": "house-rules.md", "text": changed},
            {"name": "new.md", "text": "Just words.\n"},
            {"name": "bad.md", "text": "---\nprio: 3\n---\nx"},
            {"name": "late.md", "text": "---\nformat: template\n---\n{{ nobody }}"},
        ]});
        let done: PromptImported = client
            .post("/prompts/import", &files)
            .await
            .expect("it is told");
        let outcomes: Vec<PromptImportOutcome> = done.results.iter().map(|it| it.outcome).collect();
        (outcomes, done)
    };
    use PromptImportOutcome::{Created, Failed, Unchanged, Updated};
    let (outcomes, done) = import(true).await;
    assert_eq!(outcomes, [Updated, Created, Failed, Failed]);
    assert!(
        done.results[2]
            .problem
            .as_ref()
            .is_some_and(|it| it.detail.contains("prio"))
    );
    assert_eq!(
        names(client).await,
        ["House: rules"],
        "nothing was done yet"
    );
    assert_eq!(import(false).await.0, [Updated, Created, Failed, Failed]);
    assert_eq!(
        import(false).await.0,
        [Unchanged, Unchanged, Failed, Failed]
    );
    let now: SystemPrompt = client
        .get(&format!("/prompts/{}", made.id))
        .await
        .expect("it is there");
    assert_eq!((now.version, now.target), (2, first.target));
    assert!(now.content.contains("`<marks>`"));
}

#[tokio::test]
async fn prompts_that_cannot_be_told_apart_are_not_imported_over_each_other() {
    let engine = engine().await;
    let client = &engine.client;
    let import = async |files: &[(&str, &str)]| {
        let files: Vec<Value> = files
            .iter()
            .map(|(name, text)| json!({"name": name, "text": text}))
            .collect();
        let done: PromptImported = client
            .post("/prompts/import", &json!({"files": files}))
            .await
            .expect("it is told");
        let outcomes = done.results.into_iter();
        outcomes.map(|it| it.outcome).collect::<Vec<_>>()
    };
    use PromptImportOutcome::{Created, Failed};
    let one = ("a.md", "---\nname: Style\n---\none");
    let other = ("b.md", "---\nname: Style\n---\nother");
    assert_eq!(import(&[one, other]).await, [Created, Failed]);
    add(client, &draft("Style", "mine")).await;
    assert_eq!(import(&[other]).await, [Failed]);
    let list: PromptList = client.get("/prompts").await.expect("there is a list");
    let words: Vec<&str> = list.prompts.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(words, ["one", "mine"], "neither was touched");
}
