//! Files that a session is handed.

use serde::{Deserialize, Serialize};

/// Largest file that a session is handed, in bytes.
pub const UPLOAD_LIMIT: usize = 10 * 1024 * 1024;

/// A file that a session was handed. Answer of `POST /sessions/{id}/upload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Uploaded {
    /// Where it is, as an absolute path that a message to the agent can name.
    pub path: String,
    /// What it is called there: a plain name, which may differ from the one that was sent.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}
