//! What admins say, checked before the backend is asked.

use berth_protocol::{
    Code, FieldProblem,
    tenant::{OrgPolicyEdit, PolicyDraft, PolicyToolRule},
};
use serde_json::json;

use crate::error::ApiError;

/// Longest address that a backend takes, in bytes.
const LONGEST_EMAIL: usize = 254;

/// Most days for which an invitation can be used.
const LONGEST_INVITATION: u32 = 30;

/// Most agents that a policy names, and most rules that it has for tools.
const MOST: usize = 200;

/// Most bytes of the rules for tools: the backend takes 64 KiB, and counts the blanks that it adds.
const LONGEST_RULES: usize = 60 * 1024;

/// Most characters of the name of a server or a tool.
const LONGEST_NAME: usize = 128;

/// An address, as far as that can be said of it. The words of the refusal do not repeat it.
pub fn checked_email(typed: &str) -> Result<String, ApiError> {
    let email = typed.trim();
    let is_plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let is_whole = email.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if !is_plain || !is_whole || email.len() > LONGEST_EMAIL {
        let detail = "this is no e-mail address that can be invited";
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(email.to_owned())
}

/// For how many days an invitation can be used.
pub fn checked_days(days: u32) -> Result<u32, ApiError> {
    if !(1..=LONGEST_INVITATION).contains(&days) {
        let detail = format!("an invitation can be used for 1 to {LONGEST_INVITATION} days");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(days)
}

/// What is wrong with a policy that is to be set.
pub fn problems(edit: &OrgPolicyEdit) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: String| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            message,
        });
    };
    // The backend counts with 32 bits.
    if edit.version == 0 || i32::try_from(edit.version).is_err() {
        wrong("version", "This is no version of a policy.".to_owned());
    }
    let PolicyDraft {
        allowed_agents,
        tool_rules,
        retention_days,
        ..
    } = &edit.policy;
    if allowed_agents.as_ref().is_some_and(|all| all.len() > MOST) {
        wrong("allowed_agents", format!("Name at most {MOST} agents."));
    }
    if retention_days.is_some_and(|days| !(30..=3660).contains(&days)) {
        wrong("retention_days", "Use 30 to 3,660 days.".to_owned());
    }
    if tool_rules.len() > MOST || json!(tool_rules).to_string().len() > LONGEST_RULES {
        wrong(
            "tool_rules",
            format!("Use at most {MOST} rules, in at most 60 KiB."),
        );
    }
    for (at, PolicyToolRule { server, tool, .. }) in tool_rules.iter().enumerate() {
        for (field, name) in [("server", server), ("tool", tool)] {
            let Some(name) = name else { continue };
            let is_long = name.chars().count() > LONGEST_NAME;
            if name.trim().is_empty() || is_long || name.chars().any(char::is_control) {
                let message = format!("Use 1 to {LONGEST_NAME} characters on one line.");
                wrong(&format!("tool_rules[{at}].{field}"), message);
            }
        }
    }
    problems
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
