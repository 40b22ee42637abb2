//! Routers: which models of which providers an agent's requests go to.
//!
//! Settings hold no secrets. The keys of providers come from the keychain and are handed over beside
//! the settings, by the provider's name.

mod management;
mod validate;

use serde::{Deserialize, Serialize};

pub use management::*;

/// How an agent's requests are routed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouterSettings {
    /// What routes them.
    pub kind: RouterKind,
    /// Where models are to be had. Empty for `claude_vertex`.
    #[serde(default)]
    pub providers: Vec<RouterProvider>,
    /// Which model takes which request. Absent for `claude_vertex`.
    #[serde(default)]
    pub routes: Option<RouterRoutes>,
    /// Access to Vertex AI: for `claude_vertex`, and for providers with the protocol `vertex_gemini`.
    #[serde(default)]
    pub vertex: Option<VertexSettings>,
}

/// What routes an agent's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RouterKind {
    /// CCRouter 1 or 2, for Claude Code.
    CcrV1,
    /// CCRouter 3, for Claude Code and Codex.
    CcrV3,
    /// Claude Code's own Vertex mode, without a router.
    ClaudeVertex,
}

impl RouterKind {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CcrV1 => "CCRouter 1",
            Self::CcrV3 => "CCRouter 3",
            Self::ClaudeVertex => "Claude Code on Vertex AI",
        }
    }
}

/// A provider of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouterProvider {
    /// Name in routes: letters, digits, `-` and `_`.
    pub name: String,
    /// What it speaks.
    pub protocol: ProviderProtocol,
    /// Its address as its clients are given it, without the name of a single call:
    /// `https://api.openai.com/v1`, `https://api.anthropic.com`,
    /// `https://generativelanguage.googleapis.com/v1beta`. Plain HTTP is taken only on loopback.
    /// Vertex AI has one that follows from the location.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Its models that may be used.
    pub models: Vec<String>,
    /// Names of CCRouter 1's own transformers that its requests pass besides those of the protocol,
    /// such as `openrouter` or `deepseek`.
    #[serde(default)]
    pub transformers: Vec<String>,
}

impl RouterProvider {
    /// It needs a key: it is neither on this machine nor on Vertex AI, which has credentials instead.
    pub fn needs_key(&self) -> bool {
        self.protocol != ProviderProtocol::VertexGemini && !self.is_local()
    }

    /// It is on this machine.
    pub fn is_local(&self) -> bool {
        self.base_url.as_deref().is_some_and(validate::is_loopback)
    }
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProviderProtocol {
    /// OpenAI Chat Completions, which most providers speak.
    OpenaiChat,
    /// OpenAI Responses.
    OpenaiResponses,
    /// Anthropic Messages.
    Anthropic,
    /// The Gemini API.
    Gemini,
    /// Gemini models on Vertex AI; CCRouter 1 only.
    VertexGemini,
}

/// Which model takes which request; each is `provider,model`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouterRoutes {
    /// Everything that no other route takes.
    pub default: String,
    /// Small tasks that the agent does on the side.
    #[serde(default)]
    pub background: Option<String>,
    /// Requests for thinking. Claude Code asks for it with nearly every message, so this route then
    /// takes nearly all of them. CCRouter 1 only, as are all below.
    #[serde(default)]
    pub think: Option<String>,
    /// Requests beyond `long_context_threshold`.
    #[serde(default)]
    pub long_context: Option<String>,
    /// In tokens; the router's own limit of 60 000 when absent.
    #[serde(default)]
    pub long_context_threshold: Option<u32>,
    /// Requests with a tool that searches the web.
    #[serde(default)]
    pub web_search: Option<String>,
    /// Requests with images.
    #[serde(default)]
    pub image: Option<String>,
}

/// Access to Vertex AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VertexSettings {
    /// The project's id.
    pub project: String,
    /// Where the models run, such as `us-east5` or `global`.
    pub location: String,
    /// Who asks.
    pub credentials: VertexCredentials,
    /// The model of `claude_vertex`; Claude Code's own choice when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// The model of `claude_vertex` for small tasks.
    #[serde(default)]
    pub small_model: Option<String>,
}

/// Who asks Vertex AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum VertexCredentials {
    /// What `gcloud auth application-default login` or the machine itself provides.
    ApplicationDefault,
    /// A file with the key of a service account. It is only named here and never copied.
    ServiceAccountFile {
        /// Its absolute path.
        path: String,
    },
}

/// How a session's router is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RouterState {
    /// It is being started.
    Starting,
    /// It answers.
    Healthy,
    /// It ended unasked and is started again with the same address and key.
    Restarting {
        /// Why it ended.
        reason: String,
    },
    /// It does not run and is not started again.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
    /// It was stopped.
    Stopped,
}
