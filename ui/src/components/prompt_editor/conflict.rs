//! Two edits of one prompt: both are shown, and the user says which stays.

use crate::view::prelude::*;
use berth_protocol::{PromptConflict, PromptDraft};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::prompt_history::differences_view;
use crate::components::text_diff::DiffView;
use crate::state::app;
use crate::strings::{fill, prompt_pages};

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The user's own is saved over the other.
    Mine,
    /// The other takes the place of what was typed.
    Theirs,
    /// Nothing yet.
    Later,
}

#[component]
pub fn ConflictDialog(
    conflict: PromptConflict,
    busy: RwSignal<bool>,
    on_settle: Callback<Settled>,
) -> impl IntoView {
    let app = app();
    let version = conflict.theirs.version.to_string();
    let theirs = conflict.theirs.draft();
    let settle = move |how| Callback::new(move |()| on_settle.run(how));
    view! {
        <Dialog label=prompt_pages().conflict class="prompt-dialog" sticky=true on_close=settle(Settled::Later)>
            <header class="dialog-head">
                <h2 class="dialog-title">{prompt_pages().conflict}</h2>
                <p class="dialog-text">{fill(prompt_pages().conflict_text, &[&version])}</p>
            </header>
            <div class="dialog-main" data-testid="conflict">
                <div class="conflict-sides">
                    {side(fill(prompt_pages().conflict_theirs, &[&version]), &theirs, "conflict-theirs")}
                    {side(prompt_pages().conflict_yours.to_owned(), &conflict.yours, "conflict-yours")}
                </div>
                {differences_view(app, &theirs, &conflict.yours)}
                <DiffView diff=conflict.diff label=prompt_pages().conflict_diff/>
            </div>
            <footer class="dialog-foot">
                <Button label=prompt_pages().keep_editing look=Look::Quiet testid="keep-editing" on_click=settle(Settled::Later)/>
                <span class="grow"></span>
                <Button label=prompt_pages().take_theirs testid="take-theirs" disabled=busy on_click=settle(Settled::Theirs)/>
                <Button
                    label=prompt_pages().keep_mine
                    look=Look::Primary
                    testid="keep-mine"
                    busy=busy
                    on_click=settle(Settled::Mine)
                />
            </footer>
        </Dialog>
    }
    .into_any()
}

fn side(title: String, draft: &PromptDraft, testid: &'static str) -> AnyView {
    let label = title.clone();
    view! {
        <section class="conflict-side">
            <h3>{title}</h3>
            <pre tabindex="0" role="group" aria-label=label data-testid=testid>{draft.content.clone()}</pre>
        </section>
    }
    .into_any()
}
