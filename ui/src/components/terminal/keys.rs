//! Keys that the app keeps while a terminal has focus.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

use super::xterm::Terminal;
use crate::logic::keys::{Keyboard, TerminalKey};
use crate::state::{App, ToastKind};
use crate::strings::t;
use crate::web::{clipboard, dom};

/// Decides about each key press before xterm does. `false` keeps it from the program.
pub fn handler(
    app: App,
    terminal: Terminal,
    keyboard: Keyboard,
    searching: RwSignal<bool>,
) -> Function {
    let decide = Closure::<dyn Fn(web_sys::KeyboardEvent) -> bool>::new(
        move |event: web_sys::KeyboardEvent| {
            let Some(key) = TerminalKey::of(&dom::press(&event), keyboard) else {
                return true;
            };
            if event.type_() != "keydown" {
                return false;
            }
            match key {
                TerminalKey::Copy => {
                    event.prevent_default();
                    copy(app, terminal.selection());
                }
                TerminalKey::Search => {
                    event.prevent_default();
                    searching.set(true);
                }
                // The browser pastes into xterm's own input, and xterm brackets it.
                TerminalKey::Paste | TerminalKey::Leave => {}
            }
            false
        },
    );
    decide.into_js_value().unchecked_into()
}

fn copy(app: App, text: String) {
    if text.is_empty() {
        return;
    }
    spawn_local(async move {
        if clipboard::copy(&text).await {
            app.ui.say(t().copied);
        } else {
            app.ui
                .toast(ToastKind::Error, t().copy_refused.to_owned(), None);
        }
    });
}

/// The key press goes to a program in a terminal.
pub fn in_xterm(event: &web_sys::KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|element| element.closest(".xterm").ok().flatten().is_some())
}

/// How the keys that search a terminal are written.
pub fn search_keys(keyboard: Keyboard) -> String {
    if keyboard.mac { "⌘F" } else { "Ctrl Shift F" }.to_owned()
}
