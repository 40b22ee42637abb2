//! The difference between two texts. Lines are broken where they do not fit: prompts are prose.

use crate::view::prelude::*;
use berth_protocol::TextDiff;

use crate::logic::patch::{Row, RowKind, rows};
use crate::strings::{fill, prompt_pages};

/// The difference; `label` says between what.
#[component]
pub fn DiffView(diff: TextDiff, #[prop(into)] label: String) -> impl IntoView {
    if diff.patch.is_empty() {
        return view! { <p class="text-diff-none" data-testid="no-difference">{prompt_pages().no_difference}</p> }.into_any();
    }
    let lines: Vec<_> = rows(&diff.patch).iter().map(line).collect();
    view! {
        <figure class="text-diff" data-testid="text-diff">
            <figcaption class="text-diff-head">
                <span>{label.clone()}</span>
                <span class="plus">{fill(prompt_pages().diff_added, &[&diff.added.to_string()])}</span>
                <span class="minus">{fill(prompt_pages().diff_removed, &[&diff.removed.to_string()])}</span>
            </figcaption>
            <div class="text-diff-lines" role="group" tabindex="0" aria-label=label>{lines}</div>
        </figure>
    }
    .into_any()
}

fn line(row: &Row) -> AnyView {
    let (class, mark, spoken) = match row.kind {
        RowKind::Hunk => ("line is-hunk", "⋯", ""),
        RowKind::Context => ("line", " ", ""),
        RowKind::Added => ("line is-added", "+", prompt_pages().diff_line_added),
        RowKind::Removed => ("line is-removed", "−", prompt_pages().diff_line_removed),
        RowKind::Note => ("line is-note", "", ""),
    };
    let number = row.new.or(row.old).map(|n| n.to_string());
    let spoken =
        (!spoken.is_empty()).then(|| view! { <span class="visually-hidden">{spoken}": "</span> });
    view! {
        <div class=class>
            <span class="line-no" aria-hidden="true">{number}</span>
            <span class="line-mark" aria-hidden="true">{mark}</span>
            {spoken}
            <code>{row.text.clone()}</code>
        </div>
    }
    .into_any()
}
