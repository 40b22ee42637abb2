//! What admins do with an organization, in both directions. Only the settings of one need it.

use berth_protocol::Problem;
use berth_protocol::tenant::{
    Autonomy, Isolation, NewInvitation, OrgInvitation, OrgInvited, OrgMember, OrgMembers,
    OrgPolicy, OrgPolicyEdit, OrgPolicyState, OrganizationRole, PolicyConflict, PolicyDraft,
    PolicyToolRule, SetMemberRole,
};

use super::json::Json;
use super::mcp::rule_word;
use super::prompts::POLICIES;
use super::read::{Read, Wrong, member, structs};
use super::write::{Object, Write, array, list};

/// How much an agent may do, from least to most, by its word.
pub const CEILINGS: [(Autonomy, &str); 5] = [
    (Autonomy::ReadOnly, "read_only"),
    (Autonomy::Ask, "ask"),
    (Autonomy::Edit, "edit"),
    (Autonomy::Auto, "auto"),
    (Autonomy::Unchecked, "unchecked"),
];

/// What stands between an agent and the machine, from least to most, by its word.
pub const ISOLATIONS: [(Isolation, &str); 3] = [
    (Isolation::None, "none"),
    (Isolation::Process, "process"),
    (Isolation::Container, "container"),
];

/// What a word stands for.
fn of_word<T: Copy>(known: &[(T, &str)], json: &Json<'_>) -> Option<T> {
    let word = json.text()?;
    let found = known.iter().find(|(_, known)| *known == word);
    found.map(|(what, _)| *what)
}

/// The word for it.
fn word_for<T: Copy + PartialEq>(
    known: &[(T, &'static str)],
    what: Option<T>,
) -> Option<&'static str> {
    let found = known.iter().find(|(known, _)| Some(*known) == what);
    found.map(|(_, word)| *word)
}

impl Read for Autonomy {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        of_word(&CEILINGS, json).ok_or("Autonomy")
    }
}

impl Read for Isolation {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        of_word(&ISOLATIONS, json).ok_or("Isolation")
    }
}

structs! {
    OrgMember { user, name, email, role, since, is_you }
    OrgMembers { is_admin, members, invitations }
    OrgPolicy { is_admin, policy }
    PolicyDraft { allowed_agents, autonomy_ceiling, sanitize, tool_rules, isolation, retention_days }
    PolicyToolRule { server, tool, rule }
}

impl Read for OrgInvitation {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = json.get("id").text().and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or("id")?,
            email: member(json, "email")?,
            role: member(json, "role")?,
            expires_at: member(json, "expires_at")?,
        })
    }
}

impl Read for OrgInvited {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = json.get("id").text().and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or("id")?,
            token: member(json, "token")?,
            expires_at: member(json, "expires_at")?,
        })
    }
}

impl Read for OrgPolicyState {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("is").text().unwrap_or_default() {
            "absent" => Self::Absent,
            "known" => Self::Known {
                version: member(json, "version")?,
                says: member(json, "says")?,
            },
            "unreadable" => Self::Unreadable {
                reason: member(json, "reason")?,
            },
            _ => return Err("is"),
        })
    }
}

impl Read for PolicyConflict {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            // Its members stand among the conflict's own.
            problem: Problem::take(json)?,
            newest: member(json, "newest")?,
        })
    }
}

fn role_word(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Admin => "admin",
        OrganizationRole::User => "user",
    }
}

impl Write for SetMemberRole {
    fn write(&self) -> String {
        let Self { role } = self;
        Object::new().text("role", role_word(*role)).end()
    }
}

impl Write for NewInvitation {
    fn write(&self) -> String {
        let Self { email, role, days } = self;
        Object::new()
            .text("email", email)
            .text("role", role_word(*role))
            .json("days", &days.to_string())
            .end()
    }
}

impl Write for PolicyToolRule {
    fn write(&self) -> String {
        let Self { server, tool, rule } = self;
        Object::new()
            .optional("server", server.as_ref())
            .optional("tool", tool.as_ref())
            .text("rule", rule_word(*rule))
            .end()
    }
}

impl Write for PolicyDraft {
    fn write(&self) -> String {
        let Self {
            allowed_agents,
            autonomy_ceiling,
            sanitize,
            tool_rules,
            isolation,
            retention_days,
        } = self;
        let mut object = Object::new().json("tool_rules", &array(tool_rules));
        if let Some(agents) = allowed_agents {
            let names: Vec<String> = agents.iter().map(ToString::to_string).collect();
            object = object.json("allowed_agents", &list(&names));
        }
        for (name, word) in [
            ("autonomy_ceiling", word_for(&CEILINGS, *autonomy_ceiling)),
            ("sanitize", word_for(&POLICIES, *sanitize)),
            ("isolation", word_for(&ISOLATIONS, *isolation)),
        ] {
            if let Some(word) = word {
                object = object.text(name, word);
            }
        }
        if let Some(days) = retention_days {
            object = object.json("retention_days", &days.to_string());
        }
        object.end()
    }
}

impl Write for OrgPolicyEdit {
    fn write(&self) -> String {
        let Self { version, policy } = self;
        Object::new()
            .json("version", &version.to_string())
            .json("policy", &policy.write())
            .end()
    }
}

#[cfg(test)]
#[path = "org_settings_tests.rs"]
mod tests;
