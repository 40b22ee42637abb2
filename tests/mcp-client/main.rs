//! A client on `berth-mcp` that does what it is told and asks nobody.
//!
//! `mcp-client URL` is what the conformance suite starts for each of its scenarios: it connects, signs in when
//! it is asked to, calls the tools and answers forms. `mcp-client refresh FOLDER KEY SERVER` waits for the file
//! `go` in the folder and then asks for an access token, as one of several processes.

mod conformance;
mod refresh;

use std::process::ExitCode;

type Error = Box<dyn std::error::Error>;

#[expect(clippy::print_stderr, reason = "the suite shows what a client wrote")]
#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["refresh", folder, key, server] => refresh::run(folder, key, server).await,
        [.., url] => conformance::run(url).await,
        [] => Err("which server?".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
