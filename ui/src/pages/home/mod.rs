//! The first page: the box for a new session, or, before there is a project, the way to it.

use crate::view::prelude::*;

use crate::components::agent_list::{AgentList, RefreshAgents};
use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::components::new_session::NewSessionForm;
use crate::components::notice::Skeleton;
use crate::components::when::When;
use crate::logic::groups;
use crate::logic::new_session::can_start;
use crate::logic::route::{Route, Tab};
use crate::logic::status;
use crate::state::{DialogKind, Phase, app, memo};
use crate::strings::{count, t};

/// Sessions shown under the box.
const RECENT: usize = 5;

#[component]
pub fn HomePage() -> impl IntoView {
    let app = app();
    let first_run = memo(move || app.model.projects().see(|all| all.is_empty()));
    view! {
        <div class="home">
            {move || match (app.model.phase().get(), first_run.get()) {
                (Phase::Loading, _) => view! { <Skeleton class="home-skeleton"/> }.into_any(),
                (_, true) => view! { <FirstRun/> }.into_any(),
                (_, false) => view! { <Start/> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Start() -> impl IntoView {
    let app = app();
    let recent = memo(move || {
        app.model.sessions().see(|all| {
            groups::in_order(all)
                .into_iter()
                .take(RECENT)
                .collect::<Vec<_>>()
        })
    });
    let any_agent = memo(move || {
        app.model
            .agents()
            .see(|all| all.is_empty() || all.iter().any(can_start))
    });
    view! {
        <div class="home-start">
            <h1>{t().home_title}</h1>
            <div class="new-card"><NewSessionForm/></div>
            <Show when=move || !any_agent.get()>
                <section class="home-section">
                    <header><h2>{t().agents}</h2><RefreshAgents/></header>
                    <p class="home-text">{t().no_ready_agent}</p>
                    <AgentList/>
                </section>
            </Show>
            <Show when=move || !recent.with(Vec::is_empty)>
                <section class="home-section">
                    <header><h2>{t().recent}</h2></header>
                    <ul class="recent">
                        <For each=move || recent.get() key=|id| *id let:id>
                            {recent_row(id)}
                        </For>
                    </ul>
                </section>
            </Show>
        </div>
    }
    .into_any()
}

fn recent_row(id: berth_protocol::SessionId) -> AnyView {
    let app = app();
    let session = app.session(id);
    view! {
        <li>
            {move || {
                session
                    .get()
                    .map(|session| {
                        let tone = status::tone(&session.status).class();
                        view! {
                            <a href=Route::Session { id, tab: Tab::Chat }.fragment()>
                                <span class=format!("dot {tone}") aria-hidden="true"></span>
                                <span class="recent-title">{session.title}</span>
                                <span class="recent-detail">
                                    {app.project_name(session.project_id)} " · " {app.agent_name(&session.agent)} " · "
                                    {status::word(&session.status)}
                                </span>
                                <When at=session.updated_at/>
                            </a>
                        }
                    })
            }}
        </li>
    }
    .into_any()
}

#[component]
fn FirstRun() -> impl IntoView {
    let app = app();
    let ready = memo(move || {
        app.model
            .agents()
            .see(|all| all.iter().filter(|agent| can_start(agent)).count())
    });
    view! {
        <div class="first-run" data-testid="first-run">
            <span class="first-mark" aria-hidden="true"></span>
            <h1>{t().welcome}</h1>
            <p class="first-text">{t().welcome_text}</p>
            // Above the list, which changes while agents are looked for: a button does not move under the pointer.
            <section class="step">
                <div class="step-no" aria-hidden="true">"1"</div>
                <div class="step-main">
                    <header>
                        <div>
                            <h2>{t().add_first_project}</h2>
                            <p>{t().add_first_project_text}</p>
                        </div>
                        <Button
                            label=t().add_project
                            look=Look::Primary
                            icon_name=icon_name!("folder-plus")
                            testid="add-project"
                            on_click=Callback::new(move |()| app.ui.open(DialogKind::AddProject))
                        />
                    </header>
                </div>
            </section>
            <section class="step">
                <div class="step-no" aria-hidden="true">{move || if ready.get() > 0 { icon(icon_name!("check")) } else { "2".into_any() }}</div>
                <div class="step-main">
                    <header>
                        <div>
                            <h2>{move || count(ready.get() as u64, t().one_agent_found, t().many_agents_found)}</h2>
                            <p>{t().agents_found_text}</p>
                        </div>
                        <RefreshAgents/>
                    </header>
                    <AgentList brief=true/>
                </div>
            </section>
            <section class="step is-next">
                <div class="step-no" aria-hidden="true">"3"</div>
                <div class="step-main">
                    <header>
                        <div>
                            <h2>{t().first_session}</h2>
                            <p>{t().first_session_text}</p>
                        </div>
                    </header>
                </div>
            </section>
        </div>
    }
    .into_any()
}
