use berth_protocol::{Code, FieldProblem, PromptPart, PromptTarget};

use super::*;

fn id(number: u128) -> PromptId {
    PromptId(
        format!("00000000-0000-4000-8000-{number:012}")
            .parse()
            .unwrap(),
    )
}

fn prompt(number: u128, name: &str, content: &str) -> SystemPrompt {
    let text = format!(
        r#"{{"id":"{}","scope":"user","name":"","content":"","enabled":true,"version":1,
            "created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}}"#,
        id(number)
    );
    SystemPrompt {
        name: name.to_owned(),
        content: content.to_owned(),
        ..serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn all_words_that_are_looked_for_stand_in_the_name_or_the_content() {
    let words = haystack(&prompt(1, "House Rules", "Use tabs.\nAsk before you push."));
    for query in ["", "  ", "house", "TABS", "push rules", "sk be"] {
        assert!(answers(&words, query), "{query}");
    }
    for query in ["spaces", "house spaces", "housetabs"] {
        assert!(!answers(&words, query), "{query}");
    }
}

#[test]
fn an_organizations_prompt_is_declined_unless_it_is_locked() {
    let own = prompt(1, "a", "");
    let mut theirs = SystemPrompt {
        scope: PromptScope::Organization,
        ..prompt(2, "b", "")
    };
    let (declined, writable) = ([id(1), id(2)], [PromptScope::User]);
    assert!(is_given(&own, &declined) && may_switch(&own, &writable));
    assert!(is_given(&theirs, &[]) && !is_given(&theirs, &declined));
    assert!(may_switch(&theirs, &writable));
    theirs.enabled = false;
    assert!(!is_given(&theirs, &[]) && !may_switch(&theirs, &writable));
    theirs.locked = true;
    assert!(is_given(&theirs, &declined) && !may_switch(&theirs, &writable));
    let global = SystemPrompt {
        scope: PromptScope::Global,
        ..own
    };
    assert!(is_given(&global, &declined) && !may_switch(&global, &writable));
}

#[test]
fn a_long_prompt_is_cut_after_its_beginning() {
    assert_eq!(beginning(" a\n\n  b\tc "), "a b c");
    let long = "word ".repeat(100);
    let cut = beginning(&long);
    assert!(cut.ends_with("word…") || cut.ends_with('…'), "{cut}");
    assert!(cut.chars().count() <= BEGINNING + 1, "{cut}");
    assert_eq!(beginning(&"ä".repeat(500)).chars().count(), BEGINNING + 1);
}

#[test]
fn a_step_ends_at_both_ends() {
    let order = [id(1), id(2), id(3)];
    assert_eq!(beside(&order, id(1), -1), None);
    assert_eq!(beside(&order, id(2), -1), Some(Some(id(1))));
    assert_eq!(beside(&order, id(1), 1), Some(Some(id(3))));
    assert_eq!(beside(&order, id(2), 1), Some(None));
    assert_eq!(beside(&order, id(3), 1), None);
    assert_eq!(beside(&order, id(4), 1), None);
}

#[test]
fn a_row_that_is_dropped_where_it_is_stays() {
    let order = [id(1), id(2), id(3)];
    let into = |gap| into_gap(&order, id(2), gap);
    assert_eq!(
        [into(0), into(1), into(2), into(3)],
        [Some(Some(id(1))), None, None, Some(None)]
    );
    let middles = [10, 30, 50];
    assert_eq!(
        [
            gap_at(&middles, 0),
            gap_at(&middles, 20),
            gap_at(&middles, 99)
        ],
        [0, 1, 3]
    );
}

#[test]
fn a_move_is_shown_before_the_engine_answers() {
    let names = |order: Vec<SystemPrompt>| -> String {
        order.into_iter().map(|prompt| prompt.name).collect()
    };
    let order = vec![prompt(1, "a", ""), prompt(2, "b", ""), prompt(3, "c", "")];
    let moved = |number, before| names(moved(order.clone(), id(number), before));
    assert_eq!(moved(3, Some(id(1))), "cab");
    assert_eq!(moved(1, None), "bca");
    assert_eq!(moved(1, Some(id(3))), "bac");
    assert_eq!(moved(9, None), "abc");
}

#[test]
fn lines_stand_in_blocks_by_where_they_come_from() {
    let part = PromptPart {
        id: id(1),
        name: String::new(),
        scope: PromptScope::User,
        version: 1,
        start: 8,
        end: 16,
        own: false,
    };
    let effective = EffectivePrompt {
        text: "Intro.\n\n[begins]\none\n\n two\n[ends]\n\n".to_owned(),
        parts: vec![part],
        ..EffectivePrompt::default()
    };
    let origin = |first, last, part| LineOrigin { first, last, part };
    let origins = [
        origin(1, 3, None),
        origin(4, 6, Some(0)),
        origin(7, 7, None),
        origin(8, 8, None),
        // More than there is.
        origin(9, 12, None),
    ];
    let found: Vec<_> = blocks(&effective, &origins)
        .into_iter()
        .map(|block| (block.part, block.text))
        .collect();
    let block = |part, text: &str| (part, text.to_owned());
    assert_eq!(
        found,
        [
            block(None, "Intro.\n\n[begins]"),
            block(Some(0), "one\n\n two"),
            block(None, "[ends]"),
        ]
    );
}

#[test]
fn a_problem_leads_to_its_prompt() {
    let field = |field: String| FieldProblem {
        field,
        message: String::new(),
    };
    let problem = Problem::new(Code::PromptInvalid, "d");
    assert_eq!(prompt_of(&problem), None);
    let fields = vec![field("name".into()), field(format!("prompts/{}", id(7)))];
    assert_eq!(prompt_of(&problem.with_fields(fields)), Some(id(7)));
}

#[test]
fn a_place_in_a_message_is_found_in_the_text() {
    assert_eq!(place_in("Line 2, column 9: no such field."), Some((2, 9)));
    assert_eq!(place_in("Line 2, column 9"), Some((2, 9)));
    assert_eq!(place_in("It has 9 bytes; Line 2"), None);
    let text = "ab\n🦀ä{{ x }}\nc";
    assert_eq!(offset_of(text, (1, 1)), 0);
    // A crab is two units of UTF-16.
    assert_eq!(offset_of(text, (2, 3)), 6);
    assert_eq!(offset_of(text, (2, 99)), 13);
    assert_eq!(offset_of(text, (3, 1)), 14);
    assert_eq!(offset_of(text, (9, 1)), 15);
}

#[test]
fn what_differs_beside_the_words_is_named() {
    let old = prompt(1, "a", "x").draft();
    let new = PromptDraft {
        name: "b".into(),
        content: "y".into(),
        format: PromptFormat::Template,
        priority: 5,
        enabled: false,
        target: PromptTarget {
            agents: vec!["claude".parse().unwrap()],
            projects: Vec::new(),
        },
        ..old.clone()
    };
    let target = |draft: &PromptDraft| draft.target.agents.len().to_string();
    let found: Vec<String> = differences(&old, &new, target)
        .into_iter()
        .map(|it| format!("{}: {} > {}", it.what, it.old, it.new))
        .collect();
    assert_eq!(
        found,
        [
            "Name: a > b",
            "Format: Text > Template",
            "Priority: 0 > 5",
            "Enabled: yes > no",
            "For: 0 > 1",
        ]
    );
    assert_eq!(differences(&old, &old, target), []);
}

#[test]
fn sizes_are_short() {
    assert_eq!(size(0), "0 bytes");
    assert_eq!(size(1023), "1023 bytes");
    assert_eq!(size(1024), "1.0 KiB");
    assert_eq!(size(32 * 1024 - 1), "31.9 KiB");
}

#[test]
fn numbers_that_were_never_versions_are_those_between_two() {
    assert_eq!(joined(2, Some(1)), None);
    assert_eq!(joined(3, Some(1)), Some((2, 2)));
    assert_eq!(joined(9, Some(4)), Some((5, 8)));
    assert_eq!(joined(1, None), None);
    assert_eq!(joined(3, None), Some((1, 2)));
}
