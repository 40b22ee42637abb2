//! Settings: looks, agents, routers, the engine.

use crate::view::{html, prelude::*};
use crate::web::task::spawn_local;
use berth_protocol::{Agent, AgentState};

use crate::components::agent_list::{AddAgent, AgentList, RefreshAgents};
use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::Skeleton;
use crate::components::router_list::{AddRouter, RouterList};
use crate::logic::paths::{shorten, with_tilde};
use crate::logic::route::Route;
use crate::pages::page::Page;
use crate::state::{Phase, ThemeChoice, app, effect, memo};
use crate::strings::{pages, t};
use crate::web::{clock, dom};

/// Longest path shown, in characters.
const PATH: usize = 56;

#[component]
pub fn SettingsPage() -> impl IntoView {
    let app = app();
    let heading = NodeRef::<html::Heading>::new();
    // What stands above has its height once the agents are known.
    let ready = memo(move || app.model.phase().get() == Phase::Ready);
    effect(move || {
        if ready.get()
            && app.ui.route.get() == Route::Routers
            && let Some(heading) = heading.get()
        {
            spawn_local(async move {
                clock::next_frame().await;
                heading.focus().ok();
                let section = heading.closest("section").ok().flatten();
                section.unwrap_or(heading.into()).scroll_into_view();
            });
        }
    });
    view! {
        <Page title=t().settings text=pages().settings_text>
            <section class="setting">
                <header><div><h2>{pages().appearance}</h2><p>{pages().appearance_text}</p></div><ThemePicker/></header>
            </section>
            <section class="setting">
                <header><div><h2>{t().agents}</h2><p>{pages().agents_text}</p></div><div class="setting-actions"><RefreshAgents/><AddAgent/></div></header>
                <AgentList more=refused/>
            </section>
            <section class="setting" id="routers">
                <header><div><h2 node_ref=heading tabindex="-1">{pages().routers}</h2><p>{pages().routers_text}</p></div><AddRouter/></header>
                <RouterList/>
            </section>
            <section class="setting">
                <header><div><h2>{pages().engine}</h2><p>{pages().engine_text}</p></div></header>
                <Engine/>
            </section>
            <section class="setting">
                <header><div><h2>{pages().about}</h2><p>{pages().about_text}</p></div></header>
                <p class="about-version">"Berth " {env!("CARGO_PKG_VERSION")}</p>
            </section>
        </Page>
    }
    .into_any()
}

/// What the active organization lets no session of an agent begin with, in the words of the engine: all of it, or the
/// modes that ask too little.
fn refused(agent: &Agent) -> AnyView {
    if !matches!(agent.state, AgentState::Ready | AgentState::Checking) {
        return ().into_any();
    }
    let modes = || {
        let modes = agent.permission_modes.iter();
        modes.filter_map(|mode| mode.refused.clone()).collect()
    };
    let reasons: Vec<String> = agent.refused.clone().map_or_else(modes, |why| vec![why]);
    let reasons = reasons.into_iter().map(|why| {
        view! { <p class="agent-detail" data-testid="agent-refused">{why}</p> }.into_any()
    });
    reasons.collect_view()
}

#[component]
fn ThemePicker() -> impl IntoView {
    let theme = app().prefs.theme;
    let choices = [
        (ThemeChoice::System, t().theme_system, icon_name!("monitor")),
        (ThemeChoice::Light, t().theme_light, icon_name!("sun")),
        (ThemeChoice::Dark, t().theme_dark, icon_name!("moon")),
    ];
    view! {
        <div class="segments" role="radiogroup" aria-label=pages().appearance>
            {choices
                .map(|(choice, label, name)| {
                    view! {
                        <label class="segment">
                            <input
                                type="radio"
                                name="theme"
                                value=choice.slug()
                                data-testid=format!("theme-{}", choice.slug())
                                prop:checked=move || theme.get() == choice
                                on:change=move |_| theme.set(choice)
                            />
                            {icon(name)}
                            <span>{label}</span>
                        </label>
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

#[component]
fn Engine() -> impl IntoView {
    let app = app();
    // Warnings may have come since the page was opened.
    spawn_local(async move {
        if let Ok(info) = app.api().engine().await {
            app.model.engine().set(Some(info));
        }
    });
    view! {
        {move || match app.model.engine().get() {
            None => view! { <Skeleton rows=4/> }.into_any(),
            Some(info) => {
                let home = info.home_dir.clone();
                let path = |path: String| {
                    let shown = shorten(&with_tilde(&path, home.as_deref()), PATH);
                    view! { <CopyValue label=t().folder value=Signal::stored(path) shown=Signal::stored(shown)/> }
                };
                let address = dom::window().location().origin().unwrap_or_default();
                view! {
                    {(!info.warnings.is_empty())
                        .then(|| {
                            view! {
                                <ul class="warnings">
                                    {info
                                        .warnings
                                        .iter()
                                        .map(|warning| view! { <li>{icon(icon_name!("triangle-alert"))}<span>{warning.clone()}</span></li> })
                                        .collect_view()}
                                </ul>
                            }
                        })}
                    <dl class="settings-facts">
                        <dt>{t().version}</dt><dd>{info.version}</dd>
                        <dt>{pages().process}</dt><dd>{info.pid}</dd>
                        <dt>{pages().system}</dt><dd>{info.os}</dd>
                        <dt>{pages().environment}</dt><dd>{info.environment}</dd>
                        <dt>{pages().data_folder}</dt><dd>{path(info.data_dir)}</dd>
                        <dt>{pages().log_folder}</dt><dd>{path(info.log_dir)}</dd>
                        <dt>{pages().schema}</dt><dd>{info.schema_version}</dd>
                        <dt>{pages().page_address}</dt><dd>{address}</dd>
                    </dl>
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}
