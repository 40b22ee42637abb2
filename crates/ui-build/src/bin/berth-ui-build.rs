//! Builds the UI: `berth-ui-build [--dev]`, from anywhere in the workspace.

use std::path::PathBuf;
use std::process::ExitCode;

use berth_ui_build::{Options, Profile, build};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]
fn main() -> ExitCode {
    let dev = std::env::args().any(|argument| argument == "--dev");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let options = Options {
        root: root.canonicalize().unwrap_or(root),
        profile: if dev { Profile::Dev } else { Profile::Release },
        target_dir: None,
    };
    match build(&options) {
        Ok(built) => {
            let state = if built.rebuilt { "built" } else { "up to date" };
            println!("{} ({state}, {})", built.dist.display(), built.size);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
