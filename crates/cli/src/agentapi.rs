//! `berth agentapi`: a server that clients of coder/agentapi use unchanged.

mod attach;

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use berth_agentapi::{
    Config, Error, Hosts, ListError, Origins, PORT, Request, SIZE, Server, agent_of_program,
};
use berth_protocol::{Size, Transport};
use clap::{Arg, Args, Subcommand};
use tokio::sync::{mpsc, oneshot};

use crate::client;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Agentapi {
    #[command(subcommand)]
    server: Option<Sub>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Sub {
    /// The same: agentapi's own word for it
    Server(Box<Options>),
    /// Show the screen of a server in this terminal and type into it; Ctrl-C ends this, not the agent
    Attach(attach::Options),
}

/// agentapi's flags; each can also be given as a variable AGENTAPI_*.
#[derive(Args)]
pub struct Options {
    /// The agent whose screen it is [default: from the program's name, else custom]
    #[arg(long = "type", short = 't', env = "AGENTAPI_TYPE", value_name = "NAME")]
    kind: Option<String>,
    /// Port to listen on
    #[arg(long, short, env = "AGENTAPI_PORT", default_value_t = PORT)]
    port: u16,
    /// Print the description of the API as OpenAPI JSON and end
    #[arg(long, short = 'P', env = "AGENTAPI_PRINT_OPENAPI")]
    print_openapi: bool,
    /// Path under which a proxy serves the web chat
    #[arg(
        long,
        short,
        env = "AGENTAPI_CHAT_BASE_PATH",
        default_value = "/chat",
        value_name = "PATH"
    )]
    chat_base_path: String,
    /// Columns of the terminal
    #[arg(long, short = 'W', env = "AGENTAPI_TERM_WIDTH", default_value_t = SIZE.cols,
        value_parser = clap::value_parser!(u16).range(10..=1000))]
    term_width: u16,
    /// Rows of the terminal
    #[arg(long, short = 'H', env = "AGENTAPI_TERM_HEIGHT", default_value_t = SIZE.rows,
        value_parser = clap::value_parser!(u16).range(10..=2000))]
    term_height: u16,
    /// Host names, without ports, under which the server may be addressed, separated by commas (by
    /// spaces in AGENTAPI_ALLOWED_HOSTS); * allows all. With other names than those of this machine
    /// it also listens to other machines [default: localhost,127.0.0.1,[::1]]
    #[arg(long, short, value_delimiter = ',', value_name = "NAMES")]
    allowed_hosts: Option<Vec<String>>,
    /// Origins whose pages may use the server, separated like hosts; * allows all [default:
    /// http://localhost:3284,http://localhost:3000,http://localhost:3001]
    #[arg(long, short = 'o', value_delimiter = ',', value_name = "ORIGINS")]
    allowed_origins: Option<Vec<String>>,
    /// First message to the agent; read from the standard input when something is piped into it
    #[arg(
        long,
        short = 'I',
        env = "AGENTAPI_INITIAL_PROMPT",
        value_name = "TEXT"
    )]
    initial_prompt: Option<String>,
    /// File in which the messages outlive the server
    #[arg(long, short, env = "AGENTAPI_STATE_FILE", value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Read the state file at the start [default: true when there is one]
    #[arg(long, env = "AGENTAPI_LOAD_STATE", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_name = "BOOL")]
    load_state: Option<bool>,
    /// Write the state file at the end and at SIGUSR1 [default: true when there is one]
    #[arg(long, env = "AGENTAPI_SAVE_STATE", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_name = "BOOL")]
    save_state: Option<bool>,
    /// File that holds the process id while the server runs
    #[arg(long, env = "AGENTAPI_PID_FILE", value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Speak to the agent over the Agent Client Protocol on its standard input and output; the command must
    /// be one that does, such as gemini --acp, opencode acp or claude-agent-acp. There is no first screen
    /// among the messages, keys (type raw) are refused, and the id of an answer that is sent as a message
    /// chooses it
    #[arg(long, env = "AGENTAPI_EXPERIMENTAL_ACP")]
    experimental_acp: bool,
    /// Say more about what happens
    #[arg(long, short, env = "AGENTAPI_VERBOSE")]
    verbose: bool,
    /// The agent's program and its arguments; those that begin with a dash need -- before the program
    #[arg(value_name = "CMD")]
    command: Vec<String>,
}

/// A variable that is set to nothing counts as not set, as with agentapi: scripts pass on what they
/// were given, even if that is nothing.
pub fn unset_when_empty(argument: Arg) -> Arg {
    let empty = argument
        .get_env()
        .and_then(std::env::var_os)
        .is_some_and(|value| value.is_empty());
    if empty {
        argument.env(None::<&str>)
    } else {
        argument
    }
}

pub async fn serve(agentapi: Agentapi) -> ExitCode {
    let options = match agentapi.server {
        Some(Sub::Server(options)) => *options,
        Some(Sub::Attach(options)) => return attach::attach(options).await,
        None => agentapi.options,
    };
    if options.print_openapi {
        println!("{}", berth_agentapi::openapi_json());
        return ExitCode::SUCCESS;
    }
    crate::logging::console(options.verbose);
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => client::fail(&failure, failure.hint()),
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no command was given")]
    NoCommand,
    #[error("the list of {what} is not usable: {source}")]
    List {
        what: &'static str,
        #[source]
        source: ListError,
    },
    #[error(transparent)]
    Server(#[from] Error),
}

impl Failure {
    fn hint(&self) -> &'static str {
        match self {
            Self::NoCommand => "Put the agent behind --, as in: berth agentapi -- claude",
            Self::List { .. } => {
                "Flags separate entries by commas, variables of the environment by spaces."
            }
            Self::Server(Error::Listen { .. }) => "Choose another one with --port.",
            Self::Server(Error::UnknownAgent(_)) => {
                "Leave out --type for a program that Berth does not know."
            }
            Self::Server(_) => "",
        }
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    let program = options.command.first().ok_or(Failure::NoCommand)?;
    let agent = match options.kind {
        Some(kind) => kind,
        None => {
            // The program may be given with its path.
            let name = Path::new(program).file_stem().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            agent_of_program(&name).map_or_else(|| "custom".to_owned(), |spec| spec.id.to_string())
        }
    };
    let agent_name = agent.clone();
    let list = |given: Option<Vec<String>>, variable: &str, usual: &[&str]| {
        given
            .or_else(|| {
                let value = std::env::var(variable)
                    .ok()
                    .filter(|list| !list.is_empty())?;
                Some(value.split_whitespace().map(str::to_owned).collect())
            })
            .unwrap_or_else(|| usual.iter().map(|&item| item.to_owned()).collect())
    };
    let hosts = list(
        options.allowed_hosts,
        "AGENTAPI_ALLOWED_HOSTS",
        &["localhost", "127.0.0.1", "[::1]"],
    );
    let origins = list(
        options.allowed_origins,
        "AGENTAPI_ALLOWED_ORIGINS",
        &[
            "http://localhost:3284",
            "http://localhost:3000",
            "http://localhost:3001",
        ],
    );
    let initial_prompt = options
        .initial_prompt
        .filter(|prompt| !prompt.trim().is_empty());
    let piped = match initial_prompt {
        Some(_) => oneshot::channel().1,
        None => piped(),
    };
    // Listened for before there is anything that a signal would have to end.
    let requests = signals();
    let invalid = |what| move |source| Failure::List { what, source };
    let server = Server::start(Config {
        agent,
        command: options.command,
        transport: if options.experimental_acp {
            Transport::Acp
        } else {
            Transport::Pty
        },
        port: options.port,
        size: Size {
            rows: options.term_height,
            cols: options.term_width,
        },
        hosts: Hosts::new(&hosts).map_err(invalid("allowed hosts"))?,
        origins: Origins::new(&origins).map_err(invalid("allowed origins"))?,
        chat_base_path: options.chat_base_path,
        initial_prompt,
        load_state: options.load_state.unwrap_or(true),
        save_state: options.save_state.unwrap_or(true),
        state_file: options.state_file,
        pid_file: options.pid_file,
    })
    .await?;
    println!(
        "Serving {agent_name} at http://localhost:{0}, chat at http://localhost:{0}/chat",
        server.port()
    );
    Ok(server.run(requests, piped).await?)
}

/// What is piped into the command, as agentapi takes it for the first message. It is waited for beside
/// everything else: a standard input that stays open must not keep the server from starting.
fn piped() -> oneshot::Receiver<String> {
    let (sender, receiver) = oneshot::channel();
    let mut stdin = std::io::stdin();
    if !stdin.is_terminal() {
        // A thread of its own, because nothing can end the reading; it ends with the program.
        std::thread::spawn(move || {
            let mut text = String::new();
            // Something that is not text is no message.
            if stdin.read_to_string(&mut text).is_ok() && !text.trim().is_empty() {
                // The server may have ended meanwhile.
                let _ = sender.send(text.trim().to_owned());
            }
        });
    }
    receiver
}

/// What signals ask for: to end, by SIGINT, SIGTERM and SIGHUP, and to save, by SIGUSR1.
#[cfg(unix)]
fn signals() -> mpsc::Receiver<Request> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut kinds = vec![
        (SignalKind::interrupt(), Request::Stop),
        (SignalKind::terminate(), Request::Stop),
        (SignalKind::user_defined1(), Request::Save),
    ];
    if !crate::signals::hangup_is_ignored() {
        kinds.push((SignalKind::hangup(), Request::Stop));
    }
    let (sender, receiver) = mpsc::channel(kinds.len());
    for (kind, request) in kinds {
        match signal(kind) {
            Ok(mut signals) => {
                let sender = sender.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() && sender.send(request).await.is_ok() {}
                });
            }
            Err(error) => tracing::warn!(%error, "a signal is not listened for"),
        }
    }
    receiver
}

/// What Ctrl-C asks for.
#[cfg(not(unix))]
fn signals() -> mpsc::Receiver<Request> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(Request::Stop).await.is_ok() {}
    });
    receiver
}
