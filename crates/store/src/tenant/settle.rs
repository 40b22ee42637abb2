//! What becomes of a user's edit when the row under it moves: a three-way comparison of what was known, what the
//! user wants, and what the backend has now. Pure functions; who calls them holds the transaction.

use berth_protocol::Timestamp;
use serde_json::{Map, Value};

/// Fields that follow from others or from the change itself, and that nobody edits.
const DERIVED: [&str; 12] = [
    "access_epoch",
    "author",
    "created_at",
    "deleted_at",
    "field_revs",
    "id",
    "org_id",
    "rev",
    "updated_at",
    "updated_by",
    "user_id",
    "version",
];

/// A row's fields, or some of them.
pub(super) type Fields = Map<String, Value>;

/// The edit that is under way.
pub(super) struct UnderWay<'a> {
    /// The revision that it was given; absent while the answer has not come.
    pub(super) applied_rev: Option<i64>,
    pub(super) deletes: bool,
    pub(super) patch: &'a Fields,
}

/// The edit that waits.
pub(super) struct Waiting<'a> {
    pub(super) deletes: bool,
    pub(super) patch: &'a Fields,
    /// The fields that are in conflict already; absent when it is in none.
    pub(super) conflict: Option<&'a [String]>,
    /// The backend has never had the row, as far as is known.
    pub(super) is_new: bool,
}

/// What the backend has now.
pub(super) enum Incoming<'a> {
    Row {
        rev: i64,
        row: &'a Fields,
    },
    /// It was deleted, or is no longer shown to this user.
    Gone,
}

/// What becomes of the edit that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stands as it stood, on the row as it is now.
    Stands,
    /// It is in conflict no longer.
    Clear,
    /// The row is as it wants it already.
    Done,
    /// Both have changed these fields; none where it is about the row as a whole.
    Conflict {
        code: &'static str,
        fields: Vec<String>,
    },
}

/// Compares. `old` is the row as it was known when the edit was made.
pub(super) fn settle(
    old: Option<&Fields>,
    under_way: Option<&UnderWay<'_>>,
    waiting: &Waiting<'_>,
    incoming: &Incoming<'_>,
) -> Fate {
    let Incoming::Row { rev, row } = incoming else {
        return gone(old, under_way, waiting);
    };
    let is_over = under_way.is_none_or(|it| it.applied_rev.is_some_and(|applied| applied <= *rev));
    if waiting.is_new && under_way.is_none() && old.is_none() {
        let is_there = (waiting.patch.iter()).all(|(field, mine)| same(row.get(field), Some(mine)));
        return match is_there {
            true => Fate::Done,
            false => conflict("sync.exists", differing(waiting.patch, row)),
        };
    }
    // The user's own new row is seen for the first time, with what the backend has filled in.
    let is_own_new =
        old.is_none() && under_way.is_some_and(|it| it.applied_rev == Some(*rev) && !it.deletes);
    let expected = |field: &str| {
        if is_own_new {
            return true;
        }
        let known = same(old.and_then(|old| old.get(field)), row.get(field));
        match under_way.and_then(|it| Some((it, it.patch.get(field)?))) {
            None => known,
            // It is the newest change of the row, so the field is what it has made of it.
            Some((it, _)) if it.applied_rev == Some(*rev) => true,
            Some((it, sent)) => {
                same(Some(sent), row.get(field)) || (it.applied_rev.is_none() && known)
            }
        }
    };
    if waiting.deletes {
        let mut fields = row.keys().filter(|field| !DERIVED.contains(&&***field));
        let is_known = fields.all(|field| expected(field));
        return match (is_known, waiting.conflict) {
            (true, None) => Fate::Stands,
            _ => conflict("sync.changed", Vec::new()),
        };
    }
    let differing = differing(waiting.patch, row);
    if differing.is_empty() && is_over {
        return Fate::Done;
    }
    let in_conflict = |field: &String| {
        !expected(field) || waiting.conflict.is_some_and(|known| known.contains(field))
    };
    let fields: Vec<String> = differing.into_iter().filter(in_conflict).collect();
    match (fields.is_empty(), waiting.conflict) {
        (false, _) => conflict("sync.changed", fields),
        (true, Some(_)) => Fate::Clear,
        (true, None) => Fate::Stands,
    }
}

fn gone(old: Option<&Fields>, under_way: Option<&UnderWay<'_>>, waiting: &Waiting<'_>) -> Fate {
    // What the backend never had cannot be missing there.
    if waiting.is_new && old.is_none() && under_way.is_none_or(|it| it.applied_rev.is_none()) {
        return Fate::Stands;
    }
    if waiting.deletes {
        return Fate::Done;
    }
    let fields = waiting.patch.keys().cloned().collect();
    conflict("sync.deleted", fields)
}

/// The fields of an edit that others have changed to something else since the row was known.
pub(super) fn changed_by_others(old: Option<&Fields>, patch: &Fields, row: &Fields) -> Vec<String> {
    let mut fields = differing(patch, row);
    fields.retain(|field| !same(old.and_then(|old| old.get(field)), row.get(field)));
    fields
}

/// What two edits of one row come to.
pub(super) fn join(first: &Fields, then: &Fields) -> Fields {
    let mut joined = first.clone();
    joined.extend(
        then.iter()
            .map(|(field, value)| (field.clone(), value.clone())),
    );
    joined
}

/// A row with an edit on top; nothing once it is deleted.
pub(super) fn show(row: Option<Fields>, under_way: Option<&UnderWay<'_>>) -> Option<Fields> {
    let Some(edit) = under_way else {
        return row;
    };
    match edit.deletes {
        true => None,
        false => Some(join(&row.unwrap_or_default(), edit.patch)),
    }
}

fn conflict(code: &'static str, fields: Vec<String>) -> Fate {
    Fate::Conflict { code, fields }
}

fn differing(patch: &Fields, row: &Fields) -> Vec<String> {
    patch
        .iter()
        .filter(|(field, mine)| !same(row.get(*field), Some(mine)))
        .map(|(field, _)| field.clone())
        .collect()
}

/// Whether two values mean the same: the backend writes moments in a form of its own, and says null where a
/// client says nothing.
pub(super) fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let (one, other) = (one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null));
    if one == other {
        return true;
    }
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            match (one.parse::<Timestamp>(), other.parse::<Timestamp>()) {
                (Ok(one), Ok(other)) => one == other,
                _ => false,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
