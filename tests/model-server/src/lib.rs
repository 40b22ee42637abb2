//! A model server for tests: agents talk to it as they would to a real provider.
//!
//! It speaks Anthropic Messages, OpenAI Responses, OpenAI Chat Completions and the Gemini API well
//! enough for real agent programs, and it chooses each answer from the words of the last user
//! message (see [`script`]), so that one server serves many tests. It is not a model: the same request always gets the same answer.
//!
//! ```
//! use berth_model_server::{ModelServer, Script};
//!
//! let server = ModelServer::start(Script::default())?;
//! assert!(server.base_url().starts_with("http://127.0.0.1:"));
//! assert!(server.requests().is_empty());
//! # Ok::<(), berth_model_server::StartError>(())
//! ```

pub mod log;
pub mod script;

mod anthropic;
mod chat;
mod codex_tools;
mod gemini;
mod http;
mod openai;
mod schema;
mod server;
mod steps;
mod tools;
mod turn;

pub use log::{Recorded, TurnKind};
pub use script::Script;
pub use server::{ModelServer, StartError, TimedOut};
