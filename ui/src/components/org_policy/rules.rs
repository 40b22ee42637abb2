//! The rules of a policy for tools, a row for each.

use crate::view::prelude::*;

use super::draft::{Draft, Row};
use crate::components::button::{Button, IconButton};
use crate::components::field::{SelectField, TextField};
use crate::components::icon::icon_name;
use crate::logic::org_policy::{Wrong, rules as offered};
use crate::state::memo;
use crate::strings::{fill, org_settings};
use crate::web::{clock, dom, task::spawn_local};

pub fn rules(draft: Draft) -> AnyView {
    let rows = memo(move || {
        let rows = draft.rows.get();
        rows.iter().map(|row| row.row).collect::<Vec<_>>()
    });
    let none = memo(move || rows.with(Vec::is_empty));
    let add = Callback::new(move |()| focus_row(draft.add_row()));
    view! {
        <div class="org-rules">
            <h4>{org_settings().rules}</h4>
            <p>{org_settings().rules_text}</p>
            <Show when=move || none.get()>
                <p data-testid="no-rules">{org_settings().rules_none}</p>
            </Show>
            <For each=move || rows.get() key=|row| *row let:row>
                {rule(draft, row)}
            </For>
            <div class="org-actions">
                <Button
                    label=org_settings().rule_add
                    icon_name=icon_name!("plus")
                    testid="add-rule"
                    on_click=add
                />
            </div>
        </div>
    }
    .into_any()
}

fn focus_row(row: u32) {
    spawn_local(async move {
        clock::next_frame().await;
        dom::focus(&format!("#rule-{row} input"));
    });
}

fn rule(draft: Draft, row: u32) -> AnyView {
    let rows = draft.rows.get_untracked();
    let Some(this) = rows.into_iter().find(|it| it.row == row) else {
        return ().into_any();
    };
    let Row {
        server, tool, rule, ..
    } = this;
    // Its place among the others, from 1.
    let place = memo(move || {
        let at = draft
            .rows
            .with(|rows| rows.iter().position(|it| it.row == row));
        at.unwrap_or_default() + 1
    });
    let named =
        move |text: &'static str| Signal::derive(move || fill(text, &[&place.get().to_string()]));
    let problem = move |field: Wrong| {
        Signal::derive(move || {
            let is_wrong = draft.is_wrong(field);
            is_wrong.then(|| org_settings().rule_wrong.to_owned())
        })
    };
    let is_first = memo(move || place.get() == 1);
    let remove = Callback::new(move |()| {
        draft.remove_row(row);
        dom::focus("[data-testid=add-rule]");
    });
    // What moves loses the focus, which goes on where it was.
    let raise = Callback::new(move |()| {
        draft.raise_row(row);
        focus_row(row);
    });
    let group = named(org_settings().rule_group);
    view! {
        <div
            class="org-rule"
            id=format!("rule-{row}")
            role="group"
            aria-label=group
            data-testid="policy-rule"
        >
            <TextField
                label=org_settings().rule_server
                value=server
                problem=problem(Wrong::Server(row))
                placeholder=org_settings().rule_any
                mono=true
                testid="rule-server"
            />
            <TextField
                label=org_settings().rule_tool
                value=tool
                problem=problem(Wrong::Tool(row))
                placeholder=org_settings().rule_any
                mono=true
                testid="rule-tool"
            />
            <SelectField
                label=org_settings().rule_does
                value=rule
                options=Signal::stored(offered())
                on_select=Callback::new(move |word| rule.set(word))
                testid="rule-does"
            />
            <span class="org-rule-acts">
                <Show when=move || !is_first.get()>
                    <IconButton
                        name=icon_name!("arrow-up")
                        label=named(org_settings().rule_up)
                        testid="raise-rule"
                        on_click=raise
                    />
                </Show>
                <IconButton
                    name=icon_name!("trash-2")
                    label=named(org_settings().rule_remove)
                    testid="remove-rule"
                    on_click=remove
                />
            </span>
        </div>
    }
    .into_any()
}
