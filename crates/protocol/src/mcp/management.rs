//! What is said over the API about MCP servers: lists, edits, tests, imports, and how they are doing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{McpConfiguration, McpDraft, McpProbe, McpScope, McpTool};
use crate::{AgentId, FieldProblem, McpConfigurationId, Problem, Secret, tenant::Catalog};

/// All servers, and what the caller may do with them: answer of `GET /mcp/configurations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpList {
    /// The servers, by scope and name.
    pub configurations: Vec<McpConfiguration>,
    /// The scopes whose servers the caller may write.
    pub writable: Vec<McpScope>,
    /// Servers of which the store cannot be read. They are given to nobody, and can be removed.
    pub unreadable: Vec<McpUnreadable>,
    /// Secrets are in the encrypted file that was chosen in place of the keychain.
    pub secrets_file: bool,
}

/// A server that cannot be read: it was kept by a newer version of Berth, or its row is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpUnreadable {
    /// Identifier.
    pub id: McpConfigurationId,
    /// Whose it is.
    pub scope: McpScope,
    /// Its name, empty where that cannot be read either.
    pub name: String,
    /// The settings that are not understood, such as `server`.
    pub parts: Vec<String>,
}

/// An edit: body of `PUT /mcp/configurations/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpEdit {
    /// The version that was edited.
    pub version: u32,
    /// What it shall be.
    pub configuration: McpDraft,
}

/// A server for the catalog of the active organization: body of `POST /mcp/catalog`, for its admins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpShare {
    /// What the server is. Its rules and offers are each user's own, and are kept on this machine alone.
    pub configuration: McpDraft,
    /// What the catalog says of it.
    #[serde(default)]
    pub catalog: Catalog,
}

/// Body of `PUT /mcp/configurations/{id}/catalog`, for admins of the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpCatalogEdit {
    /// The version that was looked at.
    pub version: u32,
    /// What the catalog shall say of it.
    pub catalog: Catalog,
}

/// Body of `PUT /mcp/configurations/{id}/taken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpTake {
    /// The user's sessions shall be given what the catalog offers.
    pub taken: bool,
}

/// Body of `POST /mcp/configurations/{id}/consent`: the user has seen the whole command or address of this
/// version, and agrees that Berth starts or asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpConsent {
    /// The version that was shown.
    pub version: u32,
}

/// Tools that are accepted as they are now: body of `POST /mcp/configurations/{id}/accept`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpAccept {
    /// Their names.
    pub tools: Vec<String>,
}

/// A secret of a server: body of `PUT /mcp/configurations/{id}/secrets/{name}`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpSecret {
    /// Its value, 1 to 16,384 bytes on one line. It goes into the keychain and is never shown again.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub value: Secret,
}

/// What is tried: body of `POST /mcp/test`. Either a server that is kept, or one that is not yet.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpTest {
    /// The server that is kept; its secrets are used where none are given here.
    #[serde(default)]
    pub id: Option<McpConfigurationId>,
    /// What it would be. Sending it says that its user has seen the command or address and agrees to it.
    #[serde(default)]
    pub draft: Option<McpDraft>,
    /// Secrets of the draft, as [`McpDraft::secrets`] names them.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>))]
    pub secrets: BTreeMap<String, Secret>,
}

/// The tools of a server as they were when it was last asked: answer of `GET /mcp/configurations/{id}/tools`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpTools {
    /// Its tools; empty when it was never reached.
    pub tools: Vec<McpTool>,
    /// When it was asked.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// A call that is tried by hand: body of `POST /mcp/configurations/{id}/call`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpCall {
    /// The tool.
    pub tool: String,
    /// Its arguments, an object.
    #[serde(default)]
    pub arguments: serde_json::Value,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpCalled {
    /// The answer of the protocol (`CallToolResult`), with its content.
    pub result: serde_json::Value,
    /// The tool says that it failed.
    pub is_error: bool,
    /// From the request to the answer, in milliseconds.
    pub took_ms: u32,
}

/// What an agent would be given of a server: answer of `GET /mcp/given`. Where a session's identifier and token would
/// stand, words say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpGiven {
    /// The agent.
    pub agent: AgentId,
    /// On a terminal; absent when it takes none from Berth there.
    #[serde(default)]
    pub terminal: Option<McpGivenTerminal>,
    /// Over the Agent Client Protocol it is told the address and the token when its session begins.
    pub protocol: bool,
}

/// How a server goes into an agent on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpGivenTerminal {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Files that only its user can read.
    pub files: Vec<McpGivenFile>,
}

/// A file that is written for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpGivenFile {
    /// Where it is.
    pub path: String,
    /// What stands in it.
    pub content: String,
}

/// A sign-in that waits for the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpSigningIn {
    /// The address to open in the browser of the machine that the engine runs on: https, or http on loopback.
    pub url: String,
    /// Who asks the user to sign in.
    pub issuer: String,
    /// Until when the browser is waited for.
    pub until: Timestamp,
}

/// What became of a sign-in that was ended: answer of `POST /mcp/configurations/{id}/sign-out`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpSignedOut {
    /// The server as it is now. Berth has forgotten the sign-in in any case.
    pub configuration: McpConfiguration,
    /// What became of its tokens.
    pub revoked: McpRevoked,
    /// Why they could not be revoked.
    #[serde(default)]
    pub why: Option<String>,
}

/// What became of the tokens of a sign-in that was ended (RFC 7009).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum McpRevoked {
    /// The authorization server has ended them.
    Revoked,
    /// There were none.
    Nothing,
    /// The authorization server does not offer that; they end by themselves.
    NotOffered,
    /// It could not be asked, or refused; they end by themselves.
    Failed,
}

/// Settings of another program: body of `POST /mcp/import`. Nothing is kept or started by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpImport {
    /// The text of the file: `.mcp.json`, or settings of Claude, Cursor, VS Code or Codex. At most 16 MiB. JSON may
    /// have comments, and commas behind the last of a list.
    pub text: String,
}

/// What a file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpImported {
    /// Its servers, by name: first those for all projects, then those that Claude Code keeps for some.
    pub servers: Vec<McpImportedServer>,
}

/// A server of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpImportedServer {
    /// Its name in the file.
    pub name: String,
    /// The folders of the projects that it is for in the file; none when it is for all.
    #[serde(default)]
    pub projects: Vec<String>,
    /// What it would be; absent when it cannot be understood. No two of a file have the same name.
    #[serde(default)]
    pub draft: Option<McpDraft>,
    /// Secrets that it needs. Their values are not taken over.
    #[serde(default)]
    pub secrets: BTreeSet<String>,
    /// What was left out, or why it cannot be understood, as sentences.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What is wrong with it, by field.
    #[serde(default)]
    pub problems: Vec<FieldProblem>,
}

/// How a server was doing when it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum McpState {
    /// It was not asked since it is what it is now.
    #[default]
    Untried,
    /// It answered.
    Connected {
        /// Its name for itself.
        #[serde(default)]
        name: Option<String>,
        /// Its version.
        #[serde(default)]
        version: Option<String>,
        /// The version of the protocol that is spoken.
        protocol: String,
        /// How many tools it has.
        tools: u32,
        /// From the first byte to its answer, in milliseconds.
        connect_ms: u32,
        /// When.
        at: Timestamp,
    },
    /// It wants its user to sign in.
    NeedsSignIn {
        /// When it said so.
        at: Timestamp,
    },
    /// Its sign-in is over, and has to be done again.
    Expired {
        /// When that was found.
        at: Timestamp,
    },
    /// It cannot be used.
    Failed {
        /// Why, with what can be done.
        problem: Box<Problem>,
        /// When.
        at: Timestamp,
    },
    /// Tools are not what they were when they were accepted: nobody is given them until somebody has looked.
    Quarantined {
        /// Which.
        tools: Vec<String>,
        /// When that was found.
        at: Timestamp,
    },
}

impl McpState {
    /// What a server said.
    pub fn connected(probe: &McpProbe, at: Timestamp) -> Self {
        Self::Connected {
            name: probe.name.clone(),
            version: probe.version.clone(),
            protocol: probe.protocol.clone(),
            tools: probe.tools.len().try_into().unwrap_or(u32::MAX),
            connect_ms: probe.connect_ms,
            at,
        }
    }
}

/// What it found: answer of `POST /mcp/test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpTested {
    /// What the server said.
    pub probe: McpProbe,
}
