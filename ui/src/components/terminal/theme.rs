//! The terminal's looks, from the same tokens as everything else.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::xterm::object;
use crate::web::dom;

/// xterm's names of the colours; the token of each is `--term-` and the name.
const COLOURS: [&str; 21] = [
    "background",
    "foreground",
    "cursor",
    "cursorAccent",
    "selectionBackground",
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "brightBlack",
    "brightRed",
    "brightGreen",
    "brightYellow",
    "brightBlue",
    "brightMagenta",
    "brightCyan",
    "brightWhite",
];

/// Lines kept above the screen. The engine keeps the whole recording.
const SCROLLBACK: u32 = 5_000;
/// Height of the text, in pixels.
const FONT_SIZE: f64 = 13.0;

/// The colours of the current theme.
pub fn colours() -> Object {
    let pairs: Vec<(&str, JsValue)> = COLOURS
        .iter()
        .filter_map(|name| Some((*name, token(name)?)))
        .collect();
    object(&pairs)
}

/// The colours in which a search marks its hits.
pub fn hits() -> Object {
    let tokens = [
        ("matchBackground", "match"),
        ("matchOverviewRuler", "match-active"),
        ("activeMatchBackground", "match-active"),
        ("activeMatchColorOverviewRuler", "match-active"),
    ];
    let pairs: Vec<_> = tokens
        .iter()
        .filter_map(|(name, of)| Some((*name, token(of)?)))
        .collect();
    object(&pairs)
}

fn token(name: &str) -> Option<JsValue> {
    let root = dom::document().document_element()?;
    let style = dom::window().get_computed_style(&root).ok().flatten()?;
    let value = style.get_property_value(&format!("--term-{name}")).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| JsValue::from(value))
}

/// Options of a new terminal.
pub fn options() -> Object {
    object(&[
        ("allowProposedApi", true.into()),
        (
            "fontFamily",
            "'JetBrains Mono', ui-monospace, 'DejaVu Sans Mono', monospace".into(),
        ),
        ("fontSize", FONT_SIZE.into()),
        ("lineHeight", 1.2.into()),
        ("scrollback", SCROLLBACK.into()),
        (
            "cursorBlink",
            (!dom::matches_media("(prefers-reduced-motion: reduce)")).into(),
        ),
        ("minimumContrastRatio", 4.5.into()),
        ("macOptionIsMeta", true.into()),
        ("theme", colours().into()),
    ])
}

/// Gives a terminal the colours of the current theme.
pub fn repaint(options: &Object) {
    Reflect::set(options, &"theme".into(), &colours()).ok();
}
