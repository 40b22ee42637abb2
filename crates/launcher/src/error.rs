//! What can go wrong between a client and its engine, with a code and a way out for each.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The engine could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The platform names no folder for this user's data.
    #[error("this user has no home folder, so there is no place for Berth's data")]
    NoDataFolder,
    /// The data folder is not there and cannot be made.
    #[error("the data folder {path} cannot be used")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no engine program to start.
    #[error("the engine program {path} does not exist")]
    ProgramMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The system refused to run the engine program.
    #[error("the engine program {path} could not be started")]
    Spawn {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine ended before it was ready.
    #[error("the engine ended while it started ({status}){}", said(stderr))]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to its standard error. May be empty.
        stderr: String,
    },
    /// The engine runs but did not say in time that it is ready.
    #[error("the engine was not ready after {} s{}", waited.as_secs(), said(stderr))]
    Timeout {
        /// How long was waited.
        waited: Duration,
        /// The end of what it wrote to its standard error. May be empty.
        stderr: String,
    },
    /// Another engine owns the data folder, but nobody answers at its address.
    #[error("another engine owns {data_dir} but does not answer")]
    OtherSilent {
        /// The folder.
        data_dir: PathBuf,
    },
    /// The engine said it is ready and left no endpoint file.
    #[error("the engine is ready but left no {path}")]
    EndpointMissing {
        /// The file.
        path: PathBuf,
    },
    /// The endpoint file could not be read.
    #[error("the endpoint file {path} could not be read")]
    EndpointUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read the endpoint file, or it belongs to another user.
    #[error("the endpoint file {path} is not private to this user")]
    EndpointExposed {
        /// The file.
        path: PathBuf,
    },
    /// The endpoint file holds something else.
    #[error("the endpoint file {path} does not describe an engine")]
    EndpointInvalid {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The endpoint file names an address on another machine, which would get the token.
    #[error("the endpoint file {path} names {url}, which is not on this machine")]
    EndpointForeign {
        /// The file.
        path: PathBuf,
        /// The address.
        url: String,
    },
    /// The engine refused to stop, or could not be asked to.
    #[error("the engine (process {pid}) could not be asked to stop: {reason}")]
    StopRefused {
        /// The engine's process.
        pid: u32,
        /// Why.
        reason: String,
    },
    /// The engine was asked to stop and still runs.
    #[error("the engine (process {pid}) still runs {} s after it was asked to stop", waited.as_secs())]
    StopTimeout {
        /// The engine's process.
        pid: u32,
        /// How long was waited.
        waited: Duration,
    },
}

impl LaunchError {
    /// Stable code, in the style of the API's codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDataFolder | Self::DataFolder { .. } => "launch.data_folder",
            Self::ProgramMissing { .. } => "launch.engine_missing",
            Self::Spawn { .. } => "launch.engine_not_executable",
            Self::Exited { .. } => "launch.engine_exited",
            Self::Timeout { .. } => "launch.engine_timeout",
            Self::OtherSilent { .. } => "launch.engine_silent",
            Self::EndpointMissing { .. }
            | Self::EndpointUnreadable { .. }
            | Self::EndpointInvalid { .. } => "launch.endpoint_unusable",
            Self::EndpointExposed { .. } | Self::EndpointForeign { .. } => {
                "launch.endpoint_untrusted"
            }
            Self::StopRefused { .. } => "launch.stop_refused",
            Self::StopTimeout { .. } => "launch.stop_timeout",
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoDataFolder => "Set HOME, or set BERTH_HOME to a folder of your own.",
            Self::DataFolder { .. } => {
                "Check that you may write to this folder, or set BERTH_HOME to another one."
            }
            Self::ProgramMissing { .. } => {
                "Install Berth again, or set BERTH_ENGINE to the path of the `berth` program."
            }
            Self::Spawn { .. } => {
                "Check that the program is executable and made for this machine, or install Berth again."
            }
            Self::Exited { .. } => {
                "Run `berth serve` in a terminal to see all of its messages, then try again."
            }
            Self::Timeout { .. } => {
                "It may still be at work, for example after an update. Try again in a moment."
            }
            Self::OtherSilent { .. } => {
                "It may be ending or stuck. Try again in a moment, or end the process `berth` by hand."
            }
            Self::EndpointMissing { .. } | Self::EndpointUnreadable { .. } => {
                "Check the permissions of the data folder, then try again."
            }
            Self::EndpointInvalid { .. } => "Stop the engine, delete this file and try again.",
            Self::EndpointExposed { .. } | Self::EndpointForeign { .. } => {
                "Somebody else may have written or read it. Stop the engine, delete this file and try again."
            }
            Self::StopRefused { .. } | Self::StopTimeout { .. } => {
                "Its log may say what it waits for. End the process by hand if it stays."
            }
        }
    }

    /// The message with all its causes in one sentence.
    pub fn full_message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        message
    }
}

/// The engine's own words, as a continuation of a message.
fn said(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    }
}
