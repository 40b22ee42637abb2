//! Small doors to the document.

use leptos::prelude::on_cleanup;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, EventTarget, HtmlElement, Window};

use crate::logic::keys::{Keyboard, Press};
use crate::web::tauri;

/// The window. The UI runs nowhere else.
#[expect(
    clippy::expect_used,
    reason = "without a window there is nobody to tell"
)]
pub fn window() -> Window {
    web_sys::window().expect("the UI runs in a window")
}

/// The document.
#[expect(clippy::expect_used, reason = "a window of a browser has a document")]
pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Listens to an event until the current owner is disposed.
pub fn listen(
    target: &EventTarget,
    name: &'static str,
    handler: impl FnMut(web_sys::Event) + 'static,
) {
    let closure = Closure::<dyn FnMut(web_sys::Event)>::new(handler);
    target
        .add_event_listener_with_callback(name, closure.as_ref().unchecked_ref())
        .ok();
    let kept = SendWrapper::new((target.clone(), closure));
    on_cleanup(move || {
        let (target, closure) = &*kept;
        target
            .remove_event_listener_with_callback(name, closure.as_ref().unchecked_ref())
            .ok();
    });
}

/// Puts another fragment into the address without a step in the history.
pub fn replace_fragment(fragment: &str) {
    if let Ok(history) = window().history() {
        history
            .replace_state_with_url(&JsValue::NULL, "", Some(fragment))
            .ok();
    }
}

/// The key press of an event.
pub fn press(event: &web_sys::KeyboardEvent) -> Press {
    Press {
        key: event.key(),
        code: event.code(),
        ctrl: event.ctrl_key(),
        meta: event.meta_key(),
        alt: event.alt_key(),
        shift: event.shift_key(),
    }
}

/// The keyboard of this machine.
pub fn keyboard() -> Keyboard {
    let platform = window().navigator().platform().unwrap_or_default();
    Keyboard {
        mac: platform.starts_with("Mac"),
        browser: !tauri::present(),
    }
}

/// The element with focus.
pub fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

/// Moves the focus to the first element that matches.
pub fn focus(selector: &str) {
    let element = document().query_selector(selector).ok().flatten();
    if let Some(element) = element.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.focus().ok();
    }
}

/// The page can be seen.
pub fn visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// A media query holds now.
pub fn matches_media(query: &str) -> bool {
    window()
        .match_media(query)
        .ok()
        .flatten()
        .is_some_and(|list| list.matches())
}

/// A length in whole pixels.
#[expect(clippy::cast_possible_truncation, reason = "a page is far smaller")]
pub fn pixels(length: f64) -> i32 {
    length.round() as i32
}

/// Opens a web address outside the app.
pub fn open_url(url: String) {
    crate::web::task::spawn_local(async move {
        if tauri::present() {
            tauri::invoke("open_url", &[("url", &url)]).await;
        } else {
            window()
                .open_with_url_and_target_and_features(&url, "_blank", "noopener,noreferrer")
                .ok();
        }
    });
}
