use berth_protocol::tenant::{Mutation, MutationState, OrgChange, OrgChanges};
use serde_json::{Value, json};

use super::super::read;
use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn change(state: MutationState, deletes: bool, patch: Value) -> Mutation {
    Mutation {
        id: ID.parse().unwrap(),
        kind: EntityKind::Prompt,
        entity_id: ID.parse().unwrap(),
        deletes,
        base_rev: Some(7),
        patch,
        state,
        created_at: "2026-11-23T19:05:01.25Z".parse().unwrap(),
    }
}

/// What the engine writes of it, as the page shows it.
fn shown(change: Mutation) -> ShownChange {
    let told = OrgChanges {
        changes: vec![OrgChange {
            name: Some("ä \"q\"".to_owned()),
            change: change.clone(),
        }],
        told: OrgTold {
            waiting: 3,
            refused: vec![ToldRefused {
                kind: EntityKind::Session,
                code: "sync.invalid".to_owned(),
                reason: None,
                count: 2,
            }],
        },
    };
    let written = serde_json::to_string(&told).unwrap();
    let mut shown = read::<ShownChanges>(&written).unwrap();
    assert_eq!(shown.told, told.told);
    let shown = shown.changes.remove(0);
    assert_eq!(
        (shown.id, shown.kind, shown.created_at),
        (change.id, change.kind, change.created_at)
    );
    assert_eq!(shown.name.as_deref(), Some("ä \"q\""));
    shown
}

fn conflict(code: &str, fields: &[&str], server: Value) -> MutationState {
    MutationState::Conflict {
        code: code.to_owned(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
        server,
        server_rev: 9,
    }
}

#[test]
fn every_kind_of_row_is_known_by_its_word() {
    for kind in EntityKind::ALL {
        let text = format!("\"{kind}\"");
        assert_eq!(read::<EntityKind>(&text), Ok(kind));
    }
}

#[test]
fn a_change_that_waits_says_what_it_does() {
    let edit = shown(change(
        MutationState::Pending,
        false,
        json!({"priority": 3, "content": "words"}),
    ));
    assert_eq!((edit.deed, edit.state), (Deed::Edit, ChangeState::Waiting));
    assert_eq!(edit.fields, ["content", "priority"]);
    let new = shown(change(
        MutationState::Sending,
        false,
        json!({"scope": "organization", "name": "n"}),
    ));
    assert_eq!((new.deed, new.state), (Deed::Add, ChangeState::Sending));
    assert_eq!(new.fields, ["name"]);
    let gone = shown(change(MutationState::Applied, true, json!({})));
    assert_eq!(
        (gone.deed, gone.state),
        (Deed::Remove, ChangeState::Arrived)
    );
}

#[test]
fn a_conflict_has_both_sides_of_its_fields_and_names_the_others() {
    let both = shown(change(
        conflict(
            "sync.changed",
            &["content", "target"],
            json!({"content": "theirs", "target": {"agents": ["codex"]}, "priority": 1}),
        ),
        false,
        json!({"content": "mine", "target": {"agents": []}, "priority": 2}),
    ));
    let ChangeState::Conflict { clash, rev, sides } = both.state else {
        panic!("{both:?}");
    };
    assert_eq!((clash, rev), (Clash::Changed, 9));
    assert_eq!(sides[0].field, "content");
    assert_eq!(
        (sides[0].mine.as_str(), sides[0].theirs.as_str()),
        ("mine", "theirs")
    );
    assert!(sides[1].theirs.contains("codex"), "{sides:?}");
    assert_eq!(both.fields, ["priority"]);
}

#[test]
fn a_conflict_about_the_whole_row_shows_what_there_is_of_it() {
    let removed = shown(change(
        conflict(
            "sync.changed",
            &[],
            json!({"content": "theirs", "enabled": true, "rev": 9}),
        ),
        true,
        json!({}),
    ));
    let ChangeState::Conflict { sides, .. } = &removed.state else {
        panic!("{removed:?}");
    };
    let fields: Vec<&str> = sides.iter().map(|side| side.field.as_str()).collect();
    assert_eq!(fields, ["content", "enabled"]);
    assert_eq!(
        (sides[1].mine.as_str(), sides[1].theirs.as_str()),
        ("", "true")
    );

    let deleted = shown(change(
        conflict("sync.deleted", &["content"], json!({"content": "old"})),
        false,
        json!({"content": "mine"}),
    ));
    assert!(matches!(
        deleted.state,
        ChangeState::Conflict {
            clash: Clash::Deleted,
            ..
        }
    ));
}

#[test]
fn a_refused_change_says_why() {
    for reason in [None, Some("system_prompts_name_check".to_owned())] {
        let code = "sync.forbidden".to_owned();
        let parked = MutationState::Parked {
            code: code.clone(),
            reason: reason.clone(),
        };
        let refused = shown(change(parked, false, json!({"name": ""})));
        assert_eq!(refused.state, ChangeState::Refused { code, reason });
    }
}

#[test]
fn a_choice_is_written_as_serde_reads_it() {
    for choice in [
        Resolution::KeepMine,
        Resolution::KeepTheirs,
        Resolution::KeepBoth,
    ] {
        let wanted = ResolveChange {
            seen_rev: -3,
            choice,
        };
        let read: ResolveChange = serde_json::from_str(&wanted.write()).unwrap();
        assert_eq!(read, wanted);
    }
}
