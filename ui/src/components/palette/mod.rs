//! The palette: every page, session and action, by a few letters of its name.

use crate::view::{html, prelude::*};

use crate::components::dialog::Dialog;
use crate::components::icon::{IconName, icon, icon_name};
use crate::components::menu::popover_id;
use crate::logic::groups;
use crate::logic::keys::Shortcut;
use crate::logic::route::{Route, Tab};
use crate::logic::{fuzzy, status};
use crate::state::{App, DialogKind, McpChange, ThemeChoice, app, effect, memo};
use crate::strings::{dialogs, fill, t};
use crate::web::dom;

/// Rows shown at most.
const MAX_ROWS: usize = 50;

#[derive(Clone)]
struct Command {
    label: String,
    detail: String,
    keys: String,
    icon: IconName,
    run: Callback<()>,
}

/// No two are known to be the same: what they run cannot be compared.
impl PartialEq for Command {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

#[component]
pub fn Palette() -> impl IntoView {
    let app = app();
    let query = RwSignal::new(String::new());
    let at = RwSignal::new(0_usize);
    let list = NodeRef::<html::Div>::new();
    let all = StoredValue::new(commands(app));
    let found = memo(move || {
        let query = query.get();
        all.with_value(|all| {
            fuzzy::rank(&query, all, |c| format!("{} {}", c.label, c.detail))
                .into_iter()
                .take(MAX_ROWS)
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    let choose = move |index: usize| {
        if let Some(command) = found.with_untracked(|found| found.get(index).cloned()) {
            app.ui.close_dialog();
            command.run.run(());
        }
    };
    let id = popover_id();
    let row_id = {
        let id = id.clone();
        move |index: usize| format!("{id}-{index}")
    };
    effect(move || {
        let index = at.get();
        let Some(list) = list.get_untracked() else {
            return;
        };
        if let Ok(Some(row)) = list.query_selector(&format!("[data-index='{index}']")) {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            row.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let count = found.with_untracked(Vec::len).max(1);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => at.update(|at| *at = (*at + count - 1) % count),
            "Enter" => choose(at.get_untracked()),
            _ => return,
        }
        event.prevent_default();
    };
    let active = row_id.clone();
    view! {
        <Dialog label=t().palette class="palette">
            <div class="palette-input">
                {icon(icon_name!("search"))}
                <input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls=id.clone()
                    aria-activedescendant=move || active(at.get())
                    aria-label=t().palette
                    placeholder=dialogs().palette_placeholder
                    data-testid="palette-input"
                    spellcheck="false"
                    autocomplete="off"
                    autofocus=true
                    prop:value=query
                    on:input=move |event| {
                        at.set(0);
                        query.set(event_target_value(&event));
                    }
                    on:keydown=on_key
                />
            </div>
            <div class="palette-list" role="listbox" id=id aria-label=t().palette node_ref=list>
                {move || {
                    let rows = found.get();
                    if rows.is_empty() {
                        return view! { <p class="palette-none">{dialogs().palette_none}</p> }.into_any();
                    }
                    rows.into_iter()
                        .enumerate()
                        .map(|(index, command)| {
                            view! {
                                <div
                                    class="palette-row"
                                    role="option"
                                    id=row_id(index)
                                    data-index=index.to_string()
                                    data-testid="palette-row"
                                    aria-selected=move || (at.get() == index).to_string()
                                    on:pointermove=move |_| {
                                        if at.get_untracked() != index {
                                            at.set(index);
                                        }
                                    }
                                    on:click=move |_| choose(index)
                                >
                                    {icon(command.icon)}
                                    <span class="palette-label">{command.label}</span>
                                    <span class="palette-detail">{command.detail}</span>
                                    {(!command.keys.is_empty()).then(|| view! { <kbd>{command.keys}</kbd> })}
                                </div>
                            }
                        })
                        .collect_view()
                        .into_any()
                }}
            </div>
        </Dialog>
    }
    .into_any()
}

fn commands(app: App) -> Vec<Command> {
    let keyboard = dom::keyboard();
    let command = |label: &str, icon, keys: String, run: Callback<()>| Command {
        label: label.to_owned(),
        detail: String::new(),
        keys,
        icon,
        run,
    };
    let go = move |route: Route| Callback::new(move |()| app.ui.go(route));
    let open = move |dialog: DialogKind| Callback::new(move |()| app.ui.open(dialog.clone()));
    let mut all = Vec::new();
    let sessions = app.model.sessions().get_untracked();
    for (at, id) in groups::in_order(&sessions).into_iter().enumerate() {
        if let Some(session) = sessions.iter().find(|session| session.id == id) {
            let keys = if at < 9 {
                Shortcut::Session(at).keys(keyboard)
            } else {
                String::new()
            };
            all.push(Command {
                detail: format!("{} · {}", session.agent, status::word(&session.status)),
                ..command(
                    &session.title,
                    icon_name!("message-square"),
                    keys,
                    go(Route::Session { id, tab: Tab::Chat }),
                )
            });
        }
    }
    let new_session = Callback::new(move |()| app.ui.open(DialogKind::NewSession));
    all.push(command(
        t().new_session,
        icon_name!("plus"),
        Shortcut::NewSession.keys(keyboard),
        new_session,
    ));
    if let Some(id) = app.ui.route.get_untracked().session() {
        let keys = Shortcut::CycleTab.keys(keyboard);
        for (tab, label, icon) in [
            (Tab::Chat, t().chat, icon_name!("message-square")),
            (Tab::Terminal, t().terminal, icon_name!("square-terminal")),
            (Tab::Changes, t().changes, icon_name!("file-diff")),
        ] {
            all.push(command(
                &fill(dialogs().show_named, &[label]),
                icon,
                keys.clone(),
                Callback::new(move |()| app.ui.show_tab(tab)),
            ));
        }
        all.push(command(
            dialogs().rename_session,
            icon_name!("pencil"),
            String::new(),
            open(DialogKind::RenameSession(id)),
        ));
        all.push(command(
            dialogs().archive_session,
            icon_name!("archive"),
            String::new(),
            open(DialogKind::ArchiveSession(id)),
        ));
        all.push(command(
            dialogs().delete_session,
            icon_name!("trash-2"),
            String::new(),
            open(DialogKind::DeleteSession(id)),
        ));
    }
    all.push(command(
        t().add_project,
        icon_name!("folder-plus"),
        String::new(),
        open(DialogKind::AddProject),
    ));
    all.push(command(
        t().projects,
        icon_name!("folder-git-2"),
        String::new(),
        go(Route::Projects),
    ));
    all.push(command(
        t().prompts,
        icon_name!("scroll-text"),
        String::new(),
        go(Route::Prompts),
    ));
    all.push(command(
        t().new_prompt,
        icon_name!("plus"),
        String::new(),
        go(Route::NewPrompt),
    ));
    all.push(command(
        t().mcp_servers,
        icon_name!("plug"),
        String::new(),
        go(Route::Mcp),
    ));
    all.push(command(
        t().mcp_add,
        icon_name!("plus"),
        String::new(),
        open(DialogKind::EditMcp(McpChange::New)),
    ));
    all.push(command(
        t().scope_organization,
        icon_name!("building-2"),
        String::new(),
        go(Route::Organization),
    ));
    all.push(command(
        t().audit,
        icon_name!("history"),
        String::new(),
        go(Route::Audit),
    ));
    all.push(command(
        t().settings,
        icon_name!("settings"),
        String::new(),
        go(Route::Settings),
    ));
    all.push(command(
        t().manage_routers,
        icon_name!("route"),
        String::new(),
        go(Route::Routers),
    ));
    for (choice, label, icon) in [
        (ThemeChoice::System, t().theme_system, icon_name!("monitor")),
        (ThemeChoice::Light, t().theme_light, icon_name!("sun")),
        (ThemeChoice::Dark, t().theme_dark, icon_name!("moon")),
    ] {
        let run = Callback::new(move |()| app.prefs.theme.set(choice));
        all.push(command(
            &fill(dialogs().theme_named, &[label]),
            icon,
            String::new(),
            run,
        ));
    }
    let keys = Shortcut::Sidebar.keys(keyboard);
    all.push(command(
        dialogs().toggle_sidebar,
        icon_name!("panel-left"),
        keys,
        Callback::new(move |()| app.toggle_sidebar()),
    ));
    all.push(command(
        t().sheet,
        icon_name!("keyboard"),
        Shortcut::Sheet.keys(keyboard),
        open(DialogKind::Sheet),
    ));
    all
}
