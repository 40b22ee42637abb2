//! What is wrong with a template, and where.

use minijinja::ErrorKind;

use crate::{MAX_CONTENT_BYTES, sanitize::position};

/// Longest message of the template engine that is passed on, in characters: it can repeat the source.
const MESSAGE: usize = 200;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct TemplateError {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// What is wrong there.
    pub kind: TemplateErrorKind,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateErrorKind {
    /// It cannot be read.
    #[error("{0}")]
    Syntax(String),
    /// A name that is no field.
    #[error("there is no field {0:?}; the fields are {fields}", fields = fields())]
    UnknownField(String),
    /// A filter that there is not.
    #[error("there is no filter {0:?}; the filters are {filters}", filters = super::scan::FILTERS.join(", "))]
    UnknownFilter(String),
    /// A test that there is not.
    #[error("there is no test {0:?}; the tests are {tests}", tests = super::scan::TESTS.join(", "))]
    UnknownTest(String),
    /// A statement other than conditions and raw text.
    #[error("{{% {0} %}} is not supported; there are if, elif, else, endif, raw and endraw")]
    Statement(String),
    /// A sign that calculates, or reaches into a value.
    #[error("{0:?} is not supported in templates")]
    Operator(String),
    /// A call of a function.
    #[error("{0:?} cannot be called; templates have no functions")]
    Call(String),
    /// Conditions, brackets or an expression beyond all measure.
    #[error("{0}")]
    TooComplex(&'static str),
    /// It is longer than a prompt may be, in bytes.
    #[error("the template has {0} bytes; at most {MAX_CONTENT_BYTES} are allowed")]
    TooLong(usize),
    /// It cannot be filled in.
    #[error("{0}")]
    FillIn(String),
}

fn fields() -> String {
    let names: Vec<&str> = crate::FIELDS.iter().map(|(_, name, ..)| *name).collect();
    names.join(", ")
}

impl TemplateError {
    pub(super) fn at(source: &str, at: usize, kind: TemplateErrorKind) -> Self {
        let (line, column) = position(source, at);
        Self { line, column, kind }
    }

    /// An error of the template engine. It has seen a source of the same length.
    pub(super) fn of(error: &minijinja::Error, source: &str) -> Self {
        let (line, column) = match error.range() {
            Some(range) => position(source, range.start),
            None => (error.line().unwrap_or(1).try_into().unwrap_or(u32::MAX), 1),
        };
        let message = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        let message = message.chars().take(MESSAGE).collect();
        let kind = match error.kind() {
            ErrorKind::SyntaxError | ErrorKind::BadEscape => TemplateErrorKind::Syntax(message),
            _ => TemplateErrorKind::FillIn(message),
        };
        Self { line, column, kind }
    }
}
