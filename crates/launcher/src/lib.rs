//! Finds, starts and stops the engine on this machine.
//!
//! The window and the `berth` command share this: both attach to the engine that runs, or start
//! one that outlives them. What the engine does is its own business; this crate knows only its
//! endpoint file, its health and how its process is started. There is no window code here.
//!
//! ```no_run
//! # async fn example() -> Result<(), berth_launcher::LaunchError> {
//! use berth_launcher::{StartOptions, attach_or_start, data_dir, engine_program};
//!
//! let engine = attach_or_start(&StartOptions::new(engine_program()?, data_dir()?)).await?;
//! assert!(engine.url.starts_with("http://127.0.0.1:"));
//! # Ok(()) }
//! ```

mod endpoint_file;
mod error;
mod health;
mod place;
mod start;
mod stop;

pub use endpoint_file::{ENDPOINT_FILE, LOCK_FILE, read_endpoint};
pub use error::LaunchError;
pub use health::{client, probe};
pub use place::{ENGINE_VARIABLE, HOME_VARIABLE, data_dir, engine_program};
pub use start::{EXIT_ALREADY_RUNNING, START_TIMEOUT, StartOptions, attach_or_start};
pub use stop::{STOP_TIMEOUT, Stopped, stop};
