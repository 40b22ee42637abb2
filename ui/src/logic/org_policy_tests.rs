use serde_json::{Value, json};

use super::*;

fn draft(says: Value) -> PolicyDraft {
    serde_json::from_value(says).unwrap()
}

fn strict() -> PolicyDraft {
    draft(json!({
        "allowed_agents": ["claude", "codex"], "autonomy_ceiling": "ask", "sanitize": "reject",
        "isolation": "none", "retention_days": 90,
        "tool_rules": [{"server": "files", "tool": "read", "rule": "allow"}, {"rule": "deny"}],
    }))
}

#[test]
fn a_form_that_is_not_touched_makes_the_policy_that_it_is_of() {
    for says in [PolicyDraft::default(), strict()] {
        assert_eq!(PolicyForm::of(&says).draft(), Some(says));
    }
    let some = draft(json!({"allowed_agents": []}));
    let form = PolicyForm::of(&some);
    assert!(form.only_some, "nobody is not everybody");
    assert_eq!(form.draft(), Some(some));
}

#[test]
fn agents_that_are_named_count_only_where_some_are_chosen() {
    let form = PolicyForm {
        only_some: false,
        ..PolicyForm::of(&strict())
    };
    assert_eq!(form.draft().unwrap().allowed_agents, None);
}

#[test]
fn what_is_wrong_is_told_by_its_field_and_nothing_is_made_of_it() {
    let good = PolicyForm::of(&strict());
    for days in ["29", "3661", "a year"] {
        let form = PolicyForm {
            retention: days.to_owned(),
            ..good.clone()
        };
        assert_eq!(form.wrong(), [Wrong::Retention], "{days}");
        assert_eq!(form.draft(), None);
    }
    let mut form = good;
    form.rules[0].server = "x".repeat(129);
    form.rules[1].tool = "x".repeat(129);
    let rows = [form.rules[0].row, form.rules[1].row];
    assert_eq!(form.wrong(), [Wrong::Server(rows[0]), Wrong::Tool(rows[1])]);
}

#[test]
fn names_are_taken_without_blanks_around_them_and_an_empty_one_is_any() {
    let mut form = PolicyForm::of(&strict());
    form.rules[0].server = " files ".to_owned();
    form.rules[0].tool = "  ".to_owned();
    let rules = form.draft().unwrap().tool_rules;
    assert_eq!(rules[0].server.as_deref(), Some("files"));
    assert_eq!(rules[0].tool, None);
}

#[test]
fn each_word_can_be_selected_and_leads_back_to_what_it_stands_for() {
    for (offered, words) in [
        (ceilings(), CEILINGS.map(|(_, word)| word).to_vec()),
        (sanitizing(), POLICIES.map(|(_, word)| word).to_vec()),
        (isolations(), ISOLATIONS.map(|(_, word)| word).to_vec()),
    ] {
        let offered: Vec<_> = offered.into_iter().map(|(word, _)| word).collect();
        assert_eq!(offered[0], "", "left open");
        assert_eq!(offered[1..], words);
    }
    for (word, _) in rules() {
        assert_eq!(rule_word(rule_of(&word)), word);
    }
    assert_eq!(rule_of("later"), ToolRule::Deny);
}

#[test]
fn a_policy_is_told_in_words() {
    let shout = |id: &AgentId| id.as_str().to_uppercase();
    let told: Vec<_> = facts(&strict(), shout)
        .into_iter()
        .map(|(_, says)| says)
        .collect();
    let expected = [
        "CLAUDE, CODEX",
        "Nothing, it asks",
        "The session does not start",
        "Nothing but their workspace",
        "90 days",
    ];
    assert_eq!(told, expected);
    let open: Vec<_> = facts(&PolicyDraft::default(), shout)
        .into_iter()
        .map(|(_, says)| says)
        .collect();
    let expected = [
        "All of them",
        "Left open",
        "Left open",
        "Left open",
        "No rules",
    ];
    assert_eq!(open, expected);
    let rules = strict().tool_rules;
    assert_eq!(rule_text(&rules[0]), "Server files, tool read: Allow");
    assert_eq!(rule_text(&rules[1]), "Server any, tool any: Refuse");
}

#[test]
fn how_long_events_are_kept_is_told_in_days_and_roughly_in_months() {
    for (days, told) in [
        (30, "30 days, about 1 month."),
        (90, "90 days, about 3 months."),
        (365, "365 days, about 12 months."),
        (3660, "3660 days, about 120 months."),
    ] {
        let words = kept_for(days);
        assert!(words.ends_with(told), "{words}");
    }
}
