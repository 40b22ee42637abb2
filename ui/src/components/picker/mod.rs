//! A compact picker: a button that says what is chosen, and a list to choose from.

use crate::view::{html, prelude::*};

use crate::components::icon::{IconName, icon, icon_name};
use crate::components::menu::{hide, move_focus, place, popover_id};
use crate::logic::fuzzy;
use crate::state::memo;
use crate::strings::t;

/// Lists longer than this get a box to search in.
const SEARCH_FROM: usize = 9;
/// Rows drawn at most; the search finds the others.
const MAX_ROWS: usize = 200;

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    /// A second line.
    pub detail: String,
    /// It is shown but cannot be chosen; the detail says why.
    pub disabled: bool,
    /// It deserves care.
    pub warn: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            detail: String::new(),
            disabled: false,
            warn: false,
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// A picker.
#[component]
pub fn Picker(
    name: IconName,
    #[prop(into)] label: String,
    choices: Signal<Vec<Choice>>,
    #[prop(into)] value: Signal<String>,
    on_pick: Callback<String>,
    /// What the button says when nothing is chosen.
    #[prop(into)]
    placeholder: String,
    #[prop(optional)] testid: &'static str,
    #[prop(optional)] option_testid: &'static str,
) -> impl IntoView {
    let id = popover_id();
    let button = NodeRef::<html::Button>::new();
    let list = NodeRef::<html::Div>::new();
    let search = NodeRef::<html::Input>::new();
    let query = RwSignal::new(String::new());
    let open = RwSignal::new(false);
    let chosen = move || {
        let value = value.get();
        choices.with(|all| all.iter().find(|choice| choice.value == value).cloned())
    };
    let shown_label =
        memo(move || chosen().map_or_else(|| placeholder.clone(), |choice| choice.label));
    let warn = move || chosen().is_some_and(|choice| choice.warn);
    let on_before = move |event: web_sys::Event| {
        let state = js_sys::Reflect::get(&event, &"newState".into())
            .ok()
            .and_then(|s| s.as_string());
        let opens = state.as_deref() == Some("open");
        query.set(String::new());
        open.set(opens);
        if let (true, Some(button), Some(list)) =
            (opens, button.get_untracked(), list.get_untracked())
        {
            place(&button, &list);
        }
    };
    let on_toggle = move |_| {
        if let (true, Some(search)) = (open.get_untracked(), search.get_untracked()) {
            search.focus().ok();
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        if let Some(list) = list.get_untracked() {
            move_focus(&list, "[role=option]:not([aria-disabled=true])", step);
        }
    };
    let searchable = move || choices.with(Vec::len) >= SEARCH_FROM;
    let target = id.clone();
    let rows = move || {
        if !open.get() {
            return ().into_any();
        }
        let all = choices.get();
        let found = fuzzy::rank(&query.get(), &all, |choice| {
            format!("{} {}", choice.label, choice.detail)
        });
        if found.is_empty() {
            return view! { <p class="picker-none">{t().picker_none}</p> }.into_any();
        }
        found
            .into_iter()
            .take(MAX_ROWS)
            .cloned()
            .map(|choice| row(choice, value, on_pick, &target, option_testid))
            .collect_view()
            .into_any()
    };
    view! {
        <button
            type="button"
            node_ref=button
            class="picker"
            class:is-warn=warn
            aria-haspopup="listbox"
            aria-label={
                let label = label.clone();
                move || format!("{}: {}", label, shown_label.get())
            }
            data-tip=label.clone()
            data-testid=(!testid.is_empty()).then_some(testid)
            data-value=value
            popovertarget=id.clone()
            on:keydown=on_key
        >
            {icon(name)}
            <span class="picker-label">{shown_label}</span>
            {icon(icon_name!("chevron-down"))}
        </button>
        <div
            node_ref=list
            id=id
            class="popover picker-list"
            popover="auto"
            on:beforetoggle=on_before
            on:toggle=on_toggle
            on:keydown=on_key
        >
            <Show when=searchable>
                <input
                    node_ref=search
                    class="picker-search"
                    type="text"
                    aria-label=t().search
                    placeholder=t().search
                    spellcheck="false"
                    prop:value=query
                    on:input=move |event| query.set(event_target_value(&event))
                />
            </Show>
            <div role="listbox" aria-label=label class="picker-rows">{rows}</div>
        </div>
    }
    .into_any()
}

fn row(
    choice: Choice,
    value: Signal<String>,
    on_pick: Callback<String>,
    popover: &str,
    testid: &'static str,
) -> AnyView {
    let popover = popover.to_owned();
    let selected = value.get_untracked() == choice.value;
    let (disabled, picked) = (choice.disabled, choice.value.clone());
    view! {
        <button
            type="button"
            role="option"
            class="picker-row"
            class:is-warn=choice.warn
            aria-selected=selected.to_string()
            aria-disabled=disabled.to_string()
            data-value=choice.value
            data-testid=(!testid.is_empty()).then_some(testid)
            on:click=move |_| {
                if !disabled {
                    hide(&popover);
                    on_pick.run(picked.clone());
                }
            }
        >
            <span class="picker-check">{selected.then(|| icon(icon_name!("check")))}</span>
            <span class="picker-text">
                <span>{choice.label}</span>
                {(!choice.detail.is_empty()).then(|| view! { <small>{choice.detail}</small> })}
            </span>
        </button>
    }
    .into_any()
}
