//! What a session was given when it last started, and what it would be given now.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{SessionId, SessionPrompt};

use super::EffectiveView;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::icon_name;
use crate::components::notice::{Failure, InlineFailure, Skeleton};
use crate::components::session_prompt::{restart as restart_session, restart_label};
use crate::components::text_diff::DiffView;
use crate::components::when::When;
use crate::logic::prompts::prompt_of;
use crate::logic::route::Route;
use crate::state::{App, app, effect, memo};
use crate::strings::{fill, prompt_pages, t};
use crate::web::error::ApiError;

#[component]
pub fn SessionPromptDialog(id: SessionId, changes: bool) -> impl IntoView {
    let app = app();
    let answer = RwSignal::new(None::<Result<SessionPrompt, ApiError>>);
    let fetch = move || {
        spawn_local(async move {
            let told = app.api().session_prompt(id).await;
            answer.try_set(Some(told));
        });
    };
    effect(move || {
        app.model.prompts_changed().track();
        fetch();
    });
    let session = app.session(id);
    let live = memo(move || session.see(|s| s.as_ref().is_some_and(|s| s.status.is_live())));
    let can_restart = memo(move || {
        let helps = |told: &SessionPrompt| told.changed.is_some() && told.undelivered.is_none();
        answer.with(|answer| matches!(answer, Some(Ok(told)) if helps(told))) && live.get()
    });
    let new_conversation = memo(move || {
        answer.with(|answer| matches!(answer, Some(Ok(told)) if told.wants_new_conversation))
    });
    let busy = RwSignal::new(false);
    let restart = Callback::new(move |()| {
        restart_session(app, id, new_conversation.get_untracked(), busy);
        app.ui.close_dialog();
    });
    let close = Callback::new(move |()| app.ui.close_dialog());
    let title = if changes {
        prompt_pages().what_changed
    } else {
        t().effective_prompt
    };
    let text = if changes {
        prompt_pages().what_changed_text
    } else {
        prompt_pages().effective_prompt_text
    };
    view! {
        <Dialog label=title class="prompt-dialog">
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            <div class="dialog-main" data-testid="session-prompt-dialog">
                {move || match answer.get() {
                    None => view! { <Skeleton rows=6/> }.into_any(),
                    Some(Err(error)) => {
                        view! {
                            <Failure
                                title=prompt_pages().effective_prompt_failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=Callback::new(move |()| fetch())
                            />
                        }
                            .into_any()
                    }
                    Some(Ok(told)) => shown(app, told, changes),
                }}
            </div>
            <footer class="dialog-foot">
                <Button label=t().close look=Look::Quiet testid="close-dialog" on_click=close/>
                <Show when=move || can_restart.get()>
                    <Button
                        label=Signal::derive(move || restart_label(new_conversation.get()).to_owned())
                        look=Look::Primary
                        icon_name=icon_name!("rotate-ccw")
                        testid="restart-with-prompts"
                        busy=busy
                        on_click=restart
                    />
                </Show>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn shown(app: App, told: SessionPrompt, changes: bool) -> AnyView {
    let problem = told.problem.map(|problem| {
        let link = prompt_of(&problem).map(|id| {
            view! { <a href=Route::Prompt(id).fragment() on:click=move |_| app.ui.close_dialog()>{t().open_prompt}</a> }
        });
        let text = fill(t().prompts_unusable, &[&problem.detail]);
        view! { <InlineFailure text=text hint=problem.hint.unwrap_or_default()>{link}</InlineFailure> }
    });
    let diff = told
        .changed
        .map(|diff| view! { <DiffView diff=diff label=prompt_pages().since_then/> });
    if changes {
        let diff = diff.unwrap_or_else(
            || view! { <p class="text-diff-none">{prompt_pages().no_difference}</p> },
        );
        return view! { {problem}{diff} }.into_any();
    }
    let nothing = told.effective.parts.is_empty();
    view! {
        {problem}
        <p class="effective-when">{fill(prompt_pages().history_version_run, &[&told.run.to_string()])}" · "<When at=told.at long=true/></p>
        {nothing.then(|| view! { <p class="text-diff-none" data-testid="effective-none">{prompt_pages().effective_prompt_none}</p> })}
        <EffectiveView effective=told.effective origins=told.origins undelivered=told.undelivered own=None/>
        {diff}
    }
    .into_any()
}
