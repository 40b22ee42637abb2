//! The box for a new session: what should be done, and beneath it by whom and where.

mod pickers;

use crate::view::{html, prelude::*};
use berth_protocol::{AgentId, Code, ProjectId};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::icon_name;
use crate::components::notice::InlineFailure;
use crate::logic::command_line::CommandLineError;
use crate::logic::new_session::{
    CUSTOM, Form, FormError, TERMINAL, WORKTREE, first_agent, request,
};
use crate::logic::prompts::prompt_of;
use crate::logic::route::Route;
use crate::state::{AgentEdit, App, DialogKind, RouterEdit, app, effect, memo, run};
use crate::strings::t;
use crate::web::error::ApiError;
use crate::web::{dom, storage};
use pickers::Pickers;

/// What was chosen last is offered first.
pub const LAST_PROJECT: &str = "berth.last-project";
pub const LAST_AGENT: &str = "berth.last-agent";

/// The choices under the box. Each is a signal, so that one picker does not redraw the others.
#[derive(Clone, Copy)]
pub struct Choices {
    pub project: RwSignal<Option<ProjectId>>,
    pub agent: RwSignal<String>,
    pub workspace: RwSignal<String>,
    pub base: RwSignal<String>,
    pub transport: RwSignal<String>,
    pub mode: RwSignal<String>,
    pub router: RwSignal<String>,
}

/// The box in a dialog.
#[component]
pub fn NewSessionDialog() -> impl IntoView {
    view! {
        <Dialog label=t().new_session class="new-dialog" sticky=true>
            <NewSessionForm/>
        </Dialog>
    }
    .into_any()
}

#[component]
pub fn NewSessionForm() -> impl IntoView {
    let app = app();
    let choices = Choices {
        project: RwSignal::new(None),
        agent: RwSignal::default(),
        workspace: RwSignal::new(WORKTREE.to_owned()),
        base: RwSignal::default(),
        transport: RwSignal::new(TERMINAL.to_owned()),
        mode: RwSignal::default(),
        router: RwSignal::default(),
    };
    let prompt = app.ui.new_prompt;
    let command = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failed>);
    let area = NodeRef::<html::Textarea>::new();
    effect(move || {
        if let Some(area) = area.get() {
            area.focus().ok();
        }
    });
    // Sensible choices until the user makes others: what was used last, or the first that works.
    effect(move || {
        let projects = app.model.projects().get();
        let known = |id: &ProjectId| {
            projects
                .iter()
                .any(|project| project.id == *id && !project.missing)
        };
        if choices
            .project
            .get_untracked()
            .as_ref()
            .is_none_or(|id| !known(id))
        {
            let last = storage::get(LAST_PROJECT)
                .and_then(|id| id.parse().ok())
                .filter(known);
            choices.project.set(last.or_else(|| {
                projects
                    .iter()
                    .rev()
                    .find(|project| !project.missing)
                    .map(|project| project.id)
            }));
        }
    });
    effect(move || {
        let agents = app.model.agents().get();
        if !agents
            .iter()
            .any(|a| a.id.as_str() == choices.agent.get_untracked())
        {
            choices
                .agent
                .set(first_agent(&agents, storage::get(LAST_AGENT).as_deref()).unwrap_or_default());
        }
    });
    let is_custom = memo(move || choices.agent.get() == CUSTOM);
    let start = move || {
        let form = Form {
            prompt: prompt.get_untracked(),
            agent: choices.agent.get_untracked(),
            workspace: choices.workspace.get_untracked(),
            base: choices.base.get_untracked(),
            transport: choices.transport.get_untracked(),
            mode: choices.mode.get_untracked(),
            router: choices.router.get_untracked(),
            command: command.get_untracked(),
        };
        let project = choices
            .project
            .get_untracked()
            .and_then(|id| app.project_now(id));
        let agents = app.model.agents().get_untracked();
        let routers = app.model.routers().get_untracked();
        let known = routers.list.as_ref().map(|_| routers.all());
        let request = match request(&form, project.as_ref(), &agents, known) {
            Ok(request) => request,
            Err(error) => return failure.set(Some(Failed::Form(error))),
        };
        failure.set(None);
        run(busy, async move {
            match app.api().create_session(&request).await {
                Ok(session) => {
                    storage::set(LAST_PROJECT, &request.project_id.to_string());
                    storage::set(LAST_AGENT, request.agent.as_str());
                    let router = request.router.map(|id| id.to_string());
                    storage::set(
                        &last_router(request.agent.as_str()),
                        &router.unwrap_or_default(),
                    );
                    prompt.set(String::new());
                    let id = session.id;
                    app.take_session(session);
                    app.open_session(id);
                }
                Err(error) => {
                    failure.try_set(Some(Failed::Start(error, request.agent)));
                }
            }
        });
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && (event.meta_key() || event.ctrl_key()) {
            event.prevent_default();
            start();
        }
    };
    let keys = if dom::keyboard().mac {
        "⌘⏎"
    } else {
        "Ctrl ⏎"
    };
    view! {
        <form class="new-form" on:submit=move |event| event.prevent_default() on:keydown=on_key>
            <textarea
                node_ref=area
                class="new-prompt"
                rows="4"
                data-testid="session-prompt"
                aria-label=t().prompt_label
                placeholder=t().prompt_placeholder
                prop:value=prompt
                on:input=move |event| prompt.set(event_target_value(&event))
            ></textarea>
            <Show when=move || is_custom.get()>
                <label class="new-command">
                    <span>{t().command}</span>
                    <input
                        type="text"
                        class="input is-mono"
                        data-testid="session-command"
                        placeholder=t().command_placeholder
                        spellcheck="false"
                        autocomplete="off"
                        prop:value=command
                        on:input=move |event| command.set(event_target_value(&event))
                    />
                </label>
            </Show>
            {move || failure.get().map(|failed| view! { <div class="new-failure">{shown(app, &failed)}</div> })}
            <div class="new-foot">
                <Pickers choices=choices/>
                <Button
                    label=Signal::derive(move || if busy.get() { t().starting } else { t().start }.to_owned())
                    look=Look::Primary
                    icon_name=icon_name!("corner-down-left")
                    testid="start-session"
                    tip=keys
                    busy=busy
                    on_click=Callback::new(move |()| start())
                />
            </div>
        </form>
    }
    .into_any()
}

fn missing(error: FormError) -> &'static str {
    match error {
        FormError::RoutersUnknown => t().routers_unknown,
        FormError::NoProject => t().choose_project_first,
        FormError::NoAgent => t().choose_agent_first,
        FormError::NoRouter => t().choose_router_first,
        FormError::Command(CommandLineError::Empty) => t().command_empty,
        FormError::Command(CommandLineError::OpenQuote) => t().command_open_quote,
    }
}

/// Where the router is remembered that an agent was last started with.
pub fn last_router(agent: &str) -> String {
    format!("berth.last-router.{agent}")
}

/// Why no session was started.
#[derive(Clone)]
enum Failed {
    /// The form is not complete.
    Form(FormError),
    /// The engine refused to start this agent.
    Start(ApiError, AgentId),
}

/// A button that helps: its label, and what it does.
type Help = (&'static str, Callback<()>);

/// Why no session was started, with the button that helps where there is one.
fn shown(app: App, failed: &Failed) -> AnyView {
    let (text, hint, help) = match failed {
        Failed::Form(FormError::RoutersUnknown) => {
            let failure = app.model.routers().get_untracked().failure;
            let known = failure.map(|error| (error.text(), error.hint()));
            let (text, hint) = known.unwrap_or_else(|| (t().routers_unknown.to_owned(), None));
            (text, hint, None)
        }
        Failed::Form(error) => {
            let edit = DialogKind::EditRouter(RouterEdit::New { for_session: true });
            let add = Callback::new(move |()| app.ui.open(edit.clone()));
            let add = (*error == FormError::NoRouter).then_some((t().add_router, add));
            (missing(*error).to_owned(), None, add)
        }
        Failed::Start(error, agent) => (error.text(), error.hint(), help(app, error, agent)),
    };
    let button = help.map(|(label, on_click)| {
        view! { <Button label=label testid="help-with-start" on_click=on_click/> }
    });
    view! { <InlineFailure text=text hint=hint.unwrap_or_default()>{button}</InlineFailure> }
        .into_any()
}

/// What helps when the engine did not start an agent.
fn help(app: App, error: &ApiError, agent: &AgentId) -> Option<Help> {
    let label = match error.code()? {
        Code::PromptInvalid => {
            let id = error.problem().and_then(prompt_of)?;
            let open = Callback::new(move |()| {
                app.ui.close_dialog();
                app.ui.go(Route::Prompt(id));
            });
            return Some((t().open_prompt, open));
        }
        Code::RouterKeyMissing | Code::RouterNotFound | Code::RouterInvalid => {
            let manage = Callback::new(move |()| app.manage_routers());
            return Some((t().manage_routers, manage));
        }
        Code::AgentSecretMissing => t().enter_secret,
        Code::AgentInvalid => t().edit_agent,
        _ => return None,
    };
    let agent = agent.clone();
    let edit = move |()| {
        // The box comes back with it, as it was left.
        storage::set(LAST_AGENT, agent.as_str());
        app.ui.open(DialogKind::EditAgent(AgentEdit::Change {
            id: agent.clone(),
            for_session: true,
        }));
    };
    Some((label, Callback::new(edit)))
}
