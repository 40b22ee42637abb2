//! Everything that is said of a prompt beside its words.

use crate::view::prelude::*;
use berth_protocol::{PromptScope, SystemPrompt};

use super::draft::Draft;
use crate::components::field::{CheckField, SelectField, TextField};
use crate::components::target_choice::TargetChoice;
use crate::logic::prompts::{SCOPES, scope_name};
use crate::state::{app, memo};
use crate::strings::{form_parts, org_prompts, prompt_pages, t};

#[component]
pub fn Basics(
    draft: Draft,
    saved: RwSignal<Option<SystemPrompt>>,
    autofocus: bool,
) -> impl IntoView {
    view! {
        <div class="fields">
            <TextField
                label=t().name
                value=draft.name
                problem=draft.problem("name")
                autofocus=autofocus
                wide=true
                testid="prompt-name"
            />
            <Scope draft=draft saved=saved/>
            <Format draft=draft/>
        </div>
    }
    .into_any()
}

/// Whose words they are: of those that may be written, and fixed once it is saved.
#[component]
fn Scope(draft: Draft, saved: RwSignal<Option<SystemPrompt>>) -> impl IntoView {
    let app = app();
    let offered = memo(move || {
        let prompts = app.model.prompts().get();
        let mut all: Vec<PromptScope> = SCOPES.to_vec();
        all.retain(|scope| prompts.may_write(*scope));
        all
    });
    let is_fixed = memo(move || saved.with(Option::is_some) || offered.with(|all| all.len() < 2));
    let options = Signal::derive(move || {
        let options = offered.get().into_iter();
        options
            .map(|scope| (scope.as_str().to_owned(), scope_name(scope).to_owned()))
            .collect()
    });
    view! {
        {move || match is_fixed.get() {
            true => {
                view! {
                    <div class="field">
                        <span class="field-label">{prompt_pages().scope}</span>
                        <span class="prompt-fixed" data-testid="prompt-scope">{move || scope_name(draft.scope.get())}</span>
                    </div>
                }
                    .into_any()
            }
            false => {
                view! {
                    <SelectField
                        label=prompt_pages().scope
                        value=Signal::derive(move || draft.scope.get().as_str().to_owned())
                        options=options
                        on_select=Callback::new(move |word: String| {
                            if let Some(scope) = SCOPES.into_iter().find(|scope| scope.as_str() == word) {
                                draft.scope.set(scope);
                            }
                        })
                        testid="prompt-scope"
                    />
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}

/// How its words are read.
#[component]
fn Format(draft: Draft) -> impl IntoView {
    let choice = move |template: bool, label: &'static str, value: &'static str| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="prompt-format"
                    value=value
                    data-testid=format!("prompt-format-{value}")
                    prop:checked=move || draft.is_template.get() == template
                    on:change=move |_| draft.is_template.set(template)
                />
                <span>{label}</span>
            </label>
        }
    };
    let hint = move || match draft.is_template.get() {
        true => prompt_pages().prompt_template_hint,
        false => prompt_pages().prompt_text_hint,
    };
    view! {
        <div class="field" role="radiogroup" aria-label=prompt_pages().prompt_format>
            <span class="field-label">{prompt_pages().prompt_format}</span>
            <div class="segments">
                {choice(false, prompt_pages().prompt_text, "text")}
                {choice(true, prompt_pages().prompt_template, "template")}
            </div>
            <p class="field-hint">{hint}</p>
        </div>
    }
    .into_any()
}

/// Whether, where and to whom it is given.
#[component]
pub fn Giving(draft: Draft) -> impl IntoView {
    view! {
        <section class="form-part">
            <h3>{form_parts().prompt_target}</h3>
            <p class="form-text">{form_parts().prompt_target_hint}</p>
            <TargetChoice agents=draft.agents projects=draft.projects/>
        </section>
        <section class="form-part">
            <div class="fields">
                <CheckField
                    label=form_parts().prompt_enabled
                    checked=draft.enabled
                    hint=prompt_pages().prompt_enabled_hint
                    testid="prompt-enabled-field"
                />
                <Show when=move || draft.scope.get() == PromptScope::Organization>
                    <CheckField
                        label=org_prompts().locked
                        checked=draft.locked
                        hint=org_prompts().locked_hint
                        problem=draft.problem("locked")
                        testid="prompt-locked-field"
                    />
                </Show>
                <TextField
                    label=prompt_pages().prompt_priority
                    value=draft.priority
                    hint=prompt_pages().prompt_priority_hint
                    problem=draft.problem("priority")
                    testid="prompt-priority"
                />
            </div>
        </section>
    }
    .into_any()
}
