//! One of several processes that need a new access token of a tenant backend at the same moment.
//!
//! `tenant-client FOLDER URL KEY` waits for the file `go` in the folder, asks the keeper of the session that lies there
//! for a token, and writes it beside.

use std::{path::Path, process::ExitCode, sync::Arc};

use berth_tenant::auth::{Backend, Keeper};
use berth_tests::{tenant::SessionFile, until};

type Error = Box<dyn std::error::Error>;

#[expect(clippy::print_stderr, reason = "a test shows what went wrong")]
#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        [folder, url, key] => run(Path::new(folder), url, key).await,
        _ => Err("which folder, address and key?".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(folder: &Path, url: &str, key: &str) -> Result<(), Error> {
    let store = Arc::new(SessionFile::new(folder));
    let keeper = Keeper::new(Backend::new(url, key)?, store, folder.join("locks"))?;
    std::fs::write(folder.join(format!("ready.{}", std::process::id())), "")?;
    until("the others are ready too", || folder.join("go").exists()).await;
    let token = keeper.access().await?;
    let told = folder.join(format!("token.{}", std::process::id()));
    std::fs::write(told, token.expose())?;
    keeper.settle().await;
    Ok(())
}
