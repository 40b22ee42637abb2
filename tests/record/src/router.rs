//! The router of an agent that needs one: CCRouter 1 before the model server.

use std::{ffi::OsStr, io, path::PathBuf};

use berth_model_server::ModelServer;
use berth_protocol::{
    ProviderProtocol, RouterKind, RouterProvider, RouterRoutes, RouterSettings, SessionId,
};
use berth_session::{
    environment::Environment,
    router::{self, Instance, Keys, Order, RouterError},
};
use berth_tests::{Setup, programs};

/// The version that is recorded with.
const VERSION: &str = "ccr-v1";

/// Puts the router on the `PATH`, where it is installed.
pub fn installed(setup: Setup) -> io::Result<Setup> {
    let Some(program) = programs::router(VERSION) else {
        return Ok(setup);
    };
    let own = setup.folder().join("bin");
    std::fs::create_dir_all(&own)?;
    link(&program, &own.join("ccr"))?;
    let path = setup.variables().remove(OsStr::new("PATH"));
    let path = path.unwrap_or_default();
    let folders = [own].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).map_err(io::Error::other)?;
    Ok(setup.variable("PATH", path))
}

#[cfg(unix)]
fn link(program: &PathBuf, name: &std::path::Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, name)
}

#[cfg(not(unix))]
fn link(program: &PathBuf, name: &std::path::Path) -> io::Result<()> {
    std::fs::copy(program, name).map(drop)
}

/// Starts one that sends everything to the model server.
pub async fn start(
    session: SessionId,
    setup: &Setup,
    model: &ModelServer,
) -> Result<Instance, RouterError> {
    let environment = Environment::given("the recording", setup.variables());
    let settings = RouterSettings {
        kind: RouterKind::CcrV1,
        providers: vec![RouterProvider {
            name: "main".to_owned(),
            protocol: ProviderProtocol::Anthropic,
            base_url: Some(model.base_url()),
            models: vec!["model-1".to_owned()],
            transformers: Vec::new(),
        }],
        routes: Some(RouterRoutes {
            default: "main,model-1".to_owned(),
            background: None,
            think: None,
            long_context: None,
            long_context_threshold: None,
            web_search: None,
            image: None,
        }),
        vertex: None,
    };
    let order = Order {
        session,
        folder: &setup.folder().join("router"),
        settings: &settings,
        keys: &Keys::new(),
        installed: &router::find(&environment).await?,
        environment: &environment,
    };
    router::start(&order).await
}
