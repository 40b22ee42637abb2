//! Asks before something that is not saved is lost on the way to another page.

use crate::view::prelude::*;

use super::Confirm;
use crate::components::button::Look;
use crate::logic::route::Route;
use crate::state::app;
use crate::strings::dialogs;

#[component]
pub fn LeaveDialog(to: Route) -> impl IntoView {
    let app = app();
    let confirm = Callback::new(move |()| {
        app.ui.close_dialog();
        app.ui.leave(to);
    });
    view! {
        <Confirm
            title=dialogs().leave_title
            text=dialogs().leave_text
            action=dialogs().leave
            look=Look::Danger
            busy=RwSignal::new(false)
            failure=RwSignal::new(None)
            on_confirm=confirm
        />
    }
    .into_any()
}
