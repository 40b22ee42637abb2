//! Canonical JSON: one text for one value, so that a hash over it means something.

use serde_json::Value;

/// Writes a value as canonical JSON: no white space, the keys of every object sorted by their
/// UTF-8 bytes, strings and numbers as `serde_json` writes them (strings escape only `"`, `\` and
/// control characters; integers without a fraction).
///
/// ```
/// let value = serde_json::json!({"b": [1, null], "a": {"d": "é", "c": true}});
/// assert_eq!(
///     berth_trail::canonical_json(&value),
///     r#"{"a":{"c":true,"d":"é"},"b":[1,null]}"#,
/// );
/// ```
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            // Sorted here and not left to the map: a feature of serde_json that any crate in the
            // program may turn on makes it keep the order of insertion.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_bytes());
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(key));
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// A string as JSON, with its quotes.
pub(crate) fn quoted(string: &str) -> String {
    Value::from(string).to_string()
}
