//! Closing the window leaves the sessions running, and says so the first time.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{CloseRequestApi, Manager, Window, async_runtime};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::{engine, text};

/// Its presence in the data folder says that the notice was shown.
const MARKER: &str = "close-notice-shown";

/// How long closing may wait for the engine's answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a close is under way: a second one, of an impatient user, closes at once.
#[derive(Default)]
pub(crate) struct Closing(AtomicBool);

/// Lets the window close, at once or after the notice.
pub(crate) fn requested(window: &Window, api: &CloseRequestApi) {
    let marker = match berth_launcher::data_dir() {
        Ok(folder) => folder.join(MARKER),
        Err(_) => return,
    };
    if marker.exists() || window.state::<Closing>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    api.prevent_close();
    let window = window.clone();
    async_runtime::spawn(async move {
        let live = timeout(PATIENCE, engine::live_sessions()).await;
        if let Ok(Some(count @ 1..)) = live
            && notify(&window, count).await
        {
            remember(marker);
        }
        if let Err(error) = window.destroy() {
            tracing::error!(%error, "the window could not be closed");
        }
    });
}

/// Shows the notice and waits until it was read. Says whether it was: one that could not be shown is due the next time.
async fn notify(window: &Window, count: usize) -> bool {
    let (read, was_read) = oneshot::channel();
    window
        .dialog()
        .message(text::sessions_go_on(count))
        .title(text::TITLE)
        .kind(MessageDialogKind::Info)
        .buttons(MessageDialogButtons::Ok)
        .parent(window)
        .show(move |_| {
            let _ = read.send(());
        });
    // An error means that the dialog could not be shown; then the window closes without it.
    was_read.await.is_ok()
}

fn remember(marker: PathBuf) {
    if let Err(error) = fs::write(&marker, "") {
        tracing::warn!(%error, path = %marker.display(), "the close notice will be shown again");
    }
}
