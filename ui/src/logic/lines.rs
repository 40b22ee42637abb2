//! Lists and variables in fields of several lines.
//!
//! Lists are written one item on each line and variables as `NAME=value`; what a line cannot hold as it
//! stands is written in quotation marks, so that nothing is lost.

use std::collections::BTreeMap;

use crate::strings::{fill, form_parts};

/// One item on each line, exactly as it stands; blank lines do not count.
pub fn lines(text: &str) -> Vec<String> {
    let lines = text.split('\n').filter(|line| !line.trim().is_empty());
    lines
        .map(|line| unquoted(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}

/// The number of the line that an item stands in, from 1.
pub fn line_of(text: &str, index: usize) -> usize {
    let lines = text.split('\n').enumerate();
    let mut filled = lines.filter(|(_, line)| !line.trim().is_empty());
    filled.nth(index).map_or(index, |(at, _)| at) + 1
}

/// A list, one item on each line.
pub fn text_of(items: &[String]) -> String {
    let lines: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    lines.join("\n")
}

/// Variables, one on each line, and what is wrong with a line that is none.
pub fn variables(text: &str) -> (BTreeMap<String, String>, Option<String>) {
    let mut all = BTreeMap::new();
    let mut wrong = None;
    for (at, line) in text.split('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = || (at + 1).to_string();
        let Some((name, value)) = line.split_once('=') else {
            wrong.get_or_insert_with(|| {
                fill(
                    form_parts().problem_of_line,
                    &[&number(), form_parts().variable_wrong],
                )
            });
            continue;
        };
        let name = name.trim().to_owned();
        let value = unquoted(value).unwrap_or_else(|| value.to_owned());
        if let Some(before) = all.insert(name, value) {
            drop(before);
            wrong.get_or_insert_with(|| {
                fill(
                    form_parts().problem_of_line,
                    &[&number(), form_parts().variable_twice],
                )
            });
        }
    }
    (all, wrong)
}

/// Variables, one on each line.
pub fn text_of_variables(variables: &BTreeMap<String, String>) -> String {
    let lines: Vec<_> = variables
        .iter()
        .map(|(name, value)| {
            // An empty value needs no quotation marks.
            let value = match value.as_str() {
                "" => String::new(),
                value => quoted(value),
            };
            format!("{name}={value}")
        })
        .collect();
    lines.join("\n")
}

/// An item as its line shows it: in quotation marks only if it would be something else without.
pub fn quoted(item: &str) -> String {
    if !item.trim().is_empty() && !item.contains(['\n', '\r']) && unquoted(item).is_none() {
        return item.to_owned();
    }
    in_quotes(item)
}

/// An item in quotation marks.
pub fn in_quotes(item: &str) -> String {
    let mut line = String::from('"');
    for c in item.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '"' | '\\' => line.extend(['\\', c]),
            c => line.push(c),
        }
    }
    line.push('"');
    line
}

/// What a line in quotation marks stands for; nothing if it is not one.
pub fn unquoted(line: &str) -> Option<String> {
    let inner = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut item = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        item.push(match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                c @ ('"' | '\\') => c,
                _ => return None,
            },
            c => c,
        });
    }
    Some(item)
}
