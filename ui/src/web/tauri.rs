//! What only the desktop window can do. Without the window every call answers `None`.

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The page runs in the Tauri window.
pub fn present() -> bool {
    core().is_some()
}

fn core() -> Option<JsValue> {
    let global = Reflect::get(&js_sys::global(), &"__TAURI__".into()).ok()?;
    if !global.is_object() {
        return None;
    }
    let core = Reflect::get(&global, &"core".into()).ok()?;
    core.is_object().then_some(core)
}

/// Runs a command of the window. `None` without a window, and when the command fails.
pub async fn invoke(command: &str, arguments: &[(&str, &str)]) -> Option<JsValue> {
    let core = core()?;
    let invoke: Function = Reflect::get(&core, &"invoke".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let object = Object::new();
    for (name, value) in arguments {
        Reflect::set(&object, &(*name).into(), &(*value).into()).ok()?;
    }
    let promise: Promise = invoke
        .call2(&core, &command.into(), &object)
        .ok()?
        .dyn_into()
        .ok()?;
    JsFuture::from(promise).await.ok()
}

/// A text property of an object.
pub fn text_of(object: &JsValue, name: &str) -> Option<String> {
    Reflect::get(object, &name.into()).ok()?.as_string()
}

/// Saves a file where the system keeps what was downloaded, and says where that is. `None` without a window;
/// an error is what the window says of it.
pub async fn save_file(name: &str, content: &Uint8Array) -> Option<Result<String, String>> {
    let core = core()?;
    let invoke: Function = Reflect::get(&core, &"invoke".into())
        .ok()?
        .dyn_into()
        .ok()?;
    // A header has ASCII only.
    let name = js_sys::encode_uri_component(name);
    let (headers, options) = (Object::new(), Object::new());
    Reflect::set(&headers, &"name".into(), &name).ok()?;
    Reflect::set(&options, &"headers".into(), &headers).ok()?;
    let promise: Promise = invoke
        .call3(&core, &"save_file".into(), content, &options)
        .ok()?
        .dyn_into()
        .ok()?;
    Some(match JsFuture::from(promise).await {
        Ok(path) => Ok(path.as_string().unwrap_or_default()),
        Err(error) => Err(text_of(&error, "message").unwrap_or_default()),
    })
}

/// Lets the user choose a folder.
pub async fn pick_folder() -> Option<String> {
    invoke("pick_folder", &[]).await?.as_string()
}

/// Says that there is something to see: the window is hidden until then.
pub async fn window_ready() {
    invoke("window_ready", &[]).await;
}

/// Starts the engine anew.
pub async fn restart_engine() {
    invoke("restart_engine", &[]).await;
}
