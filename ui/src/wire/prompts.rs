//! Prompts, in both directions. Apart from [`Given`] only their pages need them, so they stand apart.

use berth_protocol::*;

use super::json::Json;
use super::read::{Read, Wrong, member, or_default, structs, words};
use super::write::{Object, Write, array, flag};

/// What the page of a session says of its prompt: all of it is fetched when somebody looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Which start of the session.
    pub run: u32,
    /// How many parts it has.
    pub parts: usize,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Something was found in it.
    pub warnings: usize,
    /// Why the agent did not get it.
    pub undelivered: Option<String>,
    /// What has changed is told to a new conversation only.
    pub wants_new_conversation: bool,
    /// It would be another one now.
    pub changed: bool,
    /// Why nothing could be put together now.
    pub problem: Option<Box<Problem>>,
}

impl Read for Given {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let effective = json.get("effective");
        let count = |name: &str| match effective.get(name) {
            Json::List(items) => items.len(),
            _ => 0,
        };
        Ok(Self {
            run: member(json, "run")?,
            parts: count("parts"),
            sha256: member(effective, "sha256")?,
            warnings: count("warnings"),
            undelivered: member(json, "undelivered")?,
            wants_new_conversation: or_default(json, "wants_new_conversation")?,
            changed: !matches!(json.get("changed"), Json::Null),
            problem: member(json, "problem")?,
        })
    }
}

impl<T: Read> Read for Box<T> {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        T::take(json).map(Self::new)
    }
}

structs! {
    EffectivePrompt { text, parts, sha256, warnings }
    LineOrigin { first, last, part }
    PreviewCompared { session, sha256, diff, problem }
    PromptChange { id, state }
    PromptConflict { yours, theirs, diff }
    PromptField { name, go_name, description }
    PromptImportResult { file, outcome, name, problem }
    PromptImported { results }
    PromptOrder { prompts }
    PromptPart { id, name, scope, version, start, end, own }
    PromptPolicy { sanitize }
    PromptPreview { effective, origins, policy, undelivered, compared }
    PromptVersion { version, draft, author, author_name, at }
    PromptVersions { versions, next }
    TextDiff { patch, added, removed }
}

words! {
    PromptChangeState { Waiting = "waiting", Refused = "refused", Conflict = "conflict" }
    PromptFormat { Text = "text", Template = "template" }
    PromptImportOutcome {
        Created = "created", Updated = "updated", Unchanged = "unchanged", Failed = "failed",
    }
    PromptScope { Global = "global", Organization = "organization", User = "user" }
    PromptWarningCode {
        OverrideAttempt = "override_attempt", RoleChange = "role_change", RoleMarker = "role_marker",
        ScopeMarker = "scope_marker", Mention = "mention", ControlCharacters = "control_characters",
    }
    SanitizePolicy { Warn = "warn", Redact = "redact", Reject = "reject" }
}

impl Read for PromptList {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            prompts: member(json, "prompts")?,
            policy: member(json, "policy")?,
            writable: member(json, "writable")?,
            declined: or_default(json, "declined")?,
            fields: member(json, "fields")?,
            least: member(json, "least")?,
            changes: or_default(json, "changes")?,
        })
    }
}

impl Read for SessionPrompt {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            run: member(json, "run")?,
            at: member(json, "at")?,
            effective: member(json, "effective")?,
            origins: member(json, "origins")?,
            undelivered: member(json, "undelivered")?,
            wants_new_conversation: or_default(json, "wants_new_conversation")?,
            changed: member(json, "changed")?,
            problem: member(json, "problem")?,
        })
    }
}

impl Read for SystemPrompt {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        // What a user says of it stands among its own members.
        let PromptDraft {
            scope,
            name,
            format,
            content,
            priority,
            enabled,
            locked,
            target,
        } = PromptDraft::take(json)?;
        Ok(Self {
            id: member(json, "id")?,
            scope,
            name,
            format,
            content,
            priority,
            enabled,
            locked,
            target,
            version: member(json, "version")?,
            author: member(json, "author")?,
            created_at: member(json, "created_at")?,
            updated_at: member(json, "updated_at")?,
        })
    }
}

impl Read for PromptDraft {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            scope: or_default(json, "scope")?,
            name: member(json, "name")?,
            format: or_default(json, "format")?,
            content: member(json, "content")?,
            priority: or_default(json, "priority")?,
            enabled: member::<Option<_>>(json, "enabled")?.unwrap_or(true),
            locked: or_default(json, "locked")?,
            target: or_default(json, "target")?,
        })
    }
}

impl Read for PromptTarget {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            agents: or_default(json, "agents")?,
            projects: or_default(json, "projects")?,
        })
    }
}

impl Read for PromptWarning {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            code: member(json, "code")?,
            part: member(json, "part")?,
            field: member(json, "field")?,
            line: member(json, "line")?,
            column: member(json, "column")?,
            message: member(json, "message")?,
            excerpt: member(json, "excerpt")?,
            redacted: or_default(json, "redacted")?,
        })
    }
}

/// What can be done about words that try to override higher scopes, with the word for it on the wire.
pub const POLICIES: [(SanitizePolicy, &str); 3] = [
    (SanitizePolicy::Warn, "warn"),
    (SanitizePolicy::Redact, "redact"),
    (SanitizePolicy::Reject, "reject"),
];

impl Write for PromptDraft {
    fn write(&self) -> String {
        let Self {
            scope,
            name,
            format,
            content,
            priority,
            enabled,
            locked,
            target,
        } = self;
        let format = match format {
            PromptFormat::Text => "text",
            PromptFormat::Template => "template",
        };
        Object::new()
            .text("scope", scope.as_str())
            .text("name", name)
            .text("format", format)
            .text("content", content)
            .json("priority", &priority.to_string())
            .json("enabled", flag(*enabled))
            .json("locked", flag(*locked))
            .json("target", &target.write())
            .end()
    }
}

impl Write for PromptTarget {
    fn write(&self) -> String {
        let Self { agents, projects } = self;
        Object::new()
            .json("agents", &quoted(agents.iter().map(ToString::to_string)))
            .json(
                "projects",
                &quoted(projects.iter().map(ToString::to_string)),
            )
            .end()
    }
}

fn quoted(ids: impl Iterator<Item = String>) -> String {
    let ids: Vec<String> = ids.collect();
    super::write::list(&ids)
}

impl Write for PromptEdit {
    fn write(&self) -> String {
        let Self { version, prompt } = self;
        Object::new()
            .json("version", &version.to_string())
            .json("prompt", &prompt.write())
            .end()
    }
}

impl Write for PromptChoice {
    fn write(&self) -> String {
        let Self { declined } = self;
        Object::new().json("declined", flag(*declined)).end()
    }
}

impl Write for PromptMove {
    fn write(&self) -> String {
        let Self { version, before } = self;
        let before = before.map(|id| id.to_string());
        Object::new()
            .json("version", &version.to_string())
            .optional("before", before.as_ref())
            .end()
    }
}

impl Write for PromptRestore {
    fn write(&self) -> String {
        let Self { version, to } = self;
        Object::new()
            .json("version", &version.to_string())
            .json("to", &to.to_string())
            .end()
    }
}

impl Write for PromptPolicy {
    fn write(&self) -> String {
        let Self { sanitize } = self;
        let known = POLICIES.iter().find(|(policy, _)| policy == sanitize);
        Object::new()
            .text("sanitize", known.map_or("", |(_, word)| word))
            .end()
    }
}

impl Write for PreviewRequest {
    fn write(&self) -> String {
        let Self {
            agent,
            project,
            transport: _,
            draft,
            id,
        } = self;
        let (project, id) = (
            project.map(|it| it.to_string()),
            id.map(|it| it.to_string()),
        );
        let object = Object::new()
            .text("agent", agent.as_str())
            .optional("project", project.as_ref())
            .optional("id", id.as_ref());
        match draft {
            Some(draft) => object.json("draft", &draft.write()),
            None => object,
        }
        .end()
    }
}

impl Write for PromptImport {
    fn write(&self) -> String {
        let Self { files, dry_run } = self;
        Object::new()
            .json("files", &array(files))
            .json("dry_run", flag(*dry_run))
            .end()
    }
}

impl Write for PromptFile {
    fn write(&self) -> String {
        let Self { name, text } = self;
        Object::new().text("name", name).text("text", text).end()
    }
}
