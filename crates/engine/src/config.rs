//! What an engine is started with.

use std::{borrow::Cow, path::PathBuf, sync::Arc, time::Duration};

use berth_session::environment::Environment;
use berth_tenant::auth::Backend;

/// Settings of an engine.
pub struct Config {
    /// Folder of everything the engine keeps. Created, for its owner only, when it is missing.
    pub data_dir: PathBuf,
    /// Folder of its logs, for people to find.
    pub log_dir: PathBuf,
    /// Loopback port; a free one when absent.
    pub port: Option<u16>,
    /// The UI's files; without them only the API is served.
    pub assets: Option<Arc<dyn Assets>>,
    /// The environment of sessions; asked of the user's login shell when absent.
    pub environment: Option<Environment>,
    /// Folder with Markdown files that are the global prompts; none when absent.
    pub global_prompts: Option<PathBuf>,
    /// The program of Berth, which agents reach MCP servers through that take nothing but programs; the one on the PATH
    /// when absent.
    pub program: Option<PathBuf>,
    /// The tenant backend that whoever runs the engine has chosen; users name one themselves when absent.
    pub tenant: Option<Backend>,
    /// How long programs have to end when they are stopped.
    pub grace: Duration,
}

impl Config {
    /// Settings with everything but the folder at its default.
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            log_dir: data_dir.join("logs"),
            data_dir,
            port: None,
            assets: None,
            environment: None,
            global_prompts: None,
            program: None,
            tenant: None,
            grace: berth_session::process::GRACE,
        }
    }
}

/// The files of the UI, wherever they are.
pub trait Assets: Send + Sync {
    /// The file of a path such as `index.html`.
    fn get(&self, path: &str) -> Option<Asset>;
}

/// A file of the UI.
pub struct Asset {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub media_type: String,
    /// Changes when the content does.
    pub tag: String,
}
