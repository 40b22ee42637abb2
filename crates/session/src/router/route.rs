//! What an agent needs to know to be routed.

use std::{collections::BTreeMap, io, path::PathBuf};

use berth_protocol::{RouterKind, RouterSettings, Secret, VertexCredentials, VertexSettings};

use super::RouterError;
use crate::environment::Environment;

/// How an agent reaches its models: values for the placeholders in the `[[router]]` sections of agents'
/// data.
#[derive(Clone, Debug)]
pub struct Route {
    /// What routes its requests.
    pub kind: RouterKind,
    values: BTreeMap<&'static str, Secret>,
}

impl Route {
    /// To a router: `router_url` without a slash at its end, `router_key`, `router_model`, and
    /// `router_small_model` for small tasks.
    pub(super) fn to_router(settings: &RouterSettings, url: &str, key: &Secret) -> Self {
        let mut values = BTreeMap::from([
            ("router_url", Secret::new(url.to_owned())),
            ("router_key", key.clone()),
        ]);
        if let Some(routes) = &settings.routes {
            let small = routes.background.as_ref().unwrap_or(&routes.default);
            let models = [
                ("router_model", &routes.default),
                ("router_small_model", small),
            ];
            for (name, route) in models {
                let model = match settings.kind {
                    RouterKind::CcrV3 => route.replacen(',', "/", 1),
                    _ => route.clone(),
                };
                values.insert(name, Secret::new(model));
            }
        }
        Self {
            kind: settings.kind,
            values,
        }
    }

    /// To a router that does not run yet: to find out whether an agent could be sent there.
    pub fn draft(settings: &RouterSettings) -> Self {
        Self::to_router(settings, "http://127.0.0.1:0", &Secret::new(String::new()))
    }

    /// To Vertex AI, for Claude Code without a router: `vertex_project`, `vertex_location`, and where they
    /// are set `vertex_credentials`, `router_model` and `router_small_model`.
    ///
    /// # Errors
    /// When the settings are not for Claude Code on Vertex AI or not usable, or the file of the service
    /// account cannot be read.
    pub fn to_vertex(
        settings: &RouterSettings,
        environment: &Environment,
    ) -> Result<Self, RouterError> {
        let problems = settings.validate();
        let vertex = match (&settings.vertex, settings.kind) {
            (Some(vertex), RouterKind::ClaudeVertex) if problems.is_empty() => vertex,
            _ => return Err(RouterError::Invalid(problems)),
        };
        let credentials = credentials(vertex, environment)?;
        let credentials = credentials.map(|path| path.display().to_string());
        let values = [
            ("vertex_project", Some(vertex.project.clone())),
            ("vertex_location", Some(vertex.location.clone())),
            ("vertex_credentials", credentials),
            ("router_model", vertex.model.clone()),
            ("router_small_model", vertex.small_model.clone()),
        ];
        let values = values.into_iter();
        Ok(Self {
            kind: settings.kind,
            values: values
                .filter_map(|(name, value)| Some((name, Secret::new(value?))))
                .collect(),
        })
    }

    /// One with these values.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(kind: RouterKind, values: [(&'static str, &str); N]) -> Self {
        let values = values.map(|(name, value)| (name, Secret::new(value.to_owned())));
        Self {
            kind,
            values: values.into(),
        }
    }

    /// Replaces the placeholders in a text, such as `{router_url}`; nothing when the route has no value
    /// for one of them.
    pub fn fill(&self, text: &str) -> Option<String> {
        let mut filled = text.to_owned();
        for name in NAMES {
            let placeholder = format!("{{{name}}}");
            if filled.contains(&placeholder) {
                filled = filled.replace(&placeholder, self.values.get(name)?.expose());
            }
        }
        Some(filled)
    }
}

/// The placeholders that there are.
pub(crate) const NAMES: [&str; 7] = [
    "router_url",
    "router_key",
    "router_model",
    "router_small_model",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
];

/// The file with the credentials, which must be named where the home is not the user's. Without one the
/// machine itself may provide them.
pub(super) fn credentials(
    vertex: &VertexSettings,
    environment: &Environment,
) -> Result<Option<PathBuf>, RouterError> {
    match &vertex.credentials {
        VertexCredentials::ServiceAccountFile { path } => {
            let path = PathBuf::from(path);
            let is_file = match std::fs::File::open(&path).and_then(|file| file.metadata()) {
                Ok(meta) if meta.is_file() => Ok(()),
                Ok(_) => Err(io::Error::other("it is not a file")),
                Err(error) => Err(error),
            };
            match is_file {
                Ok(()) => Ok(Some(path)),
                Err(source) => Err(RouterError::Credentials { path, source }),
            }
        }
        VertexCredentials::ApplicationDefault => {
            // Where Google's libraries look, in their order.
            let named = environment
                .get("GOOGLE_APPLICATION_CREDENTIALS")
                .map(PathBuf::from);
            if named.is_some() {
                return Ok(named);
            }
            let (base, below) = if cfg!(windows) {
                ("APPDATA", "gcloud")
            } else {
                ("HOME", ".config/gcloud")
            };
            let folder = environment.get("CLOUDSDK_CONFIG").map(PathBuf::from);
            let folder = folder.or_else(|| Some(PathBuf::from(environment.get(base)?).join(below)));
            let file = folder.map(|folder| folder.join("application_default_credentials.json"));
            Ok(file.filter(|file| file.is_file()))
        }
    }
}
