//! What the page may ask of the shell: only what a browser could not do.
//!
//! A new command needs an entry in `build.rs` and a permission in `capabilities/main.json`.

use serde::Serialize;
use tauri::ipc::{Invoke, InvokeBody, Request};
use tauri::{AppHandle, Manager, State, WebviewWindow, Wry};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::CommandError;
use crate::timing::{Mark, Timing};
use crate::{navigation, saving, text, window};

/// All commands, for the builder.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        engine_endpoint,
        restart_engine,
        pick_folder,
        open_url,
        save_file,
        window_ready
    ]
}

/// Where the page finds the engine.
#[derive(Serialize)]
struct PageEndpoint {
    url: String,
    token: String,
}

impl From<berth_protocol::Endpoint> for PageEndpoint {
    fn from(endpoint: berth_protocol::Endpoint) -> Self {
        Self {
            url: endpoint.url,
            token: endpoint.token,
        }
    }
}

/// Attaches to the engine, or starts it. Takes up to 20 s after an update.
#[tauri::command]
async fn engine_endpoint(engine: State<'_, Engine>) -> Result<PageEndpoint, CommandError> {
    Ok(engine.endpoint().await?.into())
}

/// Ends the engine with all its sessions and starts it again.
#[tauri::command]
async fn restart_engine(engine: State<'_, Engine>) -> Result<PageEndpoint, CommandError> {
    Ok(engine.restart().await?.into())
}

/// Lets the user choose a folder; nothing when the user chose none.
#[tauri::command]
async fn pick_folder(app: AppHandle, window: WebviewWindow) -> Option<String> {
    let (chosen, choice) = oneshot::channel();
    app.dialog()
        .file()
        .set_title(text::PICK_FOLDER)
        .set_parent(&window)
        .pick_folder(move |folder| {
            // Nobody waits when the page was reloaded meanwhile.
            let _ = chosen.send(folder);
        });
    let folder = choice.await.ok()??.into_path().ok()?;
    Some(folder.to_string_lossy().into_owned())
}

/// Opens an address in the system's browser.
#[tauri::command]
async fn open_url(url: String) -> Result<(), CommandError> {
    navigation::open_in_browser(&url)
}

/// Saves a file in the user's downloads folder and says where. Its content is the body of the request, its name
/// the header `name` in URL encoding.
#[tauri::command]
async fn save_file(app: AppHandle, request: Request<'_>) -> Result<String, CommandError> {
    let refused = |reason: &str| CommandError {
        code: "window.save_failed",
        message: text::save_failed(std::path::Path::new("the file"), reason),
        hint: text::SAVE_FAILED_HINT,
    };
    let InvokeBody::Raw(content) = request.body() else {
        return Err(refused("it has no content"));
    };
    let name = request.headers().get("name");
    let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let folder = app
        .path()
        .download_dir()
        .or_else(|_| app.path().home_dir())
        .map_err(|error| refused(&error.to_string()))?;
    let path = saving::save(&folder, &name, content)?;
    Ok(path.display().to_string())
}

/// The page can be used: shows the window and notes the time.
#[tauri::command]
async fn window_ready(window: WebviewWindow, timing: State<'_, Timing>) -> Result<(), ()> {
    timing.mark(Mark::Ready);
    window::show(&window);
    timing.report();
    Ok(())
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
