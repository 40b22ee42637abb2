//! Bindings to xterm.js, which `ui/terminal.js` loads when the first terminal is shown.

use js_sys::{Array, Function, JsString, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    #[wasm_bindgen(js_namespace = berthTerminal)]
    pub type Terminal;

    #[wasm_bindgen(constructor, js_namespace = berthTerminal)]
    pub fn new(options: &Object) -> Terminal;
    #[wasm_bindgen(method)]
    pub fn open(this: &Terminal, parent: &HtmlElement);
    #[wasm_bindgen(method)]
    pub fn write(this: &Terminal, data: &Uint8Array, drawn: &Function);
    #[wasm_bindgen(method)]
    pub fn reset(this: &Terminal);
    #[wasm_bindgen(method)]
    pub fn resize(this: &Terminal, cols: u16, rows: u16);
    #[wasm_bindgen(method)]
    pub fn focus(this: &Terminal);
    #[wasm_bindgen(method)]
    pub fn dispose(this: &Terminal);
    #[wasm_bindgen(method, js_name = loadAddon)]
    pub fn load_addon(this: &Terminal, addon: &wasm_bindgen::JsValue);
    #[wasm_bindgen(method, js_name = onData)]
    pub fn on_data(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = onBinary)]
    pub fn on_binary(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = attachCustomKeyEventHandler)]
    pub fn attach_custom_key_event_handler(this: &Terminal, handler: &Function);
    #[wasm_bindgen(method, js_name = getSelection)]
    pub fn selection(this: &Terminal) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn parser(this: &Terminal) -> Parser;
    #[wasm_bindgen(method, getter)]
    pub fn options(this: &Terminal) -> Object;
    #[wasm_bindgen(method, getter)]
    pub fn unicode(this: &Terminal) -> Object;
    #[wasm_bindgen(method, getter)]
    pub fn cols(this: &Terminal) -> u16;
    #[wasm_bindgen(method, getter)]
    pub fn rows(this: &Terminal) -> u16;

    /// xterm's hooks into what a program writes.
    pub type Parser;

    #[wasm_bindgen(method, js_name = registerCsiHandler)]
    pub fn on_csi(this: &Parser, id: &Object, handler: &Function);
    #[wasm_bindgen(method, js_name = registerDcsHandler)]
    pub fn on_dcs(this: &Parser, id: &Object, handler: &Function);
    #[wasm_bindgen(method, js_name = registerOscHandler)]
    pub fn on_osc(this: &Parser, number: u16, handler: &Function);
}

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    #[wasm_bindgen(js_namespace = berthTerminal)]
    pub type FitAddon;
    #[wasm_bindgen(constructor, js_namespace = berthTerminal)]
    pub fn new() -> FitAddon;
    /// Columns and rows that fit; undefined while the box has no size.
    #[wasm_bindgen(method, js_name = proposeDimensions)]
    pub fn propose(this: &FitAddon) -> wasm_bindgen::JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    #[wasm_bindgen(js_namespace = berthTerminal)]
    pub type SearchAddon;
    #[wasm_bindgen(constructor, js_namespace = berthTerminal)]
    pub fn new() -> SearchAddon;
    #[wasm_bindgen(method, js_name = findNext)]
    pub fn find_next(this: &SearchAddon, term: &str, options: &Object) -> bool;
    #[wasm_bindgen(method, js_name = findPrevious)]
    pub fn find_previous(this: &SearchAddon, term: &str, options: &Object) -> bool;
    #[wasm_bindgen(method, js_name = clearDecorations)]
    pub fn clear(this: &SearchAddon);
    #[wasm_bindgen(method, js_name = onDidChangeResults)]
    pub fn on_results(this: &SearchAddon, handler: &Function);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = berthTerminal)]
    pub type WebLinksAddon;
    #[wasm_bindgen(constructor, js_namespace = berthTerminal)]
    pub fn new(handler: &Function) -> WebLinksAddon;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = berthTerminal)]
    pub type Unicode11Addon;
    #[wasm_bindgen(constructor, js_namespace = berthTerminal)]
    pub fn new() -> Unicode11Addon;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = berthLoadTerminal)]
    fn load_scripts() -> Result<Promise, wasm_bindgen::JsValue>;
}

/// Loads xterm.js, once; nothing else here may be used before. Says whether it is there.
pub async fn load() -> bool {
    match load_scripts() {
        Ok(loaded) => JsFuture::from(loaded).await.is_ok(),
        Err(_) => false,
    }
}

/// An object of these properties.
pub fn object(pairs: &[(&str, wasm_bindgen::JsValue)]) -> Object {
    let entries: Array = pairs
        .iter()
        .map(|(name, value)| Array::of2(&JsString::from(*name), value))
        .collect();
    Object::from_entries(&entries).unwrap_or_else(|_| Object::new())
}
