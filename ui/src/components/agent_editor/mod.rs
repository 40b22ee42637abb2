//! The editor of an agent that a user describes: what starts it, what it can do, how it is read.
//!
//! The description is saved first, then the secrets that were typed: a secret needs its variable to be
//! named. What could not be saved keeps the dialog open and says what was.

mod abilities;
mod draft;
mod modes;
mod screen;
mod secrets;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{
    Agent, AgentDefinition, AgentId, Code, DefineAgent, DefinedAgent, FieldProblem,
};

use crate::components::agent_list::focus_add;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::{Options, SelectField, TextArea, TextField, focus_first_wrong};
use crate::components::notice::{Failure, InlineFailure, Skeleton};
use crate::components::stored_secret::Kept;
use crate::logic::agent_form::{Form, id_from};
use crate::logic::new_session::{can_be_like, can_start};
use crate::logic::route::Route;
use crate::state::{AgentEdit, App, DialogKind, app, effect, memo, run};
use crate::strings::{agent_editor, count, fill, form_parts, t};
use crate::web::{clock, dom, error::ApiError};
use abilities::Abilities;
use draft::{Draft, Secret};
use modes::Modes;
use screen::ScreenRules;
use secrets::Secrets;

/// Where the form is in the page.
const FORM: &str = ".is-agent";

/// What the editor waits for.
#[derive(Clone)]
enum Source {
    Loading,
    Failed(ApiError),
    /// The description that is changed or copied, if there is one.
    Ready(Option<Box<DefinedAgent>>),
}

#[component]
pub fn AgentEditor(edit: AgentEdit) -> impl IntoView {
    let app = app();
    let known = match &edit {
        AgentEdit::Change { id, .. } | AgentEdit::Copy(id) => Some(id.clone()),
        AgentEdit::New | AgentEdit::Variant(_) => None,
    };
    let source = RwSignal::new(match known {
        Some(_) => Source::Loading,
        None => Source::Ready(None),
    });
    let attempt = RwSignal::new(());
    effect(move || {
        attempt.track();
        let Some(id) = known.clone() else { return };
        spawn_local(async move {
            let answer = app.api().agent_definition(&id).await;
            source.try_set(match answer {
                Ok(agent) => Source::Ready(Some(Box::new(agent))),
                Err(error) => Source::Failed(error),
            });
        });
    });
    let retry = Callback::new(move |()| {
        source.set(Source::Loading);
        attempt.set(());
    });
    let (title, text) = match &edit {
        AgentEdit::New => (
            agent_editor().describe_agent,
            agent_editor().agent_form_text.to_owned(),
        ),
        AgentEdit::Variant(id) => (
            agent_editor().describe_agent,
            fill(
                agent_editor().agent_variant_text,
                &[&name_of(app, id.as_str())],
            ),
        ),
        AgentEdit::Change { .. } => (t().edit_agent, agent_editor().agent_edit_text.to_owned()),
        AgentEdit::Copy(_) => (
            agent_editor().describe_agent,
            agent_editor().agent_copy_text.to_owned(),
        ),
    };
    // The form answers once it is there.
    let guard = StoredValue::new(None::<Callback<(), bool>>);
    let may_close = Callback::new(move |()| guard.get_value().is_none_or(|ask| ask.run(())));
    view! {
        <Dialog label=title class="editor-dialog" sticky=true may_close=may_close>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            {move || match source.get() {
                Source::Loading => view! { <div class="dialog-main"><Skeleton rows=6/></div> }.into_any(),
                Source::Failed(error) => {
                    view! {
                        <div class="dialog-main">
                            <Failure
                                title=agent_editor().agent_definition_failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=retry
                            />
                        </div>
                    }
                        .into_any()
                }
                Source::Ready(agent) => {
                    let edit = edit.clone();
                    leptos::prelude::untrack(move || editor(app, edit, agent.map(|agent| *agent), guard))
                }
            }}
        </Dialog>
    }
    .into_any()
}

/// The form that the editor begins with.
fn first_form(app: App, edit: &AgentEdit, agent: Option<&DefinedAgent>) -> Form {
    match (edit, agent) {
        (AgentEdit::Change { id, .. }, Some(agent)) => Form::of(id.as_str(), &agent.definition),
        (AgentEdit::Copy(_), Some(agent)) => {
            let definition = AgentDefinition {
                name: fill(agent_editor().agent_copy, &[&agent.definition.name]),
                ..agent.definition.clone()
            };
            Form::of("", &definition)
        }
        (AgentEdit::Variant(like), _) => Form {
            like: like.to_string(),
            name: fill(agent_editor().agent_copy, &[&name_of(app, like.as_str())]),
            ..Form::default()
        },
        _ => Form::default(),
    }
}

fn editor(
    app: App,
    edit: AgentEdit,
    agent: Option<DefinedAgent>,
    guard: StoredValue<Option<Callback<(), bool>>>,
) -> AnyView {
    let changes = matches!(edit, AgentEdit::Change { .. });
    let taken = app.model.agents().with_untracked(|all| {
        let ids = all.iter().map(|agent| agent.id.to_string());
        ids.collect::<Vec<_>>()
    });
    let mut form = first_form(app, &edit, agent.as_ref());
    if !changes {
        form.id = id_from(&form.name, &taken);
    }
    let draft = Draft::new(&form, (!changes).then_some(taken));
    // The agent as the engine has it; none before the first save.
    let saved = RwSignal::new(agent.filter(|_| changes));
    let before = RwSignal::new(form);
    let leaving = RwSignal::new(false);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<Failed>));
    spawn_local(async move {
        clock::next_frame().await;
        dom::focus(&format!("{FORM} input"));
    });
    let is_changed = move || {
        let removes = |secret: &Secret| secret.kept.get_untracked() == Kept::Goes;
        draft.form.get_untracked() != before.get_untracked()
            || draft
                .secrets
                .with_untracked(|secrets| secrets.iter().any(removes))
    };
    // Esc and Cancel ask once before they lose what was typed.
    let may_close = Callback::new(move |()| {
        let may = leaving.get_untracked() || !is_changed();
        leaving.set(!may);
        may
    });
    guard.set_value(Some(may_close));
    let cancel = Callback::new(move |()| {
        if may_close.run(()) {
            app.ui.close_dialog();
        }
    });
    let save = Callback::new(move |()| {
        draft.tried.set(true);
        leaving.set(false);
        failure.set(None);
        if !draft.problems.with_untracked(Vec::is_empty) {
            return focus_first_wrong(FORM);
        }
        let form = draft.form.get_untracked();
        // Fields are read before anything is waited for: the dialog may be closed meanwhile.
        let is_known = saved.with_untracked(Option::is_some);
        let secrets = draft.secrets.get_untracked();
        let values: Vec<_> = secrets.into_iter().map(Value::of).collect();
        let edit = edit.clone();
        run(busy, async move {
            let answer = save_all(app, &form, values, is_known).await;
            let is_open = saved.try_with_untracked(|_| ()).is_some();
            match answer {
                Ok((agent, undone)) if undone.is_empty() => done(app, &edit, &agent, is_open),
                Ok((_, undone)) if !is_open => {
                    undone.iter().for_each(|undone| app.complain(&undone.error))
                }
                Err(error) if !is_open => app.complain(&error),
                Ok((agent, undone)) => {
                    saved.set(Some(agent));
                    before.set(draft.form.get_untracked());
                    failure.set(Some(Failed::Secrets(undone)));
                }
                Err(error) => match told(&error, &form) {
                    Some(problems) => {
                        draft.refused.set(Some((form, problems)));
                        focus_first_wrong(FORM);
                    }
                    None => failure.set(Some(Failed::Save(error))),
                },
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && (event.meta_key() || event.ctrl_key()) {
            event.prevent_default();
            save.run(());
        }
    };
    let keys = if dom::keyboard().mac {
        "⌘⏎"
    } else {
        "Ctrl ⏎"
    };
    let own = memo(move || draft.like.with(String::is_empty));
    view! {
        <form
            class="dialog-main editor-form is-agent"
            data-testid="agent-form"
            on:submit=move |event| event.prevent_default()
            on:keydown=on_key
        >
            <Basics draft=draft saved=saved/>
            <Secrets draft=draft saved=saved/>
            <Show when=move || own.get()>
                <Abilities draft=draft/>
                <Modes draft=draft/>
                <ScreenRules draft=draft/>
            </Show>
        </form>
        <Told draft=draft failure=failure leaving=leaving/>
        <footer class="dialog-foot">
            <Button
                label=Signal::derive(move || if leaving.get() { form_parts().discard } else { t().cancel }.to_owned())
                look=Look::Quiet
                testid="cancel-agent"
                on_click=cancel
            />
            <Button label=t().save look=Look::Primary testid="save-agent" tip=keys busy=busy on_click=save/>
        </footer>
    }
    .into_any()
}

/// How it is called and started.
#[component]
fn Basics(draft: Draft, saved: RwSignal<Option<DefinedAgent>>) -> impl IntoView {
    let app = app();
    let variant = memo(move || !draft.like.with(String::is_empty));
    let fixed = memo(move || saved.with(Option::is_some));
    let said = move |own: &'static str, like: &'static str| {
        Signal::derive(move || if variant.get() { like } else { own }.to_owned())
    };
    let like_hint = Signal::derive(move || {
        let like = draft.like.get();
        match like.as_str() {
            "" => agent_editor().agent_like_hint.to_owned(),
            id => {
                let name = name_of(app, id);
                fill(agent_editor().agent_like_is, &[&name, &name])
            }
        }
    });
    view! {
        <div class="fields">
            <TextField label=t().name value=draft.name problem=draft.problem("name") testid="described-name"/>
            {move || match fixed.get() {
                true => {
                    view! {
                        <div class="field">
                            <span class="field-label">{agent_editor().agent_id}</span>
                            <code class="editor-fixed" data-testid="described-id">{draft.id}</code>
                            <p class="field-hint">{agent_editor().agent_id_fixed}</p>
                        </div>
                    }
                        .into_any()
                }
                false => {
                    view! {
                        <TextField
                            label=agent_editor().agent_id
                            value=draft.id
                            hint=agent_editor().agent_id_hint
                            problem=draft.problem("id")
                            mono=true
                            testid="described-id"
                        />
                    }
                        .into_any()
                }
            }}
            <SelectField
                label=agent_editor().agent_like
                value=draft.like
                options=Signal::derive(move || likes(&app.model.agents().get(), &draft.like.get()))
                on_select=Callback::new(move |id| draft.like.set(id))
                hint=like_hint
                problem=draft.problem("like")
                testid="described-like"
            />
            <TextField
                label=form_parts().program
                value=draft.program
                hint=said(agent_editor().program_hint, agent_editor().program_hint_like)
                problem=draft.problem("program")
                mono=true
                testid="described-program"
            />
            <TextArea
                label=form_parts().agent_args
                value=draft.args
                hint=said(agent_editor().agent_args_hint, agent_editor().agent_args_hint_like)
                problem=draft.problem("args")
                mono=true
                wide=true
                rows=2
                testid="described-args"
            />
            <TextArea
                label=form_parts().agent_env
                value=draft.env
                hint=form_parts().agent_env_hint
                problem=draft.problem("env")
                mono=true
                wide=true
                rows=2
                testid="described-env"
            />
        </div>
    }
    .into_any()
}

/// What an agent can be like: those that Berth knows and can start, and what was chosen before.
fn likes(agents: &[Agent], now: &str) -> Options {
    let none = (String::new(), agent_editor().agent_like_none.to_owned());
    let known = agents.iter().filter(|agent| {
        let id = agent.id.as_str();
        id == now || (can_be_like(agent) && can_start(agent))
    });
    let known = known.map(|agent| (agent.id.to_string(), agent.name.clone()));
    let mut all: Options = [none].into_iter().chain(known).collect();
    if all.iter().all(|(id, _)| id != now) {
        all.push((now.to_owned(), now.to_owned()));
    }
    all
}

/// The name of an agent for people.
fn name_of(app: App, id: &str) -> String {
    app.model.agents().with_untracked(|all| {
        let found = all.iter().find(|agent| agent.id.as_str() == id);
        found.map_or_else(|| id.to_owned(), |agent| agent.name.clone())
    })
}

/// Why something was not saved.
#[derive(Clone)]
enum Failed {
    /// The description.
    Save(ApiError),
    /// Some secrets; the description is saved.
    Secrets(Vec<Undone>),
}

/// A secret that was not stored or not removed.
#[derive(Clone)]
struct Undone {
    name: String,
    removing: bool,
    error: ApiError,
}

/// What keeps the dialog open, where it is seen whatever the form is scrolled to.
#[component]
fn Told(draft: Draft, failure: RwSignal<Option<Failed>>, leaving: RwSignal<bool>) -> impl IntoView {
    let wrong = memo(move || draft.problems.with(Vec::len));
    view! {
        <div class="editor-told" data-testid="agent-told">
            {move || {
                let wrong = wrong.get();
                let text = count(wrong as u64, form_parts().one_problem, form_parts().many_problems);
                (wrong > 0).then(|| view! { <InlineFailure text=text/> })
            }}
            {move || match failure.get() {
                None => ().into_any(),
                Some(Failed::Save(error)) => {
                    view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> }.into_any()
                }
                Some(Failed::Secrets(undone)) => undone.iter().map(undone_secret).collect_view().into_any(),
            }}
            <Show when=move || leaving.get()>
                <InlineFailure text=form_parts().unsaved/>
            </Show>
        </div>
    }
    .into_any()
}

fn undone_secret(undone: &Undone) -> AnyView {
    let text = if undone.removing {
        agent_editor().secret_not_removed
    } else {
        agent_editor().secret_not_stored
    };
    let text = fill(text, &[&undone.name, &undone.error.text()]);
    view! { <InlineFailure text=text hint=undone.error.hint().unwrap_or_default()/> }.into_any()
}

/// What the row of a secret says of its value.
struct Value {
    secret: Secret,
    /// The variable.
    name: String,
    /// A new value; empty for none.
    value: String,
    /// The value in the keychain is removed.
    goes: bool,
}

impl Value {
    fn of(secret: Secret) -> Self {
        let text = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        Self {
            secret,
            name: text(secret.name),
            value: text(secret.value),
            goes: secret.kept.get_untracked() == Kept::Goes,
        }
    }
}

/// Saves the description, then the secrets. Returns the agent as it is then, and the secrets that could
/// not be stored or removed.
async fn save_all(
    app: App,
    form: &Form,
    values: Vec<Value>,
    is_known: bool,
) -> Result<(DefinedAgent, Vec<Undone>), ApiError> {
    let api = app.api();
    let id: AgentId = form.id.parse().map_err(|_| ApiError::Unreadable)?;
    let definition = form.definition();
    let mut agent = if is_known {
        api.redefine_agent(&id, &definition).await?
    } else {
        let id = id.clone();
        api.define_agent(&DefineAgent { id, definition }).await?
    };
    let mut undone = Vec::new();
    for Value {
        secret,
        name,
        value,
        goes,
    } in values
    {
        let removing = goes && agent.secrets.contains(&name);
        let answer = if !value.is_empty() {
            let answer = api.set_agent_secret(&id, &name, value).await;
            answer.map(|changed| agent = changed)
        } else if removing {
            let answer = api.remove_agent_secret(&id, &name).await;
            answer.map(|()| agent.secrets.retain(|known| *known != name))
        } else {
            continue;
        };
        match answer {
            Ok(()) => {
                secret.value.try_set(String::new());
                secret.kept.try_set(Kept::Stays);
            }
            Err(error) => undone.push(Undone {
                name,
                removing,
                error,
            }),
        }
    }
    Ok((agent, undone))
}

/// The fields that a refusal is about; none when it is about something else.
fn told(error: &ApiError, form: &Form) -> Option<Vec<FieldProblem>> {
    let ApiError::Problem(problem) = error else {
        return None;
    };
    if problem.code == Code::AgentExists {
        return Some(vec![FieldProblem {
            field: "id".to_owned(),
            message: agent_editor().agent_id_taken.to_owned(),
        }]);
    }
    Some(form.placed(problem.fields.clone())).filter(|fields| !fields.is_empty())
}

/// Everything is saved.
fn done(app: App, edit: &AgentEdit, agent: &DefinedAgent, is_open: bool) {
    let text = match edit {
        AgentEdit::Change { .. } => agent_editor().agent_saved,
        AgentEdit::New | AgentEdit::Variant(_) | AgentEdit::Copy(_) => agent_editor().agent_added,
    };
    app.ui.say(fill(text, &[&agent.definition.name]));
    if !is_open {
        return;
    }
    app.ui.close_dialog();
    match edit {
        AgentEdit::New => focus_add(),
        AgentEdit::Change {
            for_session: true, ..
        } if app.ui.route.get_untracked() != Route::Home => app.ui.open(DialogKind::NewSession),
        _ => {}
    }
}
