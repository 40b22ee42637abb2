//! What a session would be given with the prompt as it is typed.
//!
//! The engine puts it together a moment after the last key. Only the answer to the last question counts, and
//! while there is an error the last good answer stays.

use std::rc::Rc;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{
    Code, PreviewRequest, ProjectId, PromptId, PromptPreview, PromptTarget, SystemPrompt,
};

use super::draft::Draft;
use crate::components::button::Button;
use crate::components::effective_prompt::EffectiveView;
use crate::components::field::{Options, SelectField};
use crate::components::icon::icon_name;
use crate::components::new_session::{LAST_AGENT, LAST_PROJECT};
use crate::components::notice::{InlineFailure, Skeleton};
use crate::components::text_diff::DiffView;
use crate::logic::new_session::first_agent;
use crate::logic::prompts::prompt_of;
use crate::logic::route::Route;
use crate::state::{App, app, effect, memo};
use crate::strings::{count, prompt_pages, t};
use crate::web::{clock, error::ApiError, storage};

/// How long nothing must be typed before it is asked, in milliseconds.
const PAUSE: i32 = 200;

/// The id that the engine gives to a draft that is no prompt yet.
const DRAFT: PromptId = PromptId(uuid::Uuid::max());

#[derive(Clone, Copy)]
struct Preview {
    draft: Draft,
    agent: RwSignal<String>,
    project: RwSignal<String>,
    /// The prompt that is edited.
    own: Memo<PromptId>,
    shown: RwSignal<Option<Rc<PromptPreview>>>,
    /// Something has changed since, or is wrong.
    stale: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    with_diff: RwSignal<bool>,
}

#[component]
pub fn PreviewPane(draft: Draft, saved: RwSignal<Option<SystemPrompt>>) -> impl IntoView {
    let app = app();
    let id = memo(move || saved.with(|saved| saved.as_ref().map(|prompt| prompt.id)));
    let preview = Preview {
        draft,
        agent: RwSignal::new(start_agent(app, draft)),
        project: RwSignal::new(start_project(app, draft)),
        own: memo(move || id.get().unwrap_or(DRAFT)),
        shown: RwSignal::new(None),
        stale: RwSignal::new(false),
        failure: RwSignal::new(None),
        with_diff: RwSignal::new(false),
    };
    let request = memo(move || {
        Some(PreviewRequest {
            agent: preview.agent.get().parse().ok()?,
            transport: None,
            project: preview.project.get().parse().ok(),
            draft: Some(draft.form.get().preview()),
            id: id.get(),
        })
    });
    let asked = StoredValue::new(0_u32);
    effect(move || {
        let wanted = request.get();
        app.model.prompts_changed().track();
        let this = asked.get_value() + 1;
        asked.set_value(this);
        let Some(wanted) = wanted else { return };
        spawn_local(async move {
            if this > 1 {
                clock::sleep(PAUSE).await;
            }
            if asked.try_get_value() != Some(this) {
                return;
            }
            let answer = app.api().preview_prompt(&wanted).await;
            if asked.try_get_value() == Some(this) {
                preview.take(answer);
            }
        });
    });
    let heading = "preview-heading";
    view! {
        <section class="prompt-preview" aria-labelledby=heading data-testid="prompt-preview">
            <header class="preview-head">
                <h2 id=heading>{prompt_pages().preview}</h2>
                <p>{prompt_pages().preview_text}</p>
            </header>
            <div class="fields">
                <SelectField
                    label=t().agent
                    value=preview.agent
                    options=Signal::derive(move || agents(app))
                    on_select=Callback::new(move |id| preview.agent.set(id))
                    testid="preview-agent"
                />
                <SelectField
                    label=prompt_pages().preview_project
                    value=preview.project
                    options=Signal::derive(move || projects(app))
                    on_select=Callback::new(move |id| preview.project.set(id))
                    testid="preview-project"
                />
            </div>
            {preview.view()}
        </section>
    }
    .into_any()
}

impl Preview {
    fn take(self, answer: Result<PromptPreview, ApiError>) {
        let error = match answer {
            Ok(preview) => {
                self.shown.set(Some(Rc::new(preview)));
                self.stale.set(false);
                self.draft.said.set(None);
                self.failure.set(None);
                return;
            }
            Err(error) => error,
        };
        // What is wrong with the words stands at the words.
        let said = error.problem().and_then(|problem| {
            let mut fields = problem.fields.iter();
            let content = fields.find(|problem| problem.field == "content")?;
            (problem.code == Code::PromptInvalid).then(|| content.message.clone())
        });
        self.stale.set(true);
        self.failure.set(said.is_none().then_some(error));
        self.draft.said.set(said);
    }

    fn view(self) -> AnyView {
        let warnings = memo(move || {
            self.shown
                .with(|shown| shown.as_ref().map(|it| it.effective.warnings.len()))
        });
        view! {
            <p class="visually-hidden" role="status">
                {move || warnings.get().map(|n| count(n as u64, t().one_warning, t().many_warnings))}
            </p>
            {move || self.failure.get().map(|error| self.failed(&error))}
            {move || self.note().map(|text| view! { <p class="preview-note" data-testid="preview-note">{text}</p> })}
            {move || {
                (self.stale.get() && self.shown.with(Option::is_some))
                    .then(|| view! { <p class="preview-note" data-testid="preview-stale">{prompt_pages().preview_stale}</p> })
            }}
            <div
                class="preview-body"
                class:is-stale=self.stale
                data-testid="preview-body"
                data-stale=move || self.stale.get().to_string()
            >
                {move || match self.shown.get() {
                    None if self.stale.get() || self.agent.with(String::is_empty) => ().into_any(),
                    None => view! { <Skeleton rows=6/> }.into_any(),
                    Some(preview) => self.shown(&preview),
                }}
            </div>
        }
    }

    fn shown(self, preview: &PromptPreview) -> AnyView {
        let effective = preview.effective.clone();
        let empty = effective.parts.is_empty();
        let compared = preview.compared.clone();
        let with_diff = self.with_diff;
        let diff = compared
            .filter(|it| !it.diff.patch.is_empty())
            .map(|compared| {
                let label = Signal::derive(move || {
                    match with_diff.get() {
                        true => prompt_pages().preview_diff_hide,
                        false => prompt_pages().preview_diff,
                    }
                    .to_owned()
                });
                view! {
                    <p class="preview-diff">
                        <Button
                            label=label
                            icon_name=icon_name!("file-diff")
                            testid="preview-diff"
                            on_click=Callback::new(move |()| with_diff.update(|on| *on = !*on))
                        />
                    </p>
                    <Show when=move || with_diff.get()>
                        <DiffView diff=compared.diff.clone() label=prompt_pages().preview_diff_title/>
                    </Show>
                }
            });
        view! {
            {empty.then(|| view! { <p class="preview-note" data-testid="preview-empty">{prompt_pages().preview_empty}</p> })}
            <EffectiveView
                effective=effective
                origins=preview.origins.clone()
                undelivered=preview.undelivered.clone()
                own=Some(self.own.get_untracked())
            />
            {diff}
        }
    }

    /// Why the draft is not among the parts.
    fn note(self) -> Option<&'static str> {
        if self.agent.with(String::is_empty) {
            return Some(prompt_pages().preview_no_agent);
        }
        let form = self.draft.form.get();
        if !form.enabled && !form.locked {
            return Some(prompt_pages().preview_disabled);
        }
        let target = PromptTarget {
            agents: form.agents,
            projects: form.projects,
        };
        let agent = self.agent.get().parse().ok()?;
        let project: Option<ProjectId> = self.project.get().parse().ok();
        (!target.includes(&agent, project)).then_some(prompt_pages().preview_not_in)
    }

    fn failed(self, error: &ApiError) -> AnyView {
        let own = self.own.get();
        let about = error.problem().and_then(prompt_of);
        let link = about.filter(|id| *id != own && *id != DRAFT).map(|id| {
            view! { <a href=Route::Prompt(id).fragment()>{t().open_prompt}</a> }
        });
        let text = format!("{}. {}", prompt_pages().preview_failed, error.text());
        view! {
            <div data-testid="preview-failed">
                <InlineFailure text=text hint=error.hint().unwrap_or_default()>{link}</InlineFailure>
            </div>
        }
    }
}

fn agents(app: App) -> Options {
    let agents = app.model.agents().get();
    let all = agents.iter();
    all.map(|agent| (agent.id.to_string(), agent.name.clone()))
        .collect()
}

fn projects(app: App) -> Options {
    let none = (String::new(), prompt_pages().preview_any_project.to_owned());
    let projects = app.model.projects().get();
    let known = projects.iter();
    let known = known.map(|project| (project.id.to_string(), project.name.clone()));
    [none].into_iter().chain(known).collect()
}

/// The agent of the session that is thought of first: one that the prompt is for, or the one that was used
/// last.
fn start_agent(app: App, draft: Draft) -> String {
    let agents = app.model.agents().get_untracked();
    let wanted = draft.agents.with_untracked(|all| all.first().cloned());
    let known = wanted.filter(|id| agents.iter().any(|agent| agent.id == *id));
    let usual = || first_agent(&agents, storage::get(LAST_AGENT).as_deref());
    let any = || agents.first().map(|agent| agent.id.to_string());
    let found = known.map(|id| id.to_string()).or_else(usual).or_else(any);
    found.unwrap_or_default()
}

fn start_project(app: App, draft: Draft) -> String {
    let projects = app.model.projects().get_untracked();
    let is_known = |id: &ProjectId| projects.iter().any(|project| project.id == *id);
    let wanted = draft.projects.with_untracked(|all| all.first().copied());
    let last = storage::get(LAST_PROJECT).and_then(|id| id.parse().ok());
    let first = projects.first().map(|project| project.id);
    let found = wanted.filter(is_known).or(last.filter(is_known)).or(first);
    found.map(|id| id.to_string()).unwrap_or_default()
}
