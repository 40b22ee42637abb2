//! `berth debug`: what Berth makes of what it is given, for bug reports.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use berth_protocol::AgentId;
use berth_session::{
    agents::{self, Spec},
    reading, recording,
    terminal::Terminal,
};
use clap::{Args, Subcommand};

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
    /// An agent.toml whose rules are used instead of those in this program
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
            let spec = Spec::parse(&text(path)?).map_err(|error| Failure::Rules {
                path: path.clone(),
                reason: error.to_string(),
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
