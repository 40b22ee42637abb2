//! Types that cross a process boundary: the engine's API, its events and its errors.
//!
//! The engine, the UI (as wasm), the CLI and the tests all speak with these types, and the OpenAPI
//! document is generated from them (feature `openapi`). There is no I/O here and no policy; what a
//! value means to the engine is decided in the crates above.
//!
//! ```
//! use berth_protocol::{CreateSession, WorkspaceRequest};
//!
//! let body = r#"{"project_id":"01890a5d-ac96-774b-bcce-b302099a8057","agent":"claude",
//!                "workspace":{"kind":"in_place"}}"#;
//! let request: CreateSession = serde_json::from_str(body).unwrap();
//! assert_eq!(request.workspace, Some(WorkspaceRequest::InPlace));
//! ```

mod agent;
mod audit;
mod chat;
mod diff;
mod endpoint;
mod event;
mod id;
mod mcp;
mod part;
mod problem;
mod project;
mod prompt;
mod router;
mod secret;
mod session;
pub mod tenant;
mod terminal;
mod upload;

pub use agent::*;
pub use audit::*;
pub use chat::*;
pub use diff::*;
pub use endpoint::*;
pub use event::*;
pub use id::*;
pub use mcp::*;
pub use part::*;
pub use problem::*;
pub use project::*;
pub use prompt::*;
pub use router::*;
pub use secret::*;
pub use session::*;
pub use terminal::*;
pub use upload::*;

/// A moment in UTC, written as RFC 3339 on the wire.
pub use jiff::Timestamp;

/// Version of the HTTP API, the first segment after `/api/`. It changes only when an old client
/// could misread a new answer.
pub const API_VERSION: &str = "v1";
