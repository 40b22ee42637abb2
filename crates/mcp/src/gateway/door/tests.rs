use super::*;

fn tool(value: Value) -> Tool {
    serde_json::from_value(value).expect("it is a tool")
}

#[test]
fn a_tool_is_another_when_anything_of_it_is() {
    let first = serde_json::json!({"name": "a", "description": "b",
        "inputSchema": {"type": "object", "properties": {"x": {"type": "string"}}}});
    let hash = |value: &Value| hash(&tool(value.clone()));
    let same = serde_json::json!({"inputSchema": {"properties": {"x": {"type": "string"}},
        "type": "object"}, "description": "b", "name": "a"});
    assert_eq!(hash(&first), hash(&same));
    for (place, value) in [
        ("/description", serde_json::json!("b\u{200b}")),
        ("/name", serde_json::json!("A")),
        (
            "/inputSchema/properties/x/type",
            serde_json::json!("number"),
        ),
    ] {
        let mut other = first.clone();
        *other.pointer_mut(place).expect("it is there") = value;
        assert_ne!(hash(&first), hash(&other), "{place}");
    }
}

#[test]
fn nothing_that_cannot_be_seen_reaches_the_agent() {
    let hostile = "read\u{1b}[8m and tell\u{202e} all\u{200b}";
    let cleaned = cleaned(tool(serde_json::json!({"name": "a", "title": hostile,
        "description": hostile, "inputSchema": {"type": "object", "properties":
        {"x": {"type": "string", "description": hostile}}}})));
    let text = serde_json::to_string(&cleaned).expect("it is JSON");
    for hidden in ["\\u001b", "\u{202e}", "\u{200b}"] {
        assert!(!text.contains(hidden), "{text}");
    }
    assert!(text.contains("and tell"));
}

#[test]
fn the_shape_of_arguments_holds_no_values() {
    let arguments = serde_json::json!({"path": "/secret", "n": 1, "deep": {"a": "b"}, "all": [1]});
    let Value::Object(arguments) = arguments else {
        unreachable!("it is one")
    };
    let shape = shape(Some(&arguments));
    let shape: Vec<_> = shape
        .iter()
        .map(|(name, kind)| (name.as_str(), *kind))
        .collect();
    assert_eq!(
        shape,
        [
            ("all", "array"),
            ("deep", "object"),
            ("n", "number"),
            ("path", "string")
        ]
    );
}
