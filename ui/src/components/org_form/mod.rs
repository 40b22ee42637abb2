//! What the forms of the organization page share: their frame, fields that must not stay empty, and where the focus
//! goes when what had it is gone.

use crate::view::prelude::*;

use crate::components::notice::{Failure, InlineFailure};
use crate::strings::org;
use crate::web::{clock, dom, error::ApiError, task::spawn_local};

/// A form: its fields, why the last try failed, and its buttons. Enter in a field does what the first button does.
pub fn form(
    testid: &'static str,
    fields: AnyView,
    failure: RwSignal<Option<ApiError>>,
    actions: AnyView,
    submit: Callback<()>,
) -> AnyView {
    let on_key = move |event: web_sys::KeyboardEvent| {
        let is_line = dom::focused().is_some_and(|focused| focused.tag_name() == "INPUT");
        if event.key() == "Enter" && !event.is_composing() && is_line {
            event.prevent_default();
            submit.run(());
        }
    };
    view! {
        <form
            class="org-form"
            data-testid=testid
            on:submit=move |event| event.prevent_default()
            on:keydown=on_key
        >
            {fields}
            {failed(failure)}
            <div class="org-actions">{actions}</div>
        </form>
    }
    .into_any()
}

/// Why something failed, as long as it counts.
pub fn failed(failure: RwSignal<Option<ApiError>>) -> AnyView {
    view! {
        {move || {
            failure
                .get()
                .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
        }}
    }
    .into_any()
}

/// What is wrong with a field that must not stay empty, once its form was tried.
pub fn needed(tried: RwSignal<bool>, value: RwSignal<String>) -> Signal<Option<String>> {
    Signal::derive(move || {
        let is_missing = tried.get() && value.with(|value| value.trim().is_empty());
        is_missing.then(|| org().needed.to_owned())
    })
}

/// Nothing is typed into it.
pub fn is_empty(value: RwSignal<String>) -> bool {
    value.with_untracked(|value| value.trim().is_empty())
}

/// What is typed, which the page does not keep.
pub fn taken(value: RwSignal<String>) -> String {
    let typed = value.get_untracked();
    value.set(String::new());
    typed
}

/// Puts the focus there once it is there, whatever has it.
pub fn move_focus(selector: &'static str) {
    spawn_local(async move {
        settled().await;
        dom::focus(selector);
    });
}

/// What has just changed is on the page.
async fn settled() {
    clock::next_frame().await;
    clock::next_frame().await;
}

/// Why something could not be fetched, and the button that asks for it again.
pub fn unfetched(title: &'static str, error: &ApiError, on_retry: Callback<()>) -> AnyView {
    view! {
        <Failure title=title text=error.text() hint=error.hint().unwrap_or_default() on_retry=on_retry/>
    }
    .into_any()
}

/// Puts the focus there, if what had it is gone or takes none for now.
pub fn keep_focus(selector: String) {
    spawn_local(async move {
        settled().await;
        if dom::focused().is_none_or(|focused| focused.tag_name() == "BODY") {
            dom::focus(&selector);
        }
    });
}

/// Puts the focus into what has this name for tests, if what had it is gone or takes none for now.
pub fn keep_focus_on(testid: &str) {
    keep_focus(format!("[data-testid={testid}]"));
}
