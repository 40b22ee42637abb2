//! The model server as a program, for trying agents by hand and for benches.

use std::{error::Error, io::Write, time::Duration};

use berth_model_server::{ModelServer, Script};
use clap::Parser;

/// A model server for tests: the APIs of Anthropic, OpenAI and Gemini on the loopback address.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The pause between two pieces of a streamed answer, in milliseconds.
    #[arg(long, default_value_t = Script::PAUSE.as_millis() as u64)]
    pause_ms: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let script = Script {
        pause: Duration::from_millis(arguments.pause_ms),
    };
    let server = ModelServer::start_on(arguments.port, script)?;
    announce(&server.base_url())?;
    server.join()?;
    Ok(())
}

/// Prints the URL at once, also into a pipe, for the program that waits for this line.
fn announce(url: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{url}")?;
    out.flush()
}
