//! The left column: a new session, all sessions grouped by need, and the other pages.

mod session_row;

use crate::view::prelude::*;
use berth_protocol::SessionId;

use crate::components::button::IconButton;
use crate::components::connection::ConnectionState;
use crate::components::icon::{IconName, icon, icon_name};
use crate::components::notice::Skeleton;
use crate::components::resizer::Resizer;
use crate::lazy;
use crate::logic::groups::{self, Group};
use crate::logic::keys::Shortcut;
use crate::logic::route::Route;
use crate::state::{DialogKind, Phase, app, memo};
use crate::strings::t;
use crate::web::dom;
use crate::wire::has_active;
use session_row::SessionRow;

/// From this many sessions on there is a box to search them.
const SEARCH_FROM: usize = 8;

#[component]
pub fn Sidebar() -> impl IntoView {
    let app = app();
    let keyboard = dom::keyboard();
    let query = RwSignal::new(String::new());
    let many = memo(move || app.model.sessions().see(|all| all.len()) >= SEARCH_FROM);
    let none = memo(move || app.model.sessions().see(|all| all.is_empty()));
    let hide = Callback::new(move |()| {
        app.prefs.sidebar_open.set(false);
        app.ui.sidebar_drawer.set(false);
    });
    view! {
        <aside class="sidebar" aria-label=t().sidebar>
            <header class="sidebar-head">
                <a class="brand" href="#/">
                    <span class="brand-mark" aria-hidden="true"></span>
                    "Berth"
                </a>
                <IconButton
                    name=icon_name!("search")
                    label=t().palette
                    keys=Shortcut::Palette.keys(keyboard)
                    on_click=Callback::new(move |()| app.ui.open(DialogKind::Palette))
                />
                <IconButton
                    name=icon_name!("panel-left")
                    label=t().hide_sidebar
                    keys=Shortcut::Sidebar.keys(keyboard)
                    on_click=hide
                />
            </header>
            <button
                type="button"
                class="new-button"
                data-testid="new-session"
                on:click=move |_| app.new_session()
            >
                {icon(icon_name!("plus"))}
                <span>{t().new_session}</span>
                <kbd>{Shortcut::NewSession.keys(keyboard)}</kbd>
            </button>
            <Show when=move || many.get()>
                <div class="sidebar-search">
                    {icon(icon_name!("search"))}
                    <input
                        type="search"
                        placeholder=t().filter_sessions
                        aria-label=t().filter_sessions
                        spellcheck="false"
                        prop:value=query
                        on:input=move |event| query.set(event_target_value(&event))
                    />
                </div>
            </Show>
            <nav class="sidebar-sessions" aria-label=t().sessions>
                {move || match (app.model.phase().get(), none.get()) {
                    (Phase::Loading, _) => view! { <Skeleton/> }.into_any(),
                    (_, true) => view! { <p class="sidebar-none">{t().no_sessions}</p> }.into_any(),
                    (_, false) => {
                        Group::ALL.map(|group| view! { <GroupList group=group query=query/> }).collect_view().into_any()
                    }
                }}
            </nav>
            <nav class="sidebar-pages" aria-label=t().pages>
                <PageLink route=Route::Projects name=icon_name!("folder-git-2") label=t().projects testid="nav-projects"/>
                <PageLink route=Route::Prompts name=icon_name!("scroll-text") label=t().prompts testid="nav-prompts"/>
                <PageLink route=Route::Mcp name=icon_name!("plug") label=t().mcp_servers testid="nav-mcp"/>
                <PageLink route=Route::Organization name=icon_name!("building-2") label=t().scope_organization testid="nav-organization"/>
                <PageLink route=Route::Audit name=icon_name!("history") label=t().audit testid="nav-audit"/>
                <PageLink route=Route::Settings name=icon_name!("settings") label=t().settings testid="nav-settings"/>
            </nav>
            <footer class="sidebar-foot">
                <ConnectionState/>
                <Show when=move || app.model.org().with(|org| has_active(org))>{lazy::org_sign()}</Show>
                <IconButton
                    name=icon_name!("keyboard")
                    label=t().sheet
                    keys=Shortcut::Sheet.keys(keyboard)
                    on_click=Callback::new(move |()| app.ui.open(DialogKind::Sheet))
                />
            </footer>
            <Resizer width=app.prefs.sidebar_width label=t().sidebar_width/>
        </aside>
    }
    .into_any()
}

#[component]
fn GroupList(group: Group, query: RwSignal<String>) -> impl IntoView {
    let app = app();
    let open = RwSignal::new(group != Group::Archived);
    let members: Memo<Vec<SessionId>> = memo(move || {
        app.model
            .sessions()
            .see(|all| groups::members(all, group, &query.get()))
    });
    let title = match group {
        Group::NeedsYou => t().group_needs_you,
        Group::Running => t().group_running,
        Group::Idle => t().group_idle,
        Group::Archived => t().group_archived,
    };
    let shown = memo(move || open.get() || !query.get().trim().is_empty());
    view! {
        <Show when=move || !members.with(Vec::is_empty)>
            <section class="group" class:needs-you=group == Group::NeedsYou>
                <button
                    type="button"
                    class="group-head"
                    aria-expanded=move || shown.get().to_string()
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    <span>{title}</span>
                    <span class="group-count">{move || members.with(Vec::len)}</span>
                    <span class="group-arrow">{icon(icon_name!("chevron-right"))}</span>
                </button>
                <Show when=move || shown.get()>
                    <ul class="group-rows">
                        <For each=move || members.get() key=|id| *id let:id>
                            <SessionRow id=id/>
                        </For>
                    </ul>
                </Show>
            </section>
        </Show>
    }
    .into_any()
}

#[component]
fn PageLink(
    route: Route,
    name: IconName,
    label: &'static str,
    testid: &'static str,
) -> impl IntoView {
    let app = app();
    let current = move || {
        let now = app.ui.route.get();
        let is_part = (now == Route::Routers && route == Route::Settings)
            || (now.is_prompt() && route == Route::Prompts);
        (now == route || is_part).then_some("page")
    };
    view! {
        <a class="page-link" href=route.fragment() aria-current=current data-testid=testid>
            {icon(name)}
            <span>{label}</span>
        </a>
    }
    .into_any()
}
