//! What the box for a new session offers, and the request that it becomes.

use berth_protocol::{
    Agent, AgentState, CreateSession, PermissionMode, Project, Router, Transport, WorkspaceRequest,
};

use crate::logic::command_line::{self, CommandLineError};

/// The agent that runs a command of the user's own.
pub const CUSTOM: &str = "custom";
/// The value of "in place" in the picker of workspaces.
pub const IN_PLACE: &str = "in_place";
/// The value of "worktree" in the picker of workspaces.
pub const WORKTREE: &str = "worktree";

/// The value of the terminal in the picker of transports.
pub const TERMINAL: &str = "pty";
/// The value of the Agent Client Protocol in the picker of transports.
pub const PROTOCOL: &str = "acp";

/// What the user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// What should be done; may be empty.
    pub prompt: String,
    /// Name of the agent.
    pub agent: String,
    /// [`WORKTREE`] or [`IN_PLACE`].
    pub workspace: String,
    /// Branch to start from; empty for the project's own.
    pub base: String,
    /// [`TERMINAL`] or [`PROTOCOL`].
    pub transport: String,
    /// Permission mode; empty for the agent's own.
    pub mode: String,
    /// Identifier of the router; empty for none.
    pub router: String,
    /// Command line of the agent [`CUSTOM`].
    pub command: String,
}

/// Why a session cannot be started yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// No project is chosen.
    NoProject,
    /// No agent is chosen that can be started.
    NoAgent,
    /// The agent needs a router, and none that it can use is chosen.
    NoRouter,
    /// The agent can use routers, one is chosen, and they are not known yet.
    RoutersUnknown,
    /// The command line is not usable.
    Command(CommandLineError),
}

/// The project can have worktrees.
pub fn can_have_worktrees(project: &Project) -> bool {
    !project.missing && project.git.as_ref().is_some_and(|git| git.has_commits)
}

/// The agent can be started.
pub fn can_start(agent: &Agent) -> bool {
    matches!(agent.state, AgentState::Ready | AgentState::Checking)
}

/// A session of the agent can be started: the active organization has nothing against it either.
pub fn may_start(agent: &Agent) -> bool {
    can_start(agent) && agent.refused.is_none()
}

/// The mode that a session of the agent begins in unless another is chosen: its default, or the first that the active
/// organization has nothing against.
pub fn first_mode(agent: &Agent, transport: &str) -> Option<String> {
    let modes = modes(agent, transport);
    let lets = modes.iter().find(|mode| mode.refused.is_none());
    lets.or(modes.first()).map(|mode| mode.id.clone())
}

/// A user can describe an agent that is like this one: Berth knows it by itself, and how to start it.
pub fn can_be_like(agent: &Agent) -> bool {
    !agent.defined && !matches!(agent.id.as_str(), CUSTOM | "shell")
}

/// The agent can be spoken to over the Agent Client Protocol, and what that needs is there.
pub fn speaks(agent: &Agent) -> bool {
    agent.acp.as_ref().is_some_and(|acp| acp.installed)
}

/// The permission modes that the agent has with this transport.
pub fn modes<'a>(agent: &'a Agent, transport: &str) -> Vec<&'a PermissionMode> {
    let known = agent
        .acp
        .as_ref()
        .filter(|_| transport == PROTOCOL && speaks(agent));
    let modes = agent.permission_modes.iter();
    modes
        .filter(|mode| known.is_none_or(|acp| acp.permission_modes.contains(&mode.id)))
        .collect()
}

/// The routers that the agent's requests can go through.
pub fn routers_for<'a>(agent: &Agent, routers: &'a [Router]) -> Vec<&'a Router> {
    let usable = |router: &&Router| agent.routers.contains(&router.settings.kind);
    routers.iter().filter(usable).collect()
}

/// The router of this identifier, if the agent can use it; the first that it can use when it needs one,
/// best one that misses no key.
pub fn chosen_router<'a>(id: &str, agent: &Agent, routers: &'a [Router]) -> Option<&'a Router> {
    let usable = routers_for(agent, routers);
    let named = usable.iter().find(|router| router.id.to_string() == id);
    let whole = usable.iter().find(|router| !misses_key(router));
    let first = whole.or(usable.first()).filter(|_| agent.needs_router);
    named.or(first).copied()
}

/// A provider of the router needs a key and has none.
pub fn misses_key(router: &Router) -> bool {
    router.missing_keys().next().is_some()
}

/// The agent to offer first: the one used last if it can be started, else the first that can. A
/// plain shell or a command of one's own is offered only when nothing else is there.
pub fn first_agent(agents: &[Agent], last: Option<&str>) -> Option<String> {
    let ready = || agents.iter().filter(|agent| may_start(agent));
    let used = ready().find(|agent| Some(agent.id.as_str()) == last);
    let real = || ready().find(|agent| !matches!(agent.id.as_str(), CUSTOM | "shell"));
    used.or_else(real)
        .or_else(|| ready().next())
        .map(|agent| agent.id.to_string())
}

/// The request that starts the session.
pub fn request(
    form: &Form,
    project: Option<&Project>,
    agents: &[Agent],
    routers: Option<&[Router]>,
) -> Result<CreateSession, FormError> {
    let project = project.ok_or(FormError::NoProject)?;
    // One that the organization refuses is refused by the engine, which says why.
    let agent = agents
        .iter()
        .find(|agent| agent.id.as_str() == form.agent && can_start(agent))
        .ok_or(FormError::NoAgent)?;
    // Without them the session would go past the router that was chosen.
    if routers.is_none() && (agent.needs_router || !form.router.is_empty()) {
        return Err(FormError::RoutersUnknown);
    }
    let router = chosen_router(&form.router, agent, routers.unwrap_or_default());
    let router = router.map(|router| router.id);
    if agent.needs_router && router.is_none() {
        return Err(FormError::NoRouter);
    }
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let workspace = if form.workspace == IN_PLACE || !can_have_worktrees(project) {
        WorkspaceRequest::InPlace
    } else {
        WorkspaceRequest::Worktree {
            base: text(&form.base),
            branch: None,
        }
    };
    let command = if form.agent == CUSTOM {
        Some(command_line::split(&form.command).map_err(FormError::Command)?)
    } else {
        None
    };
    Ok(CreateSession {
        project_id: project.id,
        agent: agent.id.clone(),
        message: text(&form.prompt),
        title: None,
        workspace: Some(workspace),
        transport: (form.transport == PROTOCOL && speaks(agent)).then_some(Transport::Acp),
        permission_mode: text(&form.mode)
            .filter(|mode| modes(agent, &form.transport).iter().any(|m| m.id == *mode)),
        command,
        router,
        size: None,
        instructions: None,
        mcp_servers: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, state: AgentState) -> Agent {
        Agent {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            state,
            path: None,
            found: None,
            version: None,
            detail: None,
            sign_in_hint: None,
            install_hint: None,
            permission_modes: Vec::new(),
            resumes: false,
            routers: Vec::new(),
            needs_router: false,
            defined: false,
            acp: None,
            refused: None,
        }
    }

    fn mode(id: &str, refused: Option<&str>) -> PermissionMode {
        PermissionMode {
            id: id.to_owned(),
            name: id.to_owned(),
            description: String::new(),
            unchecked: false,
            refused: refused.map(str::to_owned),
        }
    }

    #[test]
    fn what_the_organization_refuses_is_not_offered_first_and_the_engine_says_why() {
        let mut strict = agent("strict", AgentState::Ready);
        strict.refused = Some("acme: it is not allowed".to_owned());
        let mut other = agent("other", AgentState::Ready);
        other.permission_modes = vec![mode("all", Some("acme: too much")), mode("ask", None)];
        assert!(can_start(&strict) && !may_start(&strict) && may_start(&other));
        let agents = [strict, other];
        assert_eq!(
            first_agent(&agents, Some("strict")).as_deref(),
            Some("other")
        );
        assert_eq!(first_mode(&agents[1], TERMINAL).as_deref(), Some("ask"));
        let mut all_refused = agents[1].clone();
        all_refused.permission_modes[1].refused = Some("acme: too much".to_owned());
        assert_eq!(first_mode(&all_refused, TERMINAL).as_deref(), Some("all"));
        let form = Form {
            agent: "strict".to_owned(),
            ..Form::default()
        };
        // It was chosen before the organization has refused it: "choose one that is ready" would say nothing.
        let asked = request(&form, Some(&project("null")), &agents, Some(&[]));
        assert_eq!(asked.map(|it| it.agent), Ok(agents[0].id.clone()));
    }

    fn project(git: &str) -> Project {
        let text = format!(
            r#"{{"id":"01890a5d-ac96-774b-bcce-b302099a8057","path":"/p","name":"p","git":{git},"missing":false,"created_at":"2026-01-01T00:00:00Z"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const GIT: &str = r#"{"root":"/p","branch":"main","linked_worktree":false,"has_commits":true}"#;

    #[test]
    fn a_real_agent_is_offered_before_a_shell() {
        let agents = [
            agent("shell", AgentState::Ready),
            agent("codex", AgentState::Missing),
            agent("claude", AgentState::Ready),
        ];
        assert_eq!(first_agent(&agents, None).as_deref(), Some("claude"));
        assert_eq!(
            first_agent(&agents, Some("shell")).as_deref(),
            Some("shell")
        );
        assert_eq!(
            first_agent(&agents, Some("codex")).as_deref(),
            Some("claude")
        );
        assert_eq!(first_agent(&agents[..2], None).as_deref(), Some("shell"));
        assert_eq!(first_agent(&agents[1..2], None), None);
    }

    #[test]
    fn a_folder_without_git_is_worked_in_place() {
        let agents = [agent("claude", AgentState::Ready)];
        let form = Form {
            agent: "claude".into(),
            workspace: WORKTREE.into(),
            base: "dev".into(),
            ..Form::default()
        };
        let made = request(&form, Some(&project("null")), &agents, None).unwrap();
        assert_eq!(made.workspace, Some(WorkspaceRequest::InPlace));
        let made = request(&form, Some(&project(GIT)), &agents, None).unwrap();
        assert_eq!(
            made.workspace,
            Some(WorkspaceRequest::Worktree {
                base: Some("dev".into()),
                branch: None
            })
        );
        assert_eq!(made.message, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let agents = [agent("custom", AgentState::Ready)];
        let form = Form {
            agent: "custom".into(),
            ..Form::default()
        };
        assert_eq!(
            request(&form, None, &agents, None),
            Err(FormError::NoProject)
        );
        assert_eq!(
            request(&form, Some(&project(GIT)), &[], None),
            Err(FormError::NoAgent)
        );
        assert_eq!(
            request(&form, Some(&project(GIT)), &agents, None),
            Err(FormError::Command(CommandLineError::Empty))
        );
    }

    #[test]
    fn an_agent_is_offered_the_routers_that_it_can_use() {
        const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
        let router = |id: &str, kind: &str| -> Router {
            let text = format!(
                r#"{{"id":"{id}","name":"{kind}","version":1,"settings":{{"kind":"{kind}"}},"keys":[],
                    "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let routers = [
            router("01890a5d-ac96-774b-bcce-b302099a8057", "claude_vertex"),
            router(OTHER, "ccr_v1"),
        ];
        let mut claude = agent("claude", AgentState::Ready);
        claude.routers = vec![berth_protocol::RouterKind::CcrV1];
        let names: Vec<_> = routers_for(&claude, &routers)
            .iter()
            .map(|r| r.name.as_str())
            .collect();
        assert_eq!(names, ["ccr_v1"]);
        let chosen = |agent: &Agent, id: &str, routers: &[Router]| {
            let form = Form {
                agent: "claude".into(),
                router: id.into(),
                ..Form::default()
            };
            let project = project(GIT);
            request(
                &form,
                Some(&project),
                std::slice::from_ref(agent),
                Some(routers),
            )
            .map(|made| made.router.map(|id| id.to_string()))
        };
        assert_eq!(chosen(&claude, "", &routers), Ok(None));
        assert_eq!(chosen(&claude, OTHER, &routers), Ok(Some(OTHER.to_owned())));
        let other_kind = routers[0].id.to_string();
        assert_eq!(chosen(&claude, &other_kind, &routers), Ok(None));
        claude.needs_router = true;
        assert_eq!(chosen(&claude, "", &routers), Ok(Some(OTHER.to_owned())));
        let keyless = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8059","name":"far","version":1,"keys":[],
            "settings":{"kind":"ccr_v1","providers":[{"name":"p","protocol":"gemini","base_url":"https://e.com",
            "models":["m"]}]},"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#;
        let keyless: Router = serde_json::from_str(keyless).unwrap();
        let without = keyless.id.to_string();
        assert_eq!(
            chosen(&claude, "", &[keyless.clone(), routers[1].clone()]),
            Ok(Some(OTHER.to_owned())),
            "one that misses no key comes first"
        );
        assert_eq!(chosen(&claude, "", &[keyless]), Ok(Some(without)));
        assert_eq!(chosen(&claude, "", &routers[..1]), Err(FormError::NoRouter));
    }

    #[test]
    fn no_session_starts_past_a_router_that_is_not_known_yet() {
        let mut claude = agent("claude", AgentState::Ready);
        claude.routers = vec![berth_protocol::RouterKind::CcrV1];
        let start = |agent: &Agent, router: &str| {
            let form = Form {
                agent: "claude".into(),
                router: router.into(),
                ..Form::default()
            };
            let agents = std::slice::from_ref(agent);
            request(&form, Some(&project(GIT)), agents, None).map(|made| made.router)
        };
        assert_eq!(start(&claude, ""), Ok(None));
        assert_eq!(start(&claude, "some"), Err(FormError::RoutersUnknown));
        claude.needs_router = true;
        assert_eq!(start(&claude, ""), Err(FormError::RoutersUnknown));
    }
}
