//! All keys on one sheet.

use crate::view::prelude::*;

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::logic::keys::Shortcut;
use crate::state::app;
use crate::strings::{dialogs, t};
use crate::web::dom;

#[component]
pub fn ShortcutSheet() -> impl IntoView {
    let app = app();
    let keyboard = dom::keyboard();
    let main = if keyboard.mac { "⌘" } else { "Ctrl " };
    let terminal = |letter: &str| {
        if keyboard.mac {
            format!("⌘{letter}")
        } else {
            format!("Ctrl Shift {letter}")
        }
    };
    let sessions = format!(
        "{} – {}",
        Shortcut::Session(0).keys(keyboard),
        Shortcut::Session(8).keys(keyboard)
    );
    let everywhere = vec![
        (t().palette, Shortcut::Palette.keys(keyboard)),
        (t().new_session, Shortcut::NewSession.keys(keyboard)),
        (dialogs().go_to_session, sessions),
        (dialogs().cycle_tabs, Shortcut::CycleTab.keys(keyboard)),
        (dialogs().toggle_sidebar, Shortcut::Sidebar.keys(keyboard)),
        (dialogs().toggle_details, Shortcut::Details.keys(keyboard)),
        (t().sheet, Shortcut::Sheet.keys(keyboard)),
        (t().back, "Esc".to_owned()),
    ];
    let chat = vec![
        (t().send, "Enter".to_owned()),
        (dialogs().new_line, "Shift Enter".to_owned()),
        (t().start, format!("{main}Enter")),
    ];
    let in_terminal = vec![
        (t().copy, terminal("C")),
        (dialogs().paste, terminal("V")),
        (t().search_terminal, terminal("F")),
        (t().palette, terminal("K")),
    ];
    let prompts = vec![
        (t().save, format!("{main}Enter")),
        (dialogs().prompt_move_keys, "Alt ↑ ↓".to_owned()),
    ];
    view! {
        <Dialog label=t().sheet class="sheet">
            <header class="dialog-head">
                <h2 class="dialog-title">{t().sheet}</h2>
            </header>
            <div class="dialog-main">
                {group(dialogs().everywhere, everywhere)}
                {group(dialogs().messages, chat)}
                {group(t().terminal, in_terminal)}
                {group(t().prompts, prompts)}
                <p class="sheet-note">{dialogs().sheet_note}</p>
            </div>
            <footer class="dialog-foot">
                <Button label=t().close look=Look::Plain on_click=Callback::new(move |()| app.ui.close_dialog())/>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn group(title: &'static str, rows: Vec<(&'static str, String)>) -> AnyView {
    view! {
        <section>
            <h3>{title}</h3>
            <dl>
                {rows
                    .into_iter()
                    .map(|(name, keys)| view! { <div><dt>{name}</dt><dd><kbd class="key">{keys}</kbd></dd></div> })
                    .collect_view()}
            </dl>
        </section>
    }
    .into_any()
}
