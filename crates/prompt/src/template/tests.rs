use super::*;
use crate::Field;

fn fill(source: &str) -> Result<String, TemplateError> {
    let mut templates = Templates::new();
    templates.compile("t", source)?;
    let given = FIELDS.iter().map(|(field, name, ..)| {
        let text = match field {
            Field::Branch => "feature/x",
            Field::OrgName => "",
            _ => name,
        };
        (*field, text)
    });
    templates.fill_in("t", source, &values(given))
}

/// Checks what a template becomes; each field has its name as value, `org_name` is empty.
#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(fill(source).as_deref(), Ok(expected));
    check_template(source).unwrap();
}

/// Checks where and why a template is refused when it is saved.
#[track_caller]
fn refused(source: &str, expected: &str) {
    let error = check_template(source).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn fields_are_filled_in() {
    check(
        "By {{ user_name }} on {{branch}}.\n",
        "By user_name on feature/x.\n",
    );
    check("{{ user_id }}{{ org_id }}{{ org_name }}", "user_idorg_id");
    check(
        "{{ project }} {{ workspace_path }} {{ agent }} {{ date }} {{ time_zone }} {{ os }}",
        "project workspace_path agent date time_zone os",
    );
}

#[test]
fn fields_in_the_style_of_go_are_filled_in() {
    check(
        "{{.UserID}} {{ .OrgID }} {{- .Date -}}  .",
        "user_id org_iddate.",
    );
    check(
        "{{.UserName}}{{.OrgName}} {{.Project}} {{.WorkspacePath}} {{.Branch}} {{.Agent}} {{.TimeZone}} {{.OS}}",
        "user_name project workspace_path feature/x agent time_zone os",
    );
    check("{% if .Branch == \"feature/x\" %}yes{% endif %}", "yes");
}

#[test]
fn conditions_filters_and_tests_work() {
    check(
        "{% if org_name %}a{% elif branch %}b{% else %}c{% endif %}",
        "b",
    );
    check(
        "{{ org_name | default(\"none\") }} {{ branch | upper }}",
        "none FEATURE/X",
    );
    check(
        "{% if branch is startingwith(\"feature/\") and not org_name %}x{% endif %}",
        "x",
    );
    check("{% if branch is not endingwith('z') %}x{% endif %}", "x");
    check("{% if agent in [\"claude\", \"agent\"] %}x{% endif %}", "x");
    check(
        "{{ org_name or \"nobody\" }}{{ \"a\" if branch else \"b\" }}",
        "nobodya",
    );
}

#[test]
fn text_besides_is_left_byte_for_byte() {
    let text = "<b>\"x\" & 'y'</b> { } {a} %} }} #} ünï 日本 \u{200b}\r\n";
    check(text, text);
    check(
        "{% raw %}{{ x }} {{.UserID}} {% for %}{% endraw %}",
        "{{ x }} {{.UserID}} {% for %}",
    );
    check("a{# {{ x }} {% for %} #}b", "ab");
    check("{{ \"}} {{.UserID}} %}\" }}", "}} {{.UserID}} %}");
    // Values are not escaped and not read as templates.
    let mut templates = Templates::new();
    templates.compile("t", "{{ branch }}").unwrap();
    let hostile = values([(Field::Branch, "<{{ user_id }}>")].into_iter());
    assert_eq!(
        templates.fill_in("t", "", &hostile).unwrap(),
        "<{{ user_id }}>"
    );
}

#[test]
fn an_error_names_line_and_column() {
    refused(
        "a\nbö {{ nam }}",
        &format!(
            "line 2, column 7: {}",
            TemplateErrorKind::UnknownField("nam".to_owned())
        ),
    );
    refused(
        "{{.UserId}}",
        &format!(
            "line 1, column 3: {}",
            TemplateErrorKind::UnknownField(".UserId".to_owned())
        ),
    );
    refused("\n\n  {{ branch", "line 3, column 3: this has no end");
    refused(
        "{{ branch | shout }}",
        "line 1, column 13: there is no filter \"shout\"; the filters are default, lower, trim, upper",
    );
    refused(
        "{% if branch is odd %}{% endif %}",
        "line 1, column 17: there is no test \"odd\"; the tests are endingwith, startingwith",
    );
    refused(
        "x {% if branch %}",
        "line 1, column 16: unexpected end of input, expected end of block",
    );
    refused("{% endif %}", "line 1, column 4: unknown statement endif");
    refused(
        "{{ }}",
        "line 1, column 4: unexpected end of variable block",
    );
    assert!(check_template("{% if branch in 3 %}{% endif %}").is_err());
}

#[test]
fn an_error_in_a_branch_that_is_not_taken_is_found_too() {
    refused(
        "{% if false %}{{ x }}{% endif %}",
        &format!(
            "line 1, column 18: {}",
            TemplateErrorKind::UnknownField("x".to_owned())
        ),
    );
    assert!(check_template("{% if user_id == \"z\" %}{{ user_id | trim(x) }}{% endif %}").is_err());
}

#[test]
fn what_repeats_grows_or_reaches_out_is_refused() {
    for (source, refused) in [
        ("{% for x in branch %}{% endfor %}", "for"),
        ("{% set x = branch %}", "set"),
        ("{% set x %}a{% endset %}", "set"),
        ("{% with x = branch %}{% endwith %}", "with"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "macro"),
        ("{% call m() %}{% endcall %}", "call"),
        ("{% filter upper %}{% endfilter %}", "filter"),
        ("{% include \"/etc/passwd\" %}", "include"),
        ("{% include \"self\" %}", "include"),
        ("{% import \"x\" as y %}", "import"),
        ("{% from \"x\" import y %}", "from"),
        ("{% extends \"x\" %}", "extends"),
        ("{% block a %}{% endblock %}", "block"),
        ("{% autoescape true %}{% endautoescape %}", "autoescape"),
        ("{%- do x() %}", "do"),
        ("{% %}", "…"),
    ] {
        let error = check_template(source).unwrap_err();
        assert_eq!(
            error.kind,
            TemplateErrorKind::Statement(refused.to_owned()),
            "{source}"
        );
    }
    for (source, operator) in [
        ("{{ \"a\" * 1000000000 }}", "*"),
        ("{{ 10 ** 9 }}", "**"),
        ("{{ branch ~ branch }}", "~"),
        ("{{ branch + branch }}", "+"),
        ("{{ 1 - 1 }}", "-"),
        ("{{ -1 }}", "-"),
        ("{{ 1 // 1 }}", "//"),
        ("{{ 5 % 2 }}", "%"),
        ("{{ branch.x }}", "."),
        ("{{ branch .UserID }}", "."),
        ("{{ branch[0] }}", "["),
        ("{{ {\"a\": 1} }}", "{"),
        ("{{ branch[1:2] }}", "["),
        ("{{ \"a\" \"b\"; }}", ";"),
    ] {
        let error = check_template(source).unwrap_err();
        assert_eq!(
            error.kind,
            TemplateErrorKind::Operator(operator.to_owned()),
            "{source}"
        );
    }
    for (source, name) in [
        ("{{ range(1000000000) }}", "range"),
        ("{{ branch(1) }}", "branch"),
        ("{{ debug() }}", "debug"),
        ("{{ super() }}", "super"),
    ] {
        let error = check_template(source).unwrap_err();
        assert_eq!(
            error.kind,
            TemplateErrorKind::Call(name.to_owned()),
            "{source}"
        );
    }
}

#[test]
fn conditions_brackets_and_expressions_are_bounded() {
    let nested = |depth: usize| "{% if os %}".repeat(depth) + &"{% endif %}".repeat(depth);
    assert!(check_template(&nested(32)).is_ok());
    let complex = |source: &str| {
        let kind = check_template(source).unwrap_err().kind;
        assert!(matches!(kind, TemplateErrorKind::TooComplex(_)), "{kind:?}");
    };
    complex(&nested(33));
    complex(&nested(1000));
    complex(&format!(
        "{{% if os %}}{}{{% endif %}}",
        "{% elif os %}".repeat(2000)
    ));
    complex(&format!("{{{{ {}os }}}}", "not ".repeat(3000)));
    complex(&format!(
        "{{{{ {}os{} }}}}",
        "(".repeat(8000),
        ")".repeat(8000)
    ));
    complex(&format!("{{{{ os{} }}}}", "|upper".repeat(3000)));
    complex(&format!("{{{{ {} }}}}", "[".repeat(20000)));
    // Within the bounds nothing overflows the stack either.
    for within in [
        format!("{{{{ {}os{} }}}}", "(".repeat(120), ")".repeat(120)),
        format!("{{{{ {}os }}}}", "not ".repeat(250)),
        format!("{{{{ {}os{} }}}}", "[".repeat(120), "]".repeat(120)),
        format!("{{{{ os{} }}}}", " if os else os".repeat(60)),
        format!("{{% if os %}}{}{{% endif %}}", "{% elif os %}".repeat(64)),
    ] {
        check_template(&within).ok();
    }
}

#[test]
fn a_template_is_as_long_as_a_prompt_at_most() {
    assert!(check_template(&"a".repeat(MAX_CONTENT_BYTES)).is_ok());
    let error = check_template(&"a".repeat(10 * 1024 * 1024)).unwrap_err();
    assert_eq!(error.kind, TemplateErrorKind::TooLong(10 * 1024 * 1024));
}

#[test]
fn the_translation_keeps_every_byte_in_its_place() {
    for (field, name, go, _) in FIELDS {
        assert!(go.len() + 1 >= name.len(), "{name} has no room in .{go}");
        let source = format!("é {{{{.{go}}}}} {{{{ x");
        let scanned = scan::scan(&source[..source.len() - 4]).unwrap();
        assert_eq!(scanned.source.len(), source.len() - 4);
        assert_eq!(scanned.fields, [*field]);
    }
}
