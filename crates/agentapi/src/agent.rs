//! The agent behind the server: what is run, and how it is spoken to.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use berth_protocol::{SessionId, Transport};
use berth_session::{
    acp,
    agents::{Spec, detect},
    environment::Environment,
    live::{self, SessionEvent, SessionHandle},
    process::{GRACE, Reaper, SESSION_VARIABLE},
    pty::Launch,
};
use tokio::sync::mpsc;

use crate::{Config, Error};

type Begun = (SessionHandle, mpsc::UnboundedReceiver<SessionEvent>);

/// Starts the agent on a terminal, or to be spoken to over the protocol. Blocks for the time of a fork.
pub fn start(
    transport: Transport,
    spec: &'static Spec,
    id: SessionId,
    launch: Launch,
) -> Result<Begun, berth_session::pty::PtyError> {
    let title = spec.name.clone();
    let reaper = Reaper::start();
    match transport {
        Transport::Pty => live::start(live::Start {
            id,
            run: 1,
            launch,
            rules: Arc::clone(&spec.screen),
            recording: None,
            follow_output: true,
            shows_earlier: false,
            router: None,
            title,
            reaper,
            grace: GRACE,
        }),
        Transport::Acp => acp::start(acp::Start {
            id,
            run: 1,
            launch,
            agent: spec.name.clone(),
            sign_in_hint: spec.sign_in_hint.clone(),
            // The command says what it is started with.
            mode: None,
            resume: None,
            instructions: None,
            mcp_servers: Vec::new(),
            meta: serde_json::Map::new(),
            noise: spec
                .acp
                .as_ref()
                .map_or_else(Arc::default, |acp| Arc::clone(&acp.noise)),
            recording: None,
            title,
            router: None,
            reaper,
            grace: GRACE,
        }),
    }
}

/// What to run: the user's command as it stands, in this process's folder and environment.
pub fn launch(config: &Config, spec: &Spec, session: SessionId) -> Result<Launch, Error> {
    let [program, args @ ..] = config.command.as_slice() else {
        return Err(Error::Missing("no command".to_owned()));
    };
    let cwd = std::env::current_dir().map_err(|source| Error::File {
        path: PathBuf::from("."),
        source,
    })?;
    let environment = Environment::own("agentapi", None);
    let path = detect::resolve(program, &cwd, &environment)
        .filter(|path| detect::is_executable(path))
        .ok_or_else(|| Error::Missing(program.clone()))?;
    let mut env = environment.variables();
    let own: &[(&str, &str)] = match config.transport {
        Transport::Pty => &[
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("TERM_PROGRAM", "berth"),
        ],
        Transport::Acp => &[],
    };
    let rules = match config.transport {
        Transport::Pty => spec.launch.as_ref().map(|launch| &launch.env),
        Transport::Acp => spec.acp.as_ref().map(|acp| &acp.env),
    };
    let rules = rules.into_iter().flatten();
    // An adapter may not find the agent's own program by itself; its user may have said where it is.
    let (adapted, rules): (Vec<_>, Vec<_>) =
        rules.partition(|(_, value)| value.contains("{program}"));
    if let Some(own) = detect::locate(spec, &environment) {
        for (name, value) in adapted {
            let value = value.replace("{program}", &own.path.display().to_string());
            env.entry(name.into()).or_insert_with(|| value.into());
        }
    }
    env.extend(
        own.iter()
            .copied()
            .chain(
                rules
                    .into_iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    );
    env.insert(SESSION_VARIABLE.into(), session.to_string().into());
    Ok(Launch {
        program: path,
        args: args.iter().map(OsString::from).collect(),
        env,
        cwd,
        size: config.size,
    })
}
