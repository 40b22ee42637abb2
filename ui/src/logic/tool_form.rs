//! The form with which a tool is tried: made of the schema of its arguments, and making them.
//!
//! Texts, numbers and choices have fields of their own; whatever else a schema asks for is typed as JSON.
//! What is left empty is left out, unless the tool needs it.

use crate::strings::mcp;
use crate::wire::{Json, quote};

/// What can be typed for a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// A field for each argument; none when it takes none.
    Fields(Vec<Input>),
    /// All arguments as one object: its schema names no single ones.
    Whole,
}

/// The field of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: String,
    /// The tool needs it.
    pub required: bool,
    /// What it takes.
    pub kind: Kind,
    /// What is in the field at first.
    pub initial: String,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// One of these, each as JSON and as it is shown.
    Choice(Vec<(String, String)>),
    /// Any number of these. What is chosen stands as JSON in a line each.
    Several(Vec<(String, String)>),
    /// JSON.
    Json,
}

/// What can be typed for a schema.
pub fn inputs(schema: &Json<'_>) -> Inputs {
    let required: Vec<&str> = match schema.get("required") {
        Json::List(names) => names.iter().filter_map(Json::text).collect(),
        _ => Vec::new(),
    };
    // A name may be needed that has no schema of its own.
    let Json::Object(properties) = schema.get("properties") else {
        return match is_open(schema) || !required.is_empty() {
            true => Inputs::Whole,
            false => Inputs::Fields(Vec::new()),
        };
    };
    let named = |name: &str| properties.iter().any(|(known, _)| known == name);
    if !required.iter().all(|name| named(name)) {
        return Inputs::Whole;
    }
    let fields = properties.iter().map(|(name, of)| Input {
        name: name.to_string(),
        title: of.get("title").text().map(str::to_owned),
        description: of.get("description").text().unwrap_or_default().to_owned(),
        required: required.contains(&name.as_ref()),
        kind: kind(of),
        initial: initial(of),
    });
    Inputs::Fields(fields.collect())
}

/// More than no arguments can be meant by it.
fn is_open(schema: &Json<'_>) -> bool {
    let says = |name: &str| !matches!(schema.get(name), Json::Null);
    let more = schema.get("additionalProperties");
    ["anyOf", "oneOf", "allOf", "$ref", "patternProperties"]
        .into_iter()
        .any(says)
        || !matches!(more, Json::Null | Json::Bool(false))
}

fn kind(of: &Json<'_>) -> Kind {
    if let Some(choices) = choices(of) {
        return Kind::Choice(choices);
    }
    let types: Vec<&str> = match of.get("type") {
        Json::List(types) => types.iter().filter_map(Json::text).collect(),
        one => one.text().into_iter().collect(),
    };
    let types: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
    match types.as_slice() {
        ["string"] => Kind::Text,
        ["integer"] => Kind::Integer,
        ["number"] => Kind::Number,
        ["array"] => choices(of.get("items")).map_or(Kind::Json, Kind::Several),
        ["boolean"] => Kind::Choice(
            [Json::Bool(true), Json::Bool(false)]
                .iter()
                .map(choice)
                .collect(),
        ),
        _ => Kind::Json,
    }
}

/// The values of a field that has only some: `enum`, with names for people beside it or not, or `oneOf` and `anyOf`
/// with a title for each.
fn choices(of: &Json<'_>) -> Option<Vec<(String, String)>> {
    if let Json::List(values) = of.get("enum") {
        let names = match of.get("enumNames") {
            Json::List(names) if names.len() == values.len() => names.as_slice(),
            _ => &[],
        };
        let shown = |(at, value)| named(value, names.get(at).and_then(Json::text));
        return Some(values.iter().enumerate().map(shown).collect());
    }
    let titled = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|name| match of.get(name) {
            Json::List(titled) => Some(titled),
            _ => None,
        })?;
    let named = titled.iter().map(|of| match of.get("const") {
        Json::Null => None,
        value => Some(named(value, of.get("title").text())),
    });
    named.collect()
}

/// A value as JSON and by its name for people.
fn named(value: &Json<'_>, name: Option<&str>) -> (String, String) {
    let (json, shown) = choice(value);
    (json, name.map_or(shown, str::to_owned))
}

/// A value as JSON and as it is shown.
fn choice(value: &Json<'_>) -> (String, String) {
    let json = value.whole();
    let shown = value.text().map_or_else(|| json.clone(), str::to_owned);
    (json, shown)
}

fn initial(of: &Json<'_>) -> String {
    match (of.get("default"), kind(of)) {
        (Json::Null, _) => String::new(),
        (Json::Text(text), Kind::Text) => text.to_string(),
        (Json::List(values), Kind::Several(all)) => {
            let chosen = values.iter().map(Json::whole);
            let known = |json: &String| all.iter().any(|(known, _)| known == json);
            chosen.filter(known).collect::<Vec<_>>().join("\n")
        }
        (value, Kind::Choice(all)) => {
            let json = value.whole();
            let known = all.iter().any(|(known, _)| *known == json);
            if known { json } else { String::new() }
        }
        (value, _) => value.whole(),
    }
}

/// The arguments as JSON; or what is wrong, by the place of the field.
pub fn arguments(inputs: &Inputs, values: &[String]) -> Result<String, Vec<(usize, String)>> {
    let fields = match inputs {
        Inputs::Fields(fields) => fields,
        Inputs::Whole => return whole(values.first().map_or("", |value| value.trim())),
    };
    let (mut made, mut wrong) = (Vec::new(), Vec::new());
    for (at, field) in fields.iter().enumerate() {
        let value = values.get(at).map_or("", String::as_str);
        match argument(field, value) {
            Ok(Some(json)) => made.push(format!("{}:{json}", quote(&field.name))),
            Ok(None) => {}
            Err(message) => wrong.push((at, message.to_owned())),
        }
    }
    match wrong.is_empty() {
        true => Ok(format!("{{{}}}", made.join(","))),
        false => Err(wrong),
    }
}

/// The texts that somebody has to give and has not. A program may want an empty one; a form that asks for a name does
/// not.
pub fn missing(inputs: &Inputs, values: &[String]) -> Vec<(usize, String)> {
    let Inputs::Fields(fields) = inputs else {
        return Vec::new();
    };
    let all = fields.iter().zip(values).enumerate();
    let missing = all.filter(|(_, (field, value))| {
        field.required && field.kind == Kind::Text && value.trim().is_empty()
    });
    missing
        .map(|(at, _)| (at, mcp().tool_needed.to_owned()))
        .collect()
}

fn whole(typed: &str) -> Result<String, Vec<(usize, String)>> {
    match Json::parse(typed) {
        _ if typed.is_empty() => Ok("{}".to_owned()),
        Some(Json::Object(_)) => Ok(typed.to_owned()),
        _ => Err(vec![(0, mcp().tool_no_object.to_owned())]),
    }
}

/// An argument as JSON; nothing when it is left out.
fn argument(field: &Input, value: &str) -> Result<Option<String>, &'static str> {
    if field.kind == Kind::Text {
        let given = !value.is_empty() || field.required;
        return Ok(given.then(|| quote(value)));
    }
    let value = value.trim();
    if value.is_empty() {
        return match field.required {
            true => Err(mcp().tool_needed),
            false => Ok(None),
        };
    }
    if let Kind::Several(_) = field.kind {
        let chosen: Vec<&str> = value.lines().collect();
        return Ok(Some(format!("[{}]", chosen.join(","))));
    }
    let (is_right, wrong) = match field.kind {
        Kind::Text | Kind::Choice(_) | Kind::Several(_) => (true, ""),
        Kind::Integer => (
            is_number(value) && !value.contains(['.', 'e', 'E']),
            mcp().tool_no_integer,
        ),
        Kind::Number => (is_number(value), mcp().tool_no_number),
        Kind::Json => (Json::parse(value).is_some(), mcp().tool_no_json),
    };
    match is_right {
        true => Ok(Some(value.to_owned())),
        false => Err(wrong),
    }
}

/// A number as JSON writes it (RFC 8259, section 6).
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, power) = match text.split_once(['e', 'E']) {
        Some((text, power)) => (text, Some(power)),
        None => (text, None),
    };
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && part.is_none_or(digits)
        && power.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}

#[cfg(test)]
#[path = "tool_form_tests.rs"]
mod tests;
