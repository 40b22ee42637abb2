//! How the screen of an agent is read, folded away until somebody needs it.

use crate::view::prelude::*;
use berth_protocol::InterruptKey;

use super::draft::Draft;
use crate::components::field::{CheckField, SelectField, TextArea, TextField};
use crate::components::icon::{icon, icon_name};
use crate::logic::agent_form::Screen;
use crate::state::{effect, memo};
use crate::strings::agent_editor;

const ESCAPE: &str = "escape";
const CTRL_C: &str = "ctrl_c";

#[component]
pub fn ScreenRules(draft: Draft) -> impl IntoView {
    let rules = draft.screen;
    let has_some = draft
        .form
        .with_untracked(|form| form.screen != Screen::default());
    let open = RwSignal::new(has_some);
    // What is wrong has to be seen.
    let is_wrong = memo(move || {
        draft.problems.with(|all| {
            let mut all = all.iter();
            all.any(|problem| problem.field.starts_with("screen."))
        })
    });
    effect(move || {
        if is_wrong.get() {
            open.set(true);
        }
    });
    let on_toggle = move |event: web_sys::Event| {
        let now = event
            .target()
            .and_then(|target| js_sys::Reflect::get(&target, &"open".into()).ok())
            .and_then(|now| now.as_bool());
        if let Some(now) = now.filter(|now| *now != open.get_untracked()) {
            open.set(now);
        }
    };
    let keys = [
        ("", agent_editor().screen_interrupt_usual),
        (ESCAPE, agent_editor().screen_escape),
        (CTRL_C, agent_editor().screen_ctrl_c),
    ];
    let keys = keys.map(|(value, shown)| (value.to_owned(), shown.to_owned()));
    let key = Signal::derive(move || {
        match rules.interrupt.get() {
            None => "",
            Some(InterruptKey::Escape) => ESCAPE,
            Some(InterruptKey::CtrlC) => CTRL_C,
        }
        .to_owned()
    });
    let pick_key = Callback::new(move |word: String| {
        rules.interrupt.set(match word.as_str() {
            ESCAPE => Some(InterruptKey::Escape),
            CTRL_C => Some(InterruptKey::CtrlC),
            _ => None,
        });
    });
    let pattern = move |label: &'static str, value, hint: &'static str, field, testid| {
        view! { <TextField label=label value=value hint=hint problem=draft.problem(field) mono=true testid=testid/> }
            .into_any()
    };
    let patterns = move |label: &'static str, value, hint: &'static str, field, testid| {
        view! {
            <TextArea label=label value=value hint=hint problem=draft.problem(field) mono=true rows=2 testid=testid/>
        }
        .into_any()
    };
    view! {
        <details class="form-fold" data-testid="screen-rules" prop:open=open on:toggle=on_toggle>
            <summary data-testid="screen-fold">{icon(icon_name!("chevron-right"))}<span>{agent_editor().screen_rules}</span></summary>
            <p class="form-text">{agent_editor().screen_rules_text}</p>
            <div class="fields">
                {pattern(agent_editor().screen_prompt, rules.prompt, agent_editor().screen_prompt_hint, "screen.prompt", "screen-prompt")}
                {pattern(
                    agent_editor().screen_placeholder,
                    rules.placeholder,
                    agent_editor().screen_placeholder_hint,
                    "screen.placeholder",
                    "screen-placeholder",
                )}
                {pattern(agent_editor().screen_echo, rules.echo, agent_editor().screen_echo_hint, "screen.echo", "screen-echo")}
                {pattern(agent_editor().screen_bullet, rules.bullet, agent_editor().screen_bullet_hint, "screen.bullet", "screen-bullet")}
                {patterns(agent_editor().screen_busy, rules.busy, agent_editor().screen_busy_hint, "screen.busy", "screen-busy")}
                {patterns(agent_editor().screen_noise, rules.noise, agent_editor().screen_noise_hint, "screen.noise", "screen-noise")}
                <TextField
                    label=agent_editor().screen_pause
                    value=rules.settle_ms
                    hint=agent_editor().screen_pause_hint
                    problem=draft.problem("screen.settle_ms")
                    testid="screen-pause"
                />
                <SelectField
                    label=agent_editor().screen_interrupt
                    value=key
                    options=Signal::stored(keys.to_vec())
                    on_select=pick_key
                    hint=agent_editor().screen_interrupt_hint
                    testid="screen-interrupt"
                />
                <CheckField
                    label=agent_editor().screen_lines
                    checked=rules.reads_lines
                    hint=agent_editor().screen_lines_hint
                    testid="screen-lines"
                />
            </div>
        </details>
    }
    .into_any()
}
