//! What the policy of the active organization lets sessions do. The last one that is known holds without a network; one
//! that cannot be read, or is not here yet, lets nothing begin.

use std::sync::Arc;

use berth_protocol::{
    Code, SanitizePolicy, SessionMcpServer, ToolRule,
    tenant::{Autonomy, Isolation, Policy, PolicyState},
};
use berth_session::agents::{PermissionRule, Spec};

use crate::error::ApiError;

/// What somebody does whose session brings servers along.
const BRING_HINT: &str = "Add the server to Berth's list of MCP servers, where the organization's rules hold, and start the \
     session without it.";

/// A policy, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Bound {
    /// Name of the organization.
    pub organization: String,
    pub policy: Arc<PolicyState>,
}

/// Why something may not begin.
struct Refusal {
    code: Code,
    why: String,
}

impl Bound {
    /// That of an organization which holds no more.
    pub fn gone() -> Self {
        Self {
            organization: String::new(),
            policy: Arc::new(PolicyState::Absent),
        }
    }

    fn known(&self) -> Result<&Policy, Refusal> {
        match &*self.policy {
            PolicyState::Known(policy) => Ok(policy),
            PolicyState::Absent => Err(Refusal {
                code: Code::PolicyUnknown,
                why: "its policy has not come to this machine yet".to_owned(),
            }),
            PolicyState::Unreadable { reason } => Err(Refusal {
                code: Code::PolicyUnreadable,
                why: format!("its policy is not understood by this version of Berth: {reason}"),
            }),
        }
    }

    fn refused(&self, Refusal { code, why }: Refusal) -> ApiError {
        let detail = format!(
            "organization {:?} does not let this begin: {why}",
            self.organization
        );
        ApiError::new(code, detail)
    }

    /// Why no session of this agent may begin in this mode, beside the name of the organization: for the lists that one
    /// is chosen from.
    pub fn why_not(&self, spec: &Spec, mode: Option<&str>) -> Option<String> {
        let refusal = self.judge(spec, mode).err()?;
        Some(format!("{}: {}", self.organization, refusal.why))
    }

    /// Whether a session of this agent may begin in this mode; its default when absent.
    pub fn lets_begin(&self, spec: &Spec, mode: Option<&str>) -> Result<(), ApiError> {
        self.judge(spec, mode).map_err(|why| self.refused(why))
    }

    fn judge(&self, spec: &Spec, mode: Option<&str>) -> Result<(), Refusal> {
        let refused = |why| {
            Err(Refusal {
                code: Code::PolicyRefused,
                why,
            })
        };
        let policy = self.known()?;
        let is_allowed = policy
            .allowed_agents
            .as_ref()
            .is_none_or(|allowed| allowed.contains(&spec.id));
        if !is_allowed {
            let why = format!("{} is not among the agents that it allows", spec.name);
            return refused(why);
        }
        if let Some(ceiling) = policy.autonomy_ceiling {
            let mode = match mode {
                Some(id) => spec.permission_modes.iter().find(|mode| mode.id == id),
                None => spec.permission_modes.first(),
            };
            let wanted = autonomy(spec, mode);
            if wanted > ceiling {
                let how = mode.map_or_else(
                    || "without permission modes".to_owned(),
                    |mode| format!("in mode {:?}", mode.name),
                );
                let why = format!(
                    "{} {how} may do more without asking than it allows ({})",
                    spec.name,
                    word(ceiling)
                );
                return refused(why);
            }
        }
        match policy.isolation {
            None | Some(Isolation::None) => Ok(()),
            Some(Isolation::Process | Isolation::Container) => {
                let why =
                    "it wants agents isolated from the machine, which this engine cannot give";
                refused(why.to_owned())
            }
        }
    }

    /// Whether a session may bring servers of its own along. No gateway stands before them, so no rule for tools would
    /// hold.
    pub fn lets_bring(&self, servers: &[SessionMcpServer]) -> Result<(), ApiError> {
        let Some(server) = servers.first() else {
            return Ok(());
        };
        let rules = &self.known().map_err(|why| self.refused(why))?.tool_rules;
        if rules.iter().all(|rule| rule.rule == ToolRule::Allow) {
            return Ok(());
        }
        let why = format!(
            "it has rules for tools, which hold for servers in Berth's list, and the session brings the MCP server \
             {:?} along",
            server.name()
        );
        let refused = self.refused(Refusal {
            code: Code::PolicyRefused,
            why,
        });
        // Another agent or mode would be refused as well.
        Err(refused.0.with_hint(BRING_HINT).into())
    }

    /// What happens when an agent calls a tool, of which its user says `own`: the stricter of both. Without a policy that
    /// is understood nothing is called.
    pub fn tool(&self, server: &str, tool: &str, own: ToolRule) -> ToolRule {
        let Ok(policy) = self.known() else {
            return ToolRule::Deny;
        };
        let fits = |said: &Option<String>, name: &str| said.as_deref().is_none_or(|it| it == name);
        let mut rules = policy.tool_rules.iter();
        let first = rules.find(|rule| fits(&rule.server, server) && fits(&rule.tool, tool));
        first.map_or(own, |first| stricter(first.rule, own))
    }

    /// Whether a session may have anything of a server, also what it reads there. One of whose tools any may be called
    /// is no server that is denied.
    ///
    /// # Errors
    /// Why not, for the agent to tell its user.
    pub fn server(&self, name: &str) -> Result<(), String> {
        let policy = self.known().map_err(|why| self.refused(why).0.detail)?;
        let rules = policy.tool_rules.iter();
        let mut of_it = rules.filter(|rule| rule.server.as_deref().is_none_or(|it| it == name));
        let first = of_it.find(|rule| rule.tool.is_none() || rule.rule != ToolRule::Deny);
        match first {
            Some(rule) if rule.rule == ToolRule::Deny => Err(format!(
                "organization {:?} does not let its sessions use the MCP server {name}",
                self.organization
            )),
            _ => Ok(()),
        }
    }

    /// What becomes of prompts with suspicious words at the least; nothing where the policy does not say it, or is not
    /// known.
    pub fn least(&self) -> Option<SanitizePolicy> {
        match &*self.policy {
            PolicyState::Known(policy) => policy.sanitize,
            PolicyState::Absent | PolicyState::Unreadable { .. } => None,
        }
    }

    /// What becomes of prompts with suspicious words, of which the user says `own`: the stricter of both.
    pub fn sanitize(&self, own: SanitizePolicy) -> Result<SanitizePolicy, ApiError> {
        let rank = |policy: SanitizePolicy| match policy {
            SanitizePolicy::Warn => 0,
            SanitizePolicy::Redact => 1,
            SanitizePolicy::Reject => 2,
        };
        let bound = self.known().map_err(|why| self.refused(why))?.sanitize;
        Ok(bound
            .filter(|bound| rank(*bound) > rank(own))
            .unwrap_or(own))
    }
}

/// How much an agent may do in a mode. What has no modes is trusted with nothing, but for a plain shell, which does
/// nothing by itself.
fn autonomy(spec: &Spec, mode: Option<&PermissionRule>) -> Autonomy {
    match mode {
        Some(mode) => mode.autonomy,
        None if spec.id.as_str() == "shell" => Autonomy::ReadOnly,
        None => Autonomy::Unchecked,
    }
}

fn word(autonomy: Autonomy) -> &'static str {
    match autonomy {
        Autonomy::ReadOnly => "read only",
        Autonomy::Ask => "ask before every change",
        Autonomy::Edit => "edit files",
        Autonomy::Auto => "decide by itself what to ask",
        Autonomy::Unchecked => "no checks",
    }
}

fn stricter(one: ToolRule, other: ToolRule) -> ToolRule {
    let rank = |rule: ToolRule| match rule {
        ToolRule::Allow => 0,
        ToolRule::Ask => 1,
        ToolRule::Deny => 2,
    };
    if rank(one) >= rank(other) { one } else { other }
}

#[cfg(test)]
mod tests {
    use berth_protocol::tenant::PolicyState;
    use berth_session::agents;
    use serde_json::{Value, json};

    use super::*;

    fn bound(mut policy: Value) -> Bound {
        policy["id"] = json!("01890000-0000-7000-8000-000000000001");
        Bound {
            organization: "Harbor".to_owned(),
            policy: Arc::new(PolicyState::of(Some(&policy))),
        }
    }

    fn begins(bound: &Bound, agent: &str, mode: Option<&str>) -> Option<Code> {
        let spec = agents::find(&agent.parse().unwrap()).unwrap();
        bound.lets_begin(spec, mode).err().map(|error| error.0.code)
    }

    #[test]
    fn a_policy_that_says_nothing_binds_nothing() {
        let bound = bound(json!({}));
        assert_eq!(begins(&bound, "claude", Some("bypassPermissions")), None);
        assert_eq!(bound.tool("a", "b", ToolRule::Allow), ToolRule::Allow);
        assert_eq!(
            bound.sanitize(SanitizePolicy::Warn).ok(),
            Some(SanitizePolicy::Warn)
        );
    }

    #[test]
    fn only_agents_that_are_allowed_begin_and_only_in_modes_below_the_ceiling() {
        let bound = bound(
            json!({"allowed_agents": ["claude", "shell", "custom"], "autonomy_ceiling": "edit"}),
        );
        for (agent, mode, code) in [
            ("claude", None, None),
            ("claude", Some("plan"), None),
            ("claude", Some("acceptEdits"), None),
            ("claude", Some("auto"), Some(Code::PolicyRefused)),
            (
                "claude",
                Some("bypassPermissions"),
                Some(Code::PolicyRefused),
            ),
            ("codex", None, Some(Code::PolicyRefused)),
            ("shell", None, None),
            ("custom", None, Some(Code::PolicyRefused)),
        ] {
            assert_eq!(begins(&bound, agent, mode), code, "{agent} {mode:?}");
        }
    }

    #[test]
    fn what_is_not_understood_or_not_here_lets_nothing_begin() {
        let absent = Bound {
            organization: String::new(),
            policy: Arc::new(PolicyState::of(None)),
        };
        for (bound, code) in [
            (absent, Code::PolicyUnknown),
            (
                bound(json!({"autonomy_ceiling": "some"})),
                Code::PolicyUnreadable,
            ),
            (
                bound(json!({"tool_rules": [{"rule": "deny", "when": "late"}]})),
                Code::PolicyUnreadable,
            ),
        ] {
            assert_eq!(begins(&bound, "claude", None), Some(code));
            assert_eq!(bound.tool("a", "b", ToolRule::Allow), ToolRule::Deny);
            assert!(bound.sanitize(SanitizePolicy::Warn).is_err());
        }
        let isolated = bound(json!({"isolation": "container"}));
        assert_eq!(begins(&isolated, "claude", None), Some(Code::PolicyRefused));
    }

    #[test]
    fn a_session_brings_no_servers_past_rules_for_tools() {
        let server = SessionMcpServer::Http {
            name: "mine".to_owned(),
            url: "https://example.com/".to_owned(),
            bearer: None,
        };
        for (rules, refused) in [
            (json!([]), None),
            (json!([{"server": "files", "rule": "allow"}]), None),
            (
                json!([{"server": "files", "rule": "ask"}]),
                Some(Code::PolicyRefused),
            ),
            (json!([{"rule": "deny"}]), Some(Code::PolicyRefused)),
        ] {
            let bound = bound(json!({"tool_rules": rules}));
            let brought = bound.lets_bring(std::slice::from_ref(&server)).err();
            let hint = brought.as_ref().and_then(|error| error.0.hint.as_deref());
            assert_eq!(hint, refused.map(|_| BRING_HINT), "{rules}");
            assert_eq!(brought.map(|error| error.0.code), refused, "{rules}");
            assert!(bound.lets_bring(&[]).is_ok());
        }
        let gone = Bound::gone().lets_bring(std::slice::from_ref(&server));
        assert!(gone.is_err());
    }

    #[test]
    fn a_server_that_is_denied_as_a_whole_is_not_read_either() {
        let bound = bound(json!({"tool_rules": [
            {"tool": "drop", "rule": "deny"},
            {"server": "notes", "tool": "read", "rule": "ask"},
            {"server": "files", "rule": "deny"},
            {"server": "notes", "rule": "deny"},
        ]}));
        assert!(bound.server("files").is_err());
        // One of its tools may be called.
        assert!(bound.server("notes").is_ok());
        assert!(bound.server("other").is_ok());
        assert!(Bound::gone().server("other").is_err());
    }

    #[test]
    fn of_two_words_on_a_tool_the_stricter_holds_and_the_first_rule_that_fits() {
        let bound = bound(json!({"sanitize": "redact", "tool_rules": [
            {"server": "files", "tool": "read", "rule": "allow"},
            {"server": "files", "rule": "ask"},
            {"tool": "drop", "rule": "deny"},
        ]}));
        for (server, tool, own, holds) in [
            ("files", "read", ToolRule::Ask, ToolRule::Ask),
            ("files", "read", ToolRule::Allow, ToolRule::Allow),
            ("files", "drop", ToolRule::Allow, ToolRule::Ask),
            ("files", "write", ToolRule::Deny, ToolRule::Deny),
            ("other", "drop", ToolRule::Allow, ToolRule::Deny),
            ("other", "read", ToolRule::Allow, ToolRule::Allow),
        ] {
            assert_eq!(
                bound.tool(server, tool, own),
                holds,
                "{server} {tool} {own:?}"
            );
        }
        let sanitize = |own| bound.sanitize(own).ok();
        assert_eq!(sanitize(SanitizePolicy::Warn), Some(SanitizePolicy::Redact));
        assert_eq!(
            sanitize(SanitizePolicy::Reject),
            Some(SanitizePolicy::Reject)
        );
    }
}
