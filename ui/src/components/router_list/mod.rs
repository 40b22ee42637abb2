//! The routers among the settings: what each leads to, what it misses, and what runs them here.

use crate::view::prelude::*;
use berth_protocol::{Router, RouterId, RouterKind, RouterProgram};

use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::components::menu::{MenuButton, MenuItem};
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::state::{App, DialogKind, RouterEdit, app, memo};
use crate::strings::{fill, pages, t};
use crate::web::{clock, dom, error::ApiError};

/// Models named in a row; the editor shows the others.
const MODELS: usize = 4;

/// A button that opens the editor.
#[component]
pub fn AddRouter() -> impl IntoView {
    let app = app();
    let add = Callback::new(move |()| app.ui.open(new()));
    view! { <Button label=t().add_router icon_name=icon_name!("plus") testid="add-router" on_click=add/> }.into_any()
}

const fn new() -> DialogKind {
    DialogKind::EditRouter(RouterEdit::New { for_session: false })
}

/// All routers.
#[component]
pub fn RouterList() -> impl IntoView {
    let app = app();
    app.need_routers();
    let retry = Callback::new(move |()| app.fetch_routers());
    let face = memo(move || {
        let routers = app.model.routers().get();
        match (&routers.list, routers.failure) {
            (Some(list), _) if list.routers.is_empty() => Face::Empty,
            (Some(_), _) => Face::Rows,
            (None, Some(error)) => Face::Failed(error),
            (None, None) => Face::Loading,
        }
    });
    let ids = memo(move || {
        let routers = app.model.routers().get();
        let ids = routers.all().iter().map(|router| router.id);
        ids.collect::<Vec<_>>()
    });
    view! {
        {move || app.model.routers().get().list.map(|list| program(&list.program))}
        {move || match face.get() {
            Face::Rows => {
                view! {
                    <ul class="routers">
                        // Rows stay while they change, so that the focus is where it was.
                        <For each=move || ids.get() key=|id| *id let:id>
                            {row(app, id)}
                        </For>
                    </ul>
                }
                    .into_any()
            }
            Face::Empty => {
                view! {
                    <div class="routers-none">
                        <Empty name=icon_name!("route") title=pages().no_routers text=pages().no_routers_text>
                            <Button
                                label=t().add_router
                                look=Look::Primary
                                icon_name=icon_name!("plus")
                                on_click=Callback::new(move |()| app.ui.open(new()))
                            />
                        </Empty>
                    </div>
                }
                    .into_any()
            }
            Face::Failed(error) => {
                view! {
                    <Failure
                        title=pages().routers_failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=retry
                    />
                }
                    .into_any()
            }
            Face::Loading => view! { <Skeleton rows=3/> }.into_any(),
        }}
    }
    .into_any()
}

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Empty,
    Rows,
}

/// Moves the focus to the button that adds a router: what had it is gone.
pub fn focus_add() {
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        dom::focus("[data-testid=add-router]");
    });
}

/// What is installed.
fn program(program: &RouterProgram) -> AnyView {
    if let (Some(kind), Some(version)) = (program.kind, &program.version) {
        let text = fill(pages().router_program, &[kind.name(), version]);
        return view! { <p class="router-program" data-testid="router-program">{icon(icon_name!("circle-check"))}<span>{text}</span></p> }.into_any();
    }
    let detail = program.detail.clone();
    let detail = detail.unwrap_or_else(|| pages().no_router_program.to_owned());
    view! {
        <div class="router-program is-missing" data-testid="router-program">
            {icon(icon_name!("info"))}
            <div>
                <p>{detail}</p>
                {program.hint.clone().map(|hint| view! { <p class="router-hint">{hint}</p> })}
            </div>
        </div>
    }
    .into_any()
}

fn row(app: App, id: RouterId) -> AnyView {
    let router = memo(move || {
        let routers = app.model.routers().get();
        routers.all().iter().find(|router| router.id == id).cloned()
    });
    let installed = memo(move || app.model.routers().get().list?.program.kind);
    let name = Signal::derive(move || {
        router.with(|router| {
            router
                .as_ref()
                .map(|router| router.name.clone())
                .unwrap_or_default()
        })
    });
    let edit = move |_| app.ui.open(DialogKind::EditRouter(RouterEdit::Change(id)));
    view! {
        <li class="router" data-testid="router-row" data-router=id.to_string()>
            <span class="router-mark">{icon(icon_name!("route"))}</span>
            <div class="router-main">
                <p class="router-name">
                    <button type="button" class="router-open" data-testid="open-router" on:click=edit>{name}</button>
                    <span class="router-kind">
                        {move || router.with(|router| router.as_ref().map_or("", |router| router.settings.kind.name()))}
                    </span>
                </p>
                {move || router.get().map(|router| view! { {ways(&router)}{notes(&router, installed.get())} })}
            </div>
            <MenuButton
                name=icon_name!("ellipsis")
                label=Signal::derive(move || fill(pages().router_menu, &[&name.get()]))
                testid="router-menu"
                items=Callback::new(move |()| items(app, id))
            />
        </li>
    }
    .into_any()
}

/// What keeps sessions from being started with it.
fn notes(router: &Router, installed: Option<RouterKind>) -> AnyView {
    let kind = router.settings.kind;
    let missing: Vec<_> = router.missing_keys().collect();
    let missing = (!missing.is_empty())
        .then(|| note(fill(pages().router_keys_missing, &[&missing.join(", ")])));
    let absent = kind != RouterKind::ClaudeVertex && installed != Some(kind);
    let absent = absent.then(|| note(fill(t().router_not_installed, &[kind.name()])));
    view! { {missing}{absent} }
}

/// The providers with their models, or the project on Vertex AI.
fn ways(router: &Router) -> AnyView {
    let settings = &router.settings;
    let way = |from: &str, to: String| {
        let from = from.to_owned();
        view! { <li><span>{from}</span>{icon(icon_name!("chevron-right"))}<span>{to}</span></li> }
            .into_any()
    };
    let mut ways = Vec::new();
    for provider in &settings.providers {
        let more = provider.models.len().saturating_sub(MODELS);
        let named = provider.models.len().min(MODELS);
        let mut models = provider.models[..named].join(", ");
        if more > 0 {
            models.push_str(&format!(" {}", fill(t().many_more, &[&more.to_string()])));
        }
        ways.push(way(&provider.name, models));
    }
    if let Some(vertex) = settings.vertex.as_ref().filter(|_| ways.is_empty()) {
        let models = [&vertex.model, &vertex.small_model];
        let models: Vec<_> = models.into_iter().flatten().map(String::as_str).collect();
        let place = format!("{} ({})", vertex.project, vertex.location);
        ways.push(match models.is_empty() {
            true => way(&place, pages().vertex_own_models.to_owned()),
            false => way(&place, models.join(", ")),
        });
    }
    view! { <ul class="router-ways">{ways}</ul> }.into_any()
}

fn note(text: String) -> AnyView {
    view! { <p class="router-note">{icon(icon_name!("triangle-alert"))}<span>{text}</span></p> }
        .into_any()
}

fn items(app: App, id: RouterId) -> Vec<MenuItem> {
    let item = |label: &str, icon, danger, testid, dialog: DialogKind| MenuItem {
        label: label.to_owned(),
        icon,
        danger,
        testid,
        run: Callback::new(move |()| app.ui.open(dialog.clone())),
    };
    let edit = DialogKind::EditRouter(RouterEdit::Change(id));
    let copy = DialogKind::EditRouter(RouterEdit::Copy(id));
    let remove = DialogKind::RemoveRouter(id);
    vec![
        item(t().edit, icon_name!("pencil"), false, "edit-router", edit),
        item(
            t().duplicate,
            icon_name!("copy"),
            false,
            "copy-router",
            copy,
        ),
        item(
            t().remove,
            icon_name!("trash-2"),
            true,
            "remove-router",
            remove,
        ),
    ]
}
