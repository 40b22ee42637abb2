//! What is typed into the form of a policy, a signal for each field, so that typing into one redraws no other.

use crate::view::prelude::*;
use berth_protocol::AgentId;
use berth_protocol::tenant::PolicyDraft;

use crate::logic::org_policy::{PolicyForm, Rule, Wrong};
use crate::state::memo;

/// A rule for tools.
#[derive(Clone, Copy)]
pub struct Row {
    pub row: u32,
    pub server: RwSignal<String>,
    pub tool: RwSignal<String>,
    pub rule: RwSignal<String>,
}

/// All fields.
#[derive(Clone, Copy)]
pub struct Draft {
    pub only_some: RwSignal<bool>,
    pub agents: RwSignal<Vec<AgentId>>,
    pub ceiling: RwSignal<String>,
    pub sanitize: RwSignal<String>,
    pub isolation: RwSignal<String>,
    pub retention: RwSignal<String>,
    pub rows: RwSignal<Vec<Row>>,
    /// What the fields hold.
    pub form: Memo<PolicyForm>,
    next_row: StoredValue<u32>,
}

impl Row {
    fn new(from: &Rule) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            row: from.row,
            server: text(&from.server),
            tool: text(&from.tool),
            rule: text(&from.rule),
        }
    }

    fn rule(self) -> Rule {
        Rule {
            row: self.row,
            server: self.server.get(),
            tool: self.tool.get(),
            rule: self.rule.get(),
        }
    }
}

impl Draft {
    pub fn new(says: &PolicyDraft) -> Self {
        let from = PolicyForm::of(says);
        let next_row = from.rules.iter().map(|rule| rule.row).max().unwrap_or(0) + 1;
        let only_some = RwSignal::new(from.only_some);
        let agents = RwSignal::new(from.agents);
        let ceiling = RwSignal::new(from.ceiling);
        let sanitize = RwSignal::new(from.sanitize);
        let isolation = RwSignal::new(from.isolation);
        let retention = RwSignal::new(from.retention);
        let rows = RwSignal::new(from.rules.iter().map(Row::new).collect::<Vec<_>>());
        let form = memo(move || PolicyForm {
            only_some: only_some.get(),
            agents: agents.get(),
            ceiling: ceiling.get(),
            sanitize: sanitize.get(),
            isolation: isolation.get(),
            retention: retention.get(),
            rules: rows.get().into_iter().map(Row::rule).collect(),
        });
        Self {
            only_some,
            agents,
            ceiling,
            sanitize,
            isolation,
            retention,
            rows,
            form,
            next_row: StoredValue::new(next_row),
        }
    }

    /// Adds a rule that fits any call; gives its row.
    pub fn add_row(self) -> u32 {
        let row = self.next_row.get_value();
        self.next_row.set_value(row + 1);
        let added = Row::new(&Rule {
            row,
            server: String::new(),
            tool: String::new(),
            rule: "ask".to_owned(),
        });
        self.rows.update(|rows| rows.push(added));
        row
    }

    /// Takes a rule out.
    pub fn remove_row(self, row: u32) {
        self.rows.update(|rows| rows.retain(|it| it.row != row));
    }

    /// Moves a rule before the one above it.
    pub fn raise_row(self, row: u32) {
        self.rows.update(|rows| {
            let at = rows.iter().position(|it| it.row == row);
            if let Some(at) = at.filter(|at| *at > 0) {
                rows.swap(at, at - 1);
            }
        });
    }

    /// A field is wrong, which is followed.
    pub fn is_wrong(self, field: Wrong) -> bool {
        self.form.with(|form| form.wrong().contains(&field))
    }
}
