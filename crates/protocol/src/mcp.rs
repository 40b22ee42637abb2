//! MCP servers: how they are reached, what is kept of them, and what they say about themselves.

mod form;
mod grant;
mod management;
mod rules;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{McpConfigurationId, PromptTarget, tenant::Catalog};

pub use form::*;
pub use grant::*;
pub use management::*;
pub use rules::*;
pub use session::*;

/// A server as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpConfiguration {
    /// Identifier.
    pub id: McpConfigurationId,
    /// Who has added it.
    pub scope: McpScope,
    /// What the organization's catalog says of it; absent for a server of the user's own.
    #[serde(default)]
    pub catalog: Option<Catalog>,
    /// The user has taken what the catalog only offers: it is given to sessions of this machine.
    #[serde(default)]
    pub taken: bool,
    /// What a user says of it.
    #[serde(flatten)]
    pub draft: McpDraft,
    /// What of it is in the keychain: its secrets, as [`McpDraft::secrets`] names them, and its sign-in as
    /// [`McpConfiguration::SIGN_IN`].
    #[serde(default)]
    pub kept_secrets: BTreeSet<String>,
    /// Its user has agreed to this very command or address. Without that it is not started, asked, or given to
    /// sessions. What comes from elsewhere says nothing of it.
    #[serde(default)]
    pub consented: bool,
    /// How it was doing when it was last asked.
    #[serde(default)]
    pub state: McpState,
    /// The sign-in that waits for the browser.
    #[serde(default)]
    pub signing_in: Option<McpSigningIn>,
    /// 1 at first, one more with each edit; of an organization's server, as often as it was another one here.
    pub version: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl McpConfiguration {
    /// The name of its sign-in among what is kept in the keychain.
    pub const SIGN_IN: &str = "sign_in";

    /// Somebody is signed in to it, as far as is known without asking it.
    pub fn is_signed_in(&self) -> bool {
        self.kept_secrets.contains(Self::SIGN_IN)
    }

    /// Sessions may be given it, as far as the catalog of its organization says: what is only offered is given once it
    /// is taken.
    pub fn is_offered(&self) -> bool {
        match self.catalog {
            None | Some(Catalog::Installed) => true,
            Some(Catalog::Available) => self.taken,
            Some(Catalog::Blocked) => false,
        }
    }
}

/// What a user says of a server: body of `POST /mcp/configurations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpDraft {
    /// Name, 1 to 64 letters, digits, `-` and `_`; unique in its scope. Agents see it.
    pub name: String,
    /// How it is reached.
    pub server: McpServer,
    /// How Berth proves who it is.
    #[serde(default)]
    pub auth: McpAuth,
    /// Given to sessions.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The sessions that it is for.
    #[serde(default)]
    pub target: PromptTarget,
    /// What happens when an agent calls its tools.
    #[serde(default)]
    pub rules: ToolRules,
    /// What it may have of the sessions that it is given to.
    #[serde(default)]
    pub offers: McpOffers,
}

fn yes() -> bool {
    true
}

/// Who has added a server.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum McpScope {
    /// An organization, for all its users.
    Organization,
    /// A user, for their own sessions.
    #[default]
    User,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum McpServer {
    /// A program that is spoken to over its standard input and output. It is started without a shell.
    Stdio {
        /// The program: a name on the `PATH`, or an absolute path.
        command: String,
        /// Its arguments. They are no place for secrets: every process of the user can read them.
        #[serde(default)]
        args: Vec<String>,
        /// Variables besides the few that every program gets.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Variables whose values are in the keychain.
        #[serde(default)]
        secret_env: BTreeSet<String>,
    },
    /// Streamable HTTP.
    Http {
        /// Its address: https, or http on loopback.
        url: String,
        /// Headers of every request.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Headers whose values are in the keychain.
        #[serde(default)]
        secret_headers: BTreeSet<String>,
    },
    /// HTTP with server-sent events, of the specification of 2024-11-05.
    Sse {
        /// Address of its stream: https, or http on loopback.
        url: String,
        /// Headers of every request.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Headers whose values are in the keychain.
        #[serde(default)]
        secret_headers: BTreeSet<String>,
    },
}

impl McpServer {
    /// The word of its type.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Stdio { .. } => "stdio",
            Self::Http { .. } => "http",
            Self::Sse { .. } => "sse",
        }
    }
}

/// How Berth proves to a server who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum McpAuth {
    /// Not at all.
    #[default]
    None,
    /// By a token, which is in the keychain under `token`.
    Bearer,
    /// By OAuth: in the system browser, or as a client that acts for itself.
    Oauth {
        /// Whose authorization server it is.
        #[serde(default)]
        provider: OauthProvider,
        /// A client that was registered before; its secret, if it has one, is in the keychain under
        /// `client_secret`. Or the https address of a client ID metadata document, which is sent as it stands.
        #[serde(default)]
        client_id: Option<String>,
        /// The scopes that are asked for at first; those that the server names when empty.
        #[serde(default)]
        scopes: Vec<String>,
        /// Requests are made without the parameter `resource` (RFC 8707), for authorization servers that refuse it. To
        /// Microsoft Entra it is never sent.
        // Absent unless it is said, so that engines of before can read what organizations share.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        without_resource: bool,
        /// For whom tokens are taken.
        // Absent in the same way.
        #[serde(default, skip_serializing_if = "OauthGrant::is_of_a_user")]
        grant: OauthGrant,
    },
}

/// For whom tokens are taken (RFC 6749, sections 4.1 and 4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OauthGrant {
    /// For a user, who signs in in the system browser.
    #[default]
    AuthorizationCode,
    /// For the client itself: nobody signs in. It was registered before and has a secret; one that is a private key
    /// (PKCS#8 in PEM) signs instead of being sent.
    ClientCredentials,
}

impl OauthGrant {
    /// Somebody signs in.
    pub const fn is_of_a_user(&self) -> bool {
        matches!(self, Self::AuthorizationCode)
    }
}

/// Whose authorization server it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OauthProvider {
    /// The one that the server names (RFC 9728).
    #[default]
    Discovered,
    /// GitHub.
    Github,
    /// Google.
    Google,
    /// Auth0.
    Auth0,
    /// Microsoft Entra, which refuses the parameter `resource`.
    Azure,
}

impl McpDraft {
    /// Its users sign in with OAuth.
    pub const fn is_oauth(&self) -> bool {
        matches!(
            self.auth,
            McpAuth::Oauth {
                grant: OauthGrant::AuthorizationCode,
                ..
            }
        )
    }

    /// Its client acts for itself with OAuth, so that nobody signs in.
    pub const fn is_unattended(&self) -> bool {
        matches!(
            self.auth,
            McpAuth::Oauth {
                grant: OauthGrant::ClientCredentials,
                ..
            }
        )
    }

    /// A secret that it does without: that of a client may be a public one's, unless the client acts for itself.
    pub fn can_miss(&self, secret: &str) -> bool {
        secret == "client_secret" && !self.is_unattended()
    }

    /// The names of its secrets: `env/NAME`, `header/NAME`, `token` and `client_secret`.
    pub fn secrets(&self) -> BTreeSet<String> {
        let (kind, names) = match &self.server {
            McpServer::Stdio { secret_env, .. } => ("env", secret_env),
            McpServer::Http { secret_headers, .. } | McpServer::Sse { secret_headers, .. } => {
                ("header", secret_headers)
            }
        };
        let mut secrets: BTreeSet<String> =
            names.iter().map(|name| format!("{kind}/{name}")).collect();
        match &self.auth {
            McpAuth::None => {}
            McpAuth::Bearer => {
                secrets.insert("token".to_owned());
            }
            McpAuth::Oauth { client_id, .. } => {
                if client_id.is_some() {
                    secrets.insert("client_secret".to_owned());
                }
            }
        }
        secrets
    }
}

/// What a server said when it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpProbe {
    /// Its name for itself; absent when it says none.
    #[serde(default)]
    pub name: Option<String>,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// The version of the protocol that is spoken, such as `2025-11-25`.
    pub protocol: String,
    /// What it says about how to use it.
    #[serde(default)]
    pub instructions: Option<String>,
    /// Its tools.
    pub tools: Vec<McpTool>,
    /// From the first byte to its answer, in milliseconds. A program is started first.
    pub connect_ms: u32,
    /// For the list of its tools, in milliseconds.
    pub list_ms: u32,
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpTool {
    /// Name, by which it is called.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it does, without characters that cannot be seen.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub input_schema: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_engines_of_before_do_not_know_is_said_only_where_it_is_wanted() {
        let auth = |json: serde_json::Value| serde_json::from_value::<McpAuth>(json).unwrap();
        let plain = auth(json!({"type": "oauth"}));
        assert_eq!(json!(plain).get("without_resource"), None);
        assert_eq!(json!(plain).get("grant"), None);
        let without = auth(json!({"type": "oauth", "without_resource": true}));
        assert_ne!(plain, without);
        assert_eq!(json!(without)["without_resource"], json!(true));
    }

    #[test]
    fn a_client_that_acts_for_itself_cannot_do_without_its_secret() {
        let draft = |auth: serde_json::Value| {
            let server = json!({"type": "http", "url": "https://a.example/"});
            let draft = json!({"name": "a", "server": server, "auth": auth});
            serde_json::from_value::<McpDraft>(draft).unwrap()
        };
        let client = json!({"type": "oauth", "client_id": "mine", "grant": "client_credentials"});
        let unattended = draft(client.clone());
        assert!(unattended.is_unattended() && !unattended.is_oauth());
        assert!(unattended.secrets().contains("client_secret"));
        assert!(!unattended.can_miss("client_secret"));
        assert_eq!(json!(unattended.auth)["grant"], client["grant"]);
        let public = draft(json!({"type": "oauth", "client_id": "mine"}));
        assert!(public.is_oauth() && !public.is_unattended());
        assert!(public.can_miss("client_secret") && !public.can_miss("token"));
    }
}
