//! Dialogs that name a thing and ask: rename, archive, delete, remove.

mod clear_mcp;
mod delete_session;
mod leave;
mod remove_agent;
mod remove_mcp;
mod remove_prompt;
mod remove_router;
mod rename;

use crate::view::prelude::*;
use berth_protocol::{ProjectId, SessionId};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::notice::InlineFailure;
use crate::state::{app, run};
use crate::strings::{dialogs, fill, t};
use crate::web::error::ApiError;

pub use clear_mcp::ClearMcpDialog;
pub use delete_session::DeleteSessionDialog;
pub use leave::LeaveDialog;
pub use remove_agent::RemoveAgentDialog;
pub use remove_mcp::RemoveMcpDialog;
pub use remove_prompt::RemovePromptDialog;
pub use remove_router::RemoveRouterDialog;
pub use rename::{RenameProjectDialog, RenameSessionDialog};

/// A question with one button that does it.
#[component]
pub fn Confirm(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(into)] action: Signal<String>,
    #[prop(optional)] look: Look,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    on_confirm: Callback<()>,
    /// It cannot be done now; what stands in the question says why.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let app = app();
    view! {
        <Dialog label=title.clone()>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            <div class="dialog-main">
                {children.map(|children| children())}
                {move || {
                    failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
            </div>
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
                <Button label=action look=look testid="confirm" busy=busy disabled=disabled on_click=on_confirm/>
            </footer>
        </Dialog>
    }
    .into_any()
}

#[component]
pub fn ArchiveSessionDialog(id: SessionId) -> impl IntoView {
    let app = app();
    let Some(session) = app.session_now(id) else {
        return ().into_any();
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let live = session.status.is_live();
    let confirm = Callback::new(move |()| {
        run(busy, async move {
            match app.archive(id).await {
                Ok(()) => app.ui.close_dialog(),
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! {
        <Confirm
            title=fill(dialogs().archive_title, &[&session.title])
            text=dialogs().archive_text
            action=if live { dialogs().stop_and_archive } else { t().archive }
            look=Look::Primary
            busy=busy
            failure=failure
            on_confirm=confirm
        />
    }
    .into_any()
}

#[component]
pub fn RemoveProjectDialog(id: ProjectId) -> impl IntoView {
    let app = app();
    let Some(project) = app.project_now(id) else {
        return ().into_any();
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let confirm = Callback::new(move |()| {
        run(busy, async move {
            match app.api().remove_project(id).await {
                Ok(()) => {
                    app.apply(berth_protocol::Event::ProjectRemoved { id });
                    app.ui.close_dialog();
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! {
        <Confirm
            title=fill(dialogs().remove_project_title, &[&project.name])
            text=dialogs().remove_project_text
            action=t().remove
            look=Look::Danger
            busy=busy
            failure=failure
            on_confirm=confirm
        />
    }
    .into_any()
}
