//! The frame: three columns, the page between them, and what stands above all of it.

use crate::view::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::components::button::IconButton;
use crate::components::connection::ConnectionBar;
use crate::components::details::Details;
use crate::components::icon::icon_name;
use crate::components::new_session::NewSessionDialog;
use crate::components::notice::Empty;
use crate::components::sidebar::Sidebar;
use crate::components::toasts::Toasts;
use crate::components::tooltip::Tooltips;
use crate::lazy;
use crate::logic::groups;
use crate::logic::keys::Shortcut;
use crate::logic::route::{Route, Tab, token_in};
use crate::pages::home::HomePage;
use crate::pages::no_token::NoTokenPage;
use crate::pages::session::SessionPage;
use crate::state::{App, DialogKind, Phase, effect, memo};
use crate::strings::t;
use crate::web::{clock, dom, tauri};

/// How often the ages in lists are brought up to date, in milliseconds.
const TICK: i32 = 20_000;

/// Starts the page. Called when the module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    mount_to_body(|| view! { <Root/> });
    if let Some(splash) = dom::document().get_element_by_id("splash") {
        splash.remove();
    }
}

#[component]
fn Root() -> impl IntoView {
    let app = App::new();
    provide_context(app);
    app.prefs.follow();
    app.follow_engine();
    follow_window(app);
    show_window(app);
    let no_token = memo(move || app.model.phase().get() == Phase::NoToken);
    view! {
        {move || if no_token.get() { view! { <NoTokenPage/> }.into_any() } else { view! { <Frame/> }.into_any() }}
        <Dialogs/>
        <Toasts/>
        <Tooltips/>
    }
}

/// Lets the window appear once the page has something to show in it.
fn show_window(app: App) {
    let loaded = memo(move || app.model.phase().get() != Phase::Loading);
    effect(move || {
        if loaded.get() {
            crate::web::task::spawn_local(tauri::window_ready());
        }
    });
}

/// The address, the keyboard and the clock.
fn follow_window(app: App) {
    let window = dom::window();
    dom::listen(&window, "hashchange", move |_| {
        let fragment = dom::window().location().hash().unwrap_or_default();
        // A new token was pasted into the address, which by itself loads nothing.
        if token_in(&fragment).is_some() {
            dom::window().location().reload().ok();
            return;
        }
        app.ui.follow_address(Route::parse(&fragment));
    });
    dom::listen(&window, "beforeunload", move |event| {
        if app.ui.unsaved.get_untracked() {
            event.prevent_default();
        }
    });
    dom::listen(&window, "keydown", move |event| {
        if let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() {
            on_key(app, event);
        }
    });
    for name in ["online", "focus"] {
        dom::listen(&window, name, move |_| app.retry_now());
    }
    crate::web::task::spawn_local(async move {
        loop {
            clock::sleep(TICK).await;
            if dom::visible() {
                app.ui.now.set(clock::now());
            }
        }
    });
}

fn on_key(app: App, event: &web_sys::KeyboardEvent) {
    let in_terminal = dom::focused().is_some_and(|e| e.closest(".xterm").ok().flatten().is_some());
    let press = dom::press(event);
    if press.key == "Escape" && !in_terminal {
        if app.ui.sidebar_drawer.get_untracked() || app.ui.details_drawer.get_untracked() {
            app.ui.sidebar_drawer.set(false);
            app.ui.details_drawer.set(false);
        } else {
            go_back(app);
        }
        return;
    }
    let Some(shortcut) = Shortcut::of(&press, dom::keyboard(), in_terminal) else {
        return;
    };
    event.prevent_default();
    match shortcut {
        Shortcut::Palette => app.ui.open(DialogKind::Palette),
        Shortcut::NewSession => app.new_session(),
        Shortcut::Sheet => app.ui.open(DialogKind::Sheet),
        Shortcut::Sidebar => app.toggle_sidebar(),
        Shortcut::Details => app.toggle_details(),
        Shortcut::CycleTab => {
            if let Route::Session { tab, .. } = app.ui.route.get_untracked() {
                app.ui.show_tab(tab.next());
            }
        }
        Shortcut::Session(at) => {
            let id = app
                .model
                .sessions()
                .see_untracked(|all| groups::in_order(all).get(at).copied());
            if let Some(id) = id {
                app.open_session(id);
            }
        }
    }
}

/// Esc leaves what has focus first, then the part of the session, then the page. Dialogs and menus
/// close by themselves.
fn go_back(app: App) {
    let document = dom::document();
    let open = |selector: &str| document.query_selector(selector).ok().flatten().is_some();
    if app.ui.dialog.get_untracked().is_some() || open("dialog[open], :popover-open") {
        return;
    }
    if let Some(focused) = dom::focused()
        && matches!(focused.tag_name().as_str(), "INPUT" | "TEXTAREA")
    {
        focused.blur().ok();
        return;
    }
    match app.ui.route.get_untracked() {
        Route::Session {
            tab: Tab::Terminal | Tab::Changes,
            ..
        } => app.ui.show_tab(Tab::Chat),
        Route::NewPrompt | Route::CopyPrompt(_) | Route::Prompt(_) => app.ui.go(Route::Prompts),
        Route::Projects
        | Route::Prompts
        | Route::Mcp
        | Route::Organization
        | Route::Audit
        | Route::Settings
        | Route::Routers
        | Route::Unknown => {
            app.ui.go(Route::Home);
        }
        Route::Home | Route::Session { .. } => {}
    }
}

#[component]
fn Frame() -> impl IntoView {
    let app = App::clone(&expect_context());
    let prefs = app.prefs;
    let session = memo(move || app.ui.route.get().session());
    let page = memo(move || match app.ui.route.get() {
        Route::Session { id, .. } => Route::Session { id, tab: Tab::Chat },
        other => other,
    });
    let known = memo(move || {
        session.get().is_some_and(|id| {
            app.model
                .sessions()
                .see(|all| all.iter().any(|s| s.id == id))
        })
    });
    let style = move || {
        format!(
            "--sidebar:{}px;--details:{}px",
            prefs.sidebar_width.get(),
            prefs.details_width.get()
        )
    };
    view! {
        <div
            class="frame"
            style=style
            class:no-sidebar=move || !prefs.sidebar_open.get()
            class:no-details=move || !prefs.details_open.get() || !known.get()
            class:sidebar-drawer=app.ui.sidebar_drawer
            class:details-drawer=app.ui.details_drawer
        >
            <ConnectionBar/>
            <Sidebar/>
            <div class="scrim" on:click=move |_| {
                app.ui.sidebar_drawer.set(false);
                app.ui.details_drawer.set(false);
            }></div>
            <main class="main" class:has-sidebar-button=move || !prefs.sidebar_open.get()>
                <span class="show-sidebar">
                    <IconButton
                        name=icon_name!("panel-left")
                        label=t().show_sidebar
                        keys=Shortcut::Sidebar.keys(dom::keyboard())
                        on_click=Callback::new(move |()| app.toggle_sidebar())
                    />
                </span>
                {move || match page.get() {
                    Route::Home => view! { <HomePage/> }.into_any(),
                    Route::Session { id, .. } => view! { <SessionPage id=id/> }.into_any(),
                    Route::Projects => lazy::projects(),
                    Route::Prompts => lazy::prompts(),
                    route @ (Route::NewPrompt | Route::CopyPrompt(_) | Route::Prompt(_)) => lazy::edit_prompt(route),
                    Route::Mcp => lazy::mcp(),
                    Route::Organization => lazy::organization(),
                    Route::Audit => lazy::audit(),
                    Route::Settings | Route::Routers => lazy::settings(),
                    Route::Unknown => {
                        view! { <Empty name=icon_name!("circle-dashed") title=t().no_page text=t().no_page_text/> }.into_any()
                    }
                }}
            </main>
            {move || {
                session
                    .get()
                    .filter(|_| known.get())
                    .map(|id| view! { <Details id=id session=app.session(id)/> })
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Dialogs() -> impl IntoView {
    let ui = crate::state::app().ui;
    view! {
        {move || {
            ui.dialog
                .get()
                .map(|dialog| match dialog {
                    DialogKind::NewSession => view! { <NewSessionDialog/> }.into_any(),
                    DialogKind::Palette => lazy::palette(),
                    DialogKind::Sheet => lazy::shortcut_sheet(),
                    DialogKind::AddProject => lazy::add_project(),
                    DialogKind::DeleteSession(id) => lazy::delete_session(id),
                    DialogKind::ArchiveSession(id) => lazy::archive_session(id),
                    DialogKind::RenameSession(id) => lazy::rename_session(id),
                    DialogKind::RenameProject(id) => lazy::rename_project(id),
                    DialogKind::RemoveProject(id) => lazy::remove_project(id),
                    DialogKind::EditRouter(edit) => lazy::edit_router(edit),
                    DialogKind::RemoveRouter(id) => lazy::remove_router(id),
                    DialogKind::EditAgent(edit) => lazy::edit_agent(edit),
                    DialogKind::RemoveAgent(id) => lazy::remove_agent(id),
                    DialogKind::RemovePrompt(id) => lazy::remove_prompt(id),
                    DialogKind::PromptHistory(id) => lazy::prompt_history(id),
                    DialogKind::SessionPrompt { id, changes } => lazy::session_prompt(id, changes),
                    DialogKind::EditMcp(edit) => lazy::edit_mcp(edit),
                    DialogKind::McpConsent { id, then } => lazy::mcp_consent(id, then),
                    DialogKind::McpTools(id) => lazy::mcp_tools(id),
                    DialogKind::McpAsked(id) => lazy::mcp_asked(id),
                    DialogKind::ClearMcp(id) => lazy::clear_mcp(id),
                    DialogKind::RemoveMcp(id) => lazy::remove_mcp(id),
                    DialogKind::Leave(route) => lazy::leave(route),
                })
        }}
    }
    .into_any()
}
