use super::*;

fn draft(json: serde_json::Value) -> McpDraft {
    serde_json::from_value(json).unwrap()
}

fn problem(field: &str, message: &str) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

fn at<'a>(found: &'a [FieldProblem], field: &str) -> Option<&'a str> {
    let found = found.iter().find(|problem| problem.field == field);
    found.map(|problem| problem.message.as_str())
}

#[test]
fn a_form_loses_nothing_of_a_draft() {
    for json in [
        serde_json::json!({"name": "a", "server": {"type": "stdio", "command": "npx",
            "args": ["-y", "a b", "", " x ", "$(id); `id`", "two\nlines", "\"quoted\""],
            "env": {"A": "b=c", "EMPTY": ""}, "secret_env": ["KEY", "OTHER"]},
            "enabled": false, "target": {"agents": ["claude"], "projects": []}}),
        serde_json::json!({"name": "b", "server": {"type": "http", "url": "https://a.example/mcp?x=1",
            "headers": {"X-Org": "a: b", "X-Blank": " a ", "X-None": "", "X-Quote": "\"a\""},
            "secret_headers": ["X-Key"]}, "auth": {"type": "bearer"}}),
        serde_json::json!({"name": "c", "server": {"type": "sse", "url": "http://localhost:1/sse"},
            "auth": {"type": "oauth", "provider": "azure", "client_id": "id", "scopes": ["a", "b"],
                "without_resource": true}}),
        serde_json::json!({"name": "d", "server": {"type": "sse", "url": "http://localhost:1/sse"},
            "auth": {"type": "oauth"}}),
    ] {
        let draft = draft(json);
        let form = Form::of(&draft);
        assert_eq!(form.draft(), draft);
        assert_eq!(form.problems(), []);
    }
}

#[test]
fn each_line_is_one_argument_whatever_a_shell_would_make_of_it() {
    let form = Form {
        args: "--name=a b\n\n'x' \"y\"\n$HOME".to_owned(),
        ..Form::new()
    };
    let McpServer::Stdio { args, .. } = form.draft().server else {
        unreachable!("it is a program");
    };
    assert_eq!(args, ["--name=a b", "'x' \"y\"", "$HOME"]);
}

#[test]
fn a_program_signs_in_by_itself() {
    let form = Form {
        kind: Kind::Stdio,
        auth: Auth::Bearer,
        ..Form::new()
    };
    assert_eq!(form.draft().auth, McpAuth::None);
    let address = Form {
        kind: Kind::Http,
        ..form
    };
    assert_eq!(address.draft().auth, McpAuth::Bearer);
}

#[test]
fn what_the_engine_says_is_shown_at_the_field_that_holds_it() {
    let secret = |row, name: &str| SecretRow {
        row,
        name: name.to_owned(),
        value: String::new(),
    };
    let form = Form {
        args: "a\n\nb".to_owned(),
        env: "A=1".to_owned(),
        scopes: "read  a\"b".to_owned(),
        secrets: vec![secret(0, "KEY"), secret(1, "A")],
        ..Form::new()
    };
    let placed = form.placed(
        [
            "name",
            "server.command",
            "server.args[1]",
            "server.env.A",
            "server.env.KEY",
            "server.url",
            "server.headers.X",
            "auth.scopes[1]",
            "auth.client_id",
        ]
        .map(|field| problem(field, "Wrong."))
        .into(),
    );
    let placed: Vec<_> = placed
        .iter()
        .map(|it| (it.field.as_str(), it.message.as_str()))
        .collect();
    assert_eq!(
        placed,
        [
            ("name", "Wrong."),
            ("command", "Wrong."),
            ("args", "Line 3: Wrong."),
            ("env", "A: Wrong."),
            ("secrets[0]", "Wrong."),
            ("url", "Wrong."),
            ("headers", "X: Wrong."),
            ("auth.scopes", "a\"b: Wrong."),
            ("auth.client_id", "Wrong."),
        ]
    );
}

#[test]
fn lines_and_secrets_that_cannot_be_are_told_before_they_are_sent() {
    let secret = |row, name: &str, value: &str| SecretRow {
        row,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let form = Form {
        kind: Kind::Http,
        headers: "X-A: 1\nnothing\nX-A: 2".to_owned(),
        secrets: vec![
            secret(0, " ", "v"),
            secret(1, "K", "a\nb"),
            secret(2, "K ", ""),
        ],
        auth: Auth::Bearer,
        token: "x".repeat(LONGEST_SECRET + 1),
        ..Form::new()
    };
    let found = form.problems();
    assert_eq!(
        at(&found, "headers"),
        Some("Line 2: Write it as Name: value.")
    );
    assert!(at(&found, "secrets[0]").is_some());
    assert!(at(&found, "secrets[1].value").is_some());
    assert!(at(&found, "secrets[2]").is_some());
    assert!(at(&found, "token").is_some());
    assert_eq!(form.key_of(" K "), "header/K");
}

#[test]
fn what_is_remembered_of_a_form_has_no_secret_in_it() {
    let typed = Form {
        name: "a".to_owned(),
        secrets: vec![SecretRow {
            row: 3,
            name: "KEY".to_owned(),
            value: "s3cret".to_owned(),
        }],
        token: "s3cret".to_owned(),
        client_secret: "s3cret".to_owned(),
        ..Form::new()
    };
    let kept = typed.clone().without_secrets();
    assert!(!format!("{kept:?}").contains("s3cret"), "{kept:?}");
    assert_eq!((&kept.name, kept.secrets[0].row), (&typed.name, 3));
    assert_ne!(kept, typed, "what is not stored is still a change");
}
