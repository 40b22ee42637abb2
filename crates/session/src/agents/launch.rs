//! From an agent's data and a session's wishes to the program, arguments and environment.
//!
//! Arguments stay arguments: nothing passes through a shell, and what a user typed never becomes
//! an option of the agent.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use berth_protocol::{Code, SessionId, Size};

use super::{CUSTOM, SHELL, Spec, detect};
use crate::{environment::Environment, process::SESSION_VARIABLE, pty::Launch};

/// What a session wants of its agent.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The session.
    pub session: SessionId,
    /// Working folder.
    pub workspace: &'a Path,
    /// Size of the terminal.
    pub size: Size,
    /// One of the agent's permission modes; its default when absent.
    pub permission_mode: Option<&'a str>,
    /// Program and arguments, for a custom command.
    pub command: Option<&'a [String]>,
    /// Identifier that the agent shall give its own session.
    pub agent_session: &'a str,
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
    /// It has no such permission mode.
    #[error("{name} has no permission mode {mode:?}")]
    UnknownMode {
        /// The agent's name.
        name: String,
        /// What was asked for.
        mode: String,
    },
    /// The command of a custom session is not usable.
    #[error("the command is not usable: {0}")]
    Command(&'static str),
}

impl LaunchError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unsupported(_) => Code::AgentUnsupported,
            Self::Missing { .. } => Code::AgentMissing,
            Self::NotExecutable(_) => Code::AgentNotExecutable,
            Self::UnknownMode { .. } => Code::PermissionModeUnknown,
            Self::Command(_) => Code::CommandInvalid,
        }
    }
}

/// Works out what to run.
pub fn plan(spec: &Spec, order: &Order, environment: &Environment) -> Result<Launch, LaunchError> {
    let rules = spec
        .launch
        .as_ref()
        .ok_or_else(|| LaunchError::Unsupported(spec.name.clone()))?;
    let (program, given) = program(spec, order, environment)?;
    let mode = match order.permission_mode {
        None => spec.permission_modes.first(),
        Some(wanted) => {
            let found = spec.permission_modes.iter().find(|mode| mode.id == wanted);
            Some(found.ok_or_else(|| LaunchError::UnknownMode {
                name: spec.name.clone(),
                mode: wanted.to_owned(),
            })?)
        }
    };
    let mut args: Vec<OsString> = Vec::new();
    for arg in &rules.args {
        if arg == "{permission_args}" {
            args.extend(
                mode.into_iter()
                    .flat_map(|mode| &mode.args)
                    .map(OsString::from),
            );
        } else {
            let mode = mode.map_or("", |mode| mode.id.as_str());
            let arg = arg
                .replace("{permission_mode}", mode)
                .replace("{agent_session}", order.agent_session);
            args.push(arg.into());
        }
    }
    args.extend(given.into_iter().map(OsString::from));

    let mut env = environment.variables();
    let of_mode = mode.into_iter().flat_map(|mode| &mode.env);
    env.extend(
        rules
            .env
            .iter()
            .chain(of_mode)
            .map(|(name, value)| (name.into(), value.into())),
    );
    env.extend(terminal_variables(order));
    Ok(Launch {
        program,
        args,
        env,
        cwd: order.workspace.to_owned(),
        size: order.size,
    })
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
            let found = detect::locate(spec, environment).ok_or_else(|| LaunchError::Missing {
                name: spec.name.clone(),
                program: spec.programs.first().cloned().unwrap_or_default(),
                hint: spec.install_hint.clone(),
            })?;
            executable(found.path).map(|path| (path, Vec::new()))
        }
    }
}

fn executable(path: PathBuf) -> Result<PathBuf, LaunchError> {
    if detect::is_executable(&path) {
        Ok(path)
    } else {
        Err(LaunchError::NotExecutable(path))
    }
}

fn terminal_variables(order: &Order) -> BTreeMap<OsString, OsString> {
    [
        ("TERM", "xterm-256color".to_owned()),
        ("COLORTERM", "truecolor".to_owned()),
        ("TERM_PROGRAM", "berth".to_owned()),
        ("TERM_PROGRAM_VERSION", env!("CARGO_PKG_VERSION").to_owned()),
        (SESSION_VARIABLE, order.session.to_string()),
        // Programs read the logical path from it, and a wrong one is worse than none.
        ("PWD", order.workspace.display().to_string()),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into()
}
