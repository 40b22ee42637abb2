//! Keeps xterm.js from answering a program's questions.
//!
//! The engine's own terminal answers them, so that a program gets one answer whether nobody or
//! three people look. A handler that says "done" keeps xterm's own from running.

use js_sys::Function;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::xterm::{Terminal, object};

/// Functions that must live as long as the terminal.
pub struct Kept(
    #[expect(dead_code, reason = "held so that JavaScript can call them")] Vec<JsValue>,
);

/// Makes a terminal leave all questions to the engine.
pub fn hush(terminal: &Terminal) -> Kept {
    let always = Closure::<dyn Fn() -> bool>::new(|| true).into_js_value();
    let if_question =
        Closure::<dyn Fn(String) -> bool>::new(|data: String| data.contains('?')).into_js_value();
    let (always_fn, question_fn): (&Function, &Function) =
        (always.unchecked_ref(), if_question.unchecked_ref());
    let parser = terminal.parser();
    let id = |prefix: &str, intermediates: &str, last: &str| {
        let mut pairs = vec![("final", JsValue::from(last))];
        if !prefix.is_empty() {
            pairs.push(("prefix", prefix.into()));
        }
        if !intermediates.is_empty() {
            pairs.push(("intermediates", intermediates.into()));
        }
        object(&pairs)
    };
    // Device attributes, device status, mode requests, version, and the kitty keyboard's state.
    for (prefix, intermediates, last) in [
        ("", "", "c"),
        (">", "", "c"),
        ("=", "", "c"),
        ("", "", "n"),
        ("?", "", "n"),
        ("", "$", "p"),
        ("?", "$", "p"),
        (">", "", "q"),
        ("?", "", "u"),
        ("", "", "x"),
    ] {
        parser.on_csi(&id(prefix, intermediates, last), always_fn);
    }
    // Settings and terminfo capabilities.
    parser.on_dcs(&id("", "$", "q"), always_fn);
    parser.on_dcs(&id("", "+", "q"), always_fn);
    // Colours: setting them is obeyed, asking for them is not answered.
    for number in [4, 10, 11, 12] {
        parser.on_osc(number, question_fn);
    }
    Kept(vec![always, if_question])
}
