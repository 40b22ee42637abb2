//! MCP servers, in both directions. Only their page needs them, so they stand apart.
//!
//! What is a schema or an answer of a tool in the protocol is made here into what the page shows of it.

use std::collections::BTreeSet;

use berth_protocol::tenant::Catalog;
use berth_protocol::*;

use super::json::Json;
use super::read::{Read, Wrong, member, or_default, parsed, structs, words};
use super::write::{Object, Write, flag, list, map};
use crate::logic::tool_form::{Inputs, inputs};

/// A tool of a server, as somebody looks at it and tries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Name, by which it is called.
    pub name: String,
    /// Name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// The schema of its arguments, to be read.
    pub schema: String,
    /// What can be typed for it.
    pub inputs: Inputs,
}

/// The tools of a server as they were when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// The tools.
    pub tools: Vec<Tool>,
    /// When it was asked.
    pub at: Option<Timestamp>,
}

/// What a server said when it was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Its name for itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of the protocol that is spoken.
    pub protocol: String,
    /// How many tools it has.
    pub tools: usize,
    /// Until it answered, in milliseconds.
    pub connect_ms: u32,
    /// For the list of its tools, in milliseconds.
    pub list_ms: u32,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its content, piece by piece.
    pub content: Vec<Said>,
    /// The tool says that it failed.
    pub is_error: bool,
    /// Until it answered, in milliseconds.
    pub took_ms: u32,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Text.
    Text(String),
    /// Anything else, as JSON to be read.
    Json(String),
}

/// A call that is tried by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub tool: String,
    /// Its arguments, an object as JSON.
    pub arguments: String,
}

/// What a server asks the user to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpForm {
    /// The question that it answers.
    pub attention_id: String,
    /// The name of the server.
    pub server: String,
    /// What it is for.
    pub message: String,
    /// What can be typed.
    pub inputs: Inputs,
}

/// A form that was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledForm {
    /// The question that it answers.
    pub attention_id: String,
    /// What was filled in, an object as JSON.
    pub content: String,
}

parsed!(McpConfigurationId);

words! {
    Catalog { Installed = "installed", Available = "available", Blocked = "blocked" }
    McpScope { Organization = "organization", User = "user" }
    ToolRule { Allow = "allow", Ask = "ask", Deny = "deny" }
    McpRevoked {
        Revoked = "revoked", Nothing = "nothing", NotOffered = "not_offered", Failed = "failed",
    }
    OauthGrant {
        AuthorizationCode = "authorization_code", ClientCredentials = "client_credentials",
    }
    OauthProvider {
        Discovered = "discovered", Github = "github", Google = "google", Auth0 = "auth0",
        Azure = "azure",
    }
}

structs! {
    McpGiven { agent, terminal, protocol }
    McpGivenFile { path, content }
    McpGivenTerminal { args, env, files }
    McpSignedOut { configuration, revoked, why }
    McpSigningIn { url, issuer, until }
    McpImported { servers }
    McpList { configurations, writable, unreadable, secrets_file }
    McpUnreadable { id, scope, name, parts }
}

impl Read for BTreeSet<String> {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Vec::take(json).map(Self::from_iter)
    }
}

impl Read for McpConfiguration {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            scope: member(json, "scope")?,
            catalog: member(json, "catalog")?,
            taken: or_default(json, "taken")?,
            // What a user says of it stands among its own members.
            draft: McpDraft::take(json)?,
            kept_secrets: or_default(json, "kept_secrets")?,
            // What says nothing of it has no consent.
            consented: or_default(json, "consented")?,
            state: or_default(json, "state")?,
            signing_in: member(json, "signing_in")?,
            version: member(json, "version")?,
            created_at: member(json, "created_at")?,
            updated_at: member(json, "updated_at")?,
        })
    }
}

impl Read for McpDraft {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            name: member(json, "name")?,
            server: member(json, "server")?,
            auth: or_default(json, "auth")?,
            enabled: member::<Option<_>>(json, "enabled")?.unwrap_or(true),
            target: or_default(json, "target")?,
            rules: or_default(json, "rules")?,
            offers: or_default(json, "offers")?,
        })
    }
}

impl Read for McpOffers {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            sampling: or_default(json, "sampling")?,
            roots: or_default(json, "roots")?,
        })
    }
}

impl Read for ToolRules {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let tools = match json.get("tools") {
            Json::Object(members) => members.as_slice(),
            _ => &[],
        };
        let rule = |(name, rule): &(_, Json<'_>)| {
            let name: &std::borrow::Cow<'_, str> = name;
            Ok((name.to_string(), ToolRule::take(rule)?))
        };
        Ok(Self {
            default: or_default(json, "default")?,
            tools: tools.iter().map(rule).collect::<Result<_, Wrong>>()?,
        })
    }
}

/// The word of a rule.
pub const fn rule_word(rule: ToolRule) -> &'static str {
    match rule {
        ToolRule::Allow => "allow",
        ToolRule::Ask => "ask",
        ToolRule::Deny => "deny",
    }
}

impl Write for ToolRules {
    fn write(&self) -> String {
        let Self { default, tools } = self;
        let mut of_tools = Object::new();
        for (tool, rule) in tools {
            of_tools = of_tools.text(tool, rule_word(*rule));
        }
        Object::new()
            .text("default", rule_word(*default))
            .json("tools", &of_tools.end())
            .end()
    }
}

impl Read for McpServer {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let kind = json.get("type").text().unwrap_or_default();
        if kind == "stdio" {
            return Ok(Self::Stdio {
                command: member(json, "command")?,
                args: or_default(json, "args")?,
                env: or_default(json, "env")?,
                secret_env: or_default(json, "secret_env")?,
            });
        }
        let url = member(json, "url")?;
        let headers = or_default(json, "headers")?;
        let secret_headers = or_default(json, "secret_headers")?;
        match kind {
            "http" => Ok(Self::Http {
                url,
                headers,
                secret_headers,
            }),
            "sse" => Ok(Self::Sse {
                url,
                headers,
                secret_headers,
            }),
            _ => Err("type"),
        }
    }
}

impl Read for McpAuth {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json.get("type").text().unwrap_or_default() {
            "none" => Ok(Self::None),
            "bearer" => Ok(Self::Bearer),
            "oauth" => Ok(Self::Oauth {
                provider: or_default(json, "provider")?,
                client_id: member(json, "client_id")?,
                scopes: or_default(json, "scopes")?,
                without_resource: or_default(json, "without_resource")?,
                grant: or_default(json, "grant")?,
            }),
            _ => Err("type"),
        }
    }
}

impl Read for McpState {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("state").text().unwrap_or_default() {
            "untried" => Self::Untried,
            "connected" => Self::Connected {
                name: member(json, "name")?,
                version: member(json, "version")?,
                protocol: member(json, "protocol")?,
                tools: member(json, "tools")?,
                connect_ms: member(json, "connect_ms")?,
                at: member(json, "at")?,
            },
            "needs_sign_in" => Self::NeedsSignIn {
                at: member(json, "at")?,
            },
            "expired" => Self::Expired {
                at: member(json, "at")?,
            },
            "failed" => Self::Failed {
                problem: member(json, "problem")?,
                at: member(json, "at")?,
            },
            "quarantined" => Self::Quarantined {
                tools: member(json, "tools")?,
                at: member(json, "at")?,
            },
            _ => return Err("state"),
        })
    }
}

impl Read for McpImportedServer {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            name: member(json, "name")?,
            projects: or_default(json, "projects")?,
            draft: member(json, "draft")?,
            secrets: or_default(json, "secrets")?,
            notes: or_default(json, "notes")?,
            problems: or_default(json, "problems")?,
        })
    }
}

impl Read for Tool {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let schema = json.get("input_schema");
        Ok(Self {
            name: member(json, "name")?,
            title: member(json, "title")?,
            description: member(json, "description")?,
            schema: schema.pretty(),
            inputs: inputs(schema),
        })
    }
}

impl Read for McpForm {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            attention_id: member(json, "attention_id")?,
            server: member(json, "server")?,
            message: member(json, "message")?,
            inputs: inputs(json.get("schema")),
        })
    }
}

structs! {
    Tools { tools, at }
}

impl Read for Tested {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let probe = json.get("probe");
        let tools = match probe.get("tools") {
            Json::List(tools) => tools.len(),
            _ => return Err("tools"),
        };
        Ok(Self {
            name: member(probe, "name")?,
            version: member(probe, "version")?,
            protocol: member(probe, "protocol")?,
            tools,
            connect_ms: member(probe, "connect_ms")?,
            list_ms: member(probe, "list_ms")?,
        })
    }
}

impl Read for Called {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let result = json.get("result");
        let mut content: Vec<_> = match result.get("content") {
            Json::List(pieces) => pieces.iter().map(said).collect(),
            _ => Vec::new(),
        };
        match result.get("structuredContent") {
            Json::Null if content.is_empty() => content.push(Said::Json(result.pretty())),
            Json::Null => {}
            data => content.push(Said::Json(data.pretty())),
        }
        Ok(Self {
            content,
            is_error: member(json, "is_error")?,
            took_ms: member(json, "took_ms")?,
        })
    }
}

fn said(piece: &Json<'_>) -> Said {
    match (piece.get("type").text(), piece.get("text").text()) {
        (Some("text"), Some(text)) => Said::Text(text.to_owned()),
        _ => Said::Json(piece.pretty()),
    }
}

impl Write for McpDraft {
    fn write(&self) -> String {
        let Self {
            name,
            server,
            auth,
            enabled,
            target,
            rules,
            offers: McpOffers { sampling, roots },
        } = self;
        let offers = Object::new()
            .json("sampling", flag(*sampling))
            .json("roots", flag(*roots));
        Object::new()
            .text("name", name)
            .json("server", &server.write())
            .json("auth", &auth.write())
            .json("enabled", flag(*enabled))
            .json("target", &target.write())
            .json("rules", &rules.write())
            .json("offers", &offers.end())
            .end()
    }
}

impl Write for McpServer {
    fn write(&self) -> String {
        let object = Object::new().text("type", self.kind());
        match self {
            Self::Stdio {
                command,
                args,
                env,
                secret_env,
            } => object
                .text("command", command)
                .json("args", &list(args))
                .json("env", &map(env))
                .json("secret_env", &set(secret_env)),
            Self::Http {
                url,
                headers,
                secret_headers,
            }
            | Self::Sse {
                url,
                headers,
                secret_headers,
            } => object
                .text("url", url)
                .json("headers", &map(headers))
                .json("secret_headers", &set(secret_headers)),
        }
        .end()
    }
}

fn set(names: &BTreeSet<String>) -> String {
    list(&names.iter().cloned().collect::<Vec<_>>())
}

impl Write for McpAuth {
    fn write(&self) -> String {
        match self {
            Self::None => Object::new().text("type", "none"),
            Self::Bearer => Object::new().text("type", "bearer"),
            Self::Oauth {
                provider,
                client_id,
                scopes,
                without_resource,
                grant,
            } => Object::new()
                .text("type", "oauth")
                .text("provider", word_of_provider(*provider))
                .optional("client_id", client_id.as_ref())
                .json("scopes", &list(scopes))
                .json("without_resource", flag(*without_resource))
                .text("grant", word_of_grant(*grant)),
        }
        .end()
    }
}

const fn word_of_grant(grant: OauthGrant) -> &'static str {
    match grant {
        OauthGrant::AuthorizationCode => "authorization_code",
        OauthGrant::ClientCredentials => "client_credentials",
    }
}

fn word_of_provider(provider: OauthProvider) -> &'static str {
    let known = crate::logic::mcp_form::PROVIDERS;
    let found = known.iter().find(|(known, _)| *known == provider);
    found.map_or("", |(_, word)| word)
}

impl Write for McpEdit {
    fn write(&self) -> String {
        let Self {
            version,
            configuration,
        } = self;
        Object::new()
            .json("version", &version.to_string())
            .json("configuration", &configuration.write())
            .end()
    }
}

/// The word of a catalog.
const fn catalog_word(catalog: Catalog) -> &'static str {
    match catalog {
        Catalog::Installed => "installed",
        Catalog::Available => "available",
        Catalog::Blocked => "blocked",
    }
}

impl Write for McpShare {
    fn write(&self) -> String {
        let Self {
            configuration,
            catalog,
        } = self;
        Object::new()
            .json("configuration", &configuration.write())
            .text("catalog", catalog_word(*catalog))
            .end()
    }
}

impl Write for McpCatalogEdit {
    fn write(&self) -> String {
        let Self { version, catalog } = self;
        Object::new()
            .json("version", &version.to_string())
            .text("catalog", catalog_word(*catalog))
            .end()
    }
}

impl Write for McpTake {
    fn write(&self) -> String {
        let Self { taken } = self;
        Object::new().json("taken", flag(*taken)).end()
    }
}

impl Write for McpConsent {
    fn write(&self) -> String {
        let Self { version } = self;
        Object::new().json("version", &version.to_string()).end()
    }
}

impl Write for McpAccept {
    fn write(&self) -> String {
        let Self { tools } = self;
        Object::new().json("tools", &list(tools)).end()
    }
}

impl Write for McpSecret {
    fn write(&self) -> String {
        let Self { value } = self;
        Object::new().text("value", value.expose()).end()
    }
}

impl Write for McpTest {
    fn write(&self) -> String {
        // What is not kept is not tried here.
        let Self {
            id,
            draft: _,
            secrets: _,
        } = self;
        let id = id.map(|id| id.to_string());
        Object::new().optional("id", id.as_ref()).end()
    }
}

impl Write for McpImport {
    fn write(&self) -> String {
        let Self { text } = self;
        Object::new().text("text", text).end()
    }
}

impl Write for FilledForm {
    fn write(&self) -> String {
        let Self {
            attention_id,
            content,
        } = self;
        Object::new()
            .text("attention_id", attention_id)
            .json("content", content)
            .end()
    }
}

impl Write for ToolCall {
    fn write(&self) -> String {
        let Self { tool, arguments } = self;
        Object::new()
            .text("tool", tool)
            .json("arguments", arguments)
            .end()
    }
}
