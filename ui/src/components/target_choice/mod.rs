//! The agents and projects that something is for: all of them while none is chosen.

use crate::view::prelude::*;
use berth_protocol::{AgentId, ProjectId};

use crate::state::{app, memo};
use crate::strings::{fill, form_parts};

#[component]
pub fn TargetChoice(
    agents: RwSignal<Vec<AgentId>>,
    projects: RwSignal<Vec<ProjectId>>,
) -> impl IntoView {
    let app = app();
    let known_agents = memo(move || {
        let known = app.model.agents().get();
        let known = known.iter().map(|it| (it.id.clone(), it.name.clone()));
        let all: Vec<(AgentId, String)> = known.collect();
        with_unknown(all, &agents.get())
    });
    let known_projects = memo(move || {
        let known = app.model.projects().get();
        let known = known.iter().map(|it| (it.id, it.name.clone()));
        let all: Vec<(ProjectId, String)> = known.collect();
        with_unknown(all, &projects.get())
    });
    let no_projects = memo(move || known_projects.with(Vec::is_empty));
    view! {
        {choices(form_parts().prompt_agents, "target-agent", known_agents, agents)}
        {choices(form_parts().prompt_projects, "target-project", known_projects, projects)}
        <Show when=move || no_projects.get()>
            <p class="form-text">{form_parts().prompt_no_projects}</p>
        </Show>
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
            known.push((
                id.clone(),
                fill(form_parts().prompt_unknown, &[&id.to_string()]),
            ));
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
