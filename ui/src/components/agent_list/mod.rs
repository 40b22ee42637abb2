//! The agents of this machine: which are there, where, in which version, and what helps if not.

use crate::view::prelude::*;
use berth_protocol::{Agent, AgentState};

use crate::components::button::Button;
use crate::components::copy_value::CopyValue;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Skeleton};
use crate::logic::paths::{shorten, with_tilde};
use crate::state::{App, Phase, app, memo, run};
use crate::strings::{fill, t};

/// Longest path shown, in characters.
const PATH: usize = 40;

/// A button that looks for agents anew.
#[component]
pub fn RefreshAgents() -> impl IntoView {
    let app = app();
    let busy = RwSignal::new(false);
    let checking = memo(move || {
        app.model
            .agents()
            .see(|all| all.iter().any(|a| a.state == AgentState::Checking))
    });
    let refresh = Callback::new(move |()| {
        run(busy, async move {
            if let Err(error) = app.api().refresh_agents().await {
                app.complain(&error);
            }
        });
    });
    view! {
        <Button
            label=t().look_again
            icon_name=icon_name!("refresh-cw")
            testid="refresh-agents"
            busy=Signal::derive(move || busy.get() || checking.get())
            on_click=refresh
        />
    }
    .into_any()
}

/// All agents.
#[component]
pub fn AgentList(
    /// Only what can be started or could be with little effort.
    #[prop(optional)]
    brief: bool,
) -> impl IntoView {
    let app = app();
    view! {
        {move || {
            let agents = app.model.agents().get();
            if agents.is_empty() {
                return match app.model.phase().get() {
                    Phase::Loading => view! { <Skeleton rows=4/> }.into_any(),
                    _ => view! { <Empty name=icon_name!("bot") title=t().no_agents text=t().no_agents_text/> }.into_any(),
                };
            }
            let shown = |agent: &&Agent| !brief || matches!(agent.state, AgentState::Ready | AgentState::Checking | AgentState::Broken | AgentState::TooOld);
            let rows: Vec<_> = agents.iter().filter(shown).cloned().map(|agent| row(app, agent)).collect();
            let hidden = agents.len() - rows.len();
            view! {
                <ul class="agents">{rows}</ul>
                {(hidden > 0).then(|| view! { <p class="agents-more">{fill(t().agents_more, &[&hidden.to_string()])}" "<a href="#/settings">{t().agents_more_link}</a></p> })}
            }
                .into_any()
        }}
    }
    .into_any()
}

fn row(app: App, agent: Agent) -> AnyView {
    let (class, word) = match agent.state {
        AgentState::Checking => ("tone-running", t().agent_checking),
        AgentState::Ready => ("tone-waiting", t().agent_ready),
        AgentState::Broken => ("tone-failed", t().agent_broken),
        AgentState::TooOld => ("tone-failed", t().agent_too_old),
        AgentState::Missing => ("tone-ended", t().agent_missing),
        AgentState::Unsupported => ("tone-ended", t().agent_unsupported),
    };
    let home = app.home_dir();
    let path = agent.path.clone().map(|path| {
        let shown = shorten(&with_tilde(&path, home.as_deref()), PATH);
        view! { <CopyValue label=t().path value=Signal::stored(path) shown=Signal::stored(shown)/> }
    });
    let hint = match agent.state {
        AgentState::Missing | AgentState::TooOld => agent
            .install_hint
            .clone()
            .map(|hint| (t().to_install, hint)),
        AgentState::Ready => agent
            .sign_in_hint
            .clone()
            .map(|hint| (t().to_sign_in, hint)),
        _ => None,
    };
    let hint = hint.map(|(label, hint)| {
        view! {
            <span class="agent-hint">
                <span>{label}</span>
                <CopyValue label=label value=Signal::stored(hint.clone()) shown=Signal::stored(hint)/>
            </span>
        }
    });
    view! {
        <li class="agent" data-testid="agent-row" data-agent=agent.id.to_string()>
            <span class=format!("dot {class}") aria-hidden="true"></span>
            <div class="agent-main">
                <p class="agent-name">
                    <strong>{agent.name}</strong>
                    {agent.version.map(|version| view! { <span class="agent-version">{version}</span> })}
                </p>
                {agent.detail.map(|detail| view! { <p class="agent-detail">{detail}</p> })}
                {path}
                {hint}
            </div>
            <span class="agent-state">{word}</span>
        </li>
    }
    .into_any()
}
