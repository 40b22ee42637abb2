//! Deletes a prompt with all its versions.

use crate::view::prelude::*;
use berth_protocol::{Code, PromptId};

use super::Confirm;
use crate::components::button::Look;
use crate::logic::route::Route;
use crate::state::{app, run};
use crate::strings::{dialogs, fill, t};
use crate::web::{clock, dom, task::spawn_local};

#[component]
pub fn RemovePromptDialog(id: PromptId) -> impl IntoView {
    let app = app();
    let Some(prompt) = app.prompt_now(id) else {
        return ().into_any();
    };
    let title = fill(dialogs().remove_prompt_title, &[&prompt.name]);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let name = prompt.name.clone();
    let confirm = Callback::new(move |()| {
        // Who is told that it has changed, and asks again, means what it is now.
        let version = app.prompt_now(id).map_or(prompt.version, |now| now.version);
        let said = fill(dialogs().prompt_removed, &[&name]);
        run(busy, async move {
            match app.api().remove_prompt(id, version).await {
                Err(error) if error.code() != Some(Code::PromptNotFound) => {
                    // What it is now is shown behind the question, so that it is asked about that.
                    app.fetch_prompts();
                    failure.try_set(Some(error));
                }
                // Somebody else may have removed it meanwhile.
                _ => {
                    app.fetch_prompts();
                    app.ui.close_dialog();
                    if app.ui.route.get_untracked() == Route::Prompt(id) {
                        app.ui.leave(Route::Prompts);
                    }
                    app.ui.say(said);
                    focus_new();
                }
            }
        });
    });
    view! {
        <Confirm
            title=title
            text=dialogs().remove_prompt_text
            action=t().delete
            look=Look::Danger
            busy=busy
            failure=failure
            on_confirm=confirm
        />
    }
    .into_any()
}

/// Moves the focus to the button that adds a prompt: what had it is gone.
fn focus_new() {
    spawn_local(async move {
        clock::next_frame().await;
        dom::focus("[data-testid=new-prompt]");
    });
}
