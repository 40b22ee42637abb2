//! Makes the smallest JSON that a JSON Schema accepts, for agents that ask for structured output.

use serde_json::{Map, Value, json};

/// How deep a schema is followed; one that refers to itself has no smallest value to find.
const MAX_DEPTH: usize = 16;

/// A value for `schema`: every required property, the first of several choices.
pub(crate) fn instance(schema: &Value) -> Value {
    at_depth(schema, schema, 0)
}

fn at_depth(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let follow = |schema: &Value| at_depth(schema, root, depth + 1);
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, follow);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(value) = first(&schema["enum"]) {
        return value.clone();
    }
    if let Some(choice) = first(&schema["anyOf"]).or_else(|| first(&schema["oneOf"])) {
        return follow(choice);
    }
    // Gemini's own schemas have the names of types in capitals.
    let kind = first(&schema["type"]).unwrap_or(&schema["type"]).as_str();
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("string") => json!(text(schema)),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => json!(false),
        Some("array") => {
            let count = schema["minItems"]
                .as_u64()
                .unwrap_or(0)
                .min(MAX_DEPTH as u64);
            (0..count).map(|_| follow(&schema["items"])).collect()
        }
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let names = required.filter_map(Value::as_str);
            let entry = |name: &str| (name.to_owned(), follow(&schema["properties"][name]));
            Value::Object(names.map(entry).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

fn first(value: &Value) -> Option<&Value> {
    value.as_array()?.first()
}

/// "Test", within the schema's limits of length.
fn text(schema: &Value) -> String {
    const WORD: &str = "Test";
    let limit = |name: &str| {
        schema[name]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
    };
    let least = limit("minLength").unwrap_or(0).min(1024);
    let most = limit("maxLength").unwrap_or(usize::MAX);
    let mut text = WORD.repeat(least.div_ceil(WORD.len()).max(1));
    text.truncate(most.min(least.max(WORD.len())));
    text
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
