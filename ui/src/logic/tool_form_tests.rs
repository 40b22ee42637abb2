use super::*;

fn of(schema: &str) -> Inputs {
    inputs(&Json::parse(schema).unwrap())
}

fn made(schema: &str, values: &[&str]) -> Result<String, Vec<usize>> {
    let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
    arguments(&of(schema), &values).map_err(|wrong| wrong.into_iter().map(|(at, _)| at).collect())
}

const SCHEMA: &str = r#"{"type": "object", "required": ["a", "b", "e"], "properties": {
    "a": {"type": "string", "description": "what"}, "b": {"type": "integer"}, "c": {"type": "number", "default": 1.50},
    "d": {"type": "boolean", "default": false}, "e": {"enum": ["x\"y", 2, null]},
    "f": {"type": ["string", "null"]}, "g": {"type": "array", "items": {}}}}"#;

#[test]
fn each_argument_has_a_field_of_its_kind() {
    let Inputs::Fields(fields) = of(SCHEMA) else {
        panic!("it has fields");
    };
    let kinds: Vec<_> = fields.iter().map(|field| &field.kind).collect();
    assert_eq!(kinds[0], &Kind::Text);
    assert_eq!(kinds[1], &Kind::Integer);
    assert_eq!(kinds[2], &Kind::Number);
    let choice = |json: &str, shown: &str| (json.to_owned(), shown.to_owned());
    assert_eq!(
        kinds[3],
        &Kind::Choice(vec![choice("true", "true"), choice("false", "false")])
    );
    assert_eq!(
        kinds[4],
        &Kind::Choice(vec![
            choice(r#""x\"y""#, "x\"y"),
            choice("2", "2"),
            choice("null", "null")
        ])
    );
    assert_eq!(kinds[5], &Kind::Text);
    assert_eq!(kinds[6], &Kind::Json);
    assert_eq!(fields[0].description, "what");
    assert!(fields[0].required && !fields[2].required);
    let initial: Vec<_> = fields.iter().map(|field| field.initial.as_str()).collect();
    assert_eq!(initial, ["", "", "1.50", "false", "", "", ""]);
}

#[test]
fn arguments_are_json_of_what_was_typed_and_nothing_else() {
    assert_eq!(
        made(
            SCHEMA,
            &[
                "say \"hi\"\n",
                " 7 ",
                "-1.5e3",
                "true",
                r#""x\"y""#,
                "",
                "[1, {}]"
            ]
        )
        .as_deref(),
        Ok(r#"{"a":"say \"hi\"\n","b":7,"c":-1.5e3,"d":true,"e":"x\"y","g":[1, {}]}"#)
    );
    // What is not needed may be left out; a text that is needed may be empty.
    assert_eq!(
        made(SCHEMA, &["", "0", "", "", "null", "", ""]).as_deref(),
        Ok(r#"{"a":"","b":0,"e":null}"#)
    );
    assert_eq!(
        made(SCHEMA, &["", "1.5", "1.", "", "", "", "[1"]),
        Err(vec![1, 2, 4, 6])
    );
    assert_eq!(
        made(SCHEMA, &["", "", "01", "", "2", "", "1} {"]),
        Err(vec![1, 2, 6])
    );
}

#[test]
fn a_long_default_or_choice_is_sent_whole() {
    let long = "x".repeat(5_000);
    let schema = format!(
        r#"{{"properties": {{"a": {{"enum": ["{long}"], "default": "{long}"}}, "b": {{"default": ["{long}"]}}}}}}"#
    );
    let Inputs::Fields(fields) = of(&schema) else {
        panic!("it has fields");
    };
    let initial: Vec<_> = fields.iter().map(|field| field.initial.as_str()).collect();
    assert_eq!(initial[0], format!("\"{long}\""));
    let sent = made(&schema, &initial).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent, serde_json::json!({"a": long, "b": [long]}));
}

#[test]
fn what_has_no_single_arguments_is_typed_whole() {
    assert_eq!(of(r#"{"type": "object"}"#), Inputs::Fields(Vec::new()));
    assert_eq!(
        made(r#"{"type": "object", "properties": {}}"#, &[]).as_deref(),
        Ok("{}")
    );
    for open in [
        r#"{"type": "object", "additionalProperties": true}"#,
        r#"{"anyOf": [{}]}"#,
        r#"{"required": ["x"], "properties": {}}"#,
        r#"{"required": ["x"]}"#,
    ] {
        assert_eq!(of(open), Inputs::Whole, "{open}");
        assert_eq!(made(open, &[""]).as_deref(), Ok("{}"));
        assert_eq!(made(open, &[r#" {"x": 1} "#]).as_deref(), Ok(r#"{"x": 1}"#));
        assert_eq!(made(open, &["[1]"]), Err(vec![0]));
        assert_eq!(made(open, &["{"]), Err(vec![0]));
    }
    // A schema may be anything.
    assert_eq!(of("3"), Inputs::Fields(Vec::new()));
    assert_eq!(of(r#"{"properties": [1]}"#), Inputs::Fields(Vec::new()));
}

#[test]
fn numbers_are_those_of_json() {
    for good in ["0", "-0", "10", "1.5", "1e9", "-2.50E-3"] {
        assert!(is_number(good), "{good}");
    }
    for bad in [
        "", "-", "01", ".5", "1.", "1e", "1-2", "+1", "0x1", "NaN", "1 2",
    ] {
        assert!(!is_number(bad), "{bad}");
    }
}

#[test]
fn choices_are_shown_by_their_names_and_several_can_be_chosen() {
    let schema = r#"{"required": ["days"], "properties": {
        "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}, {"const": "l"}]},
        "pet": {"type": "string", "enum": ["c", "d"], "enumNames": ["Cat", "Dog"]},
        "days": {"type": "array", "title": "Which days", "default": ["tue", "sun"],
            "items": {"anyOf": [{"const": "mon", "title": "Monday"}, {"const": "tue"}]}}}}"#;
    let Inputs::Fields(fields) = of(schema) else {
        panic!("it has fields");
    };
    let choice = |json: &str, shown: &str| (json.to_owned(), shown.to_owned());
    let kinds: Vec<_> = fields.iter().map(|field| field.kind.clone()).collect();
    assert_eq!(
        kinds[0],
        Kind::Choice(vec![choice("\"s\"", "Small"), choice("\"l\"", "l")])
    );
    assert_eq!(
        kinds[1],
        Kind::Choice(vec![choice("\"c\"", "Cat"), choice("\"d\"", "Dog")])
    );
    assert_eq!(
        kinds[2],
        Kind::Several(vec![choice("\"mon\"", "Monday"), choice("\"tue\"", "tue")])
    );
    assert_eq!(fields[2].title.as_deref(), Some("Which days"));
    assert_eq!(fields[2].initial, "\"tue\"", "only what can be chosen");
    let values = ["\"s\"", "", "\"mon\"\n\"tue\""];
    assert_eq!(
        made(schema, &values).as_deref(),
        Ok(r#"{"size":"s","days":["mon","tue"]}"#)
    );
    assert_eq!(made(schema, &["", "", ""]), Err(vec![2]));
}

#[test]
fn a_text_that_people_have_to_give_is_not_empty() {
    let values = ["", "7", "", "", "", "", ""].map(str::to_owned);
    let found: Vec<_> = missing(&of(SCHEMA), &values)
        .into_iter()
        .map(|(at, _)| at)
        .collect();
    assert_eq!(found, [0]);
}
