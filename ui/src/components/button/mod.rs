//! Buttons.

use crate::view::prelude::*;

use crate::components::icon::{IconName, icon};

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    #[default]
    Plain,
    Primary,
    Quiet,
    Danger,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button button-primary",
            Self::Quiet => "button button-quiet",
            Self::Danger => "button button-danger",
        }
    }
}

/// A button with words.
#[component]
pub fn Button(
    #[prop(into)] label: Signal<String>,
    on_click: Callback<()>,
    #[prop(optional)] look: Look,
    #[prop(optional, into)] icon_name: Option<IconName>,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional)] testid: &'static str,
    #[prop(optional, into)] tip: Option<String>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=look.class()
            class:is-busy=busy
            aria-busy=move || busy.get().then_some("true")
            disabled=move || disabled.get() || busy.get()
            data-testid=(!testid.is_empty()).then_some(testid)
            data-tip=tip
            on:click=move |_| on_click.run(())
        >
            {icon_name.map(icon)}
            <span>{label}</span>
        </button>
    }
    .into_any()
}

/// A button with an icon only. Its label is its name and its tooltip.
#[component]
pub fn IconButton(
    name: IconName,
    #[prop(into)] label: Signal<String>,
    on_click: Callback<()>,
    /// Keys that do the same, for the tooltip.
    #[prop(optional, into)]
    keys: Option<String>,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] pressed: Option<Signal<bool>>,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=format!("icon-button {class}")
            class:is-busy=busy
            aria-label=label
            aria-pressed=pressed.map(|pressed| move || pressed.get().to_string())
            disabled=busy
            data-testid=(!testid.is_empty()).then_some(testid)
            data-tip=label
            data-tip-keys=keys
            on:click=move |_| on_click.run(())
        >
            {icon(name)}
        </button>
    }
    .into_any()
}
