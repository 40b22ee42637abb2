//! The prompts by scope, in the order in which they are put together.

mod drag;
mod row;

use crate::view::prelude::*;
use berth_protocol::{PromptId, PromptMove, PromptScope};

use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::prompts::{Before, SCOPES, answers, beside, haystack, moved};
use crate::logic::route::Route;
use crate::state::{App, app, memo, run};
use crate::strings::{fill, org_prompts, prompt_pages, t};
use crate::web::{clock, dom, error::ApiError};
use row::{refused, row};

pub use row::{change_badge, target};

/// A button that opens the editor.
#[component]
pub fn NewPrompt() -> impl IntoView {
    let app = app();
    let new = Callback::new(move |()| app.ui.go(Route::NewPrompt));
    view! {
        <Button
            label=t().new_prompt
            look=Look::Primary
            icon_name=icon_name!("plus")
            testid="new-prompt"
            on_click=new
        />
    }
    .into_any()
}

/// What the rows share.
#[derive(Clone, Copy)]
struct List {
    app: App,
    query: RwSignal<String>,
    /// The prompts that answer it, in their order.
    found: Memo<Vec<(PromptScope, PromptId)>>,
    /// A prompt is on its way to another place.
    moving: RwSignal<bool>,
    /// What is read out.
    said: RwSignal<String>,
    /// The gap in a scope that the dragged row would go into.
    gap: RwSignal<Option<(PromptScope, usize)>>,
    /// The row that is dragged.
    dragged: RwSignal<Option<(PromptScope, PromptId)>>,
}

#[component]
pub fn PromptList() -> impl IntoView {
    let app = app();
    let query = RwSignal::new(String::new());
    let list = List {
        app,
        query,
        found: found(app, query),
        moving: RwSignal::new(false),
        said: RwSignal::new(String::new()),
        gap: RwSignal::new(None),
        dragged: RwSignal::new(None),
    };
    list.follow_pointer();
    let retry = Callback::new(move |()| app.fetch_prompts());
    let face = memo(move || {
        let prompts = app.model.prompts().get();
        match (&prompts.list, prompts.failure) {
            (Some(_), _) => Face::Rows,
            (None, Some(error)) => Face::Failed(error),
            (None, None) => Face::Loading,
        }
    });
    view! {
        {move || match face.get() {
            Face::Rows => view! { {list.search()} {SCOPES.map(|scope| list.section(scope)).collect_view()} },
            Face::Failed(error) => {
                view! {
                    <Failure
                        title=prompt_pages().prompts_failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=retry
                    />
                }
                    .into_any()
            }
            Face::Loading => view! { <Skeleton rows=5/> }.into_any(),
        }}
        <p class="visually-hidden" role="status" aria-live="polite" data-testid="prompt-moved">{list.said}</p>
        <p class="visually-hidden" id="prompt-move-help">{prompt_pages().prompt_move_help}</p>
    }
    .into_any()
}

/// The prompts that answer a search, in their order. They are put into small letters once and not with each
/// key.
fn found(app: App, query: RwSignal<String>) -> Memo<Vec<(PromptScope, PromptId)>> {
    let all = memo(move || {
        let prompts = app.model.prompts().get();
        let all = prompts.all().iter();
        all.map(|prompt| (prompt.scope, prompt.id))
            .collect::<Vec<_>>()
    });
    let words = memo(move || {
        let prompts = app.model.prompts().get();
        prompts.all().iter().map(haystack).collect::<Vec<_>>()
    });
    memo(move || {
        let (query, all) = (query.get(), all.get());
        if query.trim().is_empty() {
            return all;
        }
        words.with(|words| {
            let found = all.into_iter().zip(words);
            found
                .filter(|(_, words)| answers(words, &query))
                .map(|(prompt, _)| prompt)
                .collect()
        })
    })
}

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Rows,
}

impl List {
    fn search(self) -> AnyView {
        let query = self.query;
        let nothing = memo(move || self.is_searched() && self.found.with(Vec::is_empty));
        view! {
            <div class="prompt-search" role="search">
                {icon(icon_name!("search"))}
                <input
                    type="search"
                    class="input"
                    placeholder=prompt_pages().prompts_search
                    aria-label=prompt_pages().prompts_search
                    spellcheck="false"
                    autocomplete="off"
                    data-testid="prompt-search"
                    prop:value=query
                    on:input=move |event| query.set(event_target_value(&event))
                />
            </div>
            <div role="status" aria-live="polite">
                <Show when=move || nothing.get()>
                    <p class="prompts-note" data-testid="no-prompt-found">{prompt_pages().prompts_none_found}</p>
                </Show>
            </div>
        }
        .into_any()
    }

    fn is_searched(self) -> bool {
        self.query.with(|query| !query.trim().is_empty())
    }

    /// The order of a scope, which no search changes.
    fn order(self, scope: PromptScope) -> Vec<PromptId> {
        self.app.model.prompts().with_untracked(|prompts| {
            let of_scope = prompts.all().iter().filter(|prompt| prompt.scope == scope);
            of_scope.map(|prompt| prompt.id).collect()
        })
    }

    fn section(self, scope: PromptScope) -> AnyView {
        let (title, text) = match scope {
            PromptScope::Global => (
                prompt_pages().scope_global_title,
                prompt_pages().scope_global_text,
            ),
            PromptScope::Organization => (
                prompt_pages().scope_organization_title,
                prompt_pages().scope_organization_text,
            ),
            PromptScope::User => (
                prompt_pages().scope_user_title,
                prompt_pages().scope_user_text,
            ),
        };
        let ids = memo(move || {
            let found = self.found.get().into_iter();
            let found = found.filter(|(other, _)| *other == scope);
            found.map(|(_, id)| id).collect::<Vec<_>>()
        });
        let none = memo(move || ids.with(Vec::is_empty));
        let hidden = memo(move || none.get() && self.is_searched());
        let last = move || self.gap.get() == Some((scope, ids.with(Vec::len)));
        // Why there is nothing to change here, where there is something to look at.
        let note = memo(move || {
            let may_write = self
                .app
                .model
                .prompts()
                .with(|known| known.may_write(scope));
            let is_read = scope == PromptScope::Organization && !may_write && !none.get();
            is_read.then(|| org_prompts().read_only)
        });
        let heading = format!("prompts-{}", scope.as_str());
        view! {
            <Show when=move || !hidden.get()>
                <section class="prompt-scope" aria-labelledby=heading.clone() data-scope=scope.as_str()>
                    <header>
                        <h2 id=heading.clone()>{title}</h2>
                        <p>{text}{move || note.get().map(|note| format!(" {note}"))}</p>
                    </header>
                    {move || match none.get() {
                        true => self.empty(scope),
                        false => view! {
                            <ul class="prompts" class:drops-last=last data-testid="prompt-rows">
                                // Rows stay while they change, so that the focus is where it was.
                                <For each=move || ids.get() key=|id| *id let:id>
                                    {row(self, scope, id, ids)}
                                </For>
                            </ul>
                        }
                            .into_any(),
                    }}
                </section>
            </Show>
        }
        .into_any()
    }

    fn empty(self, scope: PromptScope) -> AnyView {
        let app = self.app;
        let may_write = app.model.prompts().with(|prompts| prompts.may_write(scope));
        let (title, words) = match scope {
            PromptScope::Organization => (org_prompts().none, org_prompts().none_text),
            _ => (
                prompt_pages().scope_user_none,
                prompt_pages().scope_user_none_text,
            ),
        };
        let text = match scope {
            _ if may_write => {
                return view! {
                    <div class="prompts-none">
                        <Empty name=icon_name!("scroll-text") title=title text=words>
                            <Button
                                label=t().new_prompt
                                icon_name=icon_name!("plus")
                                on_click=Callback::new(move |()| app.ui.go(Route::NewPrompt))
                            />
                        </Empty>
                    </div>
                }
                .into_any();
            }
            PromptScope::Global => prompt_pages().scope_global_none,
            PromptScope::Organization | PromptScope::User => prompt_pages().scope_organization_none,
        };
        view! { <p class="prompts-note">{text}</p> }.into_any()
    }

    /// Takes a prompt one place up or down, and says where it is then.
    fn step(self, scope: PromptScope, id: PromptId, step: i32) {
        match beside(&self.order(scope), id, step) {
            Some(before) => self.put(scope, id, before),
            None => self.say_place(id, prompt_pages().prompt_not_moved, &[]),
        }
    }

    /// Takes a prompt to another place. It stands there at once, and goes back if the engine refuses.
    fn put(self, scope: PromptScope, id: PromptId, before: Before) {
        let app = self.app;
        if self.is_searched() {
            return;
        }
        let Some(prompt) = app.prompt_now(id) else {
            return;
        };
        run(self.moving, async move {
            app.model.prompts().update(|prompts| {
                let of_scope = prompts.all().iter().filter(|prompt| prompt.scope == scope);
                let order = moved(of_scope.cloned().collect(), id, before);
                prompts.take_order(scope, order);
            });
            focus_handle(id).await;
            let wanted = PromptMove {
                version: prompt.version,
                before,
            };
            match app.api().move_prompt(id, &wanted).await {
                Ok(order) => {
                    let all = order.prompts.len().to_string();
                    let at = order.prompts.iter().position(|other| other.id == id);
                    app.model
                        .prompts()
                        .update(|prompts| prompts.take_order(scope, order.prompts));
                    // What was asked for before could be older, and does not count any more.
                    app.fetch_prompts();
                    let at = at.map_or(0, |at| at + 1).to_string();
                    self.say_place(id, prompt_pages().prompt_moved, &[&at, &all]);
                }
                Err(error) => refused(app, &prompt.name, &error),
            }
        });
    }

    fn say_place(self, id: PromptId, text: &str, more: &[&str]) {
        let name = self.app.prompt_now(id).map(|prompt| prompt.name);
        let name = name.unwrap_or_default();
        let mut values = vec![name.as_str()];
        values.extend(more);
        self.said.set(fill(text, &values));
    }
}

/// Gives the focus back to the handle of a row that was taken to another place in the page.
async fn focus_handle(id: PromptId) {
    let handle = format!("[data-prompt='{id}'] .prompt-handle");
    let nowhere = || dom::focused().is_none_or(|focused| focused.tag_name() == "BODY");
    clock::next_frame().await;
    if nowhere() {
        dom::focus(&handle);
    }
}
