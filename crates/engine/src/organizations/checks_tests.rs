use serde_json::Value;

use super::*;

fn edit(policy: Value) -> OrgPolicyEdit {
    serde_json::from_value(json!({"version": 1, "policy": policy})).unwrap()
}

fn fields(edit: &OrgPolicyEdit) -> Vec<String> {
    let problems = problems(edit).into_iter();
    problems.map(|problem| problem.field).collect()
}

#[test]
fn a_policy_is_checked_before_the_backend_is_asked() {
    let good = edit(json!({
        "allowed_agents": ["claude"], "autonomy_ceiling": "ask", "retention_days": 30,
        "tool_rules": [{"server": "files", "rule": "deny"}, {"rule": "ask"}],
    }));
    assert_eq!(fields(&good), [""; 0]);
    assert_eq!(fields(&edit(json!({}))), [""; 0]);
    for (policy, field) in [
        (json!({"retention_days": 29}), "retention_days"),
        (json!({"retention_days": 3661}), "retention_days"),
        (json!({"allowed_agents": vec!["a"; 201]}), "allowed_agents"),
        (
            json!({"tool_rules": vec![json!({"rule": "ask"}); 201]}),
            "tool_rules",
        ),
        (
            json!({"tool_rules": [{"rule": "ask"}, {"server": " ", "rule": "ask"}]}),
            "tool_rules[1].server",
        ),
        (
            json!({"tool_rules": [{"tool": "two\nlines", "rule": "ask"}]}),
            "tool_rules[0].tool",
        ),
        (
            json!({"tool_rules": [{"tool": "x".repeat(129), "rule": "ask"}]}),
            "tool_rules[0].tool",
        ),
    ] {
        assert_eq!(fields(&edit(policy.clone())), [field], "{policy}");
    }
    for version in [0, u32::MAX] {
        let wrong = OrgPolicyEdit {
            version,
            ..edit(json!({}))
        };
        assert_eq!(fields(&wrong), ["version"]);
    }
}

#[test]
fn only_what_can_be_an_address_is_invited_and_a_refusal_does_not_repeat_it() {
    assert_eq!(
        checked_email(" New@Acme.Example ").unwrap(),
        "New@Acme.Example"
    );
    let long = format!("{}@acme.example", "x".repeat(250));
    for wrong in [
        "",
        "una",
        "@acme.example",
        "una@",
        "a@b@c",
        "a b@c.example",
        &long,
    ] {
        let error = checked_email(wrong).unwrap_err();
        assert_eq!(error.0.code, Code::BadRequest, "{wrong}");
        assert!(
            wrong.is_empty() || !error.0.detail.contains(wrong),
            "{wrong}"
        );
    }
}

#[test]
fn an_invitation_can_be_used_for_a_day_up_to_thirty() {
    for days in [1, 7, 30] {
        assert_eq!(checked_days(days).unwrap(), days);
    }
    for days in [0, 31] {
        assert_eq!(checked_days(days).unwrap_err().0.code, Code::BadRequest);
    }
}
