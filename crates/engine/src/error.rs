//! Why an engine did not start or did not go on.

use std::{io, path::PathBuf};

use berth_protocol::{Code, Problem};
use berth_session::{agents::LaunchError, live::SessionError, pty::PtyError};
use berth_store::StoreError;
use berth_workspace::WorkspaceError;

/// Why an engine did not start or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another engine has the data folder.
    #[error("another engine is using {0}")]
    AlreadyRunning(PathBuf),
    /// The port is taken.
    #[error("port {0} on 127.0.0.1 is taken by another program")]
    PortTaken(u16),
    /// The port cannot be used.
    #[error("port {port} on 127.0.0.1 cannot be used: {source}")]
    Bind {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not tell the port.
    #[error("the system does not tell the engine's address: {0}")]
    Address(io::Error),
    /// A file or folder of the engine cannot be used.
    #[error("{doing} {path} failed: {source}")]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file with global prompts cannot be used.
    #[error("the global prompts in {path} cannot be used: {reason}")]
    GlobalPrompts {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server broke off.
    #[error("the server broke off: {0}")]
    Serve(io::Error),
}

impl EngineError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::AlreadyRunning(_) => Code::EngineRunning,
            Self::PortTaken(_) | Self::Bind { .. } => Code::PortTaken,
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Code::StoreFull
            }
            Self::File { .. } => Code::StoreUnavailable,
            Self::GlobalPrompts { .. } => Code::PromptInvalid,
            Self::Store(error) => error.code(),
            Self::Address(_) | Self::Serve(_) => Code::Internal,
        }
    }
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct ApiError(pub Box<Problem>);

impl ApiError {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::from(Problem::new(code, detail))
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = error.code();
        if code.status() >= 500 && code != Code::ShuttingDown {
            tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        }
        let problem = Problem::new(code, error.to_string());
        Self::from(match error {
            // No other choice is possible either.
            StoreError::ToldFact { .. } => problem.with_hint(TOLD_HINT),
            _ => problem,
        })
    }
}

/// What is done about what this machine tells an organization by itself.
const TOLD_HINT: &str =
    "It is sent by itself. What was refused of it is sent again on the organization page.";

impl From<WorkspaceError> for ApiError {
    fn from(error: WorkspaceError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<LaunchError> for ApiError {
    fn from(error: LaunchError) -> Self {
        let mut problem = Problem::new(error.code(), error.to_string());
        match &error {
            LaunchError::Missing {
                hint: Some(hint), ..
            } => problem = problem.with_hint(format!("Install it: {hint}")),
            LaunchError::TooOld {
                hint: Some(hint), ..
            } => problem = problem.with_hint(format!("Update it: {hint}")),
            _ => {}
        }
        Self::from(problem)
    }
}

impl From<PtyError> for ApiError {
    fn from(error: PtyError) -> Self {
        Self::new(Code::SpawnFailed, error.to_string())
    }
}

/// A session's error with the session it is about.
pub fn session_error(id: berth_protocol::SessionId) -> impl Fn(SessionError) -> ApiError {
    move |error| error.problem(id).into()
}
