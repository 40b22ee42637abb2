//! Routers as they are kept, and how a session is given one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RouterKind, RouterSettings, RouterState};
use crate::{RouterId, Secret};

/// Settings under a name, which sessions can be routed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Router {
    /// Identifier.
    pub id: RouterId,
    /// Name shown to people; unique without regard to case.
    pub name: String,
    /// 1 at first, one more with each edit of name or settings.
    pub version: u32,
    /// How it routes.
    pub settings: RouterSettings,
    /// The providers whose keys are in the keychain, in the order of their names.
    pub keys: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Router {
    /// The providers that need a key and have none.
    pub fn missing_keys(&self) -> impl Iterator<Item = &str> {
        let providers = self.settings.providers.iter();
        providers
            .filter(|provider| provider.needs_key() && !self.keys.contains(&provider.name))
            .map(|provider| provider.name.as_str())
    }
}

/// Body of `POST /routers` and `PUT /routers/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouterDraft {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// How it routes. Keys of providers are given separately.
    pub settings: RouterSettings,
}

/// Body of `PUT /routers/{id}/keys/{provider}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RouterKey {
    /// The provider's key, 1 to 16,384 visible ASCII characters. It goes to the keychain and is never
    /// shown again.
    #[cfg_attr(feature = "openapi", schema(value_type = String, write_only))]
    pub key: Secret,
}

/// Answer of `GET /routers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterList {
    /// All routers, by name.
    pub routers: Vec<Router>,
    /// The program that runs them on this machine.
    pub program: RouterProgram,
}

/// The CCRouter that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterProgram {
    /// The kind of settings that it is for; absent when there is none that can be used.
    pub kind: Option<RouterKind>,
    /// Its version.
    pub version: Option<String>,
    /// Why none can be used.
    pub detail: Option<String>,
    /// What to do then.
    pub hint: Option<String>,
}

/// A session's router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRouter {
    /// Which.
    pub id: RouterId,
    /// How it is doing; absent while the session does not run, and for settings that need no process.
    #[serde(default)]
    pub state: Option<RouterState>,
}
