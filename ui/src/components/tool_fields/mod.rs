//! The fields of a form that a schema asks for, and what is typed into them.

use crate::view::prelude::*;

use crate::components::field::{Options, SelectField, TextArea, TextField};
use crate::logic::tool_form::{Input, Inputs, Kind};
use crate::strings::{fill, form_parts, mcp};

/// What is wrong with which field.
pub type Wrong = RwSignal<Vec<(usize, String)>>;

/// What the fields are called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As their program calls them.
    ForPrograms,
    /// As people do, where there is such a name.
    ForPeople,
}

/// The fields, and what is typed into each.
pub fn fields(
    inputs: &Inputs,
    wrong: Wrong,
    names: Names,
) -> (StoredValue<Vec<RwSignal<String>>>, AnyView) {
    let problem = move |at: usize| {
        Signal::derive(move || {
            wrong.with(|all| {
                let found = all.iter().find(|(place, _)| *place == at);
                found.map(|(_, message)| message.clone())
            })
        })
    };
    let fields = match inputs {
        Inputs::Fields(fields) if fields.is_empty() => {
            let none = view! { <p class="mcp-note">{mcp().takes_nothing}</p> }.into_any();
            return (StoredValue::new(Vec::new()), none);
        }
        Inputs::Fields(fields) => fields,
        Inputs::Whole => {
            let value = RwSignal::new(String::new());
            let area = view! {
                <TextArea
                    label=form_parts().agent_args
                    value=value
                    hint=mcp().whole_hint
                    problem=problem(0)
                    rows=4
                    mono=true
                    wide=true
                    testid="mcp-whole"
                />
            };
            return (StoredValue::new(vec![value]), area.into_any());
        }
    };
    let values: Vec<_> = fields
        .iter()
        .map(|field| RwSignal::new(field.initial.clone()))
        .collect();
    let all = fields.iter().zip(&values).enumerate();
    let view = all
        .map(|(at, (input, value))| field(input, *value, problem(at), names))
        .collect_view();
    let view = view! { <div class="fields">{view}</div> };
    (StoredValue::new(values), view.into_any())
}

fn field(
    input: &Input,
    value: RwSignal<String>,
    problem: Signal<Option<String>>,
    names: Names,
) -> AnyView {
    let name = match (names, &input.title) {
        (Names::ForPeople, Some(title)) => title,
        _ => &input.name,
    };
    let label = match input.required {
        true => name.clone(),
        false => fill(mcp().optional, &[name]),
    };
    let label = Signal::stored(label);
    let hint = Signal::stored(input.description.clone());
    match &input.kind {
        // What is meant for people is short; a program may take whole files.
        Kind::Text if names == Names::ForPeople => view! {
            <TextField label=label value=value hint=hint problem=problem wide=true testid="mcp-argument"/>
        }
        .into_any(),
        Kind::Text | Kind::Json => {
            let hint = match input.kind {
                Kind::Json => Signal::stored(
                    format!("{} {}", input.description, mcp().as_json)
                        .trim()
                        .to_owned(),
                ),
                _ => hint,
            };
            let mono = input.kind == Kind::Json;
            view! {
                <TextArea
                    label=label
                    value=value
                    hint=hint
                    problem=problem
                    rows=1
                    mono=mono
                    wide=true
                    testid="mcp-argument"
                />
            }
            .into_any()
        }
        Kind::Integer | Kind::Number => view! {
            <TextField label=label value=value hint=hint problem=problem mono=true testid="mcp-argument"/>
        }
        .into_any(),
        Kind::Several(choices) => several(label, hint, choices, value, problem),
        Kind::Choice(choices) => {
            let mut options: Options = choices.clone();
            let none = match input.required {
                true => mcp().choose,
                false => mcp().left_out,
            };
            options.insert(0, (String::new(), none.to_owned()));
            view! {
                <SelectField
                    label=label
                    value=value
                    options=Signal::stored(options)
                    on_select=Callback::new(move |chosen| value.set(chosen))
                    hint=hint
                    problem=problem
                    testid="mcp-argument"
                />
            }
            .into_any()
        }
    }
}

/// Any number of choices.
fn several(
    label: Signal<String>,
    hint: Signal<String>,
    choices: &[(String, String)],
    value: RwSignal<String>,
    problem: Signal<Option<String>>,
) -> AnyView {
    let order: Vec<String> = choices.iter().map(|(json, _)| json.clone()).collect();
    let order = StoredValue::new(order);
    let toggle = move |json: &str| {
        let chosen = value.get_untracked();
        let is_in = |it: &str| chosen.lines().any(|chosen| chosen == it);
        let wanted = order.with_value(|order| {
            let kept = order.iter().filter(|it| is_in(it) != (*it == json));
            kept.cloned().collect::<Vec<_>>()
        });
        value.set(wanted.join("\n"));
    };
    let boxes = choices.iter().map(|(json, shown)| {
        let (of, chosen) = (json.clone(), json.clone());
        view! {
            <label class="tool-several-choice">
                <input
                    type="checkbox"
                    class="check"
                    data-testid="mcp-several"
                    aria-invalid=move || problem.with(Option::is_some).then_some("true")
                    prop:checked=move || value.with(|all| all.lines().any(|it| it == chosen))
                    on:change=move |_| toggle(&of)
                />
                {shown.clone()}
            </label>
        }
    });
    view! {
        <fieldset class="tool-several is-wide">
            <legend class="field-label">{label}</legend>
            {move || Some(hint.get()).filter(|hint| !hint.is_empty()).map(|hint| view! { <p class="mcp-note">{hint}</p> })}
            {boxes.collect_view()}
            {move || problem.get().map(|problem| view! { <p class="field-problem" role="alert">{problem}</p> })}
        </fieldset>
    }
    .into_any()
}
