//! What others say, as people and models may see it.

/// A text without what cannot be seen or changes how the rest is shown: control characters and terminal
/// sequences, bidirectional controls, zero-width characters and tags. Line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\n' | '\t' => out.push(c),
            // A control sequence (ECMA-48): everything to its final byte.
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                while letters.next_if(|c| !('@'..='~').contains(c)).is_some() {}
                letters.next();
            }
            // A command to the terminal: to its end, which is BEL or ST.
            '\u{1b}' if letters.peek() == Some(&']') => {
                while let Some(c) = letters.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}')) {
                    let _ = c;
                }
                if letters.next() == Some('\u{1b}') {
                    letters.next_if_eq(&'\\');
                }
            }
            c if c.is_control() || hides(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// An error with what caused it, in 400 characters at most.
pub fn causes(error: &dyn std::error::Error) -> String {
    const LONGEST: usize = 400;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.chars().take(LONGEST).collect()
}

/// Something that a shell acts on. An address that is opened holds none of it: it is given to no shell, but other
/// programs stand between Berth and the browser.
pub fn acts(c: char) -> bool {
    "`$(){}|;<>\"'\\^".contains(c) || c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_seen_is_left() {
        for (given, wanted) in [
            ("plain\ttext\nété 日本", "plain\ttext\nété 日本"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            (
                "a\u{1b}]8;;https://evil\u{7}link\u{1b}]8;;\u{1b}\\b",
                "alinkb",
            ),
            ("pass\u{200b}word\u{202e}drow", "passworddrow"),
            ("a\u{e0041}\u{e0042}b\u{fe0f}", "ab"),
            ("\u{1b}[", ""),
            ("x\u{1b}", "x"),
            ("\r\u{8}y\u{9b}z", "yz"),
        ] {
            assert_eq!(visible(given), wanted, "{given:?}");
        }
    }
}
