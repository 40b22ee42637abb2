//! Why there is no router, and what to do then.

use std::{io, path::PathBuf};

use berth_protocol::{Code, FieldProblem, RouterKind};

/// Why there is no router.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// It is not installed.
    #[error("CCRouter is not installed: ccr is neither on the PATH nor in a usual folder")]
    Missing,
    /// What is installed is not the package that it should be.
    #[error("{program} does not belong to a CCRouter that was installed with npm: {reason}")]
    NotAPackage {
        /// The program.
        program: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// Another version is installed than the settings are for.
    #[error("the settings are for {wanted}, and version {found} is installed ({program})", wanted = .wanted.name())]
    OtherVersion {
        /// What the settings are for.
        wanted: RouterKind,
        /// The version that is installed.
        found: String,
        /// Its program.
        program: PathBuf,
    },
    /// A version that is not known.
    #[error("version {version} of CCRouter is not known ({program})")]
    UnknownVersion {
        /// The version.
        version: String,
        /// Its program.
        program: PathBuf,
    },
    /// There is no Node to run it with.
    #[error("CCRouter needs Node, which is neither beside {program} nor on the PATH")]
    NoNode {
        /// The router's program.
        program: PathBuf,
    },
    /// Node does not say its version, or is too old.
    #[error("CCRouter {version} needs Node {needed} or newer, and {node} is {found}")]
    OldNode {
        /// The router's version.
        version: String,
        /// The oldest Node that it runs with.
        needed: u32,
        /// The Node that was found.
        node: PathBuf,
        /// What it says of itself.
        found: String,
    },
    /// The settings cannot be used.
    #[error("the router's settings are not usable: {}", list(.0))]
    Invalid(Vec<FieldProblem>),
    /// The settings have no process: Claude Code's Vertex mode needs none.
    #[error("{} needs no router process", .0.name())]
    NoProcess(RouterKind),
    /// The credentials for Vertex AI are not there.
    #[error("the credentials for Vertex AI cannot be read: {path}: {source}")]
    Credentials {
        /// Where they should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds something that is not the router's.
    #[error("{0} is not empty and not a router's folder")]
    FolderTaken(PathBuf),
    /// A file or folder could not be made or removed.
    #[error("{doing} {path} failed: {source}")]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No port could be had.
    #[error("no free port on this machine for the router: {0}")]
    NoPort(io::Error),
    /// Other programs took each port before the router could.
    #[error("other programs took the router's port {0} times in a row")]
    PortsTaken(u32),
    /// Another program has the port that the agent knows.
    #[error("another program took port {0} while the router was started again")]
    PortTaken(u16),
    /// Its process could not be started.
    #[error("{node} could not be started: {source}")]
    Spawn {
        /// The Node that was to run it.
        node: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("the router ended before it answered ({status}){}", after(.said))]
    Ended {
        /// How it ended.
        status: String,
        /// The last rows that it printed.
        said: String,
    },
    /// It did not answer in time.
    #[error("the router did not answer within {seconds} s{}", after(.said))]
    Silent {
        /// How long was waited.
        seconds: u64,
        /// The last rows that it printed.
        said: String,
    },
}

impl RouterError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing => Code::RouterMissing,
            Self::NotAPackage { .. }
            | Self::OtherVersion { .. }
            | Self::UnknownVersion { .. }
            | Self::NoNode { .. }
            | Self::OldNode { .. } => Code::RouterUnsupported,
            Self::Invalid(_) | Self::NoProcess(_) | Self::Credentials { .. } => Code::RouterInvalid,
            Self::FolderTaken(_)
            | Self::File { .. }
            | Self::NoPort(_)
            | Self::PortsTaken(_)
            | Self::PortTaken(_)
            | Self::Spawn { .. }
            | Self::Ended { .. }
            | Self::Silent { .. } => Code::RouterFailed,
        }
    }

    /// What to do next, where that is more than the code's own hint.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAPackage { .. } | Self::UnknownVersion { .. } => {
                "Install it anew: npm install -g @musistudio/claude-code-router@3".to_owned()
            }
            Self::OtherVersion { wanted, .. } => format!(
                "Choose settings for the installed version, or install the other one: \
                 npm install -g @musistudio/claude-code-router@{}",
                if *wanted == RouterKind::CcrV1 {
                    "1"
                } else {
                    "3"
                }
            ),
            Self::NoNode { .. } => "Install Node 22 or newer.".to_owned(),
            Self::OldNode { needed, .. } => {
                format!("Install Node {needed} or newer, then install CCRouter with it again.")
            }
            Self::Credentials { .. } => {
                "Check the path, or run: gcloud auth application-default login".to_owned()
            }
            Self::PortTaken(_) => "Restart the session; its router gets another port.".to_owned(),
            Self::PortsTaken(_) | Self::Ended { .. } | Self::Silent { .. } => {
                "Start the session again; when that does not help, check the router's settings."
                    .to_owned()
            }
            _ => return None,
        })
    }
}

fn list(problems: &[FieldProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join(" ")
}

fn after(rows: &str) -> String {
    if rows.is_empty() {
        ", and said nothing".to_owned()
    } else {
        format!("; it said: {rows}")
    }
}
