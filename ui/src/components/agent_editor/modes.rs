//! The permission modes of an agent, a card for each.

use crate::view::prelude::*;

use super::draft::{Card, Draft};
use crate::components::button::{Button, IconButton};
use crate::components::field::{CheckField, TextArea, TextField};
use crate::components::icon::{icon, icon_name};
use crate::state::memo;
use crate::strings::{agent_editor, fill, form_parts, t};
use crate::web::{clock, dom};

#[component]
pub fn Modes(draft: Draft) -> impl IntoView {
    let rows = memo(move || {
        let modes = draft.modes.get();
        modes.iter().map(|card| card.row).collect::<Vec<_>>()
    });
    let add = Callback::new(move |()| {
        let row = draft.add_mode();
        crate::web::task::spawn_local(async move {
            clock::next_frame().await;
            dom::focus(&format!("#mode-{row} input"));
        });
    });
    let too_many = draft.problem("permission_modes");
    view! {
        <section class="form-part" aria-labelledby="agent-modes">
            <h3 id="agent-modes">{agent_editor().modes}</h3>
            <p class="form-text">{agent_editor().modes_text}</p>
            <For each=move || rows.get() key=|row| *row let:row>
                {card(draft, row)}
            </For>
            {move || {
                too_many
                    .get()
                    .map(|text| view! { <p class="field-problem" role="alert">{icon(icon_name!("circle-alert"))}<span>{text}</span></p> })
            }}
            <div class="form-more">
                <Button label=agent_editor().add_mode icon_name=icon_name!("plus") testid="add-mode" on_click=add/>
            </div>
        </section>
    }
    .into_any()
}

fn card(draft: Draft, row: u32) -> AnyView {
    let cards = draft.modes.get_untracked();
    let Some(card) = cards.into_iter().find(|card| card.row == row) else {
        return ().into_any();
    };
    let Card {
        id,
        name,
        description,
        unchecked,
        args,
        env,
        ..
    } = card;
    let shown_name = Signal::derive(move || {
        let (name, id) = (name.get(), id.get());
        let said = [name.trim(), id.trim()];
        let said = said.into_iter().find(|text| !text.is_empty());
        said.unwrap_or(agent_editor().mode_unnamed).to_owned()
    });
    let remove = Callback::new(move |()| {
        draft
            .modes
            .update(|cards| cards.retain(|card| card.row != row));
        dom::focus("[data-testid=add-mode]");
    });
    view! {
        <div
            class="editor-card"
            id=format!("mode-{row}")
            role="group"
            data-testid="mode"
            aria-label=move || fill(agent_editor().mode, &[&shown_name.get()])
        >
            <div class="fields">
                <TextField
                    label=t().name
                    value=name
                    problem=draft.mode_problem(row, "name")
                    testid="mode-name"
                />
                <TextField
                    label=agent_editor().mode_id
                    value=id
                    hint=agent_editor().mode_id_hint
                    problem=draft.mode_problem(row, "id")
                    mono=true
                    testid="mode-id"
                />
                <TextField
                    label=agent_editor().mode_description
                    value=description
                    hint=agent_editor().mode_description_hint
                    problem=draft.mode_problem(row, "description")
                    wide=true
                    testid="mode-description"
                />
                <TextArea
                    label=form_parts().agent_args
                    value=args
                    hint=agent_editor().mode_args_hint
                    problem=draft.mode_problem(row, "args")
                    mono=true
                    rows=2
                    testid="mode-args"
                />
                <TextArea
                    label=form_parts().agent_env
                    value=env
                    hint=agent_editor().mode_env_hint
                    problem=draft.mode_problem(row, "env")
                    mono=true
                    rows=2
                    testid="mode-env"
                />
                <CheckField
                    label=agent_editor().mode_unchecked
                    checked=unchecked
                    hint=agent_editor().mode_unchecked_hint
                    problem=draft.mode_problem(row, "unchecked")
                    testid="mode-unchecked"
                />
            </div>
            <span class="editor-card-remove">
                <IconButton
                    name=icon_name!("trash-2")
                    label=Signal::derive(move || fill(agent_editor().remove_mode, &[&shown_name.get()]))
                    testid="remove-mode"
                    on_click=remove
                />
            </span>
        </div>
    }
    .into_any()
}
