//! From an agent's data and a session's wishes to the program, arguments and environment.
//!
//! Arguments stay arguments: nothing passes through a shell, and what a user typed never becomes
//! an option of the agent.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
};

use berth_protocol::{Code, RouterKind, Secret, SessionId, SessionMcpServer, Size, Transport};

use super::{
    CUSTOM, SHELL, Spec,
    conversation::ConversationRules,
    detect,
    injection::{self, Injection, PrivateFile, PromptRules},
    router_rules,
    spec::PermissionRule,
};
use crate::{environment::Environment, process::SESSION_VARIABLE, pty::Launch, router::Route};

/// What a session wants of its agent.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The session.
    pub session: SessionId,
    /// Working folder.
    pub workspace: &'a Path,
    /// Size of the terminal.
    pub size: Size,
    /// How it is spoken to.
    pub transport: Transport,
    /// One of the agent's permission modes; its default when absent.
    pub permission_mode: Option<&'a str>,
    /// Program and arguments, for a custom command.
    pub command: Option<&'a [String]>,
    /// Name that the agent shall give its conversation, or that the one has which it goes on with.
    pub agent_session: &'a str,
    /// It goes on with that conversation.
    pub resume: bool,
    /// What it is given besides its own settings.
    pub injection: Injection<'a>,
    /// The session's private folder, an absolute path. It need not exist.
    pub private: &'a Path,
    /// Variables whose values are nobody else's to see.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// The router that it shall be sent through.
    pub router: Option<&'a Route>,
}

/// Why an agent cannot be started.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LaunchError {
    /// There is no adapter for it.
    #[error("{0} cannot be run by this version of Berth")]
    Unsupported(String),
    /// Its program is not there.
    #[error("{name} is not installed: {program} is neither on the PATH nor in a usual folder")]
    Missing {
        /// The agent's name.
        name: String,
        /// Its program.
        program: String,
        /// How to install it.
        hint: Option<String>,
    },
    /// Its program is not executable.
    #[error("{0} is not an executable file")]
    NotExecutable(PathBuf),
    /// Its program does not know what it would be started with.
    #[error("{name} {found} is too old: Berth needs version {minimum} or newer")]
    TooOld {
        /// The agent's name.
        name: String,
        /// Its version.
        found: String,
        /// The oldest that can be started.
        minimum: semver::Version,
        /// How to install a newer one.
        hint: Option<String>,
    },
    /// It has no such permission mode.
    #[error("{name} has no permission mode {mode:?}{}", over(*.transport))]
    UnknownMode {
        /// The agent's name.
        name: String,
        /// What was asked for.
        mode: String,
        /// How it is spoken to.
        transport: Transport,
    },
    /// It does not speak the protocol.
    #[error("{0} cannot be spoken to over ACP")]
    NoAcp(String),
    /// It takes no instructions.
    #[error("{name} takes no instructions from Berth{}", over(*.transport))]
    NoInstructions {
        /// The agent's name.
        name: String,
        /// How it is spoken to.
        transport: Transport,
    },
    /// It takes no MCP servers.
    #[error("{name} takes no MCP servers from Berth{}", over(*.transport))]
    NoMcp {
        /// The agent's name.
        name: String,
        /// How it is spoken to.
        transport: Transport,
    },
    /// The command of a custom session is not usable.
    #[error("the command is not usable: {0}")]
    Command(&'static str),
    /// It cannot be run without a router.
    #[error("{0} needs a router, and the session has none")]
    RouterRequired(String),
    /// It cannot be sent through such a router.
    #[error("{name} cannot be used with {}", .kind.name())]
    NotRoutable {
        /// The agent's name.
        name: String,
        /// The router's kind.
        kind: RouterKind,
    },
}

impl LaunchError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unsupported(_) => Code::AgentUnsupported,
            Self::Missing { .. } => Code::AgentMissing,
            Self::NotExecutable(_) => Code::AgentNotExecutable,
            Self::TooOld { .. } => Code::AgentTooOld,
            Self::UnknownMode { .. } => Code::PermissionModeUnknown,
            Self::NoAcp(_) => Code::TransportUnsupported,
            Self::NoInstructions { .. } => Code::AgentTakesNoPrompt,
            Self::NoMcp { .. } => Code::AgentTakesNoMcp,
            Self::Command(_) => Code::CommandInvalid,
            Self::RouterRequired(_) => Code::RouterRequired,
            Self::NotRoutable { .. } => Code::RouterInvalid,
        }
    }
}

fn over(transport: Transport) -> &'static str {
    match transport {
        Transport::Pty => "",
        Transport::Acp => " over ACP",
    }
}

/// What to run, and what to ask of it then.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to run.
    pub launch: Launch,
    /// The mode that the agent is put in over its protocol.
    pub acp_mode: Option<String>,
    /// The instructions go in over its protocol.
    pub acp_instructions: bool,
    /// Files that must be there before it runs; see [`Plan::write_files`].
    pub files: Vec<PrivateFile>,
}

impl Plan {
    /// Writes its files, which only their owner can read. Blocks.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_files(&self) -> std::io::Result<()> {
        for file in &self.files {
            if let Some(folder) = file.path.parent() {
                private_folder(folder)?;
            }
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options
                .open(&file.path)?
                .write_all(file.content.as_bytes())?;
        }
        Ok(())
    }
}

/// Makes a folder that only its owner can look into.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Works out what to run.
pub fn plan(spec: &Spec, order: &Order, environment: &Environment) -> Result<Plan, LaunchError> {
    let mode = mode(spec, order)?;
    let mut plan = match order.transport {
        Transport::Pty => on_terminal(spec, order, environment, mode)?,
        Transport::Acp => over_protocol(spec, order, environment, mode)?,
    };
    // Before the router, which sends the agent elsewhere than they may.
    let secrets = order.secrets.iter();
    plan.launch
        .env
        .extend(secrets.map(|(name, value)| (name.into(), value.expose().into())));
    router_rules::apply(spec, order, plan)
}

/// The permission mode: the one that was asked for, else the agent's first.
fn mode<'a>(spec: &'a Spec, order: &Order) -> Result<Option<&'a PermissionRule>, LaunchError> {
    let is_there = |mode: &&PermissionRule| order.transport == Transport::Pty || mode.acp.is_some();
    let mut modes = spec.permission_modes.iter().filter(is_there);
    let Some(wanted) = order.permission_mode else {
        return Ok(modes.next());
    };
    let found = modes.find(|mode| mode.id == wanted);
    let unknown = || LaunchError::UnknownMode {
        name: spec.name.clone(),
        mode: wanted.to_owned(),
        transport: order.transport,
    };
    found.map(Some).ok_or_else(unknown)
}

fn on_terminal(
    spec: &Spec,
    order: &Order,
    environment: &Environment,
    mode: Option<&PermissionRule>,
) -> Result<Plan, LaunchError> {
    let rules = spec
        .launch
        .as_ref()
        .ok_or_else(|| LaunchError::Unsupported(spec.name.clone()))?;
    let (program, given) = program(spec, order, environment)?;
    if order.injection.instructions.is_some() {
        takes_instructions(spec, order.transport)?;
    }
    let taken = |server| takes_mcp(spec, Transport::Pty, server);
    if !order.injection.mcp_servers.iter().all(taken) {
        let (name, transport) = (spec.name.clone(), order.transport);
        return Err(LaunchError::NoMcp { name, transport });
    }
    let injected = injection::inject(
        injection::Rules {
            prompt: spec.instructions.as_ref(),
            mcp: spec.mcp.as_ref(),
            config: spec.config,
        },
        &order.injection,
        order.private,
        environment,
    );
    let mut args = arguments(&rules.args, spec.conversation.as_ref(), mode, order);
    args.extend(injected.args.into_iter().map(OsString::from));
    args.extend(given.into_iter().map(OsString::from));
    let mut env = variables(environment, &rules.env, mode);
    env.extend(os_variables(injected.env));
    env.extend(terminal_variables());
    Ok(Plan {
        launch: launch(program, args, env, order),
        acp_mode: None,
        acp_instructions: false,
        files: injected.files,
    })
}

/// Whether an agent takes instructions over a transport, and how.
///
/// # Errors
/// [`LaunchError::NoInstructions`] when it does not.
pub fn takes_instructions(spec: &Spec, transport: Transport) -> Result<&PromptRules, LaunchError> {
    let rules = match transport {
        Transport::Pty => spec.instructions.as_ref(),
        Transport::Acp => spec.acp.as_ref().and_then(|acp| acp.instructions.as_ref()),
    };
    match rules {
        Some(rules) => Ok(rules),
        None => Err(LaunchError::NoInstructions {
            name: spec.name.clone(),
            transport,
        }),
    }
}

/// Whether the agent can be given an MCP server. Over the Agent Client Protocol that is known once it runs.
pub fn takes_mcp(spec: &Spec, transport: Transport, server: &SessionMcpServer) -> bool {
    match transport {
        Transport::Pty => spec.mcp.as_ref().is_some_and(|mcp| mcp.takes(server)),
        Transport::Acp => spec.acp.is_some(),
    }
}

/// What an agent on a terminal is given of an MCP server; nothing when it takes none of that kind.
pub fn given_mcp(
    spec: &Spec,
    server: &SessionMcpServer,
    private: &Path,
    environment: &Environment,
    berth: Option<&Path>,
) -> Option<injection::Injected> {
    if spec.launch.is_none() || !takes_mcp(spec, Transport::Pty, server) {
        return None;
    }
    let rules = injection::Rules {
        prompt: None,
        mcp: spec.mcp.as_ref(),
        config: spec.config,
    };
    let wanted = injection::Injection {
        instructions: None,
        mcp_servers: std::slice::from_ref(server),
        berth,
    };
    Some(injection::inject(rules, &wanted, private, environment))
}

fn over_protocol(
    spec: &Spec,
    order: &Order,
    environment: &Environment,
    mode: Option<&PermissionRule>,
) -> Result<Plan, LaunchError> {
    if order.command.is_some() {
        return Err(LaunchError::Command("it cannot be spoken to over ACP"));
    }
    let no_acp = || LaunchError::NoAcp(spec.name.clone());
    let rules = spec.acp.as_ref().ok_or_else(no_acp)?;
    let found = detect::locate_acp(spec, environment).ok_or_else(no_acp)?;
    let program = found.ok_or_else(|| LaunchError::Missing {
        name: format!("{} over ACP", spec.name),
        program: rules
            .programs
            .first()
            .or(spec.programs.first())
            .cloned()
            .unwrap_or_default(),
        hint: spec.acp_install_hint().map(str::to_owned),
    })?;
    let own = detect::locate(runner(spec), environment);
    let program = executable(program.path)?;
    let known = |value: &String| match (value.contains("{program}"), &own) {
        (false, _) => Some(value.clone()),
        (true, Some(own)) => Some(value.replace("{program}", &own.path.display().to_string())),
        (true, None) => None,
    };
    let env = rules.env.iter();
    let env = env.filter_map(|(name, value)| Some((name.clone(), known(value)?)));
    if order.injection.instructions.is_some() {
        takes_instructions(spec, order.transport)?;
    }
    let injected = injection::inject(
        injection::Rules {
            prompt: rules.instructions.as_ref(),
            // They go in by the protocol.
            mcp: None,
            config: spec.config,
        },
        &order.injection,
        order.private,
        environment,
    );
    let mut env = variables(environment, &env.collect(), mode);
    env.extend(os_variables(injected.env));
    // Conversations are begun and resumed by the protocol too.
    let mut args = arguments(&rules.args, None, mode, order);
    args.extend(injected.args.into_iter().map(OsString::from));
    let acp_mode = mode.and_then(|mode| mode.acp.clone());
    Ok(Plan {
        launch: launch(program, args, env, order),
        acp_mode: acp_mode.filter(|mode| !mode.is_empty()),
        acp_instructions: rules
            .instructions
            .as_ref()
            .is_some_and(|rules| rules.protocol),
        files: injected.files,
    })
}

fn arguments(
    rules: &[String],
    conversation: Option<&ConversationRules>,
    mode: Option<&PermissionRule>,
    order: &Order,
) -> Vec<OsString> {
    let of_conversation = conversation.map_or(&[][..], |rules| match order.resume {
        true => &rules.resume[..],
        false => &rules.new[..],
    });
    let private = order.private.display().to_string();
    let of_conversation = of_conversation.iter().map(|arg| {
        let arg = arg.replace("{agent_session}", order.agent_session);
        OsString::from(arg.replace("{private}", &private))
    });
    let mut of_conversation = Some(of_conversation);
    let mut args: Vec<OsString> = Vec::new();
    for arg in rules {
        match arg.as_str() {
            "{permission_args}" => {
                let of_mode = mode.into_iter().flat_map(|mode| &mode.args);
                args.extend(of_mode.map(OsString::from));
            }
            "{conversation_args}" => args.extend(of_conversation.take().into_iter().flatten()),
            _ => {
                let mode = mode.map_or("", |mode| mode.id.as_str());
                args.push(arg.replace("{permission_mode}", mode).into());
            }
        }
    }
    args.extend(of_conversation.into_iter().flatten());
    args
}

fn os_variables(env: BTreeMap<String, String>) -> impl Iterator<Item = (OsString, OsString)> {
    env.into_iter()
        .map(|(name, value)| (name.into(), value.into()))
}

fn variables(
    environment: &Environment,
    rules: &BTreeMap<String, String>,
    mode: Option<&PermissionRule>,
) -> BTreeMap<OsString, OsString> {
    let mut env = environment.variables();
    let of_mode = mode.into_iter().flat_map(|mode| &mode.env);
    env.extend(
        rules
            .iter()
            .chain(of_mode)
            .map(|(name, value)| (name.into(), value.into())),
    );
    env
}

fn launch(
    program: PathBuf,
    args: Vec<OsString>,
    mut env: BTreeMap<OsString, OsString>,
    order: &Order,
) -> Launch {
    let own = [
        (SESSION_VARIABLE, order.session.to_string()),
        // Programs read the logical path from it, and a wrong one is worse than none.
        ("PWD", order.workspace.display().to_string()),
    ];
    env.extend(own.map(|(name, value)| (name.into(), value.into())));
    Launch {
        program,
        args,
        env,
        cwd: order.workspace.to_owned(),
        size: order.size,
    }
}

fn program(
    spec: &Spec,
    order: &Order,
    environment: &Environment,
) -> Result<(PathBuf, Vec<String>), LaunchError> {
    match (spec.id.as_str(), order.command) {
        (CUSTOM, Some([program, args @ ..])) if !program.trim().is_empty() => {
            if order
                .command
                .into_iter()
                .flatten()
                .any(|part| part.contains('\0'))
            {
                return Err(LaunchError::Command("it holds a NUL character"));
            }
            let path = detect::resolve(program, order.workspace, environment).ok_or_else(|| {
                LaunchError::Missing {
                    name: "the command".to_owned(),
                    program: program.clone(),
                    hint: None,
                }
            })?;
            executable(path).map(|path| (path, args.to_vec()))
        }
        (CUSTOM, _) => Err(LaunchError::Command("it names no program")),
        (_, Some(_)) => Err(LaunchError::Command(
            "only the agent \"custom\" takes a command",
        )),
        (SHELL, None) => Ok((crate::environment::login_shell(), Vec::new())),
        (_, None) => {
            let spec = runner(spec);
            let found = detect::locate(spec, environment).ok_or_else(|| LaunchError::Missing {
                name: spec.name.clone(),
                program: spec.programs.first().cloned().unwrap_or_default(),
                hint: spec.install_hint.clone(),
            })?;
            executable(found.path).map(|path| (path, Vec::new()))
        }
    }
}

/// The agent whose program is run.
fn runner(spec: &Spec) -> &Spec {
    spec.runs.as_ref().and_then(super::find).unwrap_or(spec)
}

fn executable(path: PathBuf) -> Result<PathBuf, LaunchError> {
    if detect::is_executable(&path) {
        Ok(path)
    } else {
        Err(LaunchError::NotExecutable(path))
    }
}

fn terminal_variables() -> BTreeMap<OsString, OsString> {
    [
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("TERM_PROGRAM", "berth"),
        ("TERM_PROGRAM_VERSION", env!("CARGO_PKG_VERSION")),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into()
}
