//! Templates: texts with fields and conditions.
//!
//! They are minijinja's, without everything that could make one take time or memory out of proportion to
//! its length: no loops, no assignments, no macros, no other templates, no calculations ([`scan`] says what
//! there is). What is left cannot repeat or grow anything, and still runs on a bounded number of steps and
//! into a bounded text.

mod error;
mod scan;

use minijinja::{Environment, UndefinedBehavior, Value};

use crate::{
    MAX_CONTENT_BYTES,
    context::{FIELDS, Field},
};

pub use error::{TemplateError, TemplateErrorKind};

/// Steps that filling in a template may take. The longest template has far fewer.
const FUEL: u64 = 100_000;

/// Checks a template as it is checked when it is saved: its syntax, and that all its names are known.
///
/// ```
/// use berth_prompt::check_template;
///
/// assert!(check_template("{% if branch %}On {{ branch }}.{% endif %} By {{.UserName}}.").is_ok());
/// let error = check_template("Hello\n{{ user_nam }}").unwrap_err();
/// assert_eq!((error.line, error.column), (2, 4));
/// ```
pub fn check_template(source: &str) -> Result<(), TemplateError> {
    const NAME: &str = "checked";
    let mut templates = Templates::new();
    templates.compile(NAME, source)?;
    // What does not fit together, such as a number and `upper`, shows only when it is filled in. With and
    // without values, most branches are taken.
    for text in ["", "text"] {
        let fields = FIELDS.iter().map(|(field, ..)| (*field, text));
        templates.fill_in(NAME, source, &values(fields))?;
    }
    Ok(())
}

/// Compiled templates, by name.
pub(crate) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    pub(crate) fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut syntax = minijinja::syntax::SyntaxConfig::builder();
        syntax.keep_trailing_newline(true);
        // The delimiters are the usual ones, which are always in order.
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(64);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("upper", |text: String| text.to_uppercase());
        environment.add_filter("lower", |text: String| text.to_lowercase());
        environment.add_filter("trim", |text: String| text.trim().to_owned());
        environment.add_filter(
            "default",
            |text: String, other: String| {
                if text.is_empty() { other } else { text }
            },
        );
        environment.add_test("startingwith", |text: String, other: String| {
            text.starts_with(&other)
        });
        environment.add_test("endingwith", |text: String, other: String| {
            text.ends_with(&other)
        });
        Self { environment }
    }

    /// Compiles a template and keeps it under a name; returns the fields that it uses.
    pub(crate) fn compile(
        &mut self,
        name: &str,
        source: &str,
    ) -> Result<Vec<Field>, TemplateError> {
        if source.len() > MAX_CONTENT_BYTES {
            return Err(TemplateError {
                line: 1,
                column: 1,
                kind: TemplateErrorKind::TooLong(source.len()),
            });
        }
        let scanned = scan::scan(source)?;
        self.environment
            .add_template_owned(name.to_owned(), scanned.source)
            .map_err(|error| TemplateError::of(&error, source))?;
        Ok(scanned.fields)
    }

    /// Forgets a template.
    pub(crate) fn remove(&mut self, name: &str) {
        self.environment.remove_template(name);
    }

    /// Fills in a template. The source is for the place of an error.
    pub(crate) fn fill_in(
        &self,
        name: &str,
        source: &str,
        values: &Value,
    ) -> Result<String, TemplateError> {
        let of = |error: minijinja::Error| TemplateError::of(&error, source);
        let template = self.environment.get_template(name).map_err(of)?;
        let text = template.render(values.clone()).map_err(of)?;
        Ok(text)
    }
}

/// Values as templates take them.
pub(crate) fn values<'a>(values: impl Iterator<Item = (Field, &'a str)>) -> Value {
    Value::from_pairs(values.map(|(field, text)| (field.name(), text)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
