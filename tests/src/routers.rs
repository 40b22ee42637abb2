//! Real routers on the `PATH` of an engine, and settings that lead to a model server.

use std::{ffi::OsStr, fs, os::unix::fs::symlink};

use berth_model_server::{ModelServer, Script};
use berth_protocol::{ProviderProtocol, RouterKind, RouterProvider, RouterRoutes, RouterSettings};

use crate::{Setup, programs};

/// The program that is not installed of a router's version and an agent.
pub fn missing<'a>(version: &'a str, agent: &'a str) -> Option<&'a str> {
    if programs::router(version).is_none() {
        return Some(version);
    }
    programs::agent(agent).is_none().then_some(agent)
}

/// Puts one version of CCRouter first on the `PATH`.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn with(setup: Setup, version: &str) -> Setup {
    let own = setup.folder().join("bin");
    fs::create_dir(&own).expect("it can be made");
    let program = programs::router(version).expect("it is installed");
    symlink(program, own.join("ccr")).expect("it can be linked to");
    // Beside it, as version managers have it: a login shell may know an older one.
    if let Some(node) = programs::agent("node") {
        symlink(node, own.join("node")).expect("it can be linked to");
    }
    let path = setup.variables().remove(OsStr::new("PATH"));
    let path = path.expect("there is a PATH");
    let path = [own]
        .into_iter()
        .chain(std::env::split_paths(&path).collect::<Vec<_>>());
    let path = std::env::join_paths(path).expect("the PATH can be put together");
    setup.variable("PATH", path)
}

/// A provider that answers only who has the key.
///
/// # Panics
/// When it does not start.
pub fn provider(key: &str) -> ModelServer {
    ModelServer::start_with_key(Script::default(), key).expect("the model server starts")
}

/// Settings with one provider.
#[must_use]
pub fn settings(kind: RouterKind, protocol: ProviderProtocol, url: &str) -> RouterSettings {
    let base_url = match protocol {
        ProviderProtocol::OpenaiChat | ProviderProtocol::OpenaiResponses => format!("{url}/v1"),
        ProviderProtocol::Gemini => format!("{url}/v1beta"),
        ProviderProtocol::Anthropic | ProviderProtocol::VertexGemini => url.to_owned(),
    };
    RouterSettings {
        kind,
        providers: vec![RouterProvider {
            name: "main".to_owned(),
            protocol,
            base_url: Some(base_url),
            models: vec!["model-1".to_owned(), "vendor/small:free".to_owned()],
            transformers: Vec::new(),
        }],
        routes: Some(RouterRoutes {
            default: "main,model-1".to_owned(),
            background: Some("main,vendor/small:free".to_owned()),
            think: None,
            long_context: None,
            long_context_threshold: None,
            web_search: None,
            image: None,
        }),
        vertex: None,
    }
}

/// The kind of a version's package.
#[must_use]
pub fn kind(version: &str) -> RouterKind {
    if version == "ccr-v3" {
        RouterKind::CcrV3
    } else {
        RouterKind::CcrV1
    }
}

/// Settings that lead to this server.
#[must_use]
pub fn of(version: &str, server: &ModelServer) -> RouterSettings {
    settings(
        kind(version),
        ProviderProtocol::Anthropic,
        &server.base_url(),
    )
}
