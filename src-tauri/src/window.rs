//! The one window: how it looks before the page is there, and when it is shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::utils::config::Color;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, Manager, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window,
    WindowEvent, async_runtime,
};

use crate::timing::{Mark, Timing};
use crate::{close, navigation, text};

/// Label of the window, which the capability names too.
const LABEL: &str = "main";

/// The window is shown after this time at the latest, so that a page that fails is seen failing.
const SHOW_AFTER: Duration = Duration::from_millis(1500);

/// Logical pixels at the first start.
const SIZE: (f64, f64) = (1200.0, 800.0);

/// Logical pixels below which the UI's columns no longer fit.
const MIN_SIZE: (f64, f64) = (720.0, 480.0);

/// The UI's background, `oklch(0.985 0.003 250)`.
const LIGHT: Color = Color(0xf9, 0xfa, 0xfc, 0xff);

/// The UI's background, `oklch(0.17 0.01 250)`.
const DARK: Color = Color(0x0c, 0x10, 0x14, 0xff);

/// Whether the window was shown already.
#[derive(Default)]
pub(crate) struct Shown(AtomicBool);

/// Creates the window, hidden and in the page's colour.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title(text::TITLE)
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        .visible(false)
        // The page takes files that are dropped on it, as in a browser.
        .disable_drag_drop_handler()
        .on_navigation(navigation::allow)
        .on_new_window(|url, _| {
            navigation::allow(&url);
            NewWindowResponse::Deny
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                window.state::<Timing>().mark(Mark::Page);
            }
        })
        .build()?;
    set_background(&window, window.theme().unwrap_or(Theme::Light));
    async_runtime::spawn(async move {
        tokio::time::sleep(SHOW_AFTER).await;
        show(&window);
    });
    Ok(())
}

/// Shows the window, unless that was done: afterwards the user may have minimized it.
pub(crate) fn show(window: &WebviewWindow) {
    if window.state::<Shown>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    if let Err(error) = window.show().and_then(|()| window.set_focus()) {
        tracing::error!(%error, "the window could not be shown");
    }
    window.state::<Timing>().mark(Mark::Shown);
}

/// Brings the window to the front, for a second start of the app.
pub(crate) fn focus(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    window.state::<Shown>().0.store(true, Ordering::SeqCst);
    let focused = window
        .unminimize()
        .and_then(|()| window.show())
        .and_then(|()| window.set_focus());
    if let Err(error) = focused {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}

/// Follows the system's theme, and says goodbye.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::ThemeChanged(theme) => {
            if let Some(window) = window.get_webview_window(LABEL) {
                set_background(&window, *theme);
            }
        }
        WindowEvent::CloseRequested { api, .. } => close::requested(window, api),
        _ => {}
    }
}

/// What is seen before the page has painted, and at the edges while the window grows.
fn set_background(window: &WebviewWindow, theme: Theme) {
    let colour = match theme {
        Theme::Dark => DARK,
        _ => LIGHT,
    };
    if let Err(error) = window.set_background_color(Some(colour)) {
        tracing::warn!(%error, "the window's colour could not be set");
    }
}
