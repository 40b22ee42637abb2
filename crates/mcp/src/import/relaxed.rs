//! JSON as editors let people write their settings: with comments, and with a comma behind the last of a list.

/// The text without comments and without such commas. Blanks stand in their places, so that whatever is said of a line
/// or column is right. A text that is JSON says the same afterwards.
pub fn strict(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    // What stood last before here besides blanks and comments, and where.
    let mut last = None;
    while let Some(&byte) = bytes.get(at) {
        let end = match (byte, bytes.get(at + 1).copied()) {
            (b'"', _) => end_of_string(&bytes, at),
            (b'/', Some(b'/')) => blank(&mut bytes, at, |rest| {
                rest.iter().position(|byte| b"\r\n".contains(byte))
            }),
            (b'/', Some(b'*')) => blank(&mut bytes, at, |rest| {
                let inside = rest.get(2..)?;
                let end = inside.windows(2).position(|two| two == b"*/")?;
                Some(end + 4)
            }),
            _ => at + 1,
        };
        match (byte, last) {
            (b'/', _) if end > at + 1 => {}
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (b']' | b'}', Some((b',', comma))) => {
                bytes[comma] = b' ';
                last = Some((byte, at));
            }
            // It is behind nothing, and so no list's last.
            (b',', None | Some((b'[' | b'{' | b',' | b':', _))) => last = None,
            _ => last = Some((byte, at)),
        }
        at = end;
    }
    // Whole characters were replaced, so that nothing is lost.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a string ends that begins here; the end of the text when it does not.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Blanks in place of a comment but for its line breaks. It ends where `length` says, or with the text.
fn blank(bytes: &mut [u8], start: usize, length: impl FnOnce(&[u8]) -> Option<usize>) -> usize {
    let comment = &mut bytes[start..];
    let length = length(comment).unwrap_or(comment.len());
    for byte in &mut comment[..length] {
        if !b"\r\n".contains(byte) {
            *byte = b' ';
        }
    }
    start + length
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Option<Value> {
        serde_json::from_str(&strict(text)).ok()
    }

    #[test]
    fn comments_and_last_commas_are_left_out_and_strings_stay_as_they_are() {
        let text = "// servers, of mine\n{ /* all\r\n of them, */ \"a\": [1, 2, // two\n ],\n\
            \"url\": \"https://a.example/*x*/,]\", \"q\\\"//\": \"\\\\\", /**/ } // end";
        let read = read(text);
        let whole = json!({"a": [1, 2], "url": "https://a.example/*x*/,]", "q\"//": "\\"});
        assert_eq!(read, Some(whole));
    }

    #[test]
    fn what_is_said_of_a_place_is_said_of_the_same_in_the_file() {
        let text = "{ // ä\n  /* b\n */ \"a\": x }";
        let strict = strict(text);
        assert_eq!(strict.len(), text.len());
        let error = serde_json::from_str::<Value>(&strict).unwrap_err();
        assert_eq!((error.line(), error.column()), (3, 10));
    }

    #[test]
    fn what_is_no_json_either_way_stays_none() {
        for text in [
            "{,}",
            "[,]",
            "[1,,]",
            ",",
            "[1,2",
            "{\"a\":,}",
            "/",
            "/*",
            "/* *",
            "//",
            "[1] /* never ends",
            "\"\\",
            "\"a",
            "{\"a\": 1 / 2}",
            "# no comment\n{}",
        ] {
            let is_ended = text.starts_with("[1] ");
            assert_eq!(read(text).is_some(), is_ended, "{text}");
        }
    }

    #[test]
    fn no_text_is_made_longer_or_shorter_and_what_is_json_says_the_same() {
        const PIECES: [&str; 13] = [
            "\"", "\\", "/", "*", ",", "[", "]", "{", "}", ":", "\n", "1", "ä",
        ];
        const LENGTH: u32 = 5;
        for number in 0..PIECES.len().pow(LENGTH) {
            let mut text = String::new();
            let mut rest = number;
            for _ in 0..LENGTH {
                text.push_str(PIECES[rest % PIECES.len()]);
                rest /= PIECES.len();
            }
            let strict = strict(&text);
            assert_eq!(strict.len(), text.len(), "{text:?}");
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                assert_eq!(read(&text), Some(value), "{text:?}");
            }
        }
    }
}
