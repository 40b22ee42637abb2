//! What a session is or was given: its words by where they come from, its parts, and what was found in them.

mod dialog;

use crate::view::prelude::*;
use berth_protocol::{EffectivePrompt, LineOrigin, PromptId, PromptPart, PromptWarning};

use crate::components::icon::{icon, icon_name};
use crate::logic::prompts::{Block, blocks, part_name, short_hash, size};
use crate::strings::{count, fill, prompt_pages, t};

pub use dialog::SessionPromptDialog;

/// All of it.
#[component]
pub fn EffectiveView(
    effective: EffectivePrompt,
    origins: Vec<LineOrigin>,
    undelivered: Option<String>,
    /// The part that is being edited, which stands out.
    own: Option<PromptId>,
) -> impl IntoView {
    if effective.parts.is_empty() {
        return ().into_any();
    }
    let facts = [
        count(effective.parts.len() as u64, t().one_part, t().many_parts),
        size(effective.text.len()),
        short_hash(&effective.sha256),
    ];
    let texts: Vec<_> = blocks(&effective, &origins)
        .into_iter()
        .map(|part| block(&effective.parts, part, own))
        .collect();
    view! {
        {undelivered.map(|why| {
            let text = fill(t().undelivered, &[&why]);
            view! { <p class="effective-note" data-testid="undelivered">{icon(icon_name!("info"))}<span>{text}</span></p> }
        })}
        {warnings(&effective)}
        <div class="effective" role="group" tabindex="0" aria-label=t().effective_prompt data-testid="effective-text">
            {texts}
        </div>
        <p class="effective-facts" data-testid="effective-facts">{facts.join(" · ")}</p>
    }
    .into_any()
}

fn block(parts: &[PromptPart], block: Block, own: Option<PromptId>) -> AnyView {
    let part = block.part.and_then(|at| parts.get(at));
    match part {
        Some(part) => {
            let name = part_name(part.scope, &part.name, part.version);
            view! {
                <section
                    class=format!("effective-part is-{}", part.scope.as_str())
                    class:is-own=own == Some(part.id)
                    data-testid="effective-part"
                >
                    <h4>{name}</h4>
                    <pre>{block.text}</pre>
                </section>
            }
            .into_any()
        }
        None => view! { <pre class="effective-frame">{block.text}</pre> }.into_any(),
    }
}

/// What was found, and what was done about it.
fn warnings(effective: &EffectivePrompt) -> AnyView {
    if effective.warnings.is_empty() {
        return ().into_any();
    }
    let title = count(
        effective.warnings.len() as u64,
        t().one_warning,
        t().many_warnings,
    );
    let rows: Vec<_> = effective
        .warnings
        .iter()
        .map(|found| warning(&effective.parts, found))
        .collect();
    view! {
        <section class="effective-warnings" aria-label=title.clone() data-testid="prompt-warnings">
            <h4>{icon(icon_name!("triangle-alert"))}<span>{title}</span></h4>
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}

fn warning(parts: &[PromptPart], found: &PromptWarning) -> AnyView {
    let (line, column) = (found.line.to_string(), found.column.to_string());
    let place = match &found.field {
        Some(field) => fill(prompt_pages().warning_field, &[field, &line, &column]),
        None => fill(prompt_pages().warning_place, &[&line, &column]),
    };
    let part = found
        .part
        .and_then(|id| parts.iter().find(|part| part.id == id));
    let done = if found.redacted {
        prompt_pages().warning_redacted
    } else {
        prompt_pages().warning_kept
    };
    view! {
        <li data-testid="prompt-warning" data-redacted=found.redacted.to_string()>
            <p>
                {part.map(|part| view! { <strong>{part.name.clone()}</strong> })}
                <span class="warning-place">{place}</span>
                <span class="badge">{done}</span>
            </p>
            <p>{found.message.clone()}</p>
            <code>{found.excerpt.clone()}</code>
        </li>
    }
    .into_any()
}
