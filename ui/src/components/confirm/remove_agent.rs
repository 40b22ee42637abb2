//! Removes the description of an agent, unless sessions of it are running.

use crate::view::prelude::*;
use berth_protocol::{AgentId, Code, Session};

use super::Confirm;
use crate::components::agent_list::focus_add;
use crate::components::button::Look;
use crate::components::icon::{icon, icon_name};
use crate::logic::route::{Route, Tab};
use crate::state::{app, memo, run};
use crate::strings::{dialogs, fill, t};

#[component]
pub fn RemoveAgentDialog(id: AgentId) -> impl IntoView {
    let app = app();
    let known = app.model.agents().with_untracked(|all| {
        let found = all.iter().find(|agent| agent.id == id);
        found.map(|agent| agent.name.clone())
    });
    let Some(name) = known else {
        return ().into_any();
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let agent = id.clone();
    let users = memo(move || {
        let uses = |session: &&Session| session.agent == agent && session.status.is_live();
        app.model.sessions().see(|all| {
            let users = all.iter().filter(uses);
            users
                .map(|session| (session.id, session.title.clone()))
                .collect::<Vec<_>>()
        })
    });
    let title = fill(dialogs().remove_agent_title, &[&name]);
    let confirm = Callback::new(move |()| {
        let said = fill(dialogs().agent_removed, &[&name]);
        let id = id.clone();
        run(busy, async move {
            match app.api().forget_agent(&id).await {
                Err(error) if error.code() != Some(Code::AgentNotFound) => {
                    failure.try_set(Some(error));
                }
                // Somebody else may have removed it meanwhile.
                _ => {
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
            title=title
            text=dialogs().remove_agent_text
            action=t().remove
            look=Look::Danger
            busy=busy
            failure=failure
            disabled=used
            on_confirm=confirm
        >
            <Show when=move || used.get()>
                <div class="work" data-testid="agent-users">
                    <p class="work-title">{icon(icon_name!("triangle-alert"))}{dialogs().remove_agent_used}</p>
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
