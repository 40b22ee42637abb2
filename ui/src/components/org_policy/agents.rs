//! The agents that a policy lets begin: all of them, or those that are chosen.

use crate::view::prelude::*;
use berth_protocol::AgentId;

use super::draft::Draft;
use crate::components::field::CheckField;
use crate::state::{App, memo};
use crate::strings::{fill, org_settings};

/// The name of an agent, also of one that is not known on this machine.
pub fn agent_name(app: App, id: &AgentId) -> String {
    let agents = app.model.agents().get();
    let known = agents.iter().find(|agent| agent.id == *id);
    match known {
        Some(agent) => agent.name.clone(),
        None => fill(org_settings().agent_unknown, &[id.as_str()]),
    }
}

pub fn agents(app: App, draft: Draft) -> AnyView {
    // What is chosen, or was, is offered too where it is not known here, so that it is not lost unseen.
    let begun = draft.agents.get_untracked();
    let offered = memo(move || {
        let known = app.model.agents().get();
        let mut offered: Vec<AgentId> = known.iter().map(|agent| agent.id.clone()).collect();
        let chosen = draft.agents.get();
        for id in begun.iter().chain(&chosen) {
            if !offered.contains(id) {
                offered.push(id.clone());
            }
        }
        offered
    });
    let none = memo(move || draft.agents.with(Vec::is_empty));
    view! {
        <CheckField
            label=org_settings().agents_some
            checked=draft.only_some
            testid="policy-only-some"
        />
        <Show when=move || draft.only_some.get()>
            <fieldset class="choices" data-testid="policy-agents">
                <legend class="field-label">{org_settings().agents}</legend>
                <div class="choices-row">
                    // A box stays while it is toggled, so that it keeps the focus.
                    <For each=move || offered.get() key=|id| id.clone() let:id>
                        {choice(app, draft, id)}
                    </For>
                </div>
                <Show when=move || none.get()>
                    <p role="status">{org_settings().agents_none}</p>
                </Show>
            </fieldset>
        </Show>
    }
    .into_any()
}

fn choice(app: App, draft: Draft, id: AgentId) -> AnyView {
    let (of, named, value) = (id.clone(), id.clone(), id.to_string());
    let toggle = move |_| {
        draft
            .agents
            .update(|all| match all.iter().position(|other| *other == id) {
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
                data-testid="policy-agent"
                data-value=value
                prop:checked=move || draft.agents.with(|all| all.contains(&of))
                on:change=toggle
            />
            <span>{move || agent_name(app, &named)}</span>
        </label>
    }
    .into_any()
}
