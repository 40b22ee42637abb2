use super::*;
use crate::wire::Sides;
use berth_protocol::tenant::ToldRefused;

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
fn what_this_machine_tells_is_counted_and_its_refusals_have_reasons() {
    let told = |waiting, refused: &[u64]| OrgTold {
        waiting,
        refused: refused
            .iter()
            .map(|&count| ToldRefused {
                kind: EntityKind::Session,
                code: "sync.invalid".to_owned(),
                reason: Some("a_check".to_owned()),
                count,
            })
            .collect(),
    };
    assert_eq!(facts(&told(0, &[])), [""; 0]);
    assert_eq!(
        facts(&told(2, &[1, 3])),
        [
            "2 facts wait to be sent.",
            "The backend refuses 1 fact about a session: sync.invalid, a_check.",
            "The backend refuses 3 facts, each about a session: sync.invalid, a_check.",
        ]
    );
}

#[test]
fn a_row_without_a_name_is_called_by_its_kind() {
    let mut policy = conflict(EntityKind::Policy, Deed::Edit, Clash::Changed);
    policy.name = None;
    assert_eq!(title(&policy), "policy");
}
