//! The page of one prompt: its form, and beside it what a session would be given.

mod conflict;
mod content;
mod draft;
mod fields;
mod head;
mod left;
mod preview;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{FieldProblem, PromptConflict, PromptEdit, PromptScope, SystemPrompt};

use crate::components::button::Button;
use crate::components::field::focus_first_wrong;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::prompt_form::Form;
use crate::logic::route::Route;
use crate::state::{App, app, effect, memo, run};
use crate::strings::{fill, prompt_pages};
use crate::web::{clock, dom, error::ApiError};
use conflict::{ConflictDialog, Settled};
use content::Content;
use draft::Draft;
use fields::{Basics, Giving};
use preview::PreviewPane;

/// The fields at which it is shown what is wrong with them.
const FIELDS: [&str; 3] = ["name", "content", "priority"];

/// Where the form is in the page.
const FORM: &str = ".prompt-form";

#[component]
pub fn PromptEditor(route: Route) -> impl IntoView {
    let app = app();
    app.follow_prompts();
    let face = memo(move || {
        let prompts = app.model.prompts().get();
        match (&prompts.list, prompts.failure) {
            (Some(_), _) => Face::Ready,
            (None, Some(error)) => Face::Failed(error),
            (None, None) => Face::Loading,
        }
    });
    // Agents and projects are offered by it.
    let known = memo(move || app.model.phase().get() != crate::state::Phase::Loading);
    view! {
        {move || match face.get() {
            Face::Ready if known.get() => leptos::prelude::untrack(|| editor(app, route)),
            Face::Failed(error) => {
                view! {
                    <Failure
                        title=prompt_pages().prompts_failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=Callback::new(move |()| app.fetch_prompts())
                    />
                }
                    .into_any()
            }
            Face::Ready | Face::Loading => {
                view! { <div class="page"><div class="page-flow"><Skeleton rows=8/></div></div> }.into_any()
            }
        }}
    }
    .into_any()
}

#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Ready,
}

/// What the parts of the editor share.
#[derive(Clone, Copy)]
struct Editor {
    app: App,
    draft: Draft,
    /// The prompt as the engine has it; none before the first save.
    saved: RwSignal<Option<SystemPrompt>>,
    /// The form as it was saved, or began.
    before: RwSignal<Form>,
    conflict: RwSignal<Option<PromptConflict>>,
    failure: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    /// It is an organization's that is not the active one any more.
    is_left: Memo<bool>,
}

fn editor(app: App, route: Route) -> AnyView {
    let source = match route {
        Route::Prompt(id) | Route::CopyPrompt(id) => match app.prompt_now(id) {
            Some(prompt) => Some(prompt),
            None => return gone(app),
        },
        _ => None,
    };
    let form = match (&source, route) {
        (Some(prompt), Route::CopyPrompt(_)) => copy(app, prompt),
        (Some(prompt), _) => Form::of(&prompt.draft()),
        (None, _) => Form::new(PromptScope::User),
    };
    let draft = Draft::new(&form);
    let is_shared = memo(move || draft.scope.get() == PromptScope::Organization);
    let editor = Editor {
        app,
        draft,
        saved: RwSignal::new(source.filter(|_| matches!(route, Route::Prompt(_)))),
        before: RwSignal::new(form),
        conflict: RwSignal::new(None),
        failure: RwSignal::new(None),
        busy: RwSignal::new(false),
        is_left: app.is_left_behind(is_shared),
    };
    editor.follow();
    editor.view()
}

fn gone(app: App) -> AnyView {
    view! {
        <Empty name=icon_name!("scroll-text") title=prompt_pages().prompt_gone text=prompt_pages().prompt_gone_text>
            <Button label=prompt_pages().all_prompts on_click=Callback::new(move |()| app.ui.go(Route::Prompts))/>
        </Empty>
    }
    .into_any()
}

/// A form for another prompt like this one, in a scope that may be written.
fn copy(app: App, prompt: &SystemPrompt) -> Form {
    let prompts = app.model.prompts();
    let may_write = prompts.with_untracked(|prompts| prompts.may_write(prompt.scope));
    Form {
        name: fill(prompt_pages().prompt_copy, &[&prompt.name]),
        scope: if may_write {
            prompt.scope
        } else {
            PromptScope::User
        },
        locked: prompt.locked && may_write,
        ..Form::of(&prompt.draft())
    }
}

impl Editor {
    /// Keeps the page from being left with what is not saved, and follows what others save.
    fn follow(self) {
        let Self {
            app, draft, before, ..
        } = self;
        let changed = memo(move || draft.form.get() != before.get());
        effect(move || app.ui.unsaved.set(changed.get()));
        on_cleanup(move || app.ui.unsaved.set(false));
        effect(move || {
            let newer = app.model.prompts().with(|prompts| {
                let saved = self.saved.get_untracked()?;
                let now = prompts.find(saved.id)?;
                (now.version > saved.version).then(|| now.clone())
            });
            // What was typed is kept; saving it shows both.
            if let Some(newer) = newer
                && !changed.get_untracked()
                && !self.busy.get_untracked()
            {
                self.take(newer);
            }
        });
    }

    /// The form holds what the engine has.
    fn take(self, prompt: SystemPrompt) {
        let form = Form::of(&prompt.draft());
        self.before.set(form.clone());
        self.draft.fill(form);
        self.saved.set(Some(prompt));
    }

    /// Saves over this version; over the one that was edited when it is not given.
    fn save(self, over: Option<u32>) {
        let Self { app, draft, .. } = self;
        // It would go to another organization, or nowhere.
        if self.is_left.get_untracked() {
            return;
        }
        draft.tried.set(true);
        self.failure.set(None);
        if !draft.problems.with_untracked(Vec::is_empty)
            || draft.said.with_untracked(Option::is_some)
        {
            self.conflict.set(None);
            return focus_first_wrong(FORM);
        }
        let form = draft.form.get_untracked();
        let saved = self.saved.get_untracked();
        run(self.busy, async move {
            let answer = match &saved {
                Some(saved) => {
                    let edit = PromptEdit {
                        version: over.unwrap_or(saved.version),
                        prompt: form.draft(),
                    };
                    app.api().update_prompt(saved.id, &edit).await
                }
                None => app.api().create_prompt(&form.draft()).await,
            };
            let is_open = self.saved.try_with_untracked(|_| ()).is_some();
            match answer {
                Ok(prompt) => {
                    let text = match saved {
                        Some(_) => prompt_pages().prompt_saved,
                        None => prompt_pages().prompt_added,
                    };
                    app.ui.say(fill(text, &[&prompt.name]));
                    app.model
                        .prompts()
                        .update(|prompts| prompts.take(prompt.clone()));
                    app.fetch_prompts();
                    if is_open {
                        self.is_saved(form, prompt, saved.is_none());
                    }
                }
                Err(error) if !is_open => app.complain(&error),
                Err(error) => self.is_refused(form, error),
            }
        });
    }

    fn is_saved(self, form: Form, prompt: SystemPrompt, is_new: bool) {
        let id = prompt.id;
        self.conflict.set(None);
        if self.draft.form.get_untracked() != form {
            // More was typed meanwhile.
            self.before.set(Form::of(&prompt.draft()));
            self.saved.set(Some(prompt));
            return;
        }
        self.take(prompt);
        if is_new {
            self.app.ui.unsaved.set(false);
            let route = Route::Prompt(id);
            dom::replace_fragment(&route.fragment());
            self.app.ui.route.set(route);
            spawn_local(async {
                clock::next_frame().await;
                dom::focus("[data-testid=save-prompt]");
            });
        }
    }

    fn is_refused(self, form: Form, error: ApiError) {
        let problem = error.problem();
        if let Some(conflict) = problem.and_then(|problem| problem.conflict.clone()) {
            return self.conflict.set(Some(*conflict));
        }
        self.conflict.set(None);
        let fields = problem.map(|problem| problem.fields.clone());
        let is_shown = |problem: &FieldProblem| FIELDS.contains(&problem.field.as_str());
        match fields.filter(|fields| fields.iter().any(is_shown)) {
            Some(fields) => {
                self.draft.refused.set(Some((form, fields)));
                focus_first_wrong(FORM);
            }
            None => self.failure.set(Some(error)),
        }
    }

    fn settle(self, how: Settled) {
        let Some(conflict) = self.conflict.get_untracked() else {
            return;
        };
        match how {
            Settled::Theirs => self.take(conflict.theirs),
            // The organization has been left meanwhile, which is told beneath the dialog.
            Settled::Mine if self.is_left.get_untracked() => {}
            Settled::Mine => return self.save(Some(conflict.theirs.version)),
            Settled::Later => {}
        }
        self.conflict.set(None);
    }

    fn view(self) -> AnyView {
        let Self {
            app, draft, saved, ..
        } = self;
        let scope = saved.with_untracked(|saved| saved.as_ref().map(|prompt| prompt.scope));
        let prompts = app.model.prompts();
        let readonly =
            scope.is_some_and(|scope| !prompts.with_untracked(|prompts| prompts.may_write(scope)));
        let is_new = scope.is_none();
        let on_key = move |event: web_sys::KeyboardEvent| {
            if event.key() == "Enter" && (event.meta_key() || event.ctrl_key()) && !readonly {
                event.prevent_default();
                self.save(None);
            }
        };
        let settle = Callback::new(move |how| self.settle(how));
        view! {
            <div class="prompt-page" on:keydown=on_key>
                {self.head(readonly)}
                {self.told(readonly)}
                <div class="prompt-split">
                    <form class="prompt-form" data-testid="prompt-form" on:submit=move |event| event.prevent_default()>
                        <fieldset class="prompt-fields" disabled=readonly>
                            <Basics draft=draft saved=saved autofocus=is_new/>
                        </fieldset>
                        <Content draft=draft readonly=readonly/>
                        <fieldset class="prompt-fields" disabled=readonly>
                            <Giving draft=draft/>
                        </fieldset>
                    </form>
                    <PreviewPane draft=draft saved=saved/>
                </div>
            </div>
            {move || {
                self.conflict
                    .get()
                    .map(|conflict| view! { <ConflictDialog conflict=conflict busy=self.busy on_settle=settle/> })
            }}
        }
        .into_any()
    }
}
