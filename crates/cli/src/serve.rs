//! `berth serve`: the engine in the foreground.

use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use berth_engine::{Config, Engine, EngineError};
use berth_tenant::auth::Backend;
use clap::Args;
use serde_json::json;

use crate::{assets::BuiltUi, client, limits, logging, secrets};

/// Exit code when another engine has the data folder.
const ALREADY_RUNNING: u8 = 3;

#[derive(Args)]
pub struct Options {
    /// Loopback port [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Folder with Markdown files that are the global prompts, for all sessions of this engine
    #[arg(long, value_name = "FOLDER", env = "BERTH_GLOBAL_PROMPTS")]
    global_prompts: Option<PathBuf>,
    /// Tenant backend of this engine, which its users cannot change: the address of a Supabase project with Berth's
    /// schema, https or on this machine
    #[arg(
        long,
        value_name = "URL",
        env = "BERTH_BACKEND_URL",
        requires = "backend_key"
    )]
    backend_url: Option<String>,
    /// The backend's publishable (anon) key, which is no secret
    #[arg(
        long,
        value_name = "KEY",
        env = "BERTH_BACKEND_KEY",
        requires = "backend_url"
    )]
    backend_key: Option<String>,
    #[command(flatten)]
    secrets: secrets::Options,
    /// Print one line of JSON when the engine is ready, then close the standard output
    #[arg(long, conflicts_with = "print_url")]
    announce: bool,
    /// Print the address of the UI, with its token, when the engine is ready
    #[arg(long)]
    print_url: bool,
}

pub async fn serve(data_dir: PathBuf, options: Options) -> ExitCode {
    let mut config = Config::new(data_dir.clone());
    config.port = options.port;
    config.global_prompts = options.global_prompts;
    config.program = std::env::current_exe().ok();
    config.assets = Some(Arc::new(BuiltUi));
    // Whoever waits for the announcement keeps what is said besides in a file.
    let console = if options.announce {
        logging::Console::Starters
    } else {
        logging::Console::Watched
    };
    // The folder holds the logs too, so it must be there, for its owner only, before the engine is.
    let _log = match berth_engine::prepare_folder(&config.data_dir)
        .and_then(|()| berth_engine::prepare_folder(&config.log_dir))
        .map_err(std::io::Error::other)
        .and_then(|()| logging::start(&config.log_dir, console))
    {
        Ok(guard) => Some(guard),
        Err(error) => {
            eprintln!("berth: no log in {}: {error}", config.log_dir.display());
            None
        }
    };
    limits::raise_open_files();
    let not_chosen = |error: secrets::ChoiceError| {
        let code = error.code();
        tracing::error!(code = code.as_str(), %error, "the engine did not start");
        client::fail(&error, code.hint().unwrap_or_default())
    };
    let choice = match secrets::choose(options.secrets, &data_dir) {
        Ok(choice) => choice,
        Err(error) => return not_chosen(error),
    };
    if let (Some(url), Some(key)) = (&options.backend_url, &options.backend_key) {
        match Backend::new(url, key) {
            Ok(backend) => config.tenant = Some(backend),
            Err(error) => {
                let code = error.code();
                tracing::error!(code = code.as_str(), %error, "the engine did not start");
                return client::fail(&error, code.hint().unwrap_or_default());
            }
        }
    }
    let engine = match Engine::start(config).await {
        Ok(engine) => match choice.keep() {
            Ok(()) => engine,
            Err(error) => return not_chosen(error),
        },
        Err(error) => return failed(&error),
    };
    if options.announce {
        announce(&engine.endpoint().url);
    } else if options.print_url {
        println!("{}", client::page(engine.endpoint()));
    }
    let stopper = engine.stopper();
    tokio::spawn(async move {
        interrupted().await;
        tracing::info!("asked to stop by a signal");
        stopper.cancel();
    });
    match engine.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &EngineError) -> ExitCode {
    let code = error.code();
    tracing::error!(code = code.as_str(), %error, "the engine did not start");
    let exit = client::fail(error, code.hint().unwrap_or_default());
    if matches!(error, EngineError::AlreadyRunning(_)) {
        ALREADY_RUNNING.into()
    } else {
        exit
    }
}

/// Tells whoever started the engine that it is ready. The other side may be gone.
fn announce(url: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{}", json!({"ready": true, "url": url}));
    let _ = out.flush();
    #[cfg(unix)]
    close_stdout();
}

/// Lets the reader of the announcement see its end. The descriptor is replaced rather than closed,
/// so that nothing opened later takes its number.
#[cfg(unix)]
fn close_stdout() {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null");
    if let Ok(null) = null
        && let Err(error) = nix::unistd::dup2_stdout(&null)
    {
        tracing::debug!(%error, "the standard output stays open");
    }
}

#[cfg(unix)]
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    // A closed terminal must not end the sessions: only an explicit request does.
    let hangup = signal(SignalKind::hangup());
    tokio::spawn(async move {
        if let Ok(mut hangup) = hangup {
            while hangup.recv().await.is_some() {}
        }
    });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
