//! `berth debug`: what Berth makes of what it is given, for bug reports.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use berth_protocol::{AgentDefinition, AgentId};
use berth_session::{
    agents::{self, Spec},
    reading, recording,
    terminal::Terminal,
};
use clap::{Args, Subcommand};
use serde_json::Value;

/// The name of an agent whose definition has none.
const UNNAMED: &str = "described";

#[derive(Subcommand)]
pub enum Debug {
    /// Print as JSON what is read from an agent's screen: {message, ready, status, rules}
    Screen(Screen),
}

#[derive(Args)]
pub struct Screen {
    /// The agent whose rules are used, such as claude
    #[arg(long, value_name = "NAME", required_unless_present = "rules")]
    agent: Option<AgentId>,
    /// An agent.toml, or an agent's definition as the API has it, whose rules are used instead
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    rules: Option<PathBuf>,
    /// The user's message that is answered on the screen; empty or absent: the last one, or none
    #[arg(long, value_name = "FILE")]
    user: Option<PathBuf>,
    /// The screen as plain text, or a recording (asciicast v2) whose last screen is read
    #[arg(long, value_name = "FILE")]
    screen: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not usable: {reason}", path.display())]
    Rules { path: PathBuf, reason: String },
    #[error("there is no agent {0:?}")]
    Agent(String),
}

impl Failure {
    fn hint(&self) -> String {
        match self {
            Self::Read { .. } => String::new(),
            Self::Rules { .. } => {
                "See the agent.toml files in Berth's sources for what it may hold.".to_owned()
            }
            Self::Agent(_) => {
                let names: Vec<&str> = agents::all().iter().map(|spec| spec.id.as_str()).collect();
                format!("Known are: {}.", names.join(", "))
            }
        }
    }
}

pub fn screen(options: &Screen) -> ExitCode {
    match explained(options) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => crate::client::fail(&failure, &failure.hint()),
    }
}

fn explained(options: &Screen) -> Result<String, Failure> {
    let user = match &options.user {
        Some(path) => text(path)?,
        None => String::new(),
    };
    let terminal = terminal(&options.screen)?;
    let explain = |spec: &Spec| reading::explain(&spec.screen, &terminal, user.trim());
    let explained = match (&options.rules, &options.agent) {
        (Some(path), _) => {
            let spec = described(&text(path)?).map_err(|reason| Failure::Rules {
                path: path.clone(),
                reason,
            })?;
            explain(&spec)
        }
        (None, Some(agent)) => {
            let spec = agents::find(agent).ok_or_else(|| Failure::Agent(agent.to_string()))?;
            explain(spec)
        }
        (None, None) => return Err(Failure::Agent(String::new())),
    };
    Ok(serde_json::to_string_pretty(&explained).unwrap_or_default())
}

/// What a file says of an agent: a definition, as `GET /agents/{id}/definition` tells it or by itself, or
/// an `agent.toml`.
fn described(text: &str) -> Result<Spec, String> {
    if !text.trim_start().starts_with('{') {
        return Spec::parse(text).map_err(|error| error.to_string());
    }
    let mut given: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(definition) = given.get_mut("definition") {
        given = definition.take();
    }
    let definition: AgentDefinition =
        serde_json::from_value(given).map_err(|error| error.to_string())?;
    let id = UNNAMED
        .parse::<AgentId>()
        .map_err(|error| error.to_string())?;
    agents::defined::spec(&id, &definition).map_err(|problems| {
        let each: Vec<String> = problems.iter().map(ToString::to_string).collect();
        each.join(" ")
    })
}

fn terminal(path: &Path) -> Result<Terminal, Failure> {
    let content = text(path)?;
    // A recording begins with its header, which no screen does.
    let header = content.lines().next().unwrap_or_default();
    let is_recording = serde_json::from_str::<serde_json::Value>(header)
        .is_ok_and(|header| header["version"] == 2 && header["width"].is_number());
    if is_recording {
        recording::final_terminal(path).map_err(|source| Failure::Read {
            path: path.to_owned(),
            source,
        })
    } else {
        Ok(recording::plain_terminal(&content))
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
