//! `berth prompts`: prompts that live in files.

use std::fs;

use berth_protocol::{PromptDraft, PromptFormat, PromptList, SystemPrompt};
use berth_tests::{Engine, Setup};

use crate::{err, out};

fn draft(name: &str, content: &str) -> PromptDraft {
    PromptDraft {
        name: name.to_owned(),
        content: content.to_owned(),
        format: PromptFormat::Template,
        enabled: true,
        ..PromptDraft::default()
    }
}

#[tokio::test]
async fn prompts_are_kept_in_files_and_come_back() {
    let engine = Engine::start().await;
    let (client, setup) = (&engine.client, engine.setup());
    for draft in [
        draft("House rules", "Be kind, {{ user_name }}."),
        draft("Style: tabs", "Use tabs."),
    ] {
        let added = client.post::<SystemPrompt>("/prompts", &draft).await;
        added.expect("it is taken");
    }
    let folder = setup.folder().join("kept");
    let path = folder.to_str().expect("it is text");
    let exported = setup.berth(&["prompts", "export", path]).await;
    assert!(exported.status.success(), "{}", err(&exported));
    assert_eq!(out(&exported).lines().count(), 2);
    let file = folder.join("house-rules.md");
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(text.ends_with("---\nBe kind, {{ user_name }}.\n"), "{text}");

    fs::write(&file, text.replace("kind", "brief")).expect("it can be written");
    let tried = setup.berth(&["prompts", "import", "--dry-run", path]).await;
    assert!(
        out(&tried).contains("house-rules.md: would be changed"),
        "{}",
        out(&tried)
    );
    let imported = setup.berth(&["prompts", "import", path]).await;
    assert!(imported.status.success(), "{}", err(&imported));
    assert!(
        out(&imported).contains("house-rules.md: changed"),
        "{}",
        out(&imported)
    );
    assert!(
        out(&imported).contains("style-tabs.md: the same"),
        "{}",
        out(&imported)
    );
    let list: PromptList = client.get("/prompts").await.expect("there is a list");
    assert_eq!(list.prompts[0].content, "Be brief, {{ user_name }}.");
    assert_eq!(list.prompts[0].version, 2);
    let listed = setup.berth(&["prompts", "list"]).await;
    assert!(
        out(&listed).contains("user         on  v2   House rules"),
        "{}",
        out(&listed)
    );

    let shown = setup
        .berth(&["prompts", "preview", "--agent", "claude"])
        .await;
    assert!(out(&shown).contains("\nUse tabs.\n"), "{}", out(&shown));

    fs::write(folder.join("bad.md"), "---\nscope: global\n---\nMine.").expect("it can be written");
    let refused = setup.berth(&["prompts", "import", path]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        out(&refused).contains("bad.md: failed"),
        "{}",
        out(&refused)
    );
    assert!(
        err(&refused).contains("--global-prompts"),
        "it says what to do: {}",
        err(&refused)
    );
}

#[tokio::test]
async fn an_engine_whose_global_prompts_cannot_be_read_does_not_start() {
    let setup = Setup::new();
    let folder = setup.folder().join("global");
    let path = folder.to_str().expect("it is text");
    let serve = ["serve", "--announce", "--global-prompts", path];
    let missing = setup.berth(&serve).await;
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains(path), "{}", err(&missing));
    fs::create_dir_all(&folder).expect("it can be made");
    let file = folder.join("house.md");
    for (text, wanted) in [
        (
            &b"---\nformat: template\n---\nDear {{ nobody }}"[..],
            "nobody",
        ),
        (b"---\nname: x\n", "no end"),
        (b"\xff\xfe", "UTF-8"),
    ] {
        fs::write(&file, text).expect("it can be written");
        let refused = setup.berth(&serve).await;
        assert_eq!(refused.status.code(), Some(1));
        let said = err(&refused);
        assert!(said.contains("house.md") && said.contains(wanted), "{said}");
    }
    fs::write(&file, "Be kind.").expect("it can be written");
    let engine = setup
        .argument("--global-prompts")
        .argument(&folder)
        .start()
        .await;
    let list: PromptList = engine
        .client
        .get("/prompts")
        .await
        .expect("there is a list");
    assert_eq!(list.prompts[0].content, "Be kind.");
}
