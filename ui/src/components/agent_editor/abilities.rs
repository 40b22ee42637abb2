//! What an agent can do: tell its version, speak the protocol, take instructions and MCP servers.

use crate::view::prelude::*;

use super::draft::{Draft, Given};
use crate::components::field::{CheckField, Options, SelectField, TextArea, TextField};
use crate::logic::agent_form::{FOR_INSTRUCTIONS, FOR_SERVERS, Form, Giving, Way};
use crate::state::memo;
use crate::strings::agent_editor;

#[component]
pub fn Abilities(draft: Draft) -> impl IntoView {
    view! {
        <section class="form-part" aria-labelledby="agent-abilities">
            <h3 id="agent-abilities">{agent_editor().abilities}</h3>
            <div class="fields">
                <TextArea
                    label=agent_editor().version_args
                    value=draft.version_args
                    hint=agent_editor().version_args_hint
                    problem=draft.problem("version_args")
                    mono=true
                    wide=true
                    rows=1
                    testid="version-args"
                />
                <CheckField
                    label=agent_editor().speaks_acp
                    checked=draft.acp
                    hint=agent_editor().speaks_acp_hint
                    testid="speaks-acp"
                />
                <Show when=move || draft.acp.get()>
                    <TextArea
                        label=agent_editor().acp_args
                        value=draft.acp_args
                        hint=agent_editor().acp_args_hint
                        problem=draft.problem("acp_args")
                        mono=true
                        wide=true
                        rows=2
                        testid="acp-args"
                    />
                </Show>
            </div>
            <Instructions draft=draft/>
            <Servers draft=draft/>
        </section>
    }
    .into_any()
}

/// The ways with the words for them.
fn ways(all: &'static [Way]) -> Options {
    let word = |way: &Way| {
        let shown = match way {
            Way::Nothing => agent_editor().way_none,
            Way::Argument => agent_editor().way_argument,
            Way::Variable => agent_editor().way_variable,
            Way::File if all == FOR_SERVERS => agent_editor().way_config_file,
            Way::File => agent_editor().way_file,
            Way::Each => agent_editor().way_each,
            Way::Own => agent_editor().way_own,
        };
        (way.word().to_owned(), shown.to_owned())
    };
    all.iter().map(word).collect()
}

/// Chooses a way. What another one made is where the free form begins, if nothing stands in it.
fn choose(
    given: Given,
    all: &'static [Way],
    word: &str,
    as_own: impl Fn(&Form) -> Giving,
    form: &Form,
) {
    let Some(way) = all.iter().find(|way| way.word() == word) else {
        return;
    };
    let empty =
        given.args.with_untracked(String::is_empty) && given.env.with_untracked(String::is_empty);
    if *way == Way::Own && empty {
        let own = as_own(form);
        given.args.set(own.args);
        given.env.set(own.env);
    }
    given.way.set(*way);
}

#[component]
fn Instructions(draft: Draft) -> impl IntoView {
    let given = draft.instructions;
    let way = memo(move || given.way.get());
    let on_select = Callback::new(move |word: String| {
        let form = draft.form.get_untracked();
        choose(
            given,
            &FOR_INSTRUCTIONS,
            &word,
            |form| form.instructions.as_own_instructions(),
            &form,
        );
    });
    view! {
        <div class="fields">
            <SelectField
                label=agent_editor().way_instructions
                value=Signal::derive(move || way.get().word().to_owned())
                options=Signal::stored(ways(&FOR_INSTRUCTIONS))
                on_select=on_select
                hint=agent_editor().way_instructions_hint
                problem=draft.problem("instructions")
                testid="instructions-way"
            />
            {move || match way.get() {
                Way::Nothing | Way::Each => ().into_any(),
                Way::Argument => flag(draft, given, "instructions.flag", agent_editor().way_flag_hint, "instructions-flag"),
                Way::File => flag(draft, given, "instructions.flag", agent_editor().way_flag_file_hint, "instructions-flag"),
                Way::Variable => {
                    view! {
                        <TextField
                            label=agent_editor().way_variable_name
                            value=given.variable
                            hint=agent_editor().way_variable_hint
                            problem=draft.problem("instructions.variable")
                            placeholder="MY_INSTRUCTIONS"
                            mono=true
                            testid="instructions-variable"
                        />
                    }
                        .into_any()
                }
                Way::Own => {
                    view! {
                        {area(agent_editor().way_own_args, given.args, agent_editor().way_own_instructions_hint, draft.problem("instructions.args"), "instructions-args")}
                        {area(agent_editor().way_own_env, given.env, agent_editor().mode_env_hint, draft.problem("instructions.env"), "instructions-env")}
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Servers(draft: Draft) -> impl IntoView {
    let given = draft.mcp;
    let way = memo(move || given.way.get());
    let on_select = Callback::new(move |word: String| {
        let form = draft.form.get_untracked();
        choose(
            given,
            &FOR_SERVERS,
            &word,
            |form| form.mcp.as_own_servers(),
            &form,
        );
    });
    let each = move || {
        view! {
            {area(agent_editor().way_each_stdio, given.each_stdio, agent_editor().way_each_stdio_hint, draft.problem("mcp.each_stdio"), "mcp-stdio")}
            {area(agent_editor().way_each_http, given.each_http, agent_editor().way_each_http_hint, draft.problem("mcp.each_http"), "mcp-http")}
        }
    };
    view! {
        <div class="fields">
            <SelectField
                label=agent_editor().way_servers
                value=Signal::derive(move || way.get().word().to_owned())
                options=Signal::stored(ways(&FOR_SERVERS))
                on_select=on_select
                hint=agent_editor().way_servers_hint
                problem=draft.problem("mcp")
                testid="mcp-way"
            />
            {move || match way.get() {
                Way::Nothing | Way::Argument | Way::Variable => ().into_any(),
                Way::File => flag(draft, given, "mcp.flag", agent_editor().way_flag_config_hint, "mcp-flag"),
                Way::Each => each().into_any(),
                Way::Own => {
                    view! {
                        {area(agent_editor().way_own_args, given.args, agent_editor().way_own_servers_hint, draft.problem("mcp.args"), "mcp-args")}
                        {area(agent_editor().way_own_env, given.env, agent_editor().mode_env_hint, draft.problem("mcp.env"), "mcp-env")}
                        {each()}
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

fn flag(
    draft: Draft,
    given: Given,
    field: &'static str,
    hint: &'static str,
    testid: &'static str,
) -> AnyView {
    view! {
        <TextField
            label=agent_editor().way_flag
            value=given.flag
            hint=hint
            problem=draft.problem(field)
            mono=true
            testid=testid
        />
    }
    .into_any()
}

fn area(
    label: &'static str,
    value: RwSignal<String>,
    hint: &'static str,
    problem: Signal<Option<String>>,
    testid: &'static str,
) -> AnyView {
    view! { <TextArea label=label value=value hint=hint problem=problem mono=true wide=true rows=2 testid=testid/> }
        .into_any()
}
