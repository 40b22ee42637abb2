//! What can be done with a prompt of an organization that is not the active one any more: nothing of it is lost, and none
//! of it goes anywhere by itself.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::PromptScope;

use super::Editor;
use crate::components::button::Button;
use crate::components::notice::InlineFailure;
use crate::components::org_form::keep_focus_on;
use crate::logic::prompt_form::Form;
use crate::state::ToastKind;
use crate::strings::{org_prompts, t};
use crate::web::clipboard;

impl Editor {
    pub fn left(self, readonly: bool) -> AnyView {
        let text = match readonly {
            true => org_prompts().left_read,
            false => org_prompts().left,
        };
        let (app, draft) = (self.app, self.draft);
        let copy = Callback::new(move |()| {
            let words = draft.content.get_untracked();
            spawn_local(async move {
                match clipboard::copy(&words).await {
                    true => app.ui.say(org_prompts().left_copied),
                    false => app
                        .ui
                        .toast(ToastKind::Error, t().copy_refused.to_owned(), None),
                }
            });
        });
        let keep = Callback::new(move |()| self.keep());
        let keeps = (!readonly).then(|| {
            view! { <Button label=org_prompts().left_keep testid="keep-as-own" on_click=keep/> }
        });
        view! {
            <InlineFailure text=text>
                <div class="inline-actions" data-testid="prompt-left">
                    {keeps}
                    <Button label=org_prompts().left_copy testid="copy-words" on_click=copy/>
                </div>
            </InlineFailure>
        }
        .into_any()
    }

    /// Makes what is typed a new prompt of the user's own, which is saved like any other.
    fn keep(self) {
        self.saved.set(None);
        self.conflict.set(None);
        self.failure.set(None);
        self.before.set(Form::new(PromptScope::User));
        self.draft.locked.set(false);
        self.draft.scope.set(PromptScope::User);
        self.app.ui.say(org_prompts().left_kept);
        keep_focus_on("save-prompt");
    }
}
