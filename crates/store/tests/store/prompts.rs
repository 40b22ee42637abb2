use std::sync::Arc;

use berth_protocol::{
    Code, PromptDraft, PromptFormat, PromptId, PromptPolicy, PromptScope, PromptTarget,
    SanitizePolicy,
};
use berth_store::{PromptBook, StoreError};
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent};

fn draft(name: &str, content: &str) -> PromptDraft {
    PromptDraft {
        name: name.to_owned(),
        content: content.to_owned(),
        enabled: true,
        ..PromptDraft::default()
    }
}

#[tokio::test]
async fn a_prompt_keeps_everything_that_it_was() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let first = PromptDraft {
        priority: -3,
        target: PromptTarget {
            agents: vec!["claude".parse().unwrap()],
            projects: Vec::new(),
        },
        ..draft("Style", "Be brief. 🦀")
    };
    let made = store.create_prompt(&first, Some("ada")).await.unwrap();
    assert_eq!((made.version, made.draft()), (1, first.clone()));
    assert_eq!(store.prompt(made.id).await.unwrap(), Some(made.clone()));

    let second = PromptDraft {
        format: PromptFormat::Template,
        enabled: false,
        ..draft("Style", "Be brief, {{ user_name }}.")
    };
    let changed = store
        .update_prompt(made.id, 1, &second, None)
        .await
        .unwrap();
    assert_eq!((changed.version, changed.draft()), (2, second.clone()));
    assert_eq!(changed.created_at, made.created_at);
    let versions = store.prompt_versions(made.id, None, 100).await.unwrap();
    let seen: Vec<_> = versions
        .into_iter()
        .map(|old| (old.version, old.draft, old.author))
        .collect();
    assert_eq!(
        seen,
        [(2, second, None), (1, first, Some("ada".to_owned()))]
    );
    store.delete_prompt(made.id, 2).await.unwrap();
    assert_eq!(store.prompts().await.unwrap(), []);
    assert_eq!(store.prompt_versions(made.id, None, 100).await.unwrap(), []);
    assert_consistent(store).await;
}

#[tokio::test]
async fn prompts_come_in_the_order_in_which_they_are_composed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for (scope, priority, name) in [
        (PromptScope::User, 0, "b"),
        (PromptScope::User, 0, "a"),
        (PromptScope::Organization, 5, "c"),
        (PromptScope::Global, 9, "e"),
        (PromptScope::Global, -1, "d"),
    ] {
        let prompt = PromptDraft {
            scope,
            priority,
            ..draft(name, "x")
        };
        store.create_prompt(&prompt, None).await.unwrap();
    }
    let all = store.prompts().await.unwrap();
    let names: Vec<_> = all.iter().map(|prompt| prompt.name.as_str()).collect();
    assert_eq!(names, ["d", "e", "c", "a", "b"]);
}

#[tokio::test]
async fn of_two_edits_of_one_version_the_second_is_told() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = store.create_prompt(&draft("A", "x"), None).await.unwrap();
    store
        .update_prompt(made.id, 1, &draft("A", "y"), None)
        .await
        .unwrap();
    let late = store
        .update_prompt(made.id, 1, &draft("A", "z"), None)
        .await;
    let late = late.unwrap_err();
    assert!(matches!(late, StoreError::PromptChanged { found: 2, .. }));
    assert_eq!(late.code(), Code::PromptConflict);
    let refused = store.delete_prompt(made.id, 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::PromptConflict);
    assert_eq!(store.prompt(made.id).await.unwrap().unwrap().content, "y");
    let gone = PromptId(Uuid::now_v7());
    let refused = store.update_prompt(gone, 1, &draft("A", "z"), None).await;
    assert_eq!(refused.unwrap_err().code(), Code::PromptNotFound);
    assert_consistent(store).await;
}

#[tokio::test]
async fn the_audit_trail_has_a_hash_of_the_words_and_not_the_words() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let words = "Nobody else needs to read this.";
    store.create_prompt(&draft("A", words), None).await.unwrap();
    let events = store.audit(0, 10).await.unwrap().events;
    let told = events[0].details.to_string();
    assert!(!told.contains(words), "{told}");
    // By sha256sum.
    let hash = "e6d61b13cc561355140307c873a98628789f5fcd124447da51f62742fd93e8e2";
    assert!(told.contains(hash), "{told}");
}

#[tokio::test]
async fn a_moved_prompt_takes_only_those_along_that_it_must() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let mut ids = Vec::new();
    for (name, priority) in [("a", 0), ("b", 10), ("c", 11)] {
        let draft = PromptDraft {
            priority,
            ..draft(name, "words")
        };
        ids.push(store.create_prompt(&draft, None).await.unwrap().id);
    }
    let seen = |order: &[berth_protocol::SystemPrompt]| -> Vec<(String, i32, u32)> {
        let seen = order.iter();
        seen.map(|it| (it.name.clone(), it.priority, it.version))
            .collect()
    };
    let row = |name: &str, priority, version| (name.to_owned(), priority, version);
    // Between 0 and 10 there is room.
    let order = store.move_prompt(ids[2], 1, Some(ids[1]), None).await;
    let wanted = [row("a", 0, 1), row("c", 5, 2), row("b", 10, 1)];
    assert_eq!(seen(&order.unwrap()), wanted);
    assert_eq!(seen(&store.prompts().await.unwrap()), wanted);
    // Where it stands already nothing happens, and its version stays.
    let order = store.move_prompt(ids[2], 2, Some(ids[1]), None).await;
    assert_eq!(seen(&order.unwrap()), wanted);
    for number in 0..4 {
        let now = store.prompts().await.unwrap();
        let (first, last) = (&now[0], &now[2]);
        let order = store.move_prompt(last.id, last.version, Some(first.id), Some("ada"));
        let order = order.await.unwrap();
        assert_eq!(order[0].id, last.id, "move {number}");
        assert_eq!(store.prompts().await.unwrap(), order);
    }
    assert_consistent(store).await;
    let events = store.audit(0, 100).await;
    let moved = events.unwrap().events.into_iter();
    assert_eq!(moved.filter(|it| it.action == "prompt.moved").count(), 5);
}

#[tokio::test]
async fn the_policy_is_kept_and_told_to_the_audit_trail() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(
        store.prompt_policy().await.unwrap().sanitize,
        SanitizePolicy::Redact
    );
    let policy = PromptPolicy {
        sanitize: SanitizePolicy::Reject,
    };
    store.set_prompt_policy(policy).await.unwrap();
    assert_eq!(store.prompt_policy().await.unwrap(), policy);
    // One that cannot be read is not taken for the default.
    store
        .set_setting("policy.prompts", r#"{"sanitize":"shrug"}"#)
        .await
        .unwrap();
    let error = store.prompt_policy().await.unwrap_err();
    assert_eq!(error.code(), Code::StoreCorrupt);
    assert_consistent(store).await;
}

#[tokio::test]
async fn the_book_of_prompts_is_as_the_last_change_left_it() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let empty = store.prompt_book().await.unwrap();
    assert!(empty.prompts.is_empty());
    assert!(Arc::ptr_eq(&empty, &store.prompt_book().await.unwrap()));

    let made = store.create_prompt(&draft("A", "x"), None).await.unwrap();
    let seen = |book: Arc<PromptBook>| -> Vec<_> {
        let prompts = book.prompts.iter();
        prompts.map(|it| it.content.clone()).collect()
    };
    assert_eq!(seen(store.prompt_book().await.unwrap()), ["x"]);
    store
        .update_prompt(made.id, 1, &draft("A", "y"), None)
        .await
        .unwrap();
    assert_eq!(seen(store.prompt_book().await.unwrap()), ["y"]);
    let other = store.create_prompt(&draft("B", "z"), None).await.unwrap();
    store
        .move_prompt(other.id, 1, Some(made.id), None)
        .await
        .unwrap();
    assert_eq!(seen(store.prompt_book().await.unwrap()), ["z", "y"]);
    store.decline_prompt(made.id, true).await.unwrap();
    assert_eq!(store.prompt_book().await.unwrap().declined, [made.id]);
    let policy = PromptPolicy {
        sanitize: SanitizePolicy::Reject,
    };
    store.set_prompt_policy(policy).await.unwrap();
    assert_eq!(store.prompt_book().await.unwrap().policy, policy);
    store.delete_prompt(made.id, 2).await.unwrap();
    let left = store.prompt_book().await.unwrap();
    assert_eq!(
        (seen(left.clone()), left.declined.len()),
        (vec!["z".to_owned()], 0)
    );
}
