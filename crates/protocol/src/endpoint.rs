//! How a client finds the engine, and whether it is well.

use serde::{Deserialize, Serialize};

/// Content of the endpoint file `engine.json`, which only its owner may read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Base address, such as `http://127.0.0.1:41234`.
    pub url: String,
    /// Bearer token. It is valid until this engine is stopped; one that is killed leaves it, with
    /// its address, to the next.
    pub token: String,
    /// Process id of the engine.
    pub pid: u32,
    /// Version of the engine.
    pub version: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("token", &"<redacted>")
            .field("pid", &self.pid)
            .field("version", &self.version)
            .finish()
    }
}

/// Answer of `GET /health` and `GET /ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok` or `starting`.
    pub status: String,
    /// Version of the engine.
    pub version: String,
}

/// Answer of `GET /engine`: facts about the engine for the UI's settings page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngineInfo {
    /// Version of the engine.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Folder of its data.
    pub data_dir: String,
    /// Folder of its logs.
    pub log_dir: String,
    /// The user's home folder, for shortening paths.
    pub home_dir: Option<String>,
    /// Operating system: `linux`, `macos` or `windows`.
    pub os: String,
    /// Version of the store's schema.
    pub schema_version: i64,
    /// How the environment of the sessions was obtained.
    pub environment: String,
    /// Things the user should know, such as an environment that could not be read. May be empty.
    pub warnings: Vec<String>,
}
