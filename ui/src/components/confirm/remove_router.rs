//! Removes a router, unless running sessions use it.

use crate::view::prelude::*;
use berth_protocol::{Code, RouterId, Session};

use super::Confirm;
use crate::components::button::Look;
use crate::components::icon::{icon, icon_name};
use crate::components::router_list::focus_add;
use crate::logic::route::{Route, Tab};
use crate::state::{app, memo, run};
use crate::strings::{dialogs, fill, t};

#[component]
pub fn RemoveRouterDialog(id: RouterId) -> impl IntoView {
    let app = app();
    let Some(router) = app.router_now(id) else {
        return ().into_any();
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let uses = move |session: &&Session| {
        let is_it = session
            .router
            .as_ref()
            .is_some_and(|router| router.id == id);
        is_it && session.status.is_live()
    };
    let users = memo(move || {
        app.model.sessions().see(|all| {
            let users = all.iter().filter(uses);
            users
                .map(|session| (session.id, session.title.clone()))
                .collect::<Vec<_>>()
        })
    });
    let name = router.name.clone();
    let confirm = Callback::new(move |()| {
        let said = fill(dialogs().router_removed, &[&name]);
        run(busy, async move {
            match app.api().remove_router(id).await {
                Err(error) if error.code() != Some(Code::RouterNotFound) => {
                    failure.try_set(Some(error));
                }
                // Somebody else may have removed it meanwhile.
                _ => {
                    app.fetch_routers();
                    app.ui.close_dialog();
                    app.ui.say(said);
                    focus_add();
                }
            }
        });
    });
    let used = Signal::derive(move || !users.with(Vec::is_empty));
    view! {
        <Confirm
            title=fill(dialogs().remove_router_title, &[&router.name])
            text=dialogs().remove_router_text
            action=t().remove
            look=Look::Danger
            busy=busy
            failure=failure
            disabled=used
            on_confirm=confirm
        >
            <Show when=move || used.get()>
                <div class="work" data-testid="router-users">
                    <p class="work-title">{icon(icon_name!("triangle-alert"))}{dialogs().remove_router_used}</p>
                    <ul>
                        {move || {
                            users
                                .get()
                                .into_iter()
                                .map(|(id, title)| {
                                    let to = Route::Session { id, tab: Tab::Chat };
                                    view! { <li><a href=to.fragment() on:click=move |_| app.ui.close_dialog()>{title}</a></li> }
                                })
                                .collect_view()
                        }}
                    </ul>
                </div>
            </Show>
        </Confirm>
    }
    .into_any()
}
