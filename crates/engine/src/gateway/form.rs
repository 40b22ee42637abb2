//! Forms of MCP servers: what one may ask for, and whether an answer is what it asks for (MCP 2025-11-25,
//! elicitation in form mode: an object of texts, numbers, yes or no, and choices).

use berth_protocol::FieldProblem;
use serde_json::{Map, Value};

/// Largest form, in bytes as JSON.
const BYTES: usize = 64 * 1024;

/// Most fields.
const FIELDS: usize = 50;

/// Longest text of an answer, in characters.
const TEXT: usize = 64 * 1024;

/// Why a form cannot be shown to anybody; nothing when it can.
pub fn refuses(schema: &Value) -> Option<&'static str> {
    let fields = schema.get("properties").and_then(Value::as_object);
    match fields {
        None => Some("it names no fields"),
        Some(fields) if fields.len() > FIELDS => Some("it has too many fields"),
        Some(_) if schema.to_string().len() > BYTES => Some("it is too long"),
        Some(_) => None,
    }
}

/// A form without anything in its words that nobody can see. Names and values are what they are.
pub fn cleaned(mut schema: Value) -> Value {
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    fields.into_iter().flat_map(Map::values_mut).for_each(clean);
    schema
}

/// Cleans the words of a field and of its choices.
fn clean(field: &mut Value) {
    for words in ["title", "description"] {
        if let Some(Value::String(text)) = field.get_mut(words) {
            *text = berth_mcp::visible(text);
        }
    }
    if let Some(Value::Array(names)) = field.get_mut("enumNames") {
        for name in names {
            if let Value::String(text) = name {
                *text = berth_mcp::visible(text);
            }
        }
    }
    for choices in ["oneOf", "anyOf"] {
        if let Some(Value::Array(choices)) = field.get_mut(choices) {
            choices.iter_mut().for_each(clean);
        }
    }
    if let Some(items) = field.get_mut("items") {
        clean(items);
    }
}

/// What is wrong with an answer.
pub fn check(schema: &Value, content: &Map<String, Value>) -> Vec<FieldProblem> {
    let nothing = Map::new();
    let fields = schema.get("properties").and_then(Value::as_object);
    let fields = fields.unwrap_or(&nothing);
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| !content.contains_key(*name))
        .map(|name| problem(name, "is needed"));
    let wrong = content.iter().filter_map(|(name, value)| {
        let said = match fields.get(name) {
            Some(field) => wrong(field, value)?,
            None => "is not asked for".to_owned(),
        };
        Some(problem(name, &said))
    });
    missing.chain(wrong).collect()
}

fn problem(field: &str, message: &str) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

/// What is wrong with the value of a field.
fn wrong(field: &Value, value: &Value) -> Option<String> {
    if let Some(choices) = choices(field) {
        return (!choices.contains(&value)).then(|| "is none of the choices".to_owned());
    }
    match field.get("type").and_then(Value::as_str) {
        Some("string") => wrong_text(field, value),
        Some("integer") => match value.is_i64() || value.is_u64() {
            true => wrong_number(field, value),
            false => Some("is not a whole number".to_owned()),
        },
        Some("number") => match value.is_number() {
            true => wrong_number(field, value),
            false => Some("is not a number".to_owned()),
        },
        Some("boolean") => (!value.is_boolean()).then(|| "is neither true nor false".to_owned()),
        Some("array") => wrong_list(field, value),
        _ => Some("cannot be filled in: its kind is not known".to_owned()),
    }
}

/// The values that a field may have: `enum`, or `oneOf` and `anyOf` with a title for each.
fn choices(field: &Value) -> Option<Vec<&Value>> {
    if let Some(values) = field.get("enum").and_then(Value::as_array) {
        return Some(values.iter().collect());
    }
    let titled = field.get("oneOf").or_else(|| field.get("anyOf"))?;
    let titled = titled.as_array()?.iter();
    Some(titled.filter_map(|choice| choice.get("const")).collect())
}

fn wrong_text(field: &Value, value: &Value) -> Option<String> {
    let Some(text) = value.as_str() else {
        return Some("is not a text".to_owned());
    };
    let length = text.chars().count();
    let least = bound(field, "minLength").unwrap_or(0);
    let most = bound(field, "maxLength").unwrap_or(TEXT).min(TEXT);
    if length < least {
        Some(format!("is shorter than {least} characters"))
    } else if length > most {
        Some(format!("is longer than {most} characters"))
    } else {
        None
    }
}

fn wrong_number(field: &Value, value: &Value) -> Option<String> {
    let number = value.as_f64()?;
    let limit = |name: &str| field.get(name).and_then(Value::as_f64);
    match (limit("minimum"), limit("maximum")) {
        (Some(least), _) if number < least => Some(format!("is less than {least}")),
        (_, Some(most)) if number > most => Some(format!("is more than {most}")),
        _ => None,
    }
}

fn wrong_list(field: &Value, value: &Value) -> Option<String> {
    let Some(values) = value.as_array() else {
        return Some("is not a list".to_owned());
    };
    let choices = field.get("items").and_then(choices).unwrap_or_default();
    if !values.iter().all(|value| choices.contains(&value)) {
        return Some("has something that is none of the choices".to_owned());
    }
    let least = bound(field, "minItems").unwrap_or(0);
    let most = bound(field, "maxItems").unwrap_or(choices.len());
    (!(least..=most).contains(&values.len()))
        .then(|| format!("has {} choices, not {least} to {most}", values.len()))
}

fn bound(field: &Value, name: &str) -> Option<usize> {
    let bound = field.get(name)?.as_u64()?;
    usize::try_from(bound).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form() -> Value {
        json!({"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 5},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "share": {"type": "number"},
            "agrees": {"type": "boolean"},
            "colour": {"type": "string", "enum": ["red", "blue"]},
            "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}]},
            "days": {"type": "array", "maxItems": 1,
                "items": {"anyOf": [{"const": "mon", "title": "Monday"}, {"const": "tue"}]}},
            "odd": {"type": "object"},
        }})
    }

    fn wrong_with(content: Value) -> Vec<String> {
        let Value::Object(content) = content else {
            unreachable!("it is one")
        };
        let found = check(&form(), &content).into_iter();
        found
            .map(|it| format!("{} {}", it.field, it.message))
            .collect()
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        for content in [
            json!({"name": "Ada"}),
            json!({"name": "Ada", "age": 36, "share": 0.5, "agrees": false, "colour": "red",
                "size": "s", "days": ["tue"]}),
            json!({"name": "äöüßé", "share": 1, "days": []}),
        ] {
            assert_eq!(wrong_with(content), [""; 0]);
        }
    }

    #[test]
    fn whatever_else_is_told_by_its_field() {
        for (content, said) in [
            (json!({}), "name is needed"),
            (json!({"name": "A"}), "name is shorter than 2 characters"),
            (
                json!({"name": "Ada Lovelace"}),
                "name is longer than 5 characters",
            ),
            (json!({"name": 7}), "name is not a text"),
            (
                json!({"name": "Ada", "age": 1.5}),
                "age is not a whole number",
            ),
            (json!({"name": "Ada", "age": -1}), "age is less than 0"),
            (json!({"name": "Ada", "age": 151}), "age is more than 150"),
            (
                json!({"name": "Ada", "share": "half"}),
                "share is not a number",
            ),
            (
                json!({"name": "Ada", "agrees": "yes"}),
                "agrees is neither true nor false",
            ),
            (
                json!({"name": "Ada", "colour": "green"}),
                "colour is none of the choices",
            ),
            (
                json!({"name": "Ada", "size": "Small"}),
                "size is none of the choices",
            ),
            (json!({"name": "Ada", "days": "mon"}), "days is not a list"),
            (
                json!({"name": "Ada", "days": ["wed"]}),
                "days has something that is none of the choices",
            ),
            (
                json!({"name": "Ada", "days": ["mon", "tue"]}),
                "days has 2 choices, not 0 to 1",
            ),
            (
                json!({"name": "Ada", "odd": {}}),
                "odd cannot be filled in: its kind is not known",
            ),
            (json!({"name": "Ada", "more": 1}), "more is not asked for"),
        ] {
            assert_eq!(wrong_with(content), [said]);
        }
    }

    #[test]
    fn a_form_that_nobody_could_fill_in_is_refused() {
        assert_eq!(refuses(&form()), None);
        assert!(refuses(&json!({"type": "object"})).is_some());
        let many: Map<String, Value> = (0..=FIELDS)
            .map(|at| (at.to_string(), json!({"type": "string"})))
            .collect();
        assert!(refuses(&json!({"properties": many})).is_some());
        let long = json!({"properties": {"a": {"type": "string", "title": "x".repeat(BYTES)}}});
        assert!(refuses(&long).is_some());
    }

    #[test]
    fn only_words_are_cleaned() {
        let hostile = "a\u{202e}b\u{200b}";
        let schema = json!({"properties": {"a": {"type": "string", "title": hostile,
            "description": hostile, "enum": [hostile], "enumNames": [hostile]},
            "b": {"type": "array", "items": {"anyOf": [{"const": hostile, "title": hostile}]}}}});
        let cleaned = cleaned(schema);
        let choice = &cleaned["properties"]["b"]["items"]["anyOf"][0];
        assert_eq!(
            (&choice["const"], &choice["title"]),
            (&json!(hostile), &json!("ab"))
        );
        assert_eq!(cleaned["properties"]["a"]["enumNames"][0], "ab");
        let field = &cleaned["properties"]["a"];
        assert_eq!(field["title"], berth_mcp::visible(hostile));
        assert_ne!(field["title"], hostile);
        assert_eq!(field["enum"][0], hostile);
    }
}
