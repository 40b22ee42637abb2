//! Gives a session or a project another name.

use crate::view::{html, prelude::*};
use berth_protocol::{ProjectId, SessionId};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::notice::InlineFailure;
use crate::state::{app, effect, run};
use crate::strings::{dialogs, t};
use crate::web::error::ApiError;

/// Longest names, in characters.
const SESSION_NAME: &str = "200";
const PROJECT_NAME: &str = "100";

#[component]
pub fn RenameSessionDialog(id: SessionId) -> impl IntoView {
    let app = app();
    let before = app
        .session_now(id)
        .map(|session| session.title)
        .unwrap_or_default();
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let save = Callback::new(move |name: String| {
        run(busy, async move {
            match app.api().rename_session(id, name).await {
                Ok(session) => {
                    app.take_session(session);
                    app.ui.close_dialog();
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! { <Rename title=dialogs().rename_session before=before max=SESSION_NAME busy=busy failure=failure on_save=save/> }
}

#[component]
pub fn RenameProjectDialog(id: ProjectId) -> impl IntoView {
    let app = app();
    let before = app
        .project_now(id)
        .map(|project| project.name)
        .unwrap_or_default();
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let save = Callback::new(move |name: String| {
        run(busy, async move {
            match app.api().rename_project(id, name).await {
                Ok(project) => {
                    app.take_project(project);
                    app.ui.close_dialog();
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! { <Rename title=dialogs().rename_project before=before max=PROJECT_NAME busy=busy failure=failure on_save=save/> }
}

#[component]
fn Rename(
    title: &'static str,
    before: String,
    max: &'static str,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    on_save: Callback<String>,
) -> impl IntoView {
    let app = app();
    let name = RwSignal::new(before);
    let input = NodeRef::<html::Input>::new();
    effect(move || {
        if let Some(input) = input.get() {
            input.select();
        }
    });
    let empty = Signal::derive(move || name.see(|name| name.trim().is_empty()));
    let save = move || {
        let name = name.get_untracked().trim().to_owned();
        if !name.is_empty() {
            on_save.run(name);
        }
    };
    view! {
        <Dialog label=title>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
            </header>
            <div class="dialog-main">
                <input
                    node_ref=input
                    type="text"
                    class="input"
                    data-testid="rename-input"
                    aria-label=t().name
                    maxlength=max
                    autofocus=true
                    prop:value=name
                    on:input=move |event| name.set(event_target_value(&event))
                    on:keydown=move |event| {
                        if event.key() == "Enter" {
                            event.prevent_default();
                            save();
                        }
                    }
                />
                {move || {
                    failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
            </div>
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
                <Button
                    label=t().save
                    look=Look::Primary
                    testid="confirm"
                    busy=busy
                    disabled=empty
                    on_click=Callback::new(move |()| save())
                />
            </footer>
        </Dialog>
    }
    .into_any()
}
