//! The policy of an organization: what its form holds, and what it says in words.

use berth_protocol::tenant::{Autonomy, Isolation, PolicyDraft, PolicyToolRule};
use berth_protocol::{AgentId, SanitizePolicy, ToolRule};

use crate::strings::{count, fill, org_requests, org_settings};
use crate::wire::{CEILINGS, ISOLATIONS, POLICIES, rule_word};

/// Days for which audit events can be kept.
const RETENTION: std::ops::RangeInclusive<u32> = 30..=3660;

/// Longest name of a server or a tool, in characters.
const LONGEST_NAME: usize = 128;

/// The rules in the order in which they are offered.
const RULES: [ToolRule; 3] = [ToolRule::Allow, ToolRule::Ask, ToolRule::Deny];

/// A rule for tools as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Tells rules apart while they move.
    pub row: u32,
    /// The server; any when empty.
    pub server: String,
    /// The tool; any when empty.
    pub tool: String,
    /// What happens, by its word.
    pub rule: String,
}

/// What the form holds. Words that are empty are left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyForm {
    /// Only the agents that are named may be started.
    pub only_some: bool,
    /// Those that are named.
    pub agents: Vec<AgentId>,
    /// The most that an agent may do without asking.
    pub ceiling: String,
    /// What becomes of prompts with suspicious words.
    pub sanitize: String,
    /// The least isolation.
    pub isolation: String,
    /// For how many days audit events are kept; as before when empty.
    pub retention: String,
    /// Rules for tools, in order.
    pub rules: Vec<Rule>,
}

/// A field that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// For how long audit events are kept.
    Retention,
    /// The server of the rule in this row.
    Server(u32),
    /// The tool of the rule in this row.
    Tool(u32),
}

impl PolicyForm {
    /// The form of a policy.
    pub fn of(says: &PolicyDraft) -> Self {
        let rules = says.tool_rules.iter().zip(1..).map(|(rule, row)| Rule {
            row,
            server: rule.server.clone().unwrap_or_default(),
            tool: rule.tool.clone().unwrap_or_default(),
            rule: rule_word(rule.rule).to_owned(),
        });
        Self {
            only_some: says.allowed_agents.is_some(),
            agents: says.allowed_agents.clone().unwrap_or_default(),
            ceiling: word_of(&CEILINGS, says.autonomy_ceiling),
            sanitize: word_of(&POLICIES, says.sanitize),
            isolation: word_of(&ISOLATIONS, says.isolation),
            retention: says
                .retention_days
                .map_or_else(String::new, |days| days.to_string()),
            rules: rules.collect(),
        }
    }

    /// What is wrong with it.
    pub fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let days = self.retention.trim();
        if !days.is_empty() && self.days().is_none() {
            wrong.push(Wrong::Retention);
        }
        let is_long = |name: &str| name.trim().chars().count() > LONGEST_NAME;
        for rule in &self.rules {
            if is_long(&rule.server) {
                wrong.push(Wrong::Server(rule.row));
            }
            if is_long(&rule.tool) {
                wrong.push(Wrong::Tool(rule.row));
            }
        }
        wrong
    }

    fn days(&self) -> Option<u32> {
        let days = self.retention.trim().parse().ok();
        days.filter(|days| RETENTION.contains(days))
    }

    /// The policy that it makes; nothing while something is wrong with it.
    pub fn draft(&self) -> Option<PolicyDraft> {
        if !self.wrong().is_empty() {
            return None;
        }
        let name = |typed: &str| Some(typed.trim().to_owned()).filter(|name| !name.is_empty());
        let rules = self.rules.iter().map(|rule| PolicyToolRule {
            server: name(&rule.server),
            tool: name(&rule.tool),
            rule: rule_of(&rule.rule),
        });
        Some(PolicyDraft {
            allowed_agents: self.only_some.then(|| self.agents.clone()),
            autonomy_ceiling: of_word(&CEILINGS, &self.ceiling),
            sanitize: of_word(&POLICIES, &self.sanitize),
            tool_rules: rules.collect(),
            isolation: of_word(&ISOLATIONS, &self.isolation),
            retention_days: self.days(),
        })
    }
}

fn word_of<T: Copy + PartialEq>(known: &[(T, &str)], what: Option<T>) -> String {
    let found = known.iter().find(|(known, _)| Some(*known) == what);
    found.map_or_else(String::new, |(_, word)| (*word).to_owned())
}

fn of_word<T: Copy>(known: &[(T, &str)], word: &str) -> Option<T> {
    let found = known.iter().find(|(_, known)| *known == word);
    found.map(|(what, _)| *what)
}

/// What happens by a word. One that is not known lets nothing through.
fn rule_of(word: &str) -> ToolRule {
    let found = RULES.into_iter().find(|rule| rule_word(*rule) == word);
    found.unwrap_or(ToolRule::Deny)
}

fn ceiling_name(ceiling: Autonomy) -> &'static str {
    let t = org_settings();
    match ceiling {
        Autonomy::ReadOnly => t.read_only,
        Autonomy::Ask => t.ask,
        Autonomy::Edit => t.edit,
        Autonomy::Auto => t.auto,
        Autonomy::Unchecked => t.unchecked,
    }
}

fn sanitize_name(sanitize: SanitizePolicy) -> &'static str {
    let t = org_settings();
    match sanitize {
        SanitizePolicy::Warn => t.warn,
        SanitizePolicy::Redact => t.redact,
        SanitizePolicy::Reject => t.reject,
    }
}

fn isolation_name(isolation: Isolation) -> &'static str {
    let t = org_settings();
    match isolation {
        Isolation::None => t.isolation_none,
        Isolation::Process => t.isolation_process,
        Isolation::Container => t.isolation_container,
    }
}

fn rule_name(rule: ToolRule) -> &'static str {
    let t = org_settings();
    match rule {
        ToolRule::Allow => t.rule_allow,
        ToolRule::Ask => t.rule_ask,
        ToolRule::Deny => t.rule_deny,
    }
}

/// What can be selected: left open first, then each by its word.
type Options = Vec<(String, String)>;

fn options<T: Copy>(known: &[(T, &str)], name: fn(T) -> &'static str) -> Options {
    let open = (String::new(), org_settings().open_end.to_owned());
    let known = known
        .iter()
        .map(|(what, word)| ((*word).to_owned(), name(*what).to_owned()));
    std::iter::once(open).chain(known).collect()
}

/// The ceilings to select from.
pub fn ceilings() -> Options {
    options(&CEILINGS, ceiling_name)
}

/// What may become of prompts with suspicious words.
pub fn sanitizing() -> Options {
    options(&POLICIES, sanitize_name)
}

/// The isolations to select from.
pub fn isolations() -> Options {
    options(&ISOLATIONS, isolation_name)
}

/// What may happen when a tool is called.
pub fn rules() -> Options {
    let shown = |rule| (rule_word(rule).to_owned(), rule_name(rule).to_owned());
    RULES.map(shown).to_vec()
}

/// A fact of a policy: what it is about, and what holds.
pub type Fact = (&'static str, String);

/// What a policy says in words. `agent` names an agent.
pub fn facts(says: &PolicyDraft, agent: impl Fn(&AgentId) -> String) -> Vec<Fact> {
    let t = org_settings();
    let agents = match &says.allowed_agents {
        None => t.agents_all.to_owned(),
        Some(agents) if agents.is_empty() => t.agents_nobody.to_owned(),
        Some(agents) => agents.iter().map(agent).collect::<Vec<_>>().join(", "),
    };
    let open = |name: Option<&'static str>| name.unwrap_or(t.open_end).to_owned();
    let mut facts = vec![
        (t.agents, agents),
        (t.ceiling, open(says.autonomy_ceiling.map(ceiling_name))),
        (t.sanitize, open(says.sanitize.map(sanitize_name))),
        (t.isolation, open(says.isolation.map(isolation_name))),
    ];
    if let Some(days) = says.retention_days {
        facts.push((t.retention, fill(t.retention_days, &[&days.to_string()])));
    }
    if says.tool_rules.is_empty() {
        facts.push((t.rules, t.rules_none.to_owned()));
    }
    facts
}

/// For how long audit events are kept, in words: exactly in days, and roughly in months.
pub fn kept_for(days: u32) -> String {
    let t = org_requests();
    // To the nearest month of a year's twelve.
    let months = (u64::from(days) * 12 + 182) / 365;
    let months = count(months, t.retention_month, t.retention_months);
    fill(t.retention_kept, &[&days.to_string(), &months])
}

/// What a rule for tools says in words.
pub fn rule_text(rule: &PolicyToolRule) -> String {
    let t = org_settings();
    let any = |name: &Option<String>| name.clone().unwrap_or_else(|| t.rule_any.to_owned());
    let (server, tool) = (any(&rule.server), any(&rule.tool));
    fill(t.rule_text, &[&server, &tool, rule_name(rule.rule)])
}

#[cfg(test)]
#[path = "org_policy_tests.rs"]
mod tests;
