//! The words of a prompt, and what can be put into a template.

use crate::view::{html, prelude::*};
use berth_protocol::PromptField;

use super::draft::Draft;
use crate::components::field::TextArea;
use crate::components::icon::{icon, icon_name};
use crate::logic::prompts::{offset_of, place_in, size};
use crate::state::{App, app, memo};
use crate::strings::{fill, prompt_pages};

#[component]
pub fn Content(draft: Draft, readonly: bool) -> impl IntoView {
    let app = app();
    let area = NodeRef::<html::Textarea>::new();
    let told = draft.problem("content");
    // What the preview says is as new as what is typed.
    let problem = memo(move || draft.said.get().or_else(|| told.get()));
    let place = memo(move || problem.get().as_deref().and_then(place_in));
    let hint = Signal::derive(move || {
        let bytes = draft.content.with(String::len);
        fill(prompt_pages().prompt_content_hint, &[&size(bytes)])
    });
    let show = move |place: (u32, u32)| {
        if let Some(area) = area.get_untracked() {
            let at = draft.content.with_untracked(|text| offset_of(text, place));
            area.focus().ok();
            area.set_selection_range(at, at + 1).ok();
        }
    };
    view! {
        <div class="prompt-content">
            <TextArea
                label=prompt_pages().prompt_content
                value=draft.content
                hint=hint
                problem=problem
                mono=true
                rows=12
                readonly=readonly
                node=area
                testid="prompt-content"
            />
            {move || {
                place
                    .get()
                    .map(|place| {
                        let label = fill(prompt_pages().prompt_show_place, &[&place.0.to_string(), &place.1.to_string()]);
                        view! {
                            <button type="button" class="link" data-testid="show-place" on:click=move |_| show(place)>{label}</button>
                        }
                    })
            }}
            <Show when=move || draft.is_template.get()>
                {help(app, draft, area, readonly)}
            </Show>
        </div>
    }
    .into_any()
}

/// The fields that can be put into the words.
fn help(app: App, draft: Draft, area: NodeRef<html::Textarea>, readonly: bool) -> AnyView {
    let prompts = app.model.prompts();
    let fields = prompts.with_untracked(|prompts| {
        let list = prompts.list.as_ref();
        list.map(|list| list.fields.clone()).unwrap_or_default()
    });
    let insert = move |text: &str| {
        let Some(area) = area.get_untracked() else {
            return;
        };
        let start = area.selection_start().ok().flatten().unwrap_or_default();
        if area.set_range_text(text).is_ok() {
            let end = start + u32::try_from(text.encode_utf16().count()).unwrap_or_default();
            draft.content.set(area.value());
            area.focus().ok();
            area.set_selection_range(end, end).ok();
        }
    };
    let rows: Vec<_> = fields
        .into_iter()
        .map(|field| {
            let PromptField {
                name,
                go_name,
                description,
            } = field;
            let written = format!("{{{{ {name} }}}}");
            let label = fill(prompt_pages().template_insert, &[&written, &description]);
            let tip = format!("{{{{.{go_name}}}}}");
            let inserted = written.clone();
            view! {
                <li>
                    <button
                        type="button"
                        class="template-field"
                        aria-label=label
                        data-tip=tip
                        data-testid="template-field"
                        data-value=name
                        disabled=readonly
                        on:click=move |_| insert(&inserted)
                    >
                        <code>{written}</code>
                        <span>{description}</span>
                    </button>
                </li>
            }
        })
        .collect();
    view! {
        <section class="template-help" data-testid="template-help">
            <h3>{icon(icon_name!("braces"))}<span>{prompt_pages().template_help}</span></h3>
            <p>{prompt_pages().template_help_text}</p>
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}
