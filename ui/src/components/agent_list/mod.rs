//! The agents of this machine: which are there, where, in which version, and what helps if not.

use crate::view::prelude::*;
use berth_protocol::{Agent, AgentId, AgentState};

use crate::components::button::Button;
use crate::components::copy_value::CopyValue;
use crate::components::icon::icon_name;
use crate::components::menu::{MenuButton, MenuItem};
use crate::components::notice::{Empty, Skeleton};
use crate::logic::new_session::{can_be_like, can_start};
use crate::logic::paths::{shorten, with_tilde};
use crate::state::{AgentEdit, App, DialogKind, Phase, app, memo, run};
use crate::strings::{fill, t};
use crate::web::{clock, dom};

/// Longest path shown, in characters.
const PATH: usize = 40;

/// A button that opens the editor for an agent of the user's own.
#[component]
pub fn AddAgent() -> impl IntoView {
    let app = app();
    let add = Callback::new(move |()| app.ui.open(DialogKind::EditAgent(AgentEdit::New)));
    view! { <Button label=t().add_agent icon_name=icon_name!("plus") testid="add-agent" on_click=add/> }
        .into_any()
}

/// Moves the focus to the button that adds an agent: what had it is gone.
pub fn focus_add() {
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        dom::focus("[data-testid=add-agent]");
    });
}

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

/// Makes more to be shown of an agent.
pub type More = fn(&Agent) -> AnyView;

/// All agents.
#[component]
pub fn AgentList(
    /// Only what can be started or could be with little effort.
    #[prop(optional)]
    brief: bool,
    /// More that is shown of each. What a page shows that is loaded later is loaded with it.
    #[prop(optional)]
    more: Option<More>,
) -> impl IntoView {
    let app = app();
    let shown = move |agent: &&Agent| {
        !brief
            || matches!(
                agent.state,
                AgentState::Ready | AgentState::Checking | AgentState::Broken | AgentState::TooOld
            )
    };
    let ids = memo(move || {
        app.model.agents().see(|all| {
            let shown = all.iter().filter(shown);
            shown.map(|agent| agent.id.clone()).collect::<Vec<_>>()
        })
    });
    let hidden = memo(move || {
        let all = app.model.agents().see(|all| all.len());
        all.saturating_sub(ids.with(Vec::len))
    });
    let none = memo(move || app.model.agents().see(|all| all.is_empty()));
    view! {
        {move || match (none.get(), app.model.phase().get()) {
            (false, _) => {
                view! {
                    <ul class="agents">
                        // Rows stay while they change, so that the focus is where it was.
                        <For each=move || ids.get() key=|id| id.clone() let:id>
                            {row(app, id, brief, more)}
                        </For>
                    </ul>
                    {move || {
                        let hidden = hidden.get();
                        (hidden > 0)
                            .then(|| view! { <p class="agents-more">{fill(t().agents_more, &[&hidden.to_string()])}" "<a href="#/settings">{t().agents_more_link}</a></p> })
                    }}
                }
                    .into_any()
            }
            (true, Phase::Loading) => view! { <Skeleton rows=4/> }.into_any(),
            (true, _) => view! { <Empty name=icon_name!("bot") title=t().no_agents text=t().no_agents_text/> }.into_any(),
        }}
    }
    .into_any()
}

fn row(app: App, id: AgentId, brief: bool, more: Option<More>) -> AnyView {
    let this = id.clone();
    let agent = memo(move || {
        app.model
            .agents()
            .see(|all| all.iter().find(|agent| agent.id == this).cloned())
    });
    let name = Signal::derive(move || {
        agent.with(|agent| {
            let name = agent.as_ref().map(|agent| agent.name.clone());
            name.unwrap_or_default()
        })
    });
    let face = memo(move || {
        let can = agent.with(|agent| agent.as_ref().map(can_do));
        can.unwrap_or(Can::Nothing)
    });
    let menu = id.clone();
    view! {
        <li class="agent" data-testid="agent-row" data-agent=id.to_string()>
            {move || agent.get().map(|agent| facts(app, agent, more))}
            {move || {
                let (can, id) = (face.get(), menu.clone());
                (!brief && can != Can::Nothing)
                    .then(|| {
                        view! {
                            <MenuButton
                                name=icon_name!("ellipsis")
                                label=Signal::derive(move || fill(t().agent_menu, &[&name.get()]))
                                testid="agent-menu"
                                items=Callback::new(move |()| items(app, &id, can))
                            />
                        }
                    })
            }}
        </li>
    }
    .into_any()
}

/// What can be done with an agent here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Can {
    Nothing,
    /// It can be the model of one that the user describes.
    BeVaried,
    /// The user described it.
    BeEdited,
}

fn can_do(agent: &Agent) -> Can {
    if agent.defined {
        Can::BeEdited
    } else if can_be_like(agent) && can_start(agent) {
        Can::BeVaried
    } else {
        Can::Nothing
    }
}

fn items(app: App, id: &AgentId, can: Can) -> Vec<MenuItem> {
    let item = |label: &str, icon, danger, testid, dialog: DialogKind| MenuItem {
        label: label.to_owned(),
        icon,
        danger,
        testid,
        run: Callback::new(move |()| app.ui.open(dialog.clone())),
    };
    let edit = |edit| DialogKind::EditAgent(edit);
    let id = || id.clone();
    match can {
        Can::Nothing => Vec::new(),
        Can::BeVaried => vec![item(
            t().agent_variant,
            icon_name!("copy"),
            false,
            "vary-agent",
            edit(AgentEdit::Variant(id())),
        )],
        Can::BeEdited => vec![
            item(
                t().edit,
                icon_name!("pencil"),
                false,
                "edit-agent",
                edit(AgentEdit::Change {
                    id: id(),
                    for_session: false,
                }),
            ),
            item(
                t().duplicate,
                icon_name!("copy"),
                false,
                "copy-agent",
                edit(AgentEdit::Copy(id())),
            ),
            item(
                t().remove,
                icon_name!("trash-2"),
                true,
                "remove-agent",
                DialogKind::RemoveAgent(id()),
            ),
        ],
    }
}

/// What is known of an agent.
fn facts(app: App, agent: Agent, more: Option<More>) -> AnyView {
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
    let more = more.map(|more| more(&agent));
    view! {
        <span class=format!("dot {class}") aria-hidden="true"></span>
        <div class="agent-main">
                <p class="agent-name">
                    <strong>{agent.name}</strong>
                    {agent.version.map(|version| view! { <span class="agent-version">{version}</span> })}
                    {agent.defined.then(|| view! { <span class="agent-own">{t().agent_described}</span> })}
                </p>
                {agent.detail.map(|detail| view! { <p class="agent-detail">{detail}</p> })}
                {more}
                {path}
                {hint}
            </div>
        <span class="agent-state">{word}</span>
    }
    .into_any()
}
