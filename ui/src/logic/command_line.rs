//! Splits what a user typed as a command into program and arguments, as a shell would split it.

/// Why a command line cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandLineError {
    /// There is no program.
    Empty,
    /// A quotation mark has no partner.
    OpenQuote,
}

/// The parts of a command line. Quotation marks keep blanks together and a backslash takes the next
/// character as it is; nothing is expanded.
pub fn split(line: &str) -> Result<Vec<String>, CommandLineError> {
    let mut parts = Vec::new();
    let mut part: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                part.get_or_insert_default();
            }
            (None | Some('"'), '\\') => part.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => parts.extend(part.take()),
            (_, c) => part.get_or_insert_default().push(c),
        }
    }
    parts.extend(part);
    match (quote, parts.is_empty()) {
        (Some(_), _) => Err(CommandLineError::OpenQuote),
        (None, true) => Err(CommandLineError::Empty),
        (None, false) => Ok(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_keep_parts_together() {
        assert_eq!(
            split("bash -c 'echo a b'"),
            Ok(vec!["bash".into(), "-c".into(), "echo a b".into()])
        );
        assert_eq!(
            split(r#"my\ tool "a \"b\"" ''"#),
            Ok(vec!["my tool".into(), "a \"b\"".into(), String::new()])
        );
    }

    #[test]
    fn nothing_and_half_a_quote_are_refused() {
        assert_eq!(split("  "), Err(CommandLineError::Empty));
        assert_eq!(split("sh -c 'x"), Err(CommandLineError::OpenQuote));
    }
}
