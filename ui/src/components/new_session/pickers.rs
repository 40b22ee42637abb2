//! The pickers under the box for a new session.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Agent, AgentState, BranchList, Project, RouterKind, RouterList};

use super::{Choices, last_router};
use crate::components::icon::icon_name;
use crate::components::picker::{Choice, Picker};
use crate::logic::new_session::{
    IN_PLACE, PROTOCOL, TERMINAL, WORKTREE, can_have_worktrees, chosen_router, first_mode,
    may_start, modes, routers_for, speaks,
};
use crate::logic::order::sorted;
use crate::logic::paths::{shorten, with_tilde};
use crate::state::{DialogKind, app, effect, memo};
use crate::strings::{fill, t};
use crate::web::storage;

/// The last line of the picker of projects.
const ADD_PROJECT: &str = "add";
/// The last line of the picker of routers.
const MANAGE_ROUTERS: &str = "manage";

#[component]
pub fn Pickers(choices: Choices) -> impl IntoView {
    let app = app();
    let project = memo(move || {
        let id = choices.project.get()?;
        app.model
            .projects()
            .see(|all| all.iter().find(|project| project.id == id).cloned())
    });
    let agent = memo(move || {
        let id = choices.agent.get();
        app.model
            .agents()
            .see(|all| all.iter().find(|agent| agent.id.as_str() == id).cloned())
    });
    let worktrees = memo(move || project.see(|p| p.as_ref().is_some_and(can_have_worktrees)));
    let in_worktree = memo(move || worktrees.get() && choices.workspace.get() == WORKTREE);
    let has_modes =
        memo(move || agent.see(|a| a.as_ref().is_some_and(|a| !a.permission_modes.is_empty())));
    let has_acp = memo(move || agent.see(|a| a.as_ref().is_some_and(|a| a.acp.is_some())));
    let transport = memo(move || {
        let spoken = agent.see(|a| a.as_ref().is_some_and(speaks));
        let chosen = choices.transport.get();
        if spoken { chosen } else { TERMINAL.to_owned() }
    });
    // A mode belongs to its agent and transport: another one starts in its own default.
    effect(move || {
        let transport = transport.get();
        let mode = agent.see(|a| a.as_ref().and_then(|a| first_mode(a, &transport)));
        choices.mode.set(mode.unwrap_or_default());
    });
    let has_routers =
        memo(move || agent.see(|a| a.as_ref().is_some_and(|a| !a.routers.is_empty())));
    effect(move || {
        if has_routers.get() {
            app.need_routers();
        }
    });
    // A router is remembered for each agent.
    effect(move || {
        let remembered = storage::get(&last_router(&choices.agent.get()));
        choices.router.set(remembered.unwrap_or_default());
    });
    let router = Signal::derive(move || {
        let wanted = choices.router.get();
        let agent = agent.get();
        app.model.routers().with(|routers| {
            let all = routers.all();
            let chosen = agent.and_then(|agent| chosen_router(&wanted, &agent, all));
            chosen.map(|router| router.id.to_string())
        })
    });
    let pick_router = Callback::new(move |value: String| {
        if value == MANAGE_ROUTERS {
            app.manage_routers();
        } else {
            choices.router.set(value);
        }
    });
    let pick_project = Callback::new(move |value: String| {
        if value == ADD_PROJECT {
            app.ui.open(DialogKind::AddProject);
        } else {
            choices.base.set(String::new());
            choices.project.set(value.parse().ok());
        }
    });
    let workspace_value = Signal::derive(move || {
        if in_worktree.get() {
            WORKTREE
        } else {
            IN_PLACE
        }
        .to_owned()
    });
    view! {
        <div class="pickers">
            <Picker
                name=icon_name!("folder")
                label=t().project
                placeholder=t().choose_project
                testid="project-picker"
                option_testid="project-option"
                choices=Signal::derive(move || project_choices(&app.model.projects().get(), app.home_dir().as_deref()))
                value=Signal::derive(move || choices.project.get().map(|id| id.to_string()).unwrap_or_default())
                on_pick=pick_project
            />
            <Picker
                name=icon_name!("bot")
                label=t().agent
                placeholder=t().choose_agent
                testid="agent-picker"
                option_testid="agent-option"
                choices=Signal::derive(move || agent_choices(&app.model.agents().get()))
                value=choices.agent
                on_pick=Callback::new(move |value| choices.agent.set(value))
            />
            <Picker
                name=icon_name!("folder-git-2")
                label=t().workspace
                placeholder=t().worktree
                testid="workspace-picker"
                option_testid="workspace-option"
                choices=Signal::derive(move || workspace_choices(project.get().as_ref()))
                value=workspace_value
                on_pick=Callback::new(move |value| choices.workspace.set(value))
            />
            <Show when=move || in_worktree.get()>
                <BasePicker choices=choices/>
            </Show>
            <Show when=move || has_acp.get()>
                <Picker
                    name=icon_name!("terminal")
                    label=t().transport
                    placeholder=t().transport
                    testid="transport-picker"
                    option_testid="transport-option"
                    choices=Signal::derive(move || transport_choices(agent.get().as_ref()))
                    value=transport
                    on_pick=Callback::new(move |value| choices.transport.set(value))
                />
            </Show>
            <Show when=move || has_modes.get()>
                <Picker
                    name=icon_name!("shield")
                    label=t().permission_mode
                    placeholder=t().permission_mode
                    testid="mode-picker"
                    option_testid="mode-option"
                    choices=Signal::derive(move || mode_choices(agent.get().as_ref(), &transport.get()))
                    value=choices.mode
                    on_pick=Callback::new(move |value| choices.mode.set(value))
                />
            </Show>
            <Show when=move || has_routers.get()>
                <Picker
                    name=icon_name!("route")
                    label=t().router
                    placeholder=t().choose_router
                    testid="router-picker"
                    option_testid="router-option"
                    choices=Signal::derive(move || {
                        let list = app.model.routers().with(|routers| routers.list.clone());
                        router_choices(agent.get().as_ref(), list.as_deref())
                    })
                    value=Signal::derive(move || router.get().unwrap_or_default())
                    on_pick=pick_router
                />
            </Show>
        </div>
    }
    .into_any()
}

#[component]
fn BasePicker(choices: Choices) -> impl IntoView {
    let app = app();
    let branches = RwSignal::new(BranchList {
        branches: Vec::new(),
        default: None,
    });
    effect(move || {
        let Some(id) = choices.project.get() else {
            return;
        };
        spawn_local(async move {
            // Without a list the worktree starts from the project's own branch.
            if let Ok(list) = app.api().branches(id).await {
                branches.try_set(list);
            }
        });
    });
    let list = Signal::derive(move || {
        branches.see(|list| {
            let default = list.default.as_deref();
            let all: Vec<_> = list
                .branches
                .iter()
                .map(|branch| {
                    let choice = Choice::new(branch.clone(), branch.clone());
                    if Some(branch.as_str()) == default {
                        choice.detail(t().default_branch)
                    } else {
                        choice
                    }
                })
                .collect();
            let is_other = |choice: &Choice| Some(choice.value.as_str()) != default;
            sorted(all, |a, b| is_other(a).cmp(&is_other(b)))
        })
    });
    let value = Signal::derive(move || {
        let chosen = choices.base.get();
        if chosen.is_empty() {
            branches.see(|list| list.default.clone().unwrap_or_default())
        } else {
            chosen
        }
    });
    view! {
        <Picker
            name=icon_name!("git-branch")
            label=t().base
            placeholder=t().default_branch
            testid="base-picker"
            option_testid="base-option"
            choices=list
            value=value
            on_pick=Callback::new(move |value| choices.base.set(value))
        />
    }
    .into_any()
}

fn project_choices(projects: &[Project], home: Option<&str>) -> Vec<Choice> {
    let mut all: Vec<_> = projects
        .iter()
        .map(|project| Choice {
            disabled: project.missing,
            detail: if project.missing {
                t().project_missing.to_owned()
            } else {
                shorten(&with_tilde(&project.path, home), 48)
            },
            ..Choice::new(project.id.to_string(), project.name.clone())
        })
        .collect();
    all.push(Choice::new(ADD_PROJECT, t().add_project_more));
    all
}

fn agent_choices(agents: &[Agent]) -> Vec<Choice> {
    agents
        .iter()
        .map(|agent| {
            let detail = match agent.state {
                AgentState::Ready | AgentState::Checking if agent.refused.is_some() => {
                    agent.refused.clone().unwrap_or_default()
                }
                AgentState::Ready => agent.version.clone().unwrap_or_default(),
                AgentState::Checking => t().agent_checking.to_owned(),
                AgentState::Missing => t().agent_missing.to_owned(),
                AgentState::Unsupported => t().agent_unsupported.to_owned(),
                AgentState::Broken | AgentState::TooOld => agent
                    .detail
                    .clone()
                    .unwrap_or_else(|| t().agent_broken.to_owned()),
            };
            let choice = Choice::new(agent.id.as_str(), agent.name.clone()).detail(detail);
            Choice {
                disabled: !may_start(agent),
                ..choice
            }
        })
        .collect()
}

fn workspace_choices(project: Option<&Project>) -> Vec<Choice> {
    let worktrees = project.is_some_and(can_have_worktrees);
    let why_not = match project.and_then(|p| p.git.as_ref()) {
        None => t().worktree_no_git,
        Some(_) => t().worktree_no_commit,
    };
    let path = project.map(|p| shorten(&p.path, 40)).unwrap_or_default();
    vec![
        Choice {
            disabled: !worktrees,
            ..Choice::new(WORKTREE, t().worktree).detail(if worktrees {
                t().worktree_text
            } else {
                why_not
            })
        },
        Choice::new(IN_PLACE, t().in_place).detail(fill(t().in_place_text, &[&path])),
    ]
}

fn transport_choices(agent: Option<&Agent>) -> Vec<Choice> {
    let acp = agent.and_then(|agent| agent.acp.as_ref());
    let missing = acp.filter(|acp| !acp.installed);
    let detail = missing.map_or_else(
        || t().transport_acp_text.to_owned(),
        |acp| acp.install_hint.clone().unwrap_or_default(),
    );
    vec![
        Choice::new(TERMINAL, t().transport_pty).detail(t().transport_pty_text),
        Choice {
            disabled: missing.is_some(),
            ..Choice::new(PROTOCOL, t().transport_acp).detail(detail)
        },
    ]
}

fn mode_choices(agent: Option<&Agent>, transport: &str) -> Vec<Choice> {
    let modes = agent
        .map(|agent| modes(agent, transport))
        .unwrap_or_default();
    modes
        .into_iter()
        .map(|mode| Choice {
            warn: mode.unchecked,
            disabled: mode.refused.is_some(),
            ..Choice::new(mode.id.clone(), mode.name.clone())
                .detail(mode.refused.as_ref().unwrap_or(&mode.description).clone())
        })
        .collect()
}

fn router_choices(agent: Option<&Agent>, list: Option<&RouterList>) -> Vec<Choice> {
    let Some(agent) = agent else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if !agent.needs_router {
        all.push(Choice::new("", t().no_router).detail(t().no_router_text));
    }
    if let Some(list) = list {
        let usable = routers_for(agent, &list.routers).into_iter();
        all.extend(usable.map(|router| {
            let kind = router.settings.kind;
            let missing: Vec<_> = router.missing_keys().collect();
            let why_not = if !missing.is_empty() {
                Some(fill(t().router_misses_key, &[&missing.join(", ")]))
            } else if kind != RouterKind::ClaudeVertex && list.program.kind != Some(kind) {
                Some(fill(t().router_not_installed, &[kind.name()]))
            } else {
                None
            };
            Choice {
                disabled: why_not.is_some(),
                warn: why_not.is_some(),
                ..Choice::new(router.id.to_string(), router.name.clone())
                    .detail(why_not.unwrap_or_else(|| kind.name().to_owned()))
            }
        }));
    }
    all.push(Choice::new(MANAGE_ROUTERS, t().manage_routers_more));
    all
}
