use super::*;

fn server(json: serde_json::Value) -> McpConfiguration {
    let mut whole = serde_json::json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "scope": "user", "name": "a",
        "server": {"type": "stdio", "command": "npx", "args": ["-y", "x"], "env": {"B": "1"},
            "secret_env": ["KEY", "A"]},
        "kept_secrets": ["env/KEY", "env/A"], "consented": true, "version": 1,
        "created_at": "2026-11-23T19:05:01Z", "updated_at": "2026-11-23T19:05:01Z",
    });
    for (name, value) in json.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

#[test]
fn what_has_to_be_done_first_is_what_is_told() {
    let at = "2026-11-23T19:05:01Z";
    let failed = serde_json::json!({"state": "failed", "at": at, "problem": {"type": "t", "title": "t",
        "status": 502, "code": "mcp.ended", "detail": "d"}});
    for (json, wanted) in [
        (serde_json::json!({}), Standing::Untried),
        (
            serde_json::json!({"enabled": false, "consented": false}),
            Standing::Disabled,
        ),
        (
            serde_json::json!({"catalog": "blocked", "enabled": false}),
            Standing::Blocked,
        ),
        (
            serde_json::json!({"catalog": "available", "consented": false}),
            Standing::Offered,
        ),
        (
            serde_json::json!({"catalog": "available", "taken": true}),
            Standing::Untried,
        ),
        (
            serde_json::json!({"consented": false, "kept_secrets": []}),
            Standing::NeedsConsent,
        ),
        (
            serde_json::json!({"kept_secrets": ["env/KEY"], "state": failed}),
            Standing::SecretsMissing(vec!["A".to_owned()]),
        ),
        (serde_json::json!({"state": failed}), Standing::Failed),
        (
            serde_json::json!({"state": {"state": "needs_sign_in", "at": at}}),
            Standing::NeedsSignIn,
        ),
        (
            serde_json::json!({"state": {"state": "expired", "at": at}}),
            Standing::Expired,
        ),
        (
            serde_json::json!({"state": {"state": "quarantined", "tools": ["x"], "at": at}}),
            Standing::Quarantined(vec!["x".to_owned()]),
        ),
        (
            serde_json::json!({"state": {"state": "connected", "protocol": "2025-11-25", "tools": 2,
                "connect_ms": 5, "at": at}}),
            Standing::Connected,
        ),
    ] {
        assert_eq!(standing(&server(json.clone())), wanted, "{json}");
    }
}

#[test]
fn a_client_may_have_no_secret() {
    let public = serde_json::json!({"server": {"type": "http", "url": "https://a.example/"},
        "auth": {"type": "oauth", "client_id": "x"}, "kept_secrets": []});
    assert_eq!(standing(&server(public)), Standing::Untried);
    let token = serde_json::json!({"server": {"type": "http", "url": "https://a.example/"},
        "auth": {"type": "bearer"}, "kept_secrets": []});
    assert_eq!(
        standing(&server(token)),
        Standing::SecretsMissing(vec!["token".to_owned()])
    );
}

#[test]
fn a_command_is_its_program_and_each_argument() {
    let server = server(serde_json::json!({}));
    assert_eq!(words(&server.draft.server), ["npx", "-y", "x"]);
}

#[test]
fn what_a_server_is_given_is_seen_with_its_values_unless_they_are_secrets() {
    let program = server(serde_json::json!({}));
    assert_eq!(
        given(&program.draft.server),
        [
            Given::Secret("A"),
            Given::Plain("B", "1"),
            Given::Secret("KEY")
        ]
    );
    let address = server(
        serde_json::json!({"server": {"type": "http", "url": "https://a.example/",
        "headers": {"X-Team": ""}, "secret_headers": ["X-Key"]}}),
    );
    assert_eq!(
        given(&address.draft.server),
        [Given::Secret("X-Key"), Given::Plain("X-Team", "")]
    );
}

#[test]
fn nothing_hides_in_what_somebody_agrees_to() {
    let shown = |text: &str| {
        let pieces = pieces(text).into_iter().map(|piece| match piece {
            Piece::Seen(text) => text,
            Piece::Unseen(c) => format!("<{}>", number(c)),
        });
        pieces.collect::<String>()
    };
    for (text, wanted) in [
        ("plain text été 日本", "plain text été 日本"),
        ("", ""),
        (" a b  ", "<U+0020>a b<U+0020><U+0020>"),
        ("  ", "<U+0020><U+0020>"),
        ("a\tb\nc\r", "a<U+0009>b<U+000A>c<U+000D>"),
        ("rm\u{a0}-rf\u{2003}x", "rm<U+00A0>-rf<U+2003>x"),
        (
            "a\u{202e}b\u{2066}c\u{200b}d",
            "a<U+202E>b<U+2066>c<U+200B>d",
        ),
        (
            "x\u{e0041}y\u{fe0f}z\u{feff}",
            "x<U+E0041>y<U+FE0F>z<U+FEFF>",
        ),
        ("\u{1b}[31mred\u{0}", "<U+001B>[31mred<U+0000>"),
        ("\u{3164}\u{2800}\u{ad}", "<U+3164><U+2800><U+00AD>"),
    ] {
        assert_eq!(shown(text), wanted, "{text:?}");
    }
}
