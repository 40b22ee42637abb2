//! What an instance's CCRouter reads when it starts.
//!
//! Neither version's file holds a provider's key. Version 1 replaces `$NAME` by the variable while it
//! reads. Version 3 does so too, but keeps what it has read in a database; there a plugin of its gateway
//! sets the header of each request from the variable, at the time of the request.

use std::path::Path;

use berth_protocol::{ProviderProtocol, RouterKind, RouterProvider, RouterRoutes, RouterSettings};
use serde_json::{Map, Value, json};

/// The variable that holds the instance's own key.
pub const KEY_VARIABLE: &str = "BERTH_ROUTER_KEY";

/// What stands where a provider's key is asked for and not needed. Version 1 takes no empty one.
const NO_KEY: &str = "none";

/// How long a provider may take to answer, in milliseconds.
const ANSWER_TIMEOUT: u32 = 600_000;

/// The variable that holds the key of the provider with this number.
pub fn key_variable(provider: usize) -> String {
    format!("BERTH_KEY_{provider}")
}

/// Where an instance listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// For agents.
    pub router: u16,
    /// What version 3 calls its core. Nothing listens there in 3.1.1.
    pub core: u16,
    /// Version 3's page for its settings, which nobody gets the token of.
    pub page: u16,
}

/// What the configuration depends on besides the settings.
pub struct Surroundings<'a> {
    /// Where it listens.
    pub ports: Ports,
    /// Which providers have a key, by their numbers.
    pub has_key: &'a dyn Fn(usize) -> bool,
    /// The transformer that mends version 1's Vertex AI.
    pub vertex_sse: &'a Path,
    /// The variable that holds the address of the user's proxy.
    pub proxy: Option<&'a str>,
}

/// The configuration for settings that were found to be usable.
pub fn of(settings: &RouterSettings, around: &Surroundings) -> Value {
    match settings.kind {
        RouterKind::CcrV3 => version_3(settings, around),
        RouterKind::CcrV1 | RouterKind::ClaudeVertex => version_1(settings, around),
    }
}

fn version_1(settings: &RouterSettings, around: &Surroundings) -> Value {
    let providers = settings.providers.iter().enumerate();
    let providers = providers.map(|(index, provider)| {
        let protocol = match provider.protocol {
            ProviderProtocol::OpenaiChat => &[][..],
            ProviderProtocol::OpenaiResponses => &["openai-responses"],
            ProviderProtocol::Anthropic => &["Anthropic"],
            ProviderProtocol::Gemini => &["gemini"],
            ProviderProtocol::VertexGemini => &["vertex-gemini", "vertex-sse"],
        };
        let protocol = protocol.iter().copied();
        let used: Vec<&str> = protocol
            .chain(provider.transformers.iter().map(String::as_str))
            .collect();
        let key = (around.has_key)(index).then(|| format!("${}", key_variable(index)));
        let mut entry = json!({
            "name": provider.name,
            "api_base_url": address_1(provider, settings),
            "api_key": key.as_deref().unwrap_or(NO_KEY),
            "models": provider.models,
        });
        // An empty list is not the same as none.
        if !used.is_empty() {
            entry["transformer"] = json!({"use": used});
        }
        entry
    });
    let mut config = json!({
        "HOST": "127.0.0.1",
        "PORT": around.ports.router,
        "APIKEY": format!("${KEY_VARIABLE}"),
        "LOG": false,
        "NON_INTERACTIVE_MODE": true,
        "API_TIMEOUT_MS": ANSWER_TIMEOUT,
        "Providers": providers.collect::<Vec<_>>(),
        "Router": settings.routes.as_ref().map(routes_1),
    });
    if let Some(vertex) = &settings.vertex {
        let options = json!({"project": vertex.project, "location": vertex.location});
        config["transformers"] = json!([{"path": around.vertex_sse, "options": options}]);
    }
    // It would use the proxy for providers on this machine too.
    if let Some(proxy) = around.proxy
        && !settings.providers.iter().any(RouterProvider::is_local)
    {
        config["PROXY_URL"] = json!(format!("${proxy}"));
    }
    config
}

fn routes_1(routes: &RouterRoutes) -> Value {
    let mut entries = Map::new();
    for (name, route) in routes.all() {
        let name = match name {
            "long_context" => "longContext",
            "web_search" => "webSearch",
            name => name,
        };
        entries.insert(name.to_owned(), json!(route));
    }
    if let Some(threshold) = routes.long_context_threshold {
        entries.insert("longContextThreshold".to_owned(), json!(threshold));
    }
    Value::Object(entries)
}

fn version_3(settings: &RouterSettings, around: &Surroundings) -> Value {
    let numbered = || settings.providers.iter().enumerate();
    let providers = numbered().map(|(_, provider)| {
        json!({
            "name": provider.name,
            "type": match provider.protocol {
                ProviderProtocol::OpenaiResponses => "openai_responses",
                ProviderProtocol::Anthropic => "anthropic_messages",
                ProviderProtocol::Gemini => "gemini_generate_content",
                ProviderProtocol::OpenaiChat | ProviderProtocol::VertexGemini => "openai_chat_completions",
            },
            "api_base_url": address_3(provider),
            "api_key": NO_KEY,
            "models": provider.models,
        })
    });
    let keyed = numbered().filter(|(index, _)| (around.has_key)(*index));
    let plugins = keyed.map(|(index, provider)| {
        let key = format!("{{{{env.{}}}}}", key_variable(index));
        json!({
            "key": format!("berth-{}", provider.name),
            "providerName": provider.name,
            "auth": match provider.protocol {
                ProviderProtocol::Anthropic => json!({
                    "headers": {"x-api-key": key},
                    "removeHeaders": ["authorization"],
                    "strict": true,
                }),
                ProviderProtocol::Gemini => json!({
                    "headers": {"x-goog-api-key": key},
                    "removeHeaders": ["authorization", "x-api-key"],
                    "removeQuery": ["key"],
                    "strict": true,
                }),
                _ => json!({
                    "headers": {"authorization": format!("Bearer {key}")},
                    "removeHeaders": ["x-api-key"],
                    "strict": true,
                }),
            },
        })
    });
    let ports = around.ports;
    json!({
        "HOST": "127.0.0.1",
        "PORT": ports.router,
        "APIKEY": format!("${KEY_VARIABLE}"),
        "API_TIMEOUT_MS": ANSWER_TIMEOUT,
        "gateway": {
            "enabled": true,
            "host": "127.0.0.1",
            "port": ports.router,
            "coreHost": "127.0.0.1",
            "corePort": ports.core,
        },
        // Else it writes the settings of Claude Code and Codex in its home.
        "profile": {
            "enabled": false,
            "profiles": [],
            "claudeCode": {"enabled": false},
            "codex": {"enabled": false},
        },
        // It would keep conversations in its database.
        "observability": {"requestLogs": false, "agentAnalysis": false},
        "providerPlugins": plugins.collect::<Vec<_>>(),
        "Providers": providers.collect::<Vec<_>>(),
    })
}

/// The whole address that version 1 sends requests to.
fn address_1(provider: &RouterProvider, settings: &RouterSettings) -> String {
    let base = base(provider);
    match provider.protocol {
        ProviderProtocol::OpenaiChat => with_end(base, "/chat/completions"),
        ProviderProtocol::OpenaiResponses => with_end(base, "/responses"),
        ProviderProtocol::Anthropic => anthropic(base),
        ProviderProtocol::Gemini => format!("{}/", with_end(base, "/models")),
        ProviderProtocol::VertexGemini if base.is_empty() => {
            let location = settings
                .vertex
                .as_ref()
                .map(|vertex| vertex.location.as_str());
            match location.unwrap_or("global") {
                "global" => "https://aiplatform.googleapis.com".to_owned(),
                location => format!("https://{location}-aiplatform.googleapis.com"),
            }
        }
        ProviderProtocol::VertexGemini => base.to_owned(),
    }
}

/// The address as version 3 wants it, which adds the ends of the newer protocols itself.
fn address_3(provider: &RouterProvider) -> String {
    let base = base(provider);
    match provider.protocol {
        ProviderProtocol::OpenaiChat => with_end(base, "/chat/completions"),
        ProviderProtocol::Anthropic => anthropic(base),
        _ => base.to_owned(),
    }
}

fn base(provider: &RouterProvider) -> &str {
    provider
        .base_url
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('/')
}

fn with_end(base: &str, end: &str) -> String {
    if base.ends_with(end) {
        base.to_owned()
    } else {
        format!("{base}{end}")
    }
}

/// Clients of Anthropic are given its address without the version.
fn anthropic(base: &str) -> String {
    if base.ends_with("/v1/messages") {
        base.to_owned()
    } else {
        format!("{}/messages", with_end(base, "/v1"))
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
