//! A Tauri window with an empty page and nothing else: what `cargo xtask bench` compares Berth's
//! window with. The page says that it can be used by changing its title, as
//! Berth's says it by a command.

use std::io::Write;

use tauri::{WebviewUrl, WebviewWindowBuilder};

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .setup(|app| {
            WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
                .inner_size(1200.0, 800.0)
                .on_document_title_changed(|_, title| {
                    if title == "usable" {
                        // Nobody is told when nobody listens.
                        let _ = writeln!(std::io::stderr(), "{{\"ready_ms\":0}}");
                    }
                })
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!(
            "src-tauri/examples/bare_window/tauri.conf.json"
        ))
}
