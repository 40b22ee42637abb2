use serde_json::json;

use super::*;

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("no object: {other}"),
    }
}

/// What becomes of an edit of a row that was `old` and is `now` at revision 9.
fn check(old: Value, patch: Value, now: Value) -> Fate {
    let (old, patch, row) = (fields(old), fields(patch), fields(now));
    let waiting = Waiting {
        deletes: false,
        patch: &patch,
        conflict: None,
        is_new: false,
    };
    settle(
        Some(&old),
        None,
        &waiting,
        &Incoming::Row { rev: 9, row: &row },
    )
}

fn changed(names: &[&str]) -> Fate {
    Fate::Conflict {
        code: "sync.changed",
        fields: names.iter().map(|&name| name.to_owned()).collect(),
    }
}

#[test]
fn different_fields_join_and_the_same_field_is_a_conflict() {
    let old = json!({"name": "a", "content": "b"});
    let theirs = json!({"name": "a", "content": "theirs"});
    assert_eq!(
        check(old.clone(), json!({"name": "mine"}), theirs.clone()),
        Fate::Stands
    );
    assert_eq!(
        check(
            old.clone(),
            json!({"content": "mine", "name": "mine"}),
            theirs.clone()
        ),
        changed(&["content"])
    );
    assert_eq!(check(old, json!({"content": "theirs"}), theirs), Fate::Done);
}

#[test]
fn a_moment_in_another_form_is_no_change() {
    assert_eq!(
        check(
            json!({"ended_at": "2026-11-28T12:00:00Z"}),
            json!({"ended_at": "2026-11-28T13:00:00Z"}),
            json!({"ended_at": "2026-11-28T12:00:00+00:00"})
        ),
        Fate::Stands
    );
}

#[test]
fn the_users_own_change_is_no_conflict_with_the_next_one() {
    let (old, sent) = (fields(json!({"name": "a"})), fields(json!({"name": "b"})));
    let (patch, row) = (fields(json!({"name": "c"})), fields(json!({"name": "b"})));
    let other = fields(json!({"name": "theirs"}));
    let waiting = Waiting {
        deletes: false,
        patch: &patch,
        conflict: None,
        is_new: false,
    };
    for applied_rev in [Some(7), Some(9), None] {
        let under_way = UnderWay {
            applied_rev,
            deletes: false,
            patch: &sent,
        };
        let now = Incoming::Row { rev: 9, row: &row };
        assert_eq!(
            settle(Some(&old), Some(&under_way), &waiting, &now),
            Fate::Stands
        );
    }
    // Somebody has changed it after that.
    let under_way = UnderWay {
        applied_rev: Some(7),
        deletes: false,
        patch: &sent,
    };
    let now = Incoming::Row {
        rev: 9,
        row: &other,
    };
    assert_eq!(
        settle(Some(&old), Some(&under_way), &waiting, &now),
        changed(&["name"])
    );
}

#[test]
fn what_was_changed_is_not_deleted_unseen_and_what_was_deleted_is_not_changed() {
    let old = fields(json!({"name": "a", "rev": 3, "version": 1}));
    let (same, other) = (
        fields(json!({"name": "a", "rev": 9, "version": 2})),
        fields(json!({"name": "b", "rev": 9})),
    );
    let none = Fields::new();
    let deletes = Waiting {
        deletes: true,
        patch: &none,
        conflict: None,
        is_new: false,
    };
    let on = |row| Incoming::Row { rev: 9, row };
    assert_eq!(settle(Some(&old), None, &deletes, &on(&same)), Fate::Stands);
    assert_eq!(
        settle(Some(&old), None, &deletes, &on(&other)),
        changed(&[])
    );
    assert_eq!(
        settle(Some(&old), None, &deletes, &Incoming::Gone),
        Fate::Done
    );
    let patch = fields(json!({"name": "mine"}));
    let edits = Waiting {
        patch: &patch,
        deletes: false,
        ..deletes
    };
    assert_eq!(
        settle(Some(&old), None, &edits, &Incoming::Gone),
        Fate::Conflict {
            code: "sync.deleted",
            fields: vec!["name".to_owned()]
        }
    );
}

#[test]
fn a_new_row_that_waits_is_not_missed_by_a_copy_that_begins_anew() {
    let patch = fields(json!({"name": "mine"}));
    let waiting = Waiting {
        deletes: false,
        patch: &patch,
        conflict: None,
        is_new: true,
    };
    assert_eq!(settle(None, None, &waiting, &Incoming::Gone), Fate::Stands);
}

#[test]
fn a_conflict_follows_the_other_side_and_ends_when_both_want_the_same() {
    let (old, patch) = (
        fields(json!({"name": "theirs"})),
        fields(json!({"name": "mine"})),
    );
    let known = ["name".to_owned()];
    let waiting = Waiting {
        deletes: false,
        patch: &patch,
        conflict: Some(&known),
        is_new: false,
    };
    let again = fields(json!({"name": "theirs", "content": "other"}));
    let on = |row| Incoming::Row { rev: 9, row };
    assert_eq!(
        settle(Some(&old), None, &waiting, &on(&again)),
        changed(&["name"])
    );
    let mine = fields(json!({"name": "mine"}));
    assert_eq!(settle(Some(&old), None, &waiting, &on(&mine)), Fate::Done);
}
