//! The Berth window: starts or attaches to the engine and shows the UI.
//!
//! The window owns nothing. Sessions, secrets and the store belong to the engine, a process of its
//! own, so closing, crashing or updating the window never ends a session. The page speaks the
//! engine's API; only what a desktop alone can do goes through [`commands`].
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod close;
mod commands;
mod engine;
mod error;
mod navigation;
mod saving;
mod text;
mod timing;
mod window;

use tauri::Manager;
use tauri_plugin_window_state::StateFlags;
use tracing_subscriber::EnvFilter;

fn main() -> tauri::Result<()> {
    let timing = timing::Timing::from_start();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("BERTH_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    tauri::Builder::default()
        // It must be the first plugin: a second window ends here, before it does anything.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| {
            window::focus(app);
        }))
        .plugin(geometry())
        .plugin(tauri_plugin_dialog::init())
        .manage(engine::Engine::default())
        .manage(close::Closing::default())
        .manage(window::Shown::default())
        .manage(timing)
        .invoke_handler(commands::handler())
        .on_window_event(window::on_event)
        .setup(|app| {
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(async move {
                handle.state::<engine::Engine>().prepare().await;
            });
            window::open(app.handle())?;
            app.state::<timing::Timing>().mark(timing::Mark::Setup);
            Ok(())
        })
        .run(tauri::generate_context!())
}

/// Remembers where the window was. It does not show the window: that waits for the page.
fn geometry<R: tauri::Runtime>() -> tauri::plugin::TauriPlugin<R> {
    let builder = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED);
    match berth_launcher::data_dir() {
        // An absolute name, which the plugin's own folder does not apply to.
        Ok(folder) => builder.with_filename(folder.join("window.json").to_string_lossy()),
        Err(_) => builder,
    }
    .build()
}
