//! What the pages of prompts decide without a browser: finding, ordering, and where words come from.

use berth_protocol::{
    EffectivePrompt, LineOrigin, Problem, PromptDraft, PromptFormat, PromptId, PromptScope,
    SystemPrompt,
};

use crate::logic::case::lower;
use crate::strings::{fill, form_parts, prompt_pages, t};

/// The scopes in the order of trust, in which they are shown.
pub const SCOPES: [PromptScope; 3] = [
    PromptScope::Global,
    PromptScope::Organization,
    PromptScope::User,
];

/// Longest beginning of a prompt in a list, in characters.
const BEGINNING: usize = 160;

/// A user can do without what an organization has not locked.
fn may_decline(prompt: &SystemPrompt) -> bool {
    prompt.scope == PromptScope::Organization && !prompt.locked
}

/// Sessions of a user who has declined these are given it.
pub fn is_given(prompt: &SystemPrompt, declined: &[PromptId]) -> bool {
    prompt.is_active() && !(may_decline(prompt) && declined.contains(&prompt.id))
}

/// A user who may write these scopes can say whether sessions are given it.
pub fn may_switch(prompt: &SystemPrompt, writable: &[PromptScope]) -> bool {
    writable.contains(&prompt.scope) || (may_decline(prompt) && prompt.enabled)
}

/// What a search looks into: name and content in small letters.
pub fn haystack(prompt: &SystemPrompt) -> String {
    lower(&format!("{}\n{}", prompt.name, prompt.content))
}

/// All words that are looked for stand in there. Case does not count.
pub fn answers(haystack: &str, query: &str) -> bool {
    lower(query)
        .split_whitespace()
        .all(|word| haystack.contains(word))
}

/// How it begins, on one line.
pub fn beginning(content: &str) -> String {
    let mut line = String::new();
    for word in content.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > BEGINNING {
            let cut: String = line.chars().take(BEGINNING).collect();
            return format!("{}…", cut.trim_end());
        }
    }
    line
}

/// Where a prompt is to stand: before another one, or at the end.
pub type Before = Option<PromptId>;

/// One place up (-1) or down (1); nothing where it is at that end.
pub fn beside(order: &[PromptId], id: PromptId, step: i32) -> Option<Before> {
    let at = order.iter().position(|other| *other == id)?;
    if step < 0 {
        at.checked_sub(1).map(|before| Some(order[before]))
    } else {
        (at + 1 < order.len()).then(|| order.get(at + 2).copied())
    }
}

/// Where a prompt stands that is put into the gap before the row of this number; nothing where it stands
/// there already.
pub fn into_gap(order: &[PromptId], id: PromptId, gap: usize) -> Option<Before> {
    let at = order.iter().position(|other| *other == id)?;
    (gap != at && gap != at + 1).then(|| order.get(gap).copied())
}

/// The gap that a pointer is at: the first whose row has its middle below it.
pub fn gap_at(middles: &[i32], pointer: i32) -> usize {
    middles.iter().filter(|middle| **middle < pointer).count()
}

/// The prompts of a scope when one of them has moved.
pub fn moved(mut order: Vec<SystemPrompt>, id: PromptId, before: Before) -> Vec<SystemPrompt> {
    let Some(at) = order.iter().position(|prompt| prompt.id == id) else {
        return order;
    };
    let prompt = order.remove(at);
    let place = before.and_then(|before| order.iter().position(|other| other.id == before));
    order.insert(place.unwrap_or(order.len()), prompt);
    order
}

/// Lines of an effective prompt that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Place of the part whose words they are; none for lines that Berth writes.
    pub part: Option<usize>,
    /// The lines.
    pub text: String,
}

/// The lines by where they come from. Empty lines between parts are left out.
pub fn blocks(effective: &EffectivePrompt, origins: &[LineOrigin]) -> Vec<Block> {
    let lines: Vec<&str> = effective.text.lines().collect();
    let place = |number: u32| number as usize;
    let blocks = origins.iter().map(|origin| {
        let first = place(origin.first).saturating_sub(1).min(lines.len());
        let last = place(origin.last).clamp(first, lines.len());
        Block {
            part: origin.part.map(place),
            text: lines[first..last].join("\n"),
        }
    });
    blocks
        .filter(|block| block.part.is_some() || !block.text.trim().is_empty())
        .map(|block| match block.part {
            Some(_) => block,
            None => Block {
                text: block.text.trim().to_owned(),
                ..block
            },
        })
        .collect()
}

/// The prompt that a problem is about.
pub fn prompt_of(problem: &Problem) -> Option<PromptId> {
    let mut ids = problem
        .fields
        .iter()
        .filter_map(|problem| problem.field.strip_prefix("prompts/"));
    ids.find_map(|id| id.parse().ok())
}

/// Line and column, from 1, of a message such as `Line 2, column 9: …`.
pub fn place_in(message: &str) -> Option<(u32, u32)> {
    let (line, rest) = message.strip_prefix("Line ")?.split_once(", column ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit());
    let column = &rest[..digits.unwrap_or(rest.len())];
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Where that is in the text, in units of UTF-16 as browsers count.
pub fn offset_of(text: &str, (line, column): (u32, u32)) -> u32 {
    let before = line.saturating_sub(1) as usize;
    let length = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let mut offset = 0;
    for (number, text) in text.split_inclusive('\n').enumerate() {
        if number == before {
            let part: String = text
                .trim_end_matches('\n')
                .chars()
                .take(column.saturating_sub(1) as usize)
                .collect();
            return offset + length(&part);
        }
        offset += length(text);
    }
    offset
}

/// Something beside the words that is another one in another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// What differs between two versions beside their words. The names of agents and projects are asked for.
pub fn differences(
    old: &PromptDraft,
    new: &PromptDraft,
    target: impl Fn(&PromptDraft) -> String,
) -> Vec<Difference> {
    let enabled = |draft: &PromptDraft| match draft.enabled {
        true => prompt_pages().prompt_on.to_owned(),
        false => prompt_pages().prompt_off.to_owned(),
    };
    let all = [
        (t().name, old.name.clone(), new.name.clone()),
        (
            prompt_pages().prompt_format,
            format_name(old.format).to_owned(),
            format_name(new.format).to_owned(),
        ),
        (
            prompt_pages().prompt_priority,
            old.priority.to_string(),
            new.priority.to_string(),
        ),
        (form_parts().prompt_enabled, enabled(old), enabled(new)),
        (prompt_pages().prompt_for, target(old), target(new)),
    ];
    all.into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| Difference { what, old, new })
        .collect()
}

/// The numbers between a version and the one before it that were never versions of their own: edits that waited together
/// arrive as one, under the number of the last.
pub fn joined(newer: u32, older: Option<u32>) -> Option<(u32, u32)> {
    let first = older.unwrap_or(0).saturating_add(1);
    let last = newer.saturating_sub(1);
    (first <= last).then_some((first, last))
}

/// The word for a format.
pub fn format_name(format: PromptFormat) -> &'static str {
    match format {
        PromptFormat::Text => prompt_pages().prompt_text,
        PromptFormat::Template => prompt_pages().prompt_template,
    }
}

/// The word for a scope.
pub fn scope_name(scope: PromptScope) -> &'static str {
    match scope {
        PromptScope::Global => prompt_pages().scope_global,
        PromptScope::Organization => t().scope_organization,
        PromptScope::User => prompt_pages().scope_user,
    }
}

/// What a part is called: its scope, name and version.
pub fn part_name(scope: PromptScope, name: &str, version: u32) -> String {
    fill(
        prompt_pages().prompt_part,
        &[scope_name(scope), name, &version.to_string()],
    )
}

/// A size in bytes, for people.
pub fn size(bytes: usize) -> String {
    if bytes < 1024 {
        return fill(prompt_pages().bytes, &[&bytes.to_string()]);
    }
    let tenths = bytes * 10 / 1024;
    let number = format!("{}.{}", tenths / 10, tenths % 10);
    fill(prompt_pages().kibibytes, &[&number])
}

/// The first eight characters of a hash.
pub fn short_hash(hash: &str) -> String {
    hash.chars().take(8).collect()
}

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
