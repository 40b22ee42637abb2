//! Prompts that are added, edited, moved and removed, and their versions.

use berth_protocol::{
    Code, Event, PromptImported, PromptOrder, PromptScope, PromptVersions, TextDiff,
};

use super::*;

#[tokio::test]
async fn an_edit_that_comes_too_late_is_told_both_sides() {
    let engine = engine().await;
    let client = &engine.client;
    let prompt = add(client, &draft("Style", "One.\nTwo.")).await;
    let (mine, theirs) = (
        draft("Style", "One.\nMine."),
        draft("Style", "One.\nTheirs."),
    );
    let [one, two] = [
        put(client, prompt.id, 1, &theirs).await,
        put(client, prompt.id, 1, &mine).await,
    ];
    assert_eq!(one.expect("the first is taken").version, 2);
    let refused = refusal(two);
    assert_eq!((refused.code, refused.status), (Code::PromptConflict, 409));
    let conflict = refused.conflict.expect("both sides are told");
    assert_eq!(conflict.yours, mine);
    assert_eq!(
        (conflict.theirs.version, conflict.theirs.content.as_str()),
        (2, "One.\nTheirs.")
    );
    assert!(
        conflict.diff.patch.contains("-Theirs.\n+Mine."),
        "{:?}",
        conflict.diff
    );
    // Those who know the newest version may go on.
    assert_eq!(
        put(client, prompt.id, 2, &mine)
            .await
            .expect("it is taken")
            .version,
        3
    );
    let late = client
        .delete(&format!("/prompts/{}?version=2", prompt.id))
        .await;
    assert_eq!(refusal(late).code, Code::PromptConflict);
    client
        .delete(&format!("/prompts/{}?version=3", prompt.id))
        .await
        .expect("it is removed");
    assert_eq!(names(client).await, [""; 0]);
}

#[tokio::test]
async fn only_one_of_many_edits_at_once_of_a_version_is_taken() {
    let engine = engine().await;
    let client = &engine.client;
    let prompt = add(client, &draft("Style", "Zero.")).await;
    let edits = (0..8).map(|number| {
        let words = format!("Edit {number}.");
        async move { put(client, prompt.id, 1, &draft("Style", &words)).await }
    });
    let answers = futures::future::join_all(edits).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(
            refusal(answer).conflict.expect("both sides").theirs.version,
            2
        );
    }
}

#[tokio::test]
async fn old_versions_can_be_read_compared_and_restored() {
    let engine = engine().await;
    let client = &engine.client;
    let prompt = add(client, &draft("Style", "One.\n")).await;
    put(client, prompt.id, 1, &draft("Style 2", "Two.\n"))
        .await
        .expect("it is taken");
    let path = format!("/prompts/{}", prompt.id);
    let versions: PromptVersions = client
        .get(&format!("{path}/versions"))
        .await
        .expect("they are told");
    assert_eq!(versions.next, None);
    let page: PromptVersions = client
        .get(&format!("{path}/versions?limit=1"))
        .await
        .expect("they are told");
    assert_eq!((page.versions.len(), page.next), (1, Some(2)));
    let numbers: Vec<u32> = versions
        .versions
        .iter()
        .map(|version| version.version)
        .collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(versions.versions[1].draft, draft("Style", "One.\n"));
    let diff: TextDiff = client
        .get(&format!("{path}/diff?from=1&to=2"))
        .await
        .expect("it is told");
    assert_eq!((diff.added, diff.removed), (1, 1));
    let wanted = json!({"version": 2, "to": 1});
    let restored: SystemPrompt = client
        .post(&format!("{path}/restore"), &wanted)
        .await
        .expect("it is done");
    assert_eq!(
        (restored.version, restored.draft()),
        (3, draft("Style", "One.\n"))
    );
    let wanted = json!({"version": 3, "to": 9});
    let refused = refusal(
        client
            .post::<SystemPrompt>(&format!("{path}/restore"), &wanted)
            .await,
    );
    assert_eq!(refused.code, Code::PromptNotFound);
}

#[tokio::test]
async fn prompts_are_moved_within_their_scope() {
    let engine = engine().await;
    let client = &engine.client;
    let mut events = client.events(None).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(add(client, &draft(name, name)).await.id);
    }
    let place = async |id: PromptId, version: u32, before: Option<PromptId>| {
        let to = json!({"version": version, "before": before});
        let path = format!("/prompts/{id}/move");
        client.post::<PromptOrder>(&path, &to).await
    };
    // All have the same priority, so there is no room between them.
    let order = place(ids[3], 1, Some(ids[1])).await.expect("it is done");
    let seen: Vec<&str> = order
        .prompts
        .iter()
        .map(|prompt| prompt.name.as_str())
        .collect();
    assert_eq!(seen, ["a", "d", "b", "c"]);
    assert_eq!(names(client).await, seen);
    let changed = order.prompts.iter().map(|prompt| prompt.version);
    assert_eq!(
        changed.collect::<Vec<_>>(),
        [1, 2, 2, 2],
        "who has to make room"
    );
    // Now there is, and only the one that is moved changes.
    let order = place(ids[0], 1, Some(ids[2])).await.expect("it is done");
    let seen: Vec<(&str, u32)> = order
        .prompts
        .iter()
        .map(|it| (it.name.as_str(), it.version))
        .collect();
    assert_eq!(seen, [("d", 2), ("b", 2), ("a", 2), ("c", 2)]);
    let order = place(ids[3], 2, None).await.expect("it is done");
    assert_eq!(order.prompts.last().map(|prompt| prompt.id), Some(ids[3]));
    assert_eq!(
        refusal(place(ids[3], 2, None).await).code,
        Code::PromptConflict
    );
    let nobody = PromptId(uuid::Uuid::nil());
    assert_eq!(
        refusal(place(ids[3], 3, Some(nobody)).await).code,
        Code::PromptNotFound
    );
    // Everybody who listens is told of each change.
    let mut told = 0;
    while told < 4 + 3 + 1 + 1 {
        let event = events.next().await.event;
        told += usize::from(matches!(event, Event::PromptChanged { .. }));
    }
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_user_writes_neither_global_prompts_nor_those_of_an_organization() {
    let setup = Setup::new();
    let global = setup.folder().join("global");
    std::fs::create_dir_all(&global).expect("it can be made");
    let house = global.join("house.md");
    std::fs::write(&house, "Be kind.\n").expect("it can be written");
    let setup = setup.argument("--global-prompts").argument(&global);
    let mut engine = engine_with(setup).await;
    let client = &engine.client;
    for scope in [PromptScope::Global, PromptScope::Organization] {
        let draft = PromptDraft {
            scope,
            ..draft("Mine", "Words.")
        };
        let refused = refusal(client.post::<SystemPrompt>("/prompts", &draft).await);
        assert_eq!(
            (refused.code, refused.status),
            (Code::PromptScopeDenied, 403)
        );
        let files = json!({"files": [{"name": "x.md",
            "text": format!("---\nscope: {}\n---\nWords.", scope.as_str())}]});
        let imported: PromptImported = client
            .post("/prompts/import", &files)
            .await
            .expect("it is told");
        let problem = imported.results[0].problem.as_ref().expect("it failed");
        assert_eq!(problem.code, Code::PromptScopeDenied);
    }
    let list: PromptList = client.get("/prompts").await.expect("there is a list");
    assert_eq!(list.writable, [PromptScope::User]);
    let house_prompt = &list.prompts[0];
    assert_eq!(
        (house_prompt.scope, house_prompt.name.as_str()),
        (PromptScope::Global, "house")
    );
    let refused = put(client, house_prompt.id, 1, &draft("house", "Be rude.")).await;
    assert_eq!(refusal(refused).code, Code::PromptScopeDenied);
    let path = format!("/prompts/{}?version=1", house_prompt.id);
    assert_eq!(
        refusal(client.delete(&path).await).code,
        Code::PromptScopeDenied
    );

    // Whoever runs the engine changes the file, and the next start takes it up.
    std::fs::write(&house, "Be kind and brief.\n").expect("it can be written");
    let id = house_prompt.id;
    engine.restart().await;
    let changed: SystemPrompt = engine
        .client
        .get(&format!("/prompts/{id}"))
        .await
        .expect("it is there");
    assert_eq!(
        (changed.version, changed.content.as_str()),
        (2, "Be kind and brief.")
    );
    std::fs::remove_file(&house).expect("it can be removed");
    engine.restart().await;
    assert_eq!(names(&engine.client).await, [""; 0]);
    // An engine that is told of no folder, as the window starts one, leaves them as they are.
    std::fs::write(&house, "Be kind.\n").expect("it can be written");
    engine.restart().await;
    engine.stop().await;
    let listed = engine.setup().berth(&["prompts", "list"]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("global") && listed.contains("house"),
        "{listed}"
    );
    engine.setup().berth(&["stop"]).await;
}

#[tokio::test]
async fn prompts_that_are_too_large_or_no_text_are_refused() {
    let engine = engine().await;
    let client = &engine.client;
    let refused = refusal(
        client
            .post::<SystemPrompt>("/prompts", &draft("Big", &"x".repeat(40_000)))
            .await,
    );
    assert_eq!(
        (refused.code, refused.fields[0].field.as_str()),
        (Code::PromptInvalid, "content")
    );
    let refused = refusal(
        client
            .post::<SystemPrompt>("/prompts", &draft("Huge", &"x".repeat(10 << 20)))
            .await,
    );
    assert_eq!((refused.code, refused.status), (Code::BodyTooLarge, 413));
    for (body, code) in [
        (
            &b"{\"name\":\"a\",\"content\":\"\xff\xfe\"}"[..],
            Code::BadRequest,
        ),
        (
            b"{\"name\":\"a\",\"content\":\"x\",\"scope\":\"galaxy\"}",
            Code::BadRequest,
        ),
        (
            b"{\"name\":\"a\",\"content\":\"x\\u0000\"}",
            Code::PromptInvalid,
        ),
        (
            b"{\"name\":\"a\",\"content\":\"x\",\"locked\":true}",
            Code::PromptInvalid,
        ),
        (
            b"{\"name\":\"a\",\"content\":\"{% include 'a' %}\",\"format\":\"template\"}",
            Code::PromptInvalid,
        ),
        (
            b"{\"name\":\"a\",\"content\":\"x\",\"colour\":1}",
            Code::BadRequest,
        ),
    ] {
        let request = client.request(Method::POST, "/prompts");
        let request = request
            .header("content-type", "application/json")
            .body(body.to_vec());
        let refused = refusal(client.value::<SystemPrompt>(request).await);
        assert_eq!(refused.code, code, "{}", String::from_utf8_lossy(body));
    }
    let missing = PromptId(uuid::Uuid::nil());
    let refused = refusal(
        client
            .get::<SystemPrompt>(&format!("/prompts/{missing}"))
            .await,
    );
    assert_eq!(refused.code, Code::PromptNotFound);
    assert_eq!(names(client).await, [""; 0]);
}

#[tokio::test]
async fn an_edit_that_changes_nothing_makes_no_version_and_none_changes_the_scope() {
    let engine = engine().await;
    let client = &engine.client;
    let prompt = add(client, &draft("Style", "Be brief.\r\nAlways.")).await;
    assert_eq!(prompt.content, "Be brief.\nAlways.");
    let same = put(client, prompt.id, 1, &prompt.draft()).await;
    assert_eq!(same.expect("it is taken").version, 1);
    let moved = PromptDraft {
        scope: PromptScope::Organization,
        ..prompt.draft()
    };
    let refused = refusal(put(client, prompt.id, 1, &moved).await);
    assert_eq!(refused.code, Code::PromptScopeDenied);
}
