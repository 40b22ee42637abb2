//! A user's changes of what an organization shares, in words, and what can be decided about them.

use berth_protocol::tenant::{EntityKind, OrgTold, Resolution, SyncState};

use crate::logic::organization::Standing;
use crate::logic::status::Tone;
use crate::strings::{count, fill, form_parts, org_changes, prompt_pages, t};
use crate::wire::{ChangeState, Clash, Deed, ShownChange};

/// The organization does not have everything that its user has changed, or refuses what this machine tells it. That
/// something of the latter waits is so whenever a session begins or ends, and asks for nobody.
pub fn has_any(sync: Option<&SyncState>) -> bool {
    sync.is_some_and(|sync| sync.waiting + sync.conflicts + sync.parked + sync.told.refused > 0)
}

/// How much of what this machine tells by itself has not arrived, and why: a sentence each.
pub fn facts(told: &OrgTold) -> Vec<String> {
    let t = org_changes();
    let waiting = count(told.waiting, t.told_waiting_one, t.told_waiting_many);
    let waiting = (told.waiting > 0).then_some(waiting);
    let refused = told.refused.iter().map(|it| {
        let why = because(&it.code, it.reason.as_deref());
        let text = match it.count {
            1 => t.told_refused_one,
            _ => t.told_refused_many,
        };
        fill(text, &[&it.count.to_string(), kind_name(it.kind), &why])
    });
    waiting.into_iter().chain(refused).collect()
}

/// Why the backend refuses something.
fn because(code: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{code}, {reason}"),
        None => code.to_owned(),
    }
}

/// The word for a kind of row.
pub fn kind_name(kind: EntityKind) -> &'static str {
    let t = org_changes();
    match kind {
        EntityKind::Organization => t.kind_organization,
        EntityKind::Policy => t.kind_policy,
        EntityKind::Prompt => t.kind_prompt,
        EntityKind::McpConfiguration => t.kind_mcp_configuration,
        EntityKind::McpOauth => t.kind_mcp_oauth,
        EntityKind::Session => t.kind_session,
        EntityKind::Workspace => t.kind_workspace,
        EntityKind::ConsentText => t.kind_consent_text,
        EntityKind::Consent => t.kind_consent,
    }
}

/// What the row is called; by its kind where it has no name.
pub fn title(change: &ShownChange) -> String {
    let name = change.name.clone().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| kind_name(change.kind).to_owned())
}

/// The word for a field of a row.
pub fn field_name(field: &str) -> String {
    match field {
        "name" => t().name.to_owned(),
        "content" => org_changes().content.to_owned(),
        "format" => prompt_pages().prompt_format.to_owned(),
        "priority" => prompt_pages().prompt_priority.to_owned(),
        "enabled" => form_parts().prompt_enabled.to_owned(),
        "target" => prompt_pages().prompt_for.to_owned(),
        other => other.replace('_', " "),
    }
}

fn named(fields: &[String]) -> String {
    let names: Vec<String> = fields.iter().map(|field| field_name(field)).collect();
    names.join(", ")
}

/// What a change does.
pub fn deed(change: &ShownChange) -> String {
    let t = org_changes();
    match change.deed {
        Deed::Add => t.adds.to_owned(),
        Deed::Remove => t.removes.to_owned(),
        Deed::Edit => {
            let mut fields = change.fields.clone();
            if let ChangeState::Conflict { sides, .. } = &change.state {
                let theirs = sides.iter().map(|side| side.field.clone());
                fields.splice(0..0, theirs);
            }
            fill(t.edits, &[&named(&fields)])
        }
    }
}

/// Where a change stands, in a word.
pub fn standing(state: &ChangeState) -> Standing {
    let t = org_changes();
    let (tone, word, name) = match state {
        ChangeState::Waiting => (Tone::Ended, t.waiting, "waiting"),
        ChangeState::Sending => (Tone::Running, t.sending, "sending"),
        ChangeState::Arrived => (Tone::Waiting, t.arrived, "arrived"),
        ChangeState::Conflict { .. } => (Tone::Attention, t.conflict, "conflict"),
        ChangeState::Refused { .. } => (Tone::Failed, t.refused, "refused"),
    };
    Standing { tone, word, name }
}

/// What that means.
pub fn told(change: &ShownChange) -> String {
    let t = org_changes();
    match &change.state {
        ChangeState::Waiting => t.waiting_text.to_owned(),
        ChangeState::Sending => t.sending_text.to_owned(),
        ChangeState::Arrived => t.arrived_text.to_owned(),
        ChangeState::Conflict { clash, .. } => match (clash, change.deed) {
            (_, Deed::Remove) => t.clash_removes,
            (Clash::Changed, _) => t.clash_changed,
            (Clash::Deleted, _) => t.clash_deleted,
            (Clash::Exists, _) => t.clash_exists,
        }
        .to_owned(),
        ChangeState::Refused { code, reason } => {
            let why = fill(t.refused_why, &[&because(code, reason.as_deref())]);
            match code.as_str() {
                "sync.forbidden" => format!("{} {why}", t.forbidden),
                _ => why,
            }
        }
    }
}

/// What the user's side changes beside what both have changed; nothing where that is all.
pub fn also(change: &ShownChange) -> Option<String> {
    let is_edit = change.deed != Deed::Remove && !change.fields.is_empty();
    is_edit.then(|| fill(org_changes().also, &[&named(&change.fields)]))
}

/// How a conflict can end, with the word for each choice. Both can be kept where the row can be another one beside
/// that of the others.
pub fn choices(change: &ShownChange) -> Vec<(Resolution, &'static str)> {
    let t = org_changes();
    let mut all = vec![
        (Resolution::KeepMine, t.keep_mine),
        (Resolution::KeepTheirs, t.keep_theirs),
    ];
    let is_there = !matches!(
        change.state,
        ChangeState::Conflict {
            clash: Clash::Deleted,
            ..
        }
    );
    if change.kind.can_be_doubled() && change.deed != Deed::Remove && is_there {
        all.push((Resolution::KeepBoth, t.keep_both));
    }
    all
}

/// What is said once a conflict has ended.
pub fn kept(choice: Resolution, title: &str) -> String {
    let t = org_changes();
    let text = match choice {
        Resolution::KeepMine => t.kept_mine,
        Resolution::KeepTheirs => t.kept_theirs,
        Resolution::KeepBoth => t.kept_both,
    };
    fill(text, &[title])
}

#[cfg(test)]
#[path = "org_changes_tests.rs"]
mod tests;
