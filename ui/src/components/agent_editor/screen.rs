//! How the screen of an agent is read, folded away until somebody needs it.

use crate::view::prelude::*;
use berth_protocol::InterruptKey;

use super::draft::Draft;
use crate::components::field::{CheckField, SelectField, TextArea, TextField};
use crate::components::icon::{icon, icon_name};
use crate::logic::agent_form::Screen;
use crate::state::{effect, memo};
use crate::strings::t;

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
        ("", t().screen_interrupt_usual),
        (ESCAPE, t().screen_escape),
        (CTRL_C, t().screen_ctrl_c),
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
            <summary data-testid="screen-fold">{icon(icon_name!("chevron-right"))}<span>{t().screen_rules}</span></summary>
            <p class="form-text">{t().screen_rules_text}</p>
            <div class="fields">
                {pattern(t().screen_prompt, rules.prompt, t().screen_prompt_hint, "screen.prompt", "screen-prompt")}
                {pattern(
                    t().screen_placeholder,
                    rules.placeholder,
                    t().screen_placeholder_hint,
                    "screen.placeholder",
                    "screen-placeholder",
                )}
                {pattern(t().screen_echo, rules.echo, t().screen_echo_hint, "screen.echo", "screen-echo")}
                {pattern(t().screen_bullet, rules.bullet, t().screen_bullet_hint, "screen.bullet", "screen-bullet")}
                {patterns(t().screen_busy, rules.busy, t().screen_busy_hint, "screen.busy", "screen-busy")}
                {patterns(t().screen_noise, rules.noise, t().screen_noise_hint, "screen.noise", "screen-noise")}
                <TextField
                    label=t().screen_pause
                    value=rules.settle_ms
                    hint=t().screen_pause_hint
                    problem=draft.problem("screen.settle_ms")
                    testid="screen-pause"
                />
                <SelectField
                    label=t().screen_interrupt
                    value=key
                    options=Signal::stored(keys.to_vec())
                    on_select=pick_key
                    hint=t().screen_interrupt_hint
                    testid="screen-interrupt"
                />
                <CheckField
                    label=t().screen_lines
                    checked=rules.reads_lines
                    hint=t().screen_lines_hint
                    testid="screen-lines"
                />
            </div>
        </details>
    }
    .into_any()
}
