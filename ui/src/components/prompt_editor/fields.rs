//! Everything that is said of a prompt beside its words.

use crate::view::prelude::*;
use berth_protocol::{AgentId, ProjectId, PromptScope, SystemPrompt};

use super::draft::Draft;
use crate::components::field::{CheckField, SelectField, TextField};
use crate::logic::prompts::{SCOPES, scope_name};
use crate::state::{app, memo};
use crate::strings::{fill, t};

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
                        <span class="field-label">{t().scope}</span>
                        <span class="prompt-fixed" data-testid="prompt-scope">{move || scope_name(draft.scope.get())}</span>
                    </div>
                }
                    .into_any()
            }
            false => {
                view! {
                    <SelectField
                        label=t().scope
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
        true => t().prompt_template_hint,
        false => t().prompt_text_hint,
    };
    view! {
        <div class="field" role="radiogroup" aria-label=t().prompt_format>
            <span class="field-label">{t().prompt_format}</span>
            <div class="segments">
                {choice(false, t().prompt_text, "text")}
                {choice(true, t().prompt_template, "template")}
            </div>
            <p class="field-hint">{hint}</p>
        </div>
    }
    .into_any()
}

/// Whether, where and to whom it is given.
#[component]
pub fn Giving(draft: Draft) -> impl IntoView {
    let app = app();
    let agents = memo(move || {
        let known = app.model.agents().get();
        let known = known.iter().map(|it| (it.id.clone(), it.name.clone()));
        let all: Vec<(AgentId, String)> = known.collect();
        with_unknown(all, &draft.agents.get())
    });
    let projects = memo(move || {
        let known = app.model.projects().get();
        let known = known.iter().map(|it| (it.id, it.name.clone()));
        let all: Vec<(ProjectId, String)> = known.collect();
        with_unknown(all, &draft.projects.get())
    });
    let no_projects = memo(move || projects.with(Vec::is_empty));
    view! {
        <section class="form-part">
            <h3>{t().prompt_target}</h3>
            <p class="form-text">{t().prompt_target_hint}</p>
            {choices(t().prompt_agents, "prompt-agent", agents, draft.agents)}
            {choices(t().prompt_projects, "prompt-project", projects, draft.projects)}
            <Show when=move || no_projects.get()>
                <p class="form-text">{t().prompt_no_projects}</p>
            </Show>
        </section>
        <section class="form-part">
            <div class="fields">
                <CheckField
                    label=t().prompt_enabled
                    checked=draft.enabled
                    hint=t().prompt_enabled_hint
                    testid="prompt-enabled-field"
                />
                <TextField
                    label=t().prompt_priority
                    value=draft.priority
                    hint=t().prompt_priority_hint
                    problem=draft.problem("priority")
                    testid="prompt-priority"
                />
            </div>
        </section>
    }
    .into_any()
}

/// What can be chosen: what is known here, and what was chosen before.
fn with_unknown<T: Clone + PartialEq + ToString>(
    mut known: Vec<(T, String)>,
    chosen: &[T],
) -> Vec<(T, String)> {
    for id in chosen {
        if known.iter().all(|(other, _)| other != id) {
            known.push((id.clone(), fill(t().prompt_unknown, &[&id.to_string()])));
        }
    }
    known
}

fn choices<T: Clone + PartialEq + ToString + std::hash::Hash + 'static>(
    legend: &'static str,
    testid: &'static str,
    offered: Memo<Vec<(T, String)>>,
    chosen: RwSignal<Vec<T>>,
) -> AnyView {
    let choice = move |(id, name): (T, String)| {
        let (of, value) = (id.clone(), id.to_string());
        let toggle = move |_| {
            chosen.update(|all| match all.iter().position(|other| *other == id) {
                Some(at) => {
                    all.remove(at);
                }
                None => all.push(id.clone()),
            });
        };
        view! {
            <label class="choice">
                <input
                    type="checkbox"
                    data-testid=testid
                    data-value=value
                    prop:checked=move || chosen.with(|all| all.contains(&of))
                    on:change=toggle
                />
                <span>{name}</span>
            </label>
        }
    };
    view! {
        <Show when=move || !offered.with(Vec::is_empty)>
            <fieldset class="choices">
                <legend class="field-label">{legend}</legend>
                <div class="choices-row">
                    // A box stays while it is toggled, so that it keeps the focus.
                    <For each=move || offered.get() key=|(id, _)| id.clone() let:item>
                        {choice(item)}
                    </For>
                </div>
            </fieldset>
        </Show>
    }
    .into_any()
}
