//! Routers, in both directions. Only the page of routers needs them, so they stand apart.

use berth_protocol::*;

use super::json::Json;
use super::read::{Read, Wrong, member, or_default};
use super::write::{Object, Write, array, list};

impl Read for RouterList {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            routers: member(json, "routers")?,
            program: member(json, "program")?,
        })
    }
}

impl Read for RouterProgram {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            kind: member(json, "kind")?,
            version: member(json, "version")?,
            detail: member(json, "detail")?,
            hint: member(json, "hint")?,
        })
    }
}

impl Read for Router {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            name: member(json, "name")?,
            version: member(json, "version")?,
            settings: member(json, "settings")?,
            keys: member(json, "keys")?,
            created_at: member(json, "created_at")?,
            updated_at: member(json, "updated_at")?,
        })
    }
}

impl Read for RouterSettings {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            kind: member(json, "kind")?,
            providers: or_default(json, "providers")?,
            routes: member(json, "routes")?,
            vertex: member(json, "vertex")?,
        })
    }
}

impl Read for RouterProvider {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            name: member(json, "name")?,
            protocol: member(json, "protocol")?,
            base_url: member(json, "base_url")?,
            models: member(json, "models")?,
            transformers: or_default(json, "transformers")?,
        })
    }
}

impl Read for RouterRoutes {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            default: member(json, "default")?,
            background: member(json, "background")?,
            think: member(json, "think")?,
            long_context: member(json, "long_context")?,
            long_context_threshold: member(json, "long_context_threshold")?,
            web_search: member(json, "web_search")?,
            image: member(json, "image")?,
        })
    }
}

impl Read for VertexSettings {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            project: member(json, "project")?,
            location: member(json, "location")?,
            credentials: member(json, "credentials")?,
            model: member(json, "model")?,
            small_model: member(json, "small_model")?,
        })
    }
}

impl Read for VertexCredentials {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("kind").text().unwrap_or_default() {
            "application_default" => Self::ApplicationDefault,
            "service_account_file" => Self::ServiceAccountFile {
                path: member(json, "path")?,
            },
            _ => return Err("kind"),
        })
    }
}

impl Read for ProviderProtocol {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let word = json.text().ok_or("protocol")?;
        let known = PROTOCOLS.iter().find(|(_, known)| *known == word);
        known.map(|(protocol, _)| *protocol).ok_or("protocol")
    }
}

/// What providers speak, with the word that stands for it on the wire.
pub const PROTOCOLS: [(ProviderProtocol, &str); 5] = [
    (ProviderProtocol::OpenaiChat, "openai_chat"),
    (ProviderProtocol::OpenaiResponses, "openai_responses"),
    (ProviderProtocol::Anthropic, "anthropic"),
    (ProviderProtocol::Gemini, "gemini"),
    (ProviderProtocol::VertexGemini, "vertex_gemini"),
];

impl Write for RouterDraft {
    fn write(&self) -> String {
        let Self { name, settings } = self;
        Object::new()
            .text("name", name)
            .json("settings", &settings.write())
            .end()
    }
}

impl Write for RouterKey {
    fn write(&self) -> String {
        let Self { key } = self;
        Object::new().text("key", key.expose()).end()
    }
}

impl Write for RouterSettings {
    fn write(&self) -> String {
        let Self {
            kind,
            providers,
            routes,
            vertex,
        } = self;
        let mut object = Object::new()
            .text("kind", word_of(*kind))
            .json("providers", &array(providers));
        if let Some(routes) = routes {
            object = object.json("routes", &routes.write());
        }
        if let Some(vertex) = vertex {
            object = object.json("vertex", &vertex.write());
        }
        object.end()
    }
}

/// The word that stands for a kind on the wire.
pub fn word_of(kind: RouterKind) -> &'static str {
    match kind {
        RouterKind::CcrV1 => "ccr_v1",
        RouterKind::CcrV3 => "ccr_v3",
        RouterKind::ClaudeVertex => "claude_vertex",
    }
}

impl Write for RouterProvider {
    fn write(&self) -> String {
        let Self {
            name,
            protocol,
            base_url,
            models,
            transformers,
        } = self;
        let protocol = PROTOCOLS.iter().find(|(known, _)| known == protocol);
        Object::new()
            .text("name", name)
            .text("protocol", protocol.map_or("", |(_, word)| word))
            .optional("base_url", base_url.as_ref())
            .json("models", &list(models))
            .json("transformers", &list(transformers))
            .end()
    }
}

impl Write for RouterRoutes {
    fn write(&self) -> String {
        let Self {
            default,
            background,
            think,
            long_context,
            long_context_threshold,
            web_search,
            image,
        } = self;
        let mut object = Object::new()
            .text("default", default)
            .optional("background", background.as_ref())
            .optional("think", think.as_ref())
            .optional("long_context", long_context.as_ref())
            .optional("web_search", web_search.as_ref())
            .optional("image", image.as_ref());
        if let Some(threshold) = long_context_threshold {
            object = object.json("long_context_threshold", &threshold.to_string());
        }
        object.end()
    }
}

impl Write for VertexSettings {
    fn write(&self) -> String {
        let Self {
            project,
            location,
            credentials,
            model,
            small_model,
        } = self;
        let credentials = match credentials {
            VertexCredentials::ApplicationDefault => {
                Object::new().text("kind", "application_default")
            }
            VertexCredentials::ServiceAccountFile { path } => Object::new()
                .text("kind", "service_account_file")
                .text("path", path),
        };
        Object::new()
            .text("project", project)
            .text("location", location)
            .json("credentials", &credentials.end())
            .optional("model", model.as_ref())
            .optional("small_model", small_model.as_ref())
            .end()
    }
}
