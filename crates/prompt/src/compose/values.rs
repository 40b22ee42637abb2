//! The values of fields for one session, checked: they come from users and repositories, and end up among
//! the words of an organization.

use berth_protocol::{PromptWarningCode, SanitizePolicy};

use crate::{
    Context, FIELDS, Field,
    sanitize::{Finding, inspect, redact},
    template,
};

/// A value as it is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    /// Bytes as they were given.
    pub(super) bytes: usize,
}

/// The values for one session. A value that was the same for the last one is not checked again.
#[derive(Default)]
pub(super) struct Values {
    policy: SanitizePolicy,
    /// As given and as filled in, for each of [`FIELDS`].
    checked: Vec<(String, Value)>,
    /// All of them for the template engine; absent until a template needs them.
    all: Option<minijinja::Value>,
}

impl Values {
    /// Takes the values of a session.
    pub(super) fn start(&mut self, context: &Context, policy: SanitizePolicy) {
        if self.policy != policy {
            self.checked.clear();
            self.policy = policy;
        }
        let fresh = self.checked.is_empty();
        for (place, (field, ..)) in FIELDS.iter().enumerate() {
            let given = context.value(*field);
            if fresh {
                self.checked
                    .push((given.to_string(), checked(&given, policy)));
                self.all = None;
            } else if self.checked[place].0 != given {
                self.checked[place] = (given.to_string(), checked(&given, policy));
                self.all = None;
            }
        }
    }

    /// The value of a field.
    pub(super) fn get(&self, field: Field) -> &Value {
        static NONE: Value = Value {
            text: String::new(),
            findings: Vec::new(),
            bytes: 0,
        };
        let place = FIELDS.iter().position(|(one, ..)| *one == field);
        place
            .and_then(|place| self.checked.get(place))
            .map_or(&NONE, |(_, value)| value)
    }

    /// All values, as templates take them.
    pub(super) fn all(&mut self) -> &minijinja::Value {
        let checked = &self.checked;
        self.all.get_or_insert_with(|| {
            let texts = FIELDS
                .iter()
                .zip(checked)
                .map(|((field, ..), (_, value))| (*field, value.text.as_str()));
            template::values(texts)
        })
    }
}

/// Makes a value one line and, if the policy says so, takes attempts out of it.
fn checked(given: &str, policy: SanitizePolicy) -> Value {
    let mut value = Value {
        bytes: given.len(),
        ..Value::default()
    };
    // Names and paths have one line; more would look like lines of the prompt.
    let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let line: String = match given.find(ends_line) {
        None => given.to_owned(),
        Some(at) => {
            value.findings.push(Finding {
                code: PromptWarningCode::ControlCharacters,
                range: at..at + 1,
                line: 1,
                column: given[..at].chars().count().try_into().unwrap_or(u32::MAX),
                excerpt: String::new(),
                disguised: false,
            });
            given
                .chars()
                .map(|c| if ends_line(c) { ' ' } else { c })
                .collect()
        }
    };
    let found = inspect(&line);
    if policy == SanitizePolicy::Redact {
        let redacted = redact(&line, found);
        value.text = redacted.text.into_owned();
        value.findings.extend(redacted.findings);
    } else {
        value.findings.extend(found);
        value.text = line;
    }
    value
}
