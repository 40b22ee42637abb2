//! Asks before something is done that cannot be undone, in a dialog of the organization page.

use crate::view::prelude::*;

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::org_form::failed;
use crate::strings::t;
use crate::web::error::ApiError;

#[component]
pub fn OrgConfirm(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    /// What the button says that does it.
    action: &'static str,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    on_confirm: Callback<()>,
    on_close: Callback<()>,
    /// More about it, below its text.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <Dialog label=title.clone() on_close=on_close>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            <div class="dialog-main">{children.map(|children| children())}{failed(failure)}</div>
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=on_close/>
                <Button label=action look=Look::Danger testid="confirm" busy=busy on_click=on_confirm/>
            </footer>
        </Dialog>
    }
    .into_any()
}
