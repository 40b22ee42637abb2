//! The protocol's types, taken from JSON.

use berth_protocol::*;

use super::json::Json;

/// The name of the member that was not as it must be.
pub type Wrong = &'static str;

/// A type that can be taken from JSON.
pub trait Read: Sized {
    /// Takes it.
    fn take(json: &Json<'_>) -> Result<Self, Wrong>;
}

/// Reads a whole text.
pub fn read<T: Read>(text: &str) -> Result<T, Wrong> {
    T::take(&Json::parse(text).ok_or("JSON")?)
}

/// What the stream tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The state is another one.
    Changed(Event),
    /// The audit trail has one more event.
    Noted(AuditEntry),
    /// The routers are others; who shows them asks for them.
    Routers,
    /// Prompts, or what holds for all of them, are others; who shows them asks for them.
    Prompts,
    /// The MCP servers are others; who shows them asks for them.
    Mcp,
    /// It stands otherwise with organizations; it is asked for anew.
    Org,
}

/// The event of this name. `None` for a kind that a newer engine sends.
pub fn event(name: &str, data: &str) -> Option<Result<Heard, Wrong>> {
    if !matches!(
        name,
        "reset"
            | "project_changed"
            | "project_removed"
            | "agents_changed"
            | "session_changed"
            | "session_removed"
            | "message_changed"
            | "audit_added"
            | "router_changed"
            | "router_removed"
            | "prompt_changed"
            | "prompt_removed"
            | "prompt_policy_changed"
            | "mcp_changed"
            | "mcp_removed"
            | "org_changed"
    ) {
        return None;
    }
    let json = Json::parse(data);
    Some(json.ok_or("JSON").and_then(|json| event_of(name, &json)))
}

fn event_of(name: &str, json: &Json<'_>) -> Result<Heard, Wrong> {
    Ok(Heard::Changed(match name {
        "audit_added" => return member(json, "event").map(Heard::Noted),
        "router_changed" | "router_removed" => return Ok(Heard::Routers),
        "prompt_changed" | "prompt_removed" | "prompt_policy_changed" => return Ok(Heard::Prompts),
        "mcp_changed" | "mcp_removed" => return Ok(Heard::Mcp),
        "org_changed" => return Ok(Heard::Org),
        "project_changed" => Event::ProjectChanged {
            project: member(json, "project")?,
        },
        "project_removed" => Event::ProjectRemoved {
            id: member(json, "id")?,
        },
        "agents_changed" => Event::AgentsChanged {
            agents: member(json, "agents")?,
        },
        "session_changed" => Event::SessionChanged {
            session: Box::new(member(json, "session")?),
        },
        "session_removed" => Event::SessionRemoved {
            id: member(json, "id")?,
        },
        "message_changed" => Event::MessageChanged {
            message: member(json, "message")?,
        },
        _ => Event::Reset,
    }))
}

/// A member.
pub(super) fn member<T: Read>(json: &Json<'_>, name: &'static str) -> Result<T, Wrong> {
    T::take(json.get(name)).map_err(|_| name)
}

/// A member that may be left out.
pub(super) fn or_default<T: Read + Default>(
    json: &Json<'_>,
    name: &'static str,
) -> Result<T, Wrong> {
    Ok(member::<Option<T>>(json, name)?.unwrap_or_default())
}

macro_rules! structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Read for $name {
            fn take(json: &Json<'_>) -> Result<Self, Wrong> {
                Ok(Self { $($field: member(json, stringify!($field))?,)* })
            }
        }
    )*};
}
pub(super) use structs;

structs! {
    Agent {
        id, name, state, path, found, version, detail, sign_in_hint, install_hint,
        permission_modes, resumes, routers, needs_router, defined, acp, refused,
    }
    AcpSupport { installed, install_hint, permission_modes }
    AgentList { agents }
    Attention { id, question, options, needs }
    AttentionOption { id, label }
    AuditVerification { valid, checked, first, last, broken_at }
    BranchList { branches, default }
    ChatAccepted { message }
    CommitLine { hash, subject }
    DiffPage { base_commit, total, files, next }
    DiffStat { files, added, removed }
    EngineInfo {
        version, pid, data_dir, log_dir, home_dir, os, schema_version, environment, warnings,
    }
    Failure { code, detail }
    FieldProblem { field, message }
    FileChange { path, old_path, kind, added, removed }
    FilePatch { path, patch, binary, truncated }
    Folder { name, path, git }
    FolderList { path, parent, folders }
    GitInfo { root, branch, linked_worktree, has_commits }
    MessagePage { messages, next }
    PlanStep { text, state }
    PermissionMode { id, name, description, unchecked, refused }
    Project { id, path, name, git, missing, created_at }
    ProjectList { projects }
    SessionList { sessions }
    SessionRouter { id, state }
    Size { rows, cols }
    UnsavedWork { uncommitted, files, unpushed, commits }
    Uploaded { path, name, size, sha256 }
    Workspace { kind, path, branch, base, base_commit }
}

impl Read for Part {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("kind").text().ok_or("kind")? {
            "thought" => Self::Thought {
                text: member(json, "text")?,
            },
            "plan" => Self::Plan {
                steps: member(json, "steps")?,
            },
            "tool" => Self::Tool(ToolCall::take(json)?),
            "notice" => Self::Notice {
                text: member(json, "text")?,
            },
            _ => Self::Text {
                text: member(json, "text")?,
            },
        })
    }
}

impl Read for ToolCall {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            title: member(json, "title")?,
            tool: member(json, "tool")?,
            state: member(json, "state")?,
            paths: or_default(json, "paths")?,
            output: or_default(json, "output")?,
        })
    }
}

impl Read for ToolOutput {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("kind").text().ok_or("kind")? {
            "diff" => Self::Diff {
                path: member(json, "path")?,
                patch: member(json, "patch")?,
            },
            _ => Self::Text {
                text: member(json, "text")?,
            },
        })
    }
}

impl Read for Message {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            session_id: member(json, "session_id")?,
            seq: member(json, "seq")?,
            role: member(json, "role")?,
            content: member(json, "content")?,
            parts: or_default(json, "parts")?,
            at: member(json, "at")?,
            run: member(json, "run")?,
            partial: or_default(json, "partial")?,
        })
    }
}

impl Read for Session {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            project_id: member(json, "project_id")?,
            agent: member(json, "agent")?,
            title: member(json, "title")?,
            // Its members stand among the session's own.
            status: Status::take(json)?,
            workspace: member(json, "workspace")?,
            transport: member(json, "transport")?,
            permission_mode: member(json, "permission_mode")?,
            command: member(json, "command")?,
            router: member(json, "router")?,
            size: member(json, "size")?,
            run: member(json, "run")?,
            beginning: member(json, "beginning")?,
            changes: member(json, "changes")?,
            undelivered: member(json, "undelivered")?,
            created_at: member(json, "created_at")?,
            updated_at: member(json, "updated_at")?,
            ended_at: member(json, "ended_at")?,
            archived_at: member(json, "archived_at")?,
        })
    }
}

impl Read for AttentionNeeds {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("type").text().unwrap_or_default() {
            "form" => Self::Form,
            "page" => Self::Page {
                url: member(json, "url")?,
            },
            _ => return Err("needs"),
        })
    }
}

impl Read for Status {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("status").text().unwrap_or_default() {
            "starting" => Self::Starting,
            "running" => Self::Running,
            "waiting" => Self::Waiting,
            "needs_attention" => Self::NeedsAttention {
                attention: member(json, "attention")?,
            },
            "exited" => Self::Exited {
                code: member(json, "code")?,
                signal: member(json, "signal")?,
            },
            "failed" => Self::Failed {
                failure: member(json, "failure")?,
            },
            _ => return Err("status"),
        })
    }
}

impl Read for RouterState {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("state").text().unwrap_or_default() {
            "starting" => Self::Starting,
            "healthy" => Self::Healthy,
            "restarting" => Self::Restarting {
                reason: member(json, "reason")?,
            },
            "failed" => Self::Failed {
                reason: member(json, "reason")?,
            },
            "stopped" => Self::Stopped,
            _ => return Err("state"),
        })
    }
}

impl Read for ServerControl {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("type").text().unwrap_or_default() {
            "snapshot" => Self::Snapshot {
                size: member(json, "size")?,
                run: member(json, "run")?,
                skipped: member(json, "skipped")?,
            },
            "resized" => Self::Resized {
                size: member(json, "size")?,
            },
            "ended" => Self::Ended {
                status: Status::take(json)?,
            },
            _ => return Err("type"),
        })
    }
}

impl Read for Problem {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            kind: member(json, "type")?,
            title: member(json, "title")?,
            status: member(json, "status")?,
            code: member(json, "code")?,
            detail: member(json, "detail")?,
            hint: member(json, "hint")?,
            work: member(json, "work")?,
            fields: or_default(json, "fields")?,
            conflict: member::<Option<_>>(json, "conflict")?.map(Box::new),
        })
    }
}

/// An event of the audit trail, with its facts as texts: nothing but people reads them here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Position in the chain.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// The session that it is about, if any.
    pub session_id: Option<SessionId>,
    /// Facts by name; those without a value are left out.
    pub details: Vec<(String, String)>,
    /// Its hash in the chain.
    pub hash: String,
}

/// A page of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntries {
    /// Events, in the order that was asked for.
    pub events: Vec<AuditEntry>,
    /// Where the next page begins.
    pub next: Option<i64>,
}

structs! {
    AuditEntries { events, next }
}

impl Read for AuditEntry {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            seq: member(json, "seq")?,
            at: member(json, "at")?,
            action: member(json, "action")?,
            subject_kind: member(json, "subject_kind")?,
            subject_id: member(json, "subject_id")?,
            session_id: member(json, "session_id")?,
            details: facts(json.get("details")),
            hash: member(json, "hash")?,
        })
    }
}

/// Facts by name; those without a value are left out.
pub(super) fn facts(json: &Json<'_>) -> Vec<(String, String)> {
    match json {
        Json::Object(members) => members
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), fact(value)?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn fact(value: &Json<'_>) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(on) => on.to_string(),
        Json::Number(written) => (*written).to_owned(),
        // An identifier is known by its end.
        Json::Text(text) if text.len() == 36 && text.as_bytes()[8] == b'-' => {
            text.chars().skip(28).collect()
        }
        Json::Text(text) => text.to_string(),
        Json::List(items) => items.iter().filter_map(fact).collect::<Vec<_>>().join(", "),
        Json::Object(members) => members
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", fact(value)?)))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl Read for $name {
            fn take(json: &Json<'_>) -> Result<Self, Wrong> {
                match json.text() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(stringify!($name)),
                }
            }
        }
    )*};
}
pub(super) use words;

words! {
    AgentState {
        Checking = "checking", Ready = "ready", Broken = "broken", TooOld = "too_old",
        Missing = "missing", Unsupported = "unsupported",
    }
    ChangeKind {
        Added = "added", Untracked = "untracked", Modified = "modified", Deleted = "deleted",
        Renamed = "renamed", TypeChanged = "type_changed", Conflicted = "conflicted",
    }
    StepState { Pending = "pending", InProgress = "in_progress", Completed = "completed" }
    ToolState {
        Pending = "pending", InProgress = "in_progress", Completed = "completed", Failed = "failed",
    }
    Found { Path = "path", UsualFolder = "usual_folder", BuiltIn = "built_in" }
    RouterKind { CcrV1 = "ccr_v1", CcrV3 = "ccr_v3", ClaudeVertex = "claude_vertex" }
    Role { User = "user", Agent = "agent" }
    Transport { Pty = "pty", Acp = "acp" }
    Beginning { New = "new", Resumed = "resumed", Transcript = "transcript" }
    WorkspaceKind { Worktree = "worktree", InPlace = "in_place" }
}

impl Read for Code {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let text = json.text().ok_or("code")?;
        let known = Self::ALL.iter().find(|code| code.as_str() == text);
        Ok(known.copied().unwrap_or(Self::Unknown))
    }
}

impl Read for bool {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json {
            Json::Bool(on) => Ok(*on),
            _ => Err("bool"),
        }
    }
}

impl Read for String {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        json.text().map(str::to_owned).ok_or("text")
    }
}

impl Read for i64 {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json {
            Json::Number(written) => written.parse().map_err(|_| "number"),
            _ => Err("number"),
        }
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Read for $integer {
            fn take(json: &Json<'_>) -> Result<Self, Wrong> {
                i64::take(json)?.try_into().map_err(|_| "number")
            }
        }
    )*};
}
integers!(u16, i32, u32, u64);

macro_rules! parsed {
    ($($name:ty),*) => {$(
        impl Read for $name {
            fn take(json: &Json<'_>) -> Result<Self, Wrong> {
                json.text()
                    .and_then(|text| text.parse().ok())
                    .ok_or(stringify!($name))
            }
        }
    )*};
}
pub(super) use parsed;
parsed!(AgentId, MessageId, ProjectId, PromptId, RouterId, SessionId);

impl<T: Read> Read for Option<T> {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json {
            Json::Null => Ok(None),
            value => T::take(value).map(Some),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json {
            Json::List(items) => {
                let mut all = Self::with_capacity(items.len());
                for item in items {
                    all.push(T::take(item)?);
                }
                Ok(all)
            }
            _ => Err("list"),
        }
    }
}

impl Read for Timestamp {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        json.text().and_then(moment).ok_or("time")
    }
}

/// A moment in UTC as the engine writes it: `2026-11-23T19:05:01.25Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(time, ':')?;
    if !(1..=12).contains(&month) || fraction.len() > 9 {
        return None;
    }
    // Days since 1970 of a date, counting years from March, so that a leap day is a year's last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let mut nanosecond: i32 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    for _ in fraction.len()..9 {
        nanosecond *= 10;
    }
    let second = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Timestamp::new(second, nanosecond).ok()
}

fn three(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(str::parse);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(a)), Some(Ok(b)), Some(Ok(c)), None) => Some([a, b, c]),
        _ => None,
    }
}
