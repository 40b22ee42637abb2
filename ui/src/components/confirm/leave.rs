//! Asks before something that is not saved is lost on the way to another page.

use crate::view::prelude::*;

use super::Confirm;
use crate::components::button::Look;
use crate::logic::route::Route;
use crate::state::app;
use crate::strings::t;

#[component]
pub fn LeaveDialog(to: Route) -> impl IntoView {
    let app = app();
    let confirm = Callback::new(move |()| {
        app.ui.close_dialog();
        app.ui.leave(to);
    });
    view! {
        <Confirm
            title=t().leave_title
            text=t().leave_text
            action=t().leave
            look=Look::Danger
            busy=RwSignal::new(false)
            failure=RwSignal::new(None)
            on_confirm=confirm
        />
    }
    .into_any()
}
