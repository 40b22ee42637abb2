//! The `berth` command: serves the engine, and finds, opens and stops a running one.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks on the console"
)]

mod agentapi;
mod api;
mod assets;
mod attach;
mod audit;
mod client;
mod console;
mod debug;
mod limits;
mod logging;
mod mcp_bridge;
mod prompts;
mod run;
mod secrets;
mod serve;
mod signals;
mod sse;
mod tenant;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Runs agent CLIs in workspaces of their own.
#[derive(Parser)]
#[command(name = "berth", version, about, arg_required_else_help = true)]
struct Arguments {
    /// Folder of everything the engine keeps [default: the platform's folder for local data]
    #[arg(long, global = true, env = "BERTH_HOME", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the engine until it is stopped
    Serve(serve::Options),
    /// Give an agent one message, print its answer and exit with its result; starts the engine when none
    /// runs: berth run --agent claude "Fix the tests"
    Run(run::Options),
    /// Show a session's terminal in this one; starts the engine when none runs
    Attach(attach::Options),
    /// Serve the HTTP API of coder/agentapi for one agent: berth agentapi -- claude
    Agentapi(Box<agentapi::Agentapi>),
    /// Print the address of the running engine's UI, with its token
    Url,
    /// Open the running engine's UI in the browser; starts the engine when none runs
    Open,
    /// Tell whether an engine runs, and where
    Status,
    /// End the running engine and every session
    Stop,
    /// Print where the logs are
    Logs,
    /// Print the description of the API as OpenAPI JSON
    Openapi,
    /// Explain what Berth makes of an agent's screen
    Debug {
        #[command(subcommand)]
        command: debug::Debug,
    },
    /// Keep prompts in files, and see what a session would be given; starts the engine when none runs
    Prompts {
        #[command(subcommand)]
        command: prompts::Prompts,
    },
    /// Keep the database of a tenant backend
    Tenant {
        #[command(subcommand)]
        command: tenant::Tenant,
    },
    /// Give an endpoint of the MCP gateway over standard input and output, for agents that take nothing else
    McpBridge(mcp_bridge::Options),
    /// Keep secrets without a keychain
    Secrets {
        #[command(subcommand)]
        command: Secrets,
    },
    /// Check the audit trail, and take it along as a file that proves itself
    Audit {
        #[command(subcommand)]
        command: audit::Audit,
    },
}

#[derive(Subcommand)]
enum Secrets {
    /// Make a key for a file of secrets, in a file that is not there yet
    NewKey {
        /// Where
        file: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::command().mut_subcommand("agentapi", |agentapi| {
        agentapi
            .mut_args(agentapi::unset_when_empty)
            .mut_subcommand("server", |server| {
                server.mut_args(agentapi::unset_when_empty)
            })
    });
    let arguments =
        Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let data_dir = match arguments.data_dir.map_or_else(berth_launcher::data_dir, Ok) {
        Ok(data_dir) => data_dir,
        Err(error) => return client::fail(&error, error.hint()),
    };
    match arguments.command {
        Command::Serve(options) => serve::serve(data_dir, options).await,
        Command::Run(options) => run::run(data_dir, options).await,
        Command::Attach(options) => attach::attach(data_dir, options).await,
        Command::Agentapi(options) => agentapi::serve(*options).await,
        Command::Url => client::url(&data_dir).await,
        Command::Open => client::open(data_dir).await,
        Command::Status => client::status(&data_dir).await,
        Command::Stop => client::stop(&data_dir).await,
        Command::Logs => client::logs(&data_dir),
        Command::Openapi => {
            println!("{}", berth_engine::openapi_json());
            ExitCode::SUCCESS
        }
        Command::Debug {
            command: debug::Debug::Screen(options),
        } => debug::screen(&options),
        Command::Prompts { command } => prompts::prompts(data_dir, command).await,
        Command::Tenant { command } => tenant::tenant(command).await,
        Command::McpBridge(options) => mcp_bridge::run(options).await,
        Command::Secrets {
            command: Secrets::NewKey { file },
        } => match berth_secrets::SecretsFile::make_key(&file) {
            Ok(()) => {
                println!("{} holds a new key.", file.display());
                ExitCode::SUCCESS
            }
            Err(error) => client::fail(&error, "Name a file that is not there yet."),
        },
        Command::Audit { command } => audit::audit(data_dir, command).await,
    }
}
