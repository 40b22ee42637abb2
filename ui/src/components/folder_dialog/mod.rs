//! Adds a project: the system's own folder picker in the window, a browser of folders elsewhere,
//! and a field for the path in both.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::FolderList;

use crate::components::button::{Button, IconButton, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::{InlineFailure, Skeleton};
use crate::logic::paths::shorten;
use crate::logic::route::Route;
use crate::state::{app, run};
use crate::strings::{dialogs, fill, t};
use crate::web::error::ApiError;
use crate::web::tauri;

/// Longest path shown, in characters.
const PATH: usize = 52;

#[component]
pub fn AddProjectDialog() -> impl IntoView {
    let app = app();
    let path = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<ApiError>);
    let add = move || {
        let wanted = path.get_untracked().trim().to_owned();
        if wanted.is_empty() {
            return;
        }
        failure.set(None);
        run(busy, async move {
            match app.api().add_project(&wanted).await {
                Ok(project) => {
                    app.ui.say(fill(dialogs().project_added, &[&project.name]));
                    app.take_project(project);
                    app.ui.close_dialog();
                    if app.model_is_without_sessions() {
                        app.ui.go(Route::Home);
                    }
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    };
    let pick = Callback::new(move |()| {
        spawn_local(async move {
            if let Some(chosen) = tauri::pick_folder().await {
                path.set(chosen);
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            add();
        }
    };
    let empty = Signal::derive(move || path.see(|path| path.trim().is_empty()));
    view! {
        <Dialog label=t().add_project class="folder-dialog">
            <header class="dialog-head">
                <h2 class="dialog-title">{t().add_project}</h2>
                <p class="dialog-text">{dialogs().add_project_text}</p>
            </header>
            <div class="dialog-main">
                <div class="folder-path">
                    <input
                        type="text"
                        class="input is-mono"
                        data-testid="project-path"
                        aria-label=t().folder
                        placeholder=dialogs().path_placeholder
                        spellcheck="false"
                        autocomplete="off"
                        autofocus=true
                        prop:value=path
                        on:input=move |event| {
                            failure.set(None);
                            path.set(event_target_value(&event));
                        }
                        on:keydown=on_key
                    />
                    {tauri::present()
                        .then(|| view! { <Button label=dialogs().browse icon_name=icon_name!("folder-open") on_click=pick/> })}
                </div>
                {(!tauri::present()).then(|| view! { <Folders path=path/> })}
                {move || {
                    failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
            </div>
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
                <Button
                    label=t().add_project
                    look=Look::Primary
                    testid="add-project-confirm"
                    busy=busy
                    disabled=empty
                    on_click=Callback::new(move |()| add())
                />
            </footer>
        </Dialog>
    }
    .into_any()
}

/// The engine's folders, one level at a time.
#[component]
fn Folders(path: RwSignal<String>) -> impl IntoView {
    let app = app();
    let list = RwSignal::new(None::<Result<FolderList, ApiError>>);
    let open = move |folder: Option<String>| {
        spawn_local(async move {
            let answer = match &folder {
                Some(folder) => app.api().folders(folder).await,
                None => app.api().home_folder().await,
            };
            if let (Ok(listed), true) = (&answer, folder.is_some()) {
                path.try_set(listed.path.clone());
            }
            list.try_set(Some(answer));
        });
    };
    open(None);
    view! {
        <div class="folders">
            {move || match list.get() {
                None => view! { <Skeleton rows=5/> }.into_any(),
                Some(Err(error)) => {
                    view! {
                        <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/>
                        <Button label=dialogs().home_folder on_click=Callback::new(move |()| open(None))/>
                    }
                        .into_any()
                }
                Some(Ok(listed)) => {
                    let parent = listed.parent.clone();
                    let has_parent = parent.is_some();
                    let empty = listed.folders.is_empty();
                    view! {
                        <header class="folders-head">
                            {has_parent
                                .then(|| {
                                    view! {
                                        <IconButton
                                            name=icon_name!("arrow-up")
                                            label=dialogs().parent_folder
                                            on_click=Callback::new(move |()| open(parent.clone()))
                                        />
                                    }
                                })}
                            <span>{shorten(&listed.path, PATH)}</span>
                        </header>
                        <ul>
                            {empty.then(|| view! { <li class="folders-none">{dialogs().no_folders}</li> })}
                            {listed
                                .folders
                                .into_iter()
                                .map(|folder| {
                                    let target = folder.path.clone();
                                    view! {
                                        <li>
                                            <button
                                                type="button"
                                                class="folder-row"
                                                data-testid="folder-row"
                                                on:click=move |_| open(Some(target.clone()))
                                            >
                                                {icon(if folder.git { icon_name!("folder-git-2") } else { icon_name!("folder") })}
                                                <span>{folder.name}</span>
                                                {folder.git.then(|| view! { <small>"git"</small> })}
                                                {icon(icon_name!("chevron-right"))}
                                            </button>
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}
