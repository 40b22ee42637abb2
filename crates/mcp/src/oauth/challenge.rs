//! What a server says of how to sign in to it (`WWW-Authenticate`, RFC 9110 and RFC 6750).

/// The parameters of the first `Bearer` challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the server describes itself (RFC 9728).
    pub resource_metadata: Option<String>,
    /// The scopes that it wants.
    pub scopes: Vec<String>,
    /// What is wrong with the token that was sent, such as `insufficient_scope`.
    pub error: Option<String>,
}

impl Challenge {
    /// Reads a header. What is not understood is left out.
    pub fn parse(header: &str) -> Self {
        let mut challenge = Self::default();
        let mut rest = header;
        let mut bearer = false;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() && after.is_empty() {
                return challenge;
            }
            let after = after.trim_start_matches([' ', '\t']);
            let Some(value) = after.strip_prefix('=').filter(|_| !word.is_empty()) else {
                // A word without a value names the scheme of what follows; only the first Bearer counts.
                if bearer && !word.is_empty() {
                    return challenge;
                }
                bearer = word.eq_ignore_ascii_case("bearer");
                rest = after.strip_prefix('=').unwrap_or(after);
                continue;
            };
            let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
            rest = after;
            if bearer {
                challenge.take(word, value);
            }
        }
    }

    fn take(&mut self, name: &str, value: String) {
        if name.eq_ignore_ascii_case("resource_metadata") {
            self.resource_metadata.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("scope") {
            self.scopes = value.split_ascii_whitespace().map(str::to_owned).collect();
        } else if name.eq_ignore_ascii_case("error") {
            self.error.get_or_insert(value);
        }
    }

    /// The token that was sent is good, but not for this.
    pub fn wants_more(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[place + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bearer_challenge_is_read() {
        for (header, metadata, scopes, error) in [
            ("", None, &[][..], None),
            ("Bearer", None, &[], None),
            (
                r#"Bearer resource_metadata="https://a.example/x", scope="a b""#,
                Some("https://a.example/x"),
                &["a", "b"],
                None,
            ),
            (
                r#"Basic realm="x, Bearer scope=\"z\"", bearer error=insufficient_scope,scope=one"#,
                None,
                &["one"],
                Some("insufficient_scope"),
            ),
            (r#"Bearer scope="a", Basic scope="b""#, None, &["a"], None),
            (r#"Bearer realm="unfinished \"#, None, &[], None),
            (r#"Bearer ="x" scope = "a""#, None, &[], None),
            ("====,,,", None, &[], None),
        ] {
            let read = Challenge::parse(header);
            assert_eq!(read.resource_metadata.as_deref(), metadata, "{header}");
            assert_eq!(read.scopes, scopes, "{header}");
            assert_eq!(read.error.as_deref(), error, "{header}");
        }
    }
}
