use serde_json::json;

use super::*;

fn check(schema: Value, expected: Value) {
    assert_eq!(instance(&schema), expected, "for {schema}");
}

#[test]
fn the_title_that_codex_asks_for_fits_its_limits() {
    check(
        json!({
            "type": "object", "required": ["title"], "additionalProperties": false,
            "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 36}},
        }),
        json!({"title": "Test"}),
    );
    check(json!({"type": "string", "maxLength": 2}), json!("Te"));
    check(json!({"type": "string", "minLength": 6}), json!("TestTe"));
    check(json!({"type": "STRING"}), json!("Test"));
}

#[test]
fn only_what_is_required_is_given() {
    check(
        json!({
            "type": "object", "required": ["kind", "list", "flag", "count", "choice"],
            "properties": {
                "kind": {"enum": ["a", "b"]},
                "list": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "flag": {"type": ["boolean", "null"]},
                "count": {"type": "integer", "minimum": 3},
                "choice": {"anyOf": [{"const": 7}, {"type": "null"}]},
                "other": {"type": "string"},
            },
        }),
        json!({"kind": "a", "list": ["Test"], "flag": false, "count": 3, "choice": 7}),
    );
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let schema = json!({
        "$defs": {"node": {
            "type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/$defs/node"}},
        }},
        "$ref": "#/$defs/node",
    });
    assert!(instance(&schema).is_object());
}
