use super::*;

fn draft() -> PromptDraft {
    PromptDraft {
        scope: PromptScope::Organization,
        name: "House rules".to_owned(),
        format: PromptFormat::Template,
        content: "Hello {{ user_name }}.\n".to_owned(),
        priority: -7,
        enabled: false,
        locked: true,
        target: PromptTarget {
            agents: vec!["claude".parse().unwrap()],
            projects: vec!["01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()],
        },
    }
}

fn fields(form: &Form) -> Vec<String> {
    form.problems().into_iter().map(|it| it.field).collect()
}

#[test]
fn a_prompt_survives_its_form() {
    assert_eq!(Form::of(&draft()).draft(), draft());
    let new = Form::new(PromptScope::User).draft();
    assert!(new.enabled);
    assert_eq!(new.scope, PromptScope::User);
}

#[test]
fn blanks_around_a_name_and_no_priority_are_taken() {
    let form = Form {
        name: "  Mine ".to_owned(),
        priority: " ".to_owned(),
        ..Form::of(&draft())
    };
    assert_eq!(form.problems(), []);
    let draft = form.draft();
    assert_eq!((draft.name.as_str(), draft.priority), ("Mine", 0));
}

#[test]
fn what_is_wrong_is_said_by_field() {
    let good = Form::of(&draft());
    let check = |form: Form, wrong: &[&str]| assert_eq!(fields(&form), wrong, "{form:?}");
    check(good.clone(), &[]);
    for name in [String::new(), " ".into(), "a\nb".into(), "ä".repeat(121)] {
        check(
            Form {
                name,
                ..good.clone()
            },
            &["name"],
        );
    }
    let name = "ä".repeat(120);
    check(
        Form {
            name,
            ..good.clone()
        },
        &[],
    );
    let content = "a".repeat(CONTENT + 1);
    check(
        Form {
            content,
            ..good.clone()
        },
        &["content"],
    );
    for priority in ["x", "1.5", "99999999999"] {
        let priority = priority.to_owned();
        check(
            Form {
                priority,
                ..good.clone()
            },
            &["priority"],
        );
    }
}

#[test]
fn a_preview_needs_no_name() {
    let form = Form::new(PromptScope::User);
    assert_eq!(form.preview().name, "Unnamed");
    assert_eq!(form.draft().name, "");
    assert_eq!(Form::of(&draft()).preview(), draft());
}
