//! What stands above the form and the preview: the prompt's name, what can be done with it, and what keeps it
//! from being saved.

use crate::view::prelude::*;

use berth_protocol::PromptScope;

use super::Editor;
use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::components::notice::InlineFailure;
use crate::components::prompt_list::change_badge;
use crate::logic::prompts::scope_name;
use crate::logic::route::Route;
use crate::state::{DialogKind, memo};
use crate::strings::{count, fill, form_parts, org_prompts, prompt_pages, t};
use crate::web::dom;

impl Editor {
    pub fn head(self, readonly: bool) -> AnyView {
        let Self {
            app, draft, saved, ..
        } = self;
        let title = move || match saved.get() {
            None => t().new_prompt.to_owned(),
            Some(prompt) => prompt.name,
        };
        let is_shared = draft
            .scope
            .with_untracked(|scope| *scope == PromptScope::Organization);
        let text = match (readonly, saved.with_untracked(Option::is_some)) {
            (true, _) if is_shared => org_prompts().read_only,
            (true, _) => prompt_pages().prompt_read_text,
            (false, true) => prompt_pages().prompt_edit_text,
            (false, false) => prompt_pages().prompt_new_text,
        };
        let id = memo(move || saved.with(|saved| saved.as_ref().map(|prompt| prompt.id)));
        let version = move || {
            saved.get().map(|prompt| {
                let version = fill(
                    prompt_pages().prompt_version,
                    &[&prompt.version.to_string()],
                );
                view! {
                    <span class="badge">{scope_name(prompt.scope)}</span>
                    <span class="badge" data-testid="editor-version">{version}</span>
                }
            })
        };
        let keys = if dom::keyboard().mac {
            "⌘⏎"
        } else {
            "Ctrl ⏎"
        };
        let unsaved = memo(move || draft.form.get() != self.before.get());
        view! {
            <header class="prompt-head">
                <div class="prompt-title">
                    <a class="prompt-back" href=Route::Prompts.fragment()>{icon(icon_name!("chevron-left"))}{t().prompts}</a>
                    <h1>{title}</h1>
                    <p>{version}{change_badge(app, id.into())}<span>{text}</span></p>
                </div>
                <div class="page-actions">
                    {move || {
                        id.get()
                            .map(|id| {
                                view! {
                                    <Button
                                        label=prompt_pages().prompt_history
                                        icon_name=icon_name!("history")
                                        testid="open-history"
                                        on_click=Callback::new(move |()| app.ui.open(DialogKind::PromptHistory(id)))
                                    />
                                }
                            })
                    }}
                    {(!readonly)
                        .then(|| {
                            view! {
                                <Button
                                    label=t().save
                                    look=Look::Primary
                                    testid="save-prompt"
                                    tip=keys
                                    busy=self.busy
                                    disabled=self.is_left
                                    on_click=Callback::new(move |()| self.save(None))
                                />
                                <span class="visually-hidden" data-testid="unsaved" data-unsaved=move || unsaved.get().to_string()></span>
                            }
                        })}
                </div>
            </header>
        }
        .into_any()
    }

    /// What keeps it from being saved, where it is seen whatever the page is scrolled to.
    pub fn told(self, readonly: bool) -> AnyView {
        let Self {
            app,
            draft,
            is_left,
            ..
        } = self;
        let wrong = memo(move || draft.problems.with(Vec::len));
        let newer = memo(move || {
            let saved = self.saved.get()?;
            let prompts = app.model.prompts().get();
            let now = prompts.find(saved.id)?.version;
            (now > saved.version).then_some(now)
        });
        view! {
            <div class="prompt-told" data-testid="prompt-told">
                {move || is_left.get().then(|| self.left(readonly))}
                {move || {
                    let wrong = wrong.get();
                    let text = count(wrong as u64, form_parts().one_problem, form_parts().many_problems);
                    (wrong > 0).then(|| view! { <InlineFailure text=text/> })
                }}
                {move || {
                    self.failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
                {move || {
                    newer
                        .get()
                        .map(|version| {
                            let text = fill(prompt_pages().prompt_newer, &[&version.to_string()]);
                            view! { <p class="prompt-newer" role="status" data-testid="prompt-newer">{icon(icon_name!("info"))}{text}</p> }
                        })
                }}
            </div>
        }
        .into_any()
    }
}
