//! An endpoint of the MCP gateway for agents that reach their servers over standard input and output only.

use std::{env, process::ExitCode};

use berth_protocol::Secret;
use clap::Args;

use crate::client;

/// The variable that has the token of the session: an argument could be read by every user of the machine.
const TOKEN: &str = "BERTH_MCP_TOKEN";

/// Needs BERTH_MCP_TOKEN, the token of the session, which its agent has in its environment.
#[derive(Args)]
pub struct Options {
    /// The endpoint, as a session's agent is given it
    url: String,
}

/// Why nothing is passed on.
#[derive(Debug, thiserror::Error)]
#[error("{TOKEN} is not set")]
struct NoToken;

/// Passes messages on until one of both sides ends.
pub async fn run(options: Options) -> ExitCode {
    let hint = "Agents start this by themselves, as long as their session runs.";
    let Ok(token) = env::var(TOKEN) else {
        return client::fail(&NoToken, hint);
    };
    let own = (tokio::io::stdin(), tokio::io::stdout());
    let code = match berth_mcp::bridge(own, &options.url, Secret::new(token)).await {
        Ok(()) => 0,
        Err(error) => {
            client::fail(&error, hint);
            1
        }
    };
    // A thread still reads the standard input, which nobody may ever close.
    std::process::exit(code)
}
