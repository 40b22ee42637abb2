//! A value that copies whole when it is clicked, however short it is shown.

use crate::view::prelude::*;
use crate::web::task::spawn_local;

use crate::components::icon::{Icon, icon_name};
use crate::state::{ToastKind, app};
use crate::strings::{fill, t};
use crate::web::{clipboard, clock};

/// How long a copied value shows that it was copied, in milliseconds.
const SHOWN: i32 = 1_500;

#[component]
pub fn CopyValue(
    /// What it is, for its name.
    #[prop(into)]
    label: String,
    #[prop(into)] value: Signal<String>,
    #[prop(into)] shown: Signal<String>,
) -> impl IntoView {
    let app = app();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let value = value.get_untracked();
        spawn_local(async move {
            if clipboard::copy(&value).await {
                copied.set(true);
                clock::sleep(SHOWN).await;
                copied.try_set(false);
            } else {
                app.ui
                    .toast(ToastKind::Error, t().copy_refused.to_owned(), None);
            }
        });
    };
    let name = Signal::derive(move || {
        if copied.get() {
            icon_name!("check")
        } else {
            icon_name!("copy")
        }
    });
    // What is seen is part of the name, so that it can be spoken to a computer; a path that is
    // shortened in the middle means nothing when it is read aloud, so the whole follows.
    let accessible_name = move || {
        let (shown, value) = (shown.get(), value.get());
        let spoken = if shown.contains('…') {
            format!("{shown} {value}")
        } else {
            shown
        };
        fill(t().copy_named, &[&label, &spoken])
    };
    view! {
        <button
            type="button"
            class="copy-value"
            class:is-copied=copied
            aria-label=accessible_name
            data-tip=value
            on:click=copy
        >
            <span>{shown}</span>
            <Icon name=name/>
        </button>
    }
    .into_any()
}
