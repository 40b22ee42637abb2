use serde_json::json;

use super::*;

#[test]
fn a_policy_that_cannot_be_read_is_not_taken_for_none() {
    let id = "019a0000-0000-7000-8000-000000000001";
    assert_eq!(PolicyState::of(None), PolicyState::Absent);
    let row =
        json!({"id": id, "autonomy_ceiling": "edit", "tool_rules": [], "of_a_newer_backend": 1});
    let PolicyState::Known(policy) = PolicyState::of(Some(&row)) else {
        panic!("it can be read");
    };
    assert_eq!(policy.autonomy_ceiling, Some(Autonomy::Edit));
    for wrong in [
        json!({"id": id, "autonomy_ceiling": "sometimes"}),
        json!({"id": id, "tool_rules": [{"rule": "deny", "unless": "it rains"}]}),
        json!({"id": id, "allowed_agents": "all"}),
        json!(null),
    ] {
        let read = PolicyState::of(Some(&wrong));
        assert!(matches!(read, PolicyState::Unreadable { .. }), "{read:?}");
    }
}

#[test]
fn rows_of_a_newer_backend_are_read() {
    let row = json!({
        "id": "019a0000-0000-7000-8000-000000000001", "scope": "organization", "name": "rules",
        "content": "words", "mood": "good",
    });
    let prompt: Prompt = serde_json::from_value(row).unwrap();
    assert_eq!((prompt.enabled, prompt.version), (true, 0));
}

#[test]
fn the_word_of_a_kind_is_the_one_on_the_wire() {
    for kind in EntityKind::ALL {
        assert_eq!(json!(kind), json!(kind.as_str()));
    }
}
