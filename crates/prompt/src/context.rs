//! What a template can be filled in with: a fixed list of texts, and nothing else.

use std::borrow::Cow;

use berth_protocol::{AgentId, ProjectId};
use jiff::civil::Date;

/// Longest value of a field, in bytes: the longest path that Linux takes.
pub const MAX_VALUE_BYTES: usize = 4096;

/// What a session's prompts are put together for. A text that does not apply is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Identifier of the user.
    pub user_id: String,
    /// Name of the user.
    pub user_name: String,
    /// Identifier of the organization; empty without one.
    pub org_id: String,
    /// Name of the organization; empty without one.
    pub org_name: String,
    /// The project, which targets are compared with; it is no field.
    pub project_id: Option<ProjectId>,
    /// Name of the project.
    pub project: String,
    /// Absolute path of the folder that the session works in.
    pub workspace_path: String,
    /// Branch of the workspace; empty outside a git repository.
    pub branch: String,
    /// The agent.
    pub agent: AgentId,
    /// Today, where the user is.
    pub date: Date,
    /// IANA name of the user's time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Operating system: `linux`, `macos` or `windows`.
    pub os: String,
}

impl Context {
    /// A context in which all texts are empty.
    pub fn new(agent: AgentId, date: Date) -> Self {
        Self {
            user_id: String::new(),
            user_name: String::new(),
            org_id: String::new(),
            org_name: String::new(),
            project_id: None,
            project: String::new(),
            workspace_path: String::new(),
            branch: String::new(),
            agent,
            date,
            time_zone: String::new(),
            os: String::new(),
        }
    }

    /// The text of a field.
    pub fn value(&self, field: Field) -> Cow<'_, str> {
        Cow::Borrowed(match field {
            Field::UserId => &self.user_id,
            Field::UserName => &self.user_name,
            Field::OrgId => &self.org_id,
            Field::OrgName => &self.org_name,
            Field::Project => &self.project,
            Field::WorkspacePath => &self.workspace_path,
            Field::Branch => &self.branch,
            Field::Agent => self.agent.as_str(),
            Field::Date => return Cow::Owned(self.date.to_string()),
            Field::TimeZone => &self.time_zone,
            Field::Os => &self.os,
        })
    }
}

/// A name that templates may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`FIELDS` says what each is")]
pub enum Field {
    UserId,
    UserName,
    OrgId,
    OrgName,
    Project,
    WorkspacePath,
    Branch,
    Agent,
    Date,
    TimeZone,
    Os,
}

/// All fields: how they are written, how they are written in the style of Go, and what they are.
pub const FIELDS: &[(Field, &str, &str, &str)] = &[
    (Field::UserId, "user_id", "UserID", "identifier of the user"),
    (Field::UserName, "user_name", "UserName", "name of the user"),
    (
        Field::OrgId,
        "org_id",
        "OrgID",
        "identifier of the organization",
    ),
    (
        Field::OrgName,
        "org_name",
        "OrgName",
        "name of the organization",
    ),
    (Field::Project, "project", "Project", "name of the project"),
    (
        Field::WorkspacePath,
        "workspace_path",
        "WorkspacePath",
        "folder that the session works in",
    ),
    (Field::Branch, "branch", "Branch", "branch of the workspace"),
    (Field::Agent, "agent", "Agent", "the agent, such as claude"),
    (Field::Date, "date", "Date", "today, as 2026-11-25"),
    (
        Field::TimeZone,
        "time_zone",
        "TimeZone",
        "time zone, as Europe/Berlin",
    ),
    (
        Field::Os,
        "os",
        "OS",
        "operating system: linux, macos or windows",
    ),
];

impl Field {
    /// How it is written in a template.
    pub fn name(self) -> &'static str {
        FIELDS
            .iter()
            .find(|(field, ..)| *field == self)
            .map_or("", |(_, name, ..)| name)
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        FIELDS
            .iter()
            .find(|(_, written, ..)| *written == name)
            .map(|(field, ..)| *field)
    }

    pub(crate) fn of_go_name(name: &str) -> Option<Self> {
        FIELDS
            .iter()
            .find(|(_, _, written, _)| *written == name)
            .map(|(field, ..)| *field)
    }
}
