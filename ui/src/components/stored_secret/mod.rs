//! A value that is in the keychain: a field to type it while it is not, and what becomes of it when it
//! is. What is there is never shown.

use crate::view::prelude::*;

use crate::components::field::TextField;
use crate::components::icon::{icon, icon_name};
use crate::state::memo;
use crate::strings::{fill, form_parts, t};
use crate::web::{clock, dom};

/// What happens to a value that is in the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Stays,
    IsReplaced,
    Goes,
}

/// The words and names of a place for a secret.
#[derive(Clone, Copy)]
pub struct Words {
    /// What it is, such as "Key".
    pub label: &'static str,
    /// Names of the buttons; `{}` is whose it is.
    pub replace: &'static str,
    pub remove: &'static str,
    pub keep: &'static str,
    /// The field's name for tests.
    pub testid: &'static str,
}

/// The place for a secret.
#[component]
pub fn StoredSecret(
    words: Words,
    /// Identifies the place in the page.
    id: String,
    value: RwSignal<String>,
    kept: RwSignal<Kept>,
    /// It is in the keychain.
    is_stored: Memo<bool>,
    /// Whose it is.
    of: Signal<String>,
    hint: Signal<String>,
    problem: Signal<Option<String>>,
) -> impl IntoView {
    let state = memo(move || is_stored.get().then(|| kept.get()));
    let place = StoredValue::new(id.clone());
    let change = move |to: Kept| {
        Callback::new(move |()| {
            value.set(String::new());
            kept.set(to);
            focus(place.get_value());
        })
    };
    view! {
        <div class="stored-secret is-wide" id=id>
            {move || match state.get() {
                None | Some(Kept::IsReplaced) => {
                    let keep = state
                        .get_untracked()
                        .is_some()
                        .then(|| {
                            view! {
                                <div class="key-keep">
                                    {named_button(form_parts().key_keep, words.keep, of, "keep-key", change(Kept::Stays))}
                                </div>
                            }
                        });
                    view! {
                        <TextField
                            label=words.label
                            value=value
                            hint=hint
                            problem=problem
                            secret=true
                            wide=true
                            testid=words.testid
                        />
                        {keep}
                    }
                        .into_any()
                }
                Some(Kept::Stays) => {
                    view! {
                        <p class="field-label">{words.label}</p>
                        <div class="key-kept" data-testid="key-kept">
                            {icon(icon_name!("shield-check"))}
                            <span>{form_parts().key_kept}</span>
                            {named_button(form_parts().key_replace, words.replace, of, "replace-key", change(Kept::IsReplaced))}
                            {named_button(t().remove, words.remove, of, "remove-key", change(Kept::Goes))}
                        </div>
                    }
                        .into_any()
                }
                Some(Kept::Goes) => {
                    view! {
                        <p class="field-label">{words.label}</p>
                        <div class="key-kept is-going" data-testid="key-goes">
                            {icon(icon_name!("trash-2"))}
                            <span>{form_parts().key_goes}</span>
                            {named_button(form_parts().key_keep, words.keep, of, "keep-key", change(Kept::Stays))}
                        </div>
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// The button that was pressed is gone, so the focus goes to what has taken its place.
fn focus(id: String) {
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        dom::focus(&format!("#{id} :is(input, button)"));
    });
}

/// A short button whose name says whose secret it is about.
fn named_button(
    text: &'static str,
    name: &'static str,
    of: Signal<String>,
    testid: &'static str,
    on_click: Callback<()>,
) -> AnyView {
    view! {
        <button
            type="button"
            class="button button-small"
            aria-label=move || fill(name, &[&of.get()])
            data-testid=testid
            on:click=move |_| on_click.run(())
        >
            {text}
        </button>
    }
    .into_any()
}
