//! A modal dialog on the browser's own `<dialog>`, which keeps focus and Esc right.

use crate::view::{html, prelude::*};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::state::{App, app, effect};
use crate::web::{clock, dom};

/// A dialog that is open as long as it is in the page. Esc and a click beside it close it.
#[component]
pub fn Dialog(
    #[prop(into)] label: Signal<String>,
    #[prop(optional)] class: &'static str,
    /// It has work in it that a stray click must not lose.
    #[prop(optional)]
    sticky: bool,
    /// Asked when Esc is pressed: whether it may close.
    #[prop(optional)]
    may_close: Option<Callback<(), bool>>,
    /// Closes it, where a part of the page and not the page shows it.
    #[prop(optional)]
    on_close: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let app = app();
    let close = move || match on_close {
        Some(close) => close.run(()),
        None => app.ui.close_dialog(),
    };
    let node = NodeRef::<html::Dialog>::new();
    returns_focus(app);
    effect(move || {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
        }
    });
    let on_click = move |event: web_sys::MouseEvent| {
        let on_backdrop = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| element.tag_name() == "DIALOG");
        if on_backdrop && !sticky {
            close();
        }
    };
    let on_cancel = move |event: web_sys::Event| {
        // A picker in the dialog closes by itself, and the event of its closing comes up here.
        let is_own = event.target() == event.current_target();
        if is_own && may_close.is_some_and(|ask| !ask.run(())) {
            event.prevent_default();
        }
    };
    view! {
        <dialog
            node_ref=node
            class=format!("dialog {class}")
            aria-label=label
            on:mousedown=on_click
            on:cancel=on_cancel
            on:close=move |_| close()
        >
            <div class="dialog-body">{children()}</div>
        </dialog>
    }
    .into_any()
}

/// Remembers what has the focus, and gives it back when the current owner is disposed.
pub fn returns_focus(app: App) {
    let before = SendWrapper::new(dom::focused());
    on_cleanup(move || give_back(app, before.take()));
}

/// Gives the focus back to where it was, once the dialog is gone, unless another one follows.
fn give_back(app: App, element: Option<HtmlElement>) {
    let Some(element) = element else { return };
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        let nowhere = dom::focused().is_none_or(|focused| focused.tag_name() == "BODY");
        if nowhere && app.ui.dialog.get_untracked().is_none() && element.is_connected() {
            element.focus().ok();
        }
    });
}
