//! The prompt of a session: what has become of it since it started, where the user looks, and its facts.
//!
//! Its words are fetched when somebody asks for them.

use crate::view::prelude::*;
use berth_protocol::{Beginning, Session, SessionId};

use crate::components::button::Button;
use crate::components::icon::{icon, icon_name};
use crate::logic::prompts::{prompt_of, short_hash};
use crate::logic::route::Route;
use crate::state::{App, DialogKind, app, memo};
use crate::strings::{count, fill, t};
use crate::wire::Given;

/// Says that the session's agent works with something else than it would be given now, and what helps.
#[component]
pub fn PromptNotice(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let live = memo(move || session.see(|s| s.as_ref().is_some_and(|s| s.status.is_live())));
    let given = memo(move || app.given(id));
    let busy = RwSignal::new(false);
    view! {
        {move || match given.get() {
            Some(Given { problem: Some(problem), .. }) => {
                // The words that a session brings along itself are no prompt that can be opened.
                let prompt = prompt_of(&problem).filter(|prompt| prompt.0 != id.0);
                let link = prompt.map(|id| {
                    view! { <a class="button" href=Route::Prompt(id).fragment() data-testid="open-prompt">{t().open_prompt}</a> }
                });
                view! {
                    <div class="prompt-notice is-failed" role="alert" data-testid="prompt-notice">
                        {icon(icon_name!("circle-alert"))}
                        <div>
                            <p>{fill(t().prompts_unusable, &[&problem.detail])}</p>
                            {problem.hint.clone().map(|hint| view! { <p class="prompt-notice-hint">{hint}</p> })}
                        </div>
                        {link}
                    </div>
                }
                    .into_any()
            }
            // An agent that takes none would not get what has changed either.
            Some(Given { changed: true, undelivered: None, wants_new_conversation, .. }) if live.get() => {
                let show = Callback::new(move |()| app.ui.open(DialogKind::SessionPrompt { id, changes: true }));
                let restart = Callback::new(move |()| restart(app, id, wants_new_conversation, busy));
                let more = wants_new_conversation
                    .then(|| view! { <p class="prompt-notice-hint">{t().prompts_want_new}</p> });
                view! {
                    <div class="prompt-notice" role="status" data-testid="prompt-notice">
                        {icon(icon_name!("scroll-text"))}
                        <div><p>{t().prompts_have_changed}</p>{more}</div>
                        <Button label=t().show_what_changed testid="show-prompt-changes" on_click=show/>
                        <Button
                            label=restart_label(wants_new_conversation)
                            icon_name=icon_name!("rotate-ccw")
                            testid="restart-for-prompts"
                            busy=busy
                            on_click=restart
                        />
                    </div>
                }
                    .into_any()
            }
            _ => ().into_any(),
        }}
    }
    .into_any()
}

/// Starts a session again so that it is given the prompts as they are now: in a new conversation, told what was
/// said, where the agent's conversation keeps what it began with.
pub fn restart(app: App, id: SessionId, new_conversation: bool, busy: RwSignal<bool>) {
    match new_conversation {
        true => app.restart_session(id, Beginning::Transcript, busy),
        false => app.session_action(id, "restart", busy),
    }
}

/// What the button for that is called.
pub fn restart_label(new_conversation: bool) -> &'static str {
    match new_conversation {
        true => t().restart_told,
        false => t().restart,
    }
}

/// What is known of it.
pub fn facts(app: App, id: SessionId, given: &Given) -> AnyView {
    let open = move |_| {
        app.ui
            .open(DialogKind::SessionPrompt { id, changes: false })
    };
    let parts = count(given.parts as u64, t().one_part, t().many_parts);
    let shown = match given.parts {
        0 => parts,
        _ => fill(
            t().effective_prompt_of,
            &[&parts, &short_hash(&given.sha256)],
        ),
    };
    let warnings = (given.warnings > 0).then(|| {
        let text = count(given.warnings as u64, t().one_warning, t().many_warnings);
        view! { <p class="prompt-fact is-warning">{icon(icon_name!("triangle-alert"))}<span>{text}</span></p> }
    });
    let undelivered = given.undelivered.as_ref().map(|why| {
        let text = fill(t().undelivered, &[why]);
        view! { <p class="prompt-fact is-warning" data-testid="prompt-undelivered">{icon(icon_name!("info"))}<span>{text}</span></p> }
    });
    view! {
        <section class="facts" data-testid="details-prompt">
            <h3>{t().effective_prompt}</h3>
            <button
                type="button"
                class="prompt-fact is-link"
                data-testid="open-effective-prompt"
                aria-label=fill(t().effective_prompt_open, &[&shown])
                on:click=open
            >
                {icon(icon_name!("scroll-text"))}
                <span>{shown}</span>
            </button>
            {warnings}
            {undelivered}
        </section>
    }
    .into_any()
}
