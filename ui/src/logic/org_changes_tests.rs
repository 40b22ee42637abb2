use super::*;
use crate::wire::Sides;

fn conflict(kind: EntityKind, deed: Deed, clash: Clash) -> ShownChange {
    ShownChange {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        kind,
        name: Some("rules".to_owned()),
        deed,
        fields: vec!["allowed_agents".to_owned()],
        state: ChangeState::Conflict {
            clash,
            rev: 3,
            sides: vec![Sides {
                field: "content".to_owned(),
                mine: "mine".to_owned(),
                theirs: "theirs".to_owned(),
            }],
        },
        created_at: "2026-11-23T19:05:01Z".parse().unwrap(),
    }
}

#[test]
fn both_sides_can_be_kept_where_the_row_can_be_doubled_and_is_there() {
    let may = |kind, deed, clash| {
        let all = choices(&conflict(kind, deed, clash));
        all.iter()
            .any(|(choice, _)| *choice == Resolution::KeepBoth)
    };
    assert!(may(EntityKind::Prompt, Deed::Edit, Clash::Changed));
    assert!(may(EntityKind::McpConfiguration, Deed::Add, Clash::Exists));
    assert!(!may(EntityKind::Policy, Deed::Edit, Clash::Changed));
    assert!(!may(EntityKind::Prompt, Deed::Remove, Clash::Changed));
    assert!(!may(EntityKind::Prompt, Deed::Edit, Clash::Deleted));
}

#[test]
fn an_edit_names_all_of_its_fields_in_words() {
    let edit = conflict(EntityKind::Prompt, Deed::Edit, Clash::Changed);
    assert_eq!(deed(&edit), "Changes: Words, allowed agents.");
    assert_eq!(
        also(&edit).as_deref(),
        Some("Mine also changes: allowed agents.")
    );
}

#[test]
fn a_refused_change_says_why_in_words_and_by_its_code() {
    let mut refused = conflict(EntityKind::Prompt, Deed::Edit, Clash::Changed);
    refused.state = ChangeState::Refused {
        code: "sync.forbidden".to_owned(),
        reason: None,
    };
    let said = told(&refused);
    assert!(
        said.contains("role") && said.contains("sync.forbidden"),
        "{said}"
    );
}

#[test]
fn a_row_without_a_name_is_called_by_its_kind() {
    let mut policy = conflict(EntityKind::Policy, Deed::Edit, Clash::Changed);
    policy.name = None;
    assert_eq!(title(&policy), "policy");
}
