//! Errors on the wire: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::{Deserialize, Serialize};

/// Media type of an error body (RFC 9457 section 3).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error as every endpoint returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{title}: {detail}")]
pub struct Problem {
    /// `urn:berth:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words that are the same for every such error.
    pub title: String,
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Stable code to match on.
    pub code: Code,
    /// What happened, to what.
    pub detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What would be lost, for `workspace.has_work`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<crate::UnsavedWork>,
    /// The fields that are not as they must be, where the code is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// Both sides, for `prompt.conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Box<crate::PromptConflict>>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field, such as `providers[0].base_url`.
    pub field: String,
    /// What is wrong with it, as a sentence.
    pub message: String,
}

impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl Problem {
    /// A problem with the title and status of its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:berth:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            hint: code.hint().map(str::to_owned),
            work: None,
            fields: Vec::new(),
            conflict: None,
        }
    }

    /// Adds both sides of an edit that came too late.
    #[must_use]
    pub fn with_conflict(mut self, conflict: crate::PromptConflict) -> Self {
        self.conflict = Some(Box::new(conflict));
        self
    }

    /// Replaces the code's general hint by one for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what would be lost.
    #[must_use]
    pub fn with_work(mut self, work: crate::UnsavedWork) -> Self {
        self.work = Some(work);
        self
    }

    /// Adds what is wrong with which field.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldProblem>) -> Self {
        self.fields = fields;
        self
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal, $hint:expr;)*) => {
        /// Stable error codes. A code is never renamed or reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Code {
            $($(#[$doc])* #[doc = concat!(" `", $text, "`: ", $title, ".")] #[serde(rename = $text)] $name,)*
            /// A code of a newer engine that this client does not know.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl Code {
            /// Every code that this version can send.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// What happened, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Unknown => "Unknown error" }
            }

            /// What to do next, in general.
            pub const fn hint(self) -> Option<&'static str> {
                match self { $(Self::$name => $hint,)* Self::Unknown => None }
            }
        }
    };
}

codes! {
    Unauthorized = "auth.unauthorized", 401, "Not authorized",
        Some("Send the token from the endpoint file as a bearer token; it changes when the engine restarts.");
    HostRefused = "auth.host_refused", 403, "Host refused",
        Some("Address the engine by the loopback address and port in the endpoint file.");
    OriginRefused = "auth.origin_refused", 403, "Origin refused",
        Some("Open the UI from the engine's own address or use the app.");
    BadRequest = "request.invalid", 400, "Invalid request",
        Some("Compare the request with /openapi.json.");
    BodyTooLarge = "request.too_large", 413, "Request too large", None;
    NotFound = "request.not_found", 404, "No such address", Some("See /docs for all addresses.");
    MethodNotAllowed = "request.method_not_allowed", 405, "Method not allowed", Some("See /docs for the methods of each address.");
    UnsupportedMediaType = "request.media_type", 415, "Unsupported media type",
        Some("Send JSON with the header content-type: application/json.");
    Internal = "internal", 500, "Internal error",
        Some("The engine's log has the details; please report it.");
    ShuttingDown = "engine.shutting_down", 503, "The engine is stopping", Some("Try again when it runs again.");
    EngineRunning = "engine.already_running", 409, "An engine is already running",
        Some("Use the running engine, or stop it with `berth stop`.");
    PortTaken = "engine.port_taken", 409, "The port is taken",
        Some("Choose another port with --port, or leave it out for a free one.");
    StoreUnavailable = "store.unavailable", 500, "The store cannot be used", Some("The engine's log has the details.");
    StoreFull = "store.disk_full", 507, "The disk is full",
        Some("Free some space and try again; nothing that was confirmed is lost.");
    StoreNewer = "store.newer_schema", 409, "The data belongs to a newer Berth",
        Some("Install the newest version of Berth. Nothing was changed.");
    StoreCorrupt = "store.corrupt", 500, "The store is damaged",
        Some("Restore berth.db from a backup, or move it away to start afresh.");
    ProjectNotFound = "project.not_found", 404, "No such project", None;
    ProjectExists = "project.exists", 409, "The folder is a project already", None;
    ProjectHasSessions = "project.has_sessions", 409, "The project has sessions",
        Some("Delete its sessions first.");
    PathNotAbsolute = "path.not_absolute", 400, "The path is not absolute", Some("Give the whole path of the folder.");
    PathMissing = "path.missing", 404, "No such folder", Some("Check the path; the folder must exist.");
    PathNotFolder = "path.not_folder", 400, "Not a folder", Some("Give the folder, not a file in it.");
    PathNotReadable = "path.not_readable", 403, "The folder is not readable",
        Some("Check the folder's permissions.");
    GitMissing = "git.missing", 424, "git was not found", Some("Install git, or work in place.");
    GitFailed = "git.failed", 500, "git reported an error", None;
    NotARepository = "git.not_a_repository", 409, "Not a git repository",
        Some("Work in place, or run `git init` and make a first commit.");
    NoCommits = "git.no_commits", 409, "The repository has no commit yet",
        Some("Make a first commit, or work in place.");
    BaseNotFound = "git.base_not_found", 404, "No such branch or commit", None;
    BranchExists = "git.branch_exists", 409, "The branch exists already", Some("Choose another branch name.");
    BranchInvalid = "git.branch_invalid", 400, "Not a branch name", Some("See `git help check-ref-format`.");
    AgentNotFound = "agent.not_found", 404, "No such agent", Some("GET /agents lists the agents.");
    AgentMissing = "agent.missing", 424, "The agent is not installed", None;
    AgentNotExecutable = "agent.not_executable", 424, "The agent cannot be executed",
        Some("Check that the file is executable and made for this machine.");
    AgentExists = "agent.exists", 409, "An agent has this name already", Some("Choose another name.");
    AgentInUse = "agent.in_use", 409, "The agent runs", Some("Stop its sessions first.");
    AgentInvalid = "agent.invalid", 400, "The agent's description is not usable", None;
    AgentSecretMissing = "agent.secret_missing", 424, "A secret of the agent is missing",
        Some("Add it in the agent's settings.");
    AgentTooOld = "agent.too_old", 424, "The agent is too old",
        Some("Update the agent, then start the session again.");
    AgentUnsupported = "agent.unsupported", 501, "The agent is not supported yet",
        Some("Run it as a custom command, or in a shell session.");
    PermissionModeUnknown = "agent.permission_mode_unknown", 400, "The agent has no such permission mode",
        Some("GET /agents lists the modes of each agent.");
    CommandInvalid = "agent.command_invalid", 400, "The command is not usable", None;
    TransportUnsupported = "agent.transport_unsupported", 501, "The agent does not support this transport",
        Some("Use the transport `pty`.");
    AgentSignedOut = "agent.signed_out", 424, "The agent wants its user to sign in",
        Some("Sign in with the agent's own command in a terminal, then start the session again.");
    AgentProtocol = "agent.protocol", 502, "The agent cannot be spoken to",
        Some("Update the agent, or use the transport `pty`.");
    AgentTakesNoPrompt = "agent.takes_no_prompt", 501, "The agent takes no instructions",
        Some("Write them into the first message, or choose another agent or transport.");
    AgentTakesNoMcp = "agent.takes_no_mcp", 501, "The agent takes no MCP servers",
        Some("Add the servers in the agent's own settings, or choose another agent or transport.");
    McpConflict = "mcp.conflict", 409, "Somebody else has changed the MCP server",
        Some("Look at it as it is now, then save again with its version.");
    McpEnded = "mcp.ended", 502, "The MCP server's program does not run", Some("Check its command; the detail has what it wrote.");
    McpExists = "mcp.exists", 409, "An MCP server has this name already", Some("Choose another name.");
    FormInvalid = "mcp.form_invalid", 400, "The form is not filled in as it is asked for",
        Some("Compare what was filled in with the form's schema.");
    McpInvalid = "mcp.invalid", 400, "The MCP server's configuration is not usable", None;
    McpNotConsented = "mcp.not_consented", 403, "Nobody has agreed to this MCP server",
        Some("Look at the whole command or address, then agree to it.");
    McpNotFound = "mcp.not_found", 404, "No such MCP server", Some("GET /mcp/configurations lists the servers.");
    McpProtocol = "mcp.protocol", 502, "The MCP server cannot be spoken to", None;
    McpScopeDenied = "mcp.scope_denied", 403, "The MCP server is not yours to change",
        Some("Add a server of your own (scope `user`).");
    McpSecretMissing = "mcp.secret_missing", 424, "A secret of the MCP server is missing",
        Some("Add it with PUT /mcp/configurations/{id}/secrets/{name}.");
    McpSignInFailed = "mcp.sign_in_failed", 502, "Signing in to the MCP server has failed", None;
    McpSignedOut = "mcp.signed_out", 424, "The MCP server wants its user to sign in", Some("Sign in, or add a token.");
    McpUnreachable = "mcp.unreachable", 504, "The MCP server does not answer",
        Some("Check its address, and whether it runs.");
    McpWithheld = "mcp.withheld", 403, "The session may not ask this MCP server",
        Some("The detail says who has decided that.");
    PromptNotFound = "prompt.not_found", 404, "No such prompt", Some("GET /prompts lists the prompts.");
    PromptConflict = "prompt.conflict", 409, "Somebody else has changed the prompt",
        Some("Look at both versions, then save again with the number of the newer one.");
    PromptInvalid = "prompt.invalid", 400, "The prompt is not usable", None;
    PromptScopeDenied = "prompt.scope_denied", 403, "The prompt is not yours to change",
        Some("Write a prompt of your own (scope `user`).");
    RouterNotFound = "router.not_found", 404, "No such router", Some("GET /routers lists the routers.");
    RouterExists = "router.exists", 409, "A router has this name already", Some("Choose another name.");
    RouterInUse = "router.in_use", 409, "Sessions run through the router", Some("Stop these sessions first.");
    RouterKeyMissing = "router.key_missing", 424, "A provider's key is missing",
        Some("Add the key in the router's settings.");
    RouterMissing = "router.missing", 424, "The router is not installed",
        Some("npm install -g @musistudio/claude-code-router, or choose other router settings.");
    RouterUnsupported = "router.unsupported", 424, "The router cannot be used", None;
    RouterInvalid = "router.invalid", 400, "The router's settings are not usable", None;
    RouterRequired = "router.required", 400, "The agent needs a router",
        Some("Choose a router, or start claude itself.");
    RouterFailed = "router.failed", 502, "The router does not run", None;
    SecretsUnavailable = "secrets.unavailable", 424, "There is no keychain",
        Some("Start the system's keychain (on Linux a Secret Service such as gnome-keyring or KWallet), then restart Berth; or choose an encrypted file with `berth serve --secrets-file` and `--secrets-key`.");
    SecretsFile = "secrets.file", 424, "The file with the secrets cannot be used",
        Some("Name the file and the key that it was written with; `berth secrets new-key` makes one.");
    SecretsRefused = "secrets.refused", 424, "The keychain refused", Some("Unlock the keychain and allow Berth to use it.");
    SpawnFailed = "session.spawn_failed", 500, "The agent could not be started", None;
    EngineLost = "session.engine_lost", 500, "The engine stopped while the session ran",
        Some("Restart the session; its transcript and recording are kept.");
    SessionNotFound = "session.not_found", 404, "No such session", None;
    SessionEnded = "session.ended", 409, "The session has ended", Some("Restart the session, then send again.");
    SessionLive = "session.live", 409, "The session is running", Some("Stop the session first.");
    SessionNotReady = "session.not_ready", 409, "The session does not take messages now",
        Some("Wait until it has started, or look at its terminal.");
    SessionNeedsAttention = "session.needs_attention", 409, "The session waits for an answer",
        Some("Answer its question first.");
    SessionBusy = "session.busy", 409, "The agent works on another message",
        Some("Wait for the answer, or interrupt it.");
    MessageNotTaken = "session.message_not_taken", 504, "The agent did not take the message",
        Some("Look at the terminal: the text may stand in its input box.");
    AttentionGone = "session.attention_gone", 409, "The question is no longer open", None;
    ConversationGone = "session.conversation_gone", 409, "The agent has no conversation to resume",
        Some("Restart it in a new conversation, with the transcript if it shall know what was said.");
    SessionArchived = "session.archived", 409, "The session is archived", Some("Bring it back first.");
    TenantInvalid = "tenant.invalid", 400, "The backend's address or key is not usable",
        Some("Copy the project's address and its publishable key once more; a secret key belongs on no user's machine.");
    TenantUnreachable = "tenant.unreachable", 504, "The backend does not answer",
        Some("Check the network and the backend's address, then try again.");
    TenantProtocol = "tenant.protocol", 502, "The backend's answer is not understood",
        Some("Check that the address is that of a Supabase project, and ask its administrator.");
    TenantRefused = "tenant.refused", 403, "The backend refused", Some("Ask an administrator of the backend.");
    TenantPasswordWrong = "tenant.password_wrong", 403, "The e-mail address or the password is wrong",
        Some("Check both, or sign in another way.");
    TenantCodeWrong = "tenant.code_wrong", 403, "The code is wrong or no longer good",
        Some("Enter the newest code, or ask for another one.");
    TenantMfaNeeded = "tenant.mfa_needed", 403, "A second factor is needed",
        Some("Enter the code of your second factor.");
    TenantRateLimited = "tenant.rate_limited", 429, "Too many attempts", Some("Wait a while, then try again.");
    TenantSignInFailed = "tenant.sign_in_failed", 502, "The sign-in did not come to its end", Some("Begin the sign-in again.");
    TenantSignedOut = "tenant.signed_out", 424, "Nobody is signed in to the backend", Some("Sign in.");
    WorkspaceHasWork = "workspace.has_work", 409, "The workspace has unsaved work",
        Some("Commit and push it, archive the session, or delete with discard=true.");
    WorkspaceMissing = "workspace.missing", 409, "The workspace's folder is gone", None;
    WorkspaceFailed = "workspace.failed", 500, "The workspace could not be prepared", None;
    RecordingMissing = "recording.missing", 404, "There is no recording", None;
    DiffStale = "diff.stale", 410, "The comparison is no longer kept", Some("Start again with the first page.");
    FileNotFound = "diff.file_not_found", 404, "No such changed file", None;
    TenantNotFound = "tenant.not_found", 404, "This machine has nothing of the organization", Some("Sign in to it first.");
    TenantRowNotFound = "tenant.row_not_found", 404, "The organization has no such entry", None;
    TenantFieldRefused = "tenant.field_refused", 400, "The field cannot be changed", None;
    TenantUnavailable = "tenant.unavailable", 503, "The organization's backend cannot answer now",
        Some("Changes wait here and are sent when it can.");
    TenantSchemaNewer = "tenant.schema_newer", 409, "The organization's backend is newer than this Berth",
        Some("Install the newest version of Berth. Changes wait here meanwhile.");
    TenantSchemaOlder = "tenant.schema_older", 409, "The organization's backend is older than this Berth",
        Some("Ask whoever runs it to apply the migrations with `berth tenant migrate`.");
    PolicyRefused = "policy.refused", 403, "The organization's policy does not allow this",
        Some("Choose another agent or permission mode, or ask an admin of the organization.");
    PolicyUnknown = "policy.unknown", 409, "The organization's policy is not known here yet",
        Some("Wait until the organization is synced, or work without it.");
    PolicyUnreadable = "policy.unreadable", 409, "The organization's policy is not understood",
        Some("Install the newest version of Berth, or ask an admin of the organization to mend it.");
    PolicyInvalid = "policy.invalid", 400, "The policy is not as it must be", Some("Mend the fields that are named.");
    PolicyConflict = "policy.conflict", 409, "Somebody else has changed the policy",
        Some("Look at the newest one, then decide.");
    NotAnAdmin = "org.not_admin", 403, "Only an admin of the organization may do this",
        Some("Ask an admin of the organization.");
    MemberNotFound = "membership.not_found", 404, "The organization has no such member", None;
    LastAdmin = "membership.last_admin", 409, "An organization keeps at least one admin",
        Some("Make somebody else an admin first.");
    InvitationNotFound = "invitation.not_found", 404, "There is no such open invitation", None;
    OrganizationSwitched = "org.switched", 409, "Another organization has become the active one meanwhile",
        Some("Try again: what holds now may be different.");
    ErasureNotFound = "erasure.not_found", 404, "There is no such request", None;
    ErasureOfOneself = "erasure.self", 409, "Nobody can erase themselves", Some("Ask another admin.");
    NotAMember = "org.not_member", 403, "You are not a member of the organization",
        Some("Ask an admin of the organization to invite you.");
    MutationNotFound = "sync.mutation_not_found", 404, "The change no longer waits", None;
    ConflictMoved = "sync.conflict_moved", 409, "The other side has changed meanwhile",
        Some("Look at both sides again, then choose.");
    ChoiceImpossible = "sync.choice_impossible", 409, "This choice is not possible here", Some("Choose another one.");
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_has_an_error_status() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert!(
                (400..600).contains(&code.status()),
                "{code} is not an error status"
            );
        }
    }

    #[test]
    fn a_code_of_a_newer_engine_is_read_as_unknown() {
        let code: Code = serde_json::from_str("\"moon.too_far\"").unwrap();
        assert_eq!(code, Code::Unknown);
    }
}
