//! What a character looks like to a reader who is not careful: its ASCII letter, nothing, or something else.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::confusable_detection::skeleton;

/// Stands in a view for a letter that looks like no ASCII letter.
pub(super) const OTHER_LETTER: u8 = 1;

/// Stands in a view for a sign that looks like no ASCII sign.
pub(super) const OTHER_SIGN: u8 = 2;

/// Alphabets whose letters look like small or boxed ASCII letters without being compatible with them:
/// the first letter, and how many follow in the order of the alphabet.
const ALPHABETS: &[(u32, u32)] = &[
    (0x1f1e6, 26), // regional indicators
    (0x1f150, 26), // negative circled
    (0x1f170, 26), // negative squared
    (0x1f130, 26), // squared
    (0x1f110, 26), // in parentheses
    (0x249c, 26),  // small, in parentheses
];

/// Letters that the table of confusable characters does not lead to ASCII.
const LOOK_ALIKES: &[(char, &str)] = &[
    ('ı', "i"),
    ('ɪ', "i"),
    ('ɩ', "i"),
    ('ł', "l"),
    ('Ł', "L"),
    ('ß', "ss"),
    ('ø', "o"),
    ('Ø', "O"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "p"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ᴀ', "a"),
    ('ʙ', "b"),
    ('ᴄ', "c"),
    ('ᴅ', "d"),
    ('ᴇ', "e"),
    ('ꜰ', "f"),
    ('ɢ', "g"),
    ('ʜ', "h"),
    ('ᴊ', "j"),
    ('ᴋ', "k"),
    ('ʟ', "l"),
    ('ᴍ', "m"),
    ('ɴ', "n"),
    ('ᴏ', "o"),
    ('ᴘ', "p"),
    ('ʀ', "r"),
    ('ꜱ', "s"),
    ('ᴛ', "t"),
    ('ᴜ', "u"),
    ('ᴠ', "v"),
    ('ᴡ', "w"),
    ('ʏ', "y"),
    ('ᴢ', "z"),
    ('α', "a"),
    ('ε', "e"),
    ('Σ', "E"),
    ('η', "n"),
    ('ω', "w"),
    ('т', "t"),
    ('п', "n"),
    ('н', "h"),
    ('к', "k"),
    ('м', "m"),
    ('и', "u"),
    ('я', "r"),
    ('ѕ', "s"),
    ('ʂ', "s"),
    ('ɾ', "r"),
    ('г', "r"),
    ('в', "b"),
    ('ԁ', "d"),
    ('ɡ', "g"),
    ('ꞵ', "b"),
];

/// Adds what a character looks like.
pub(super) fn look(c: char, out: &mut Vec<u8>) {
    if c.is_ascii() {
        if !c.is_ascii_control() || matches!(c, '\n' | '\r' | '\t') {
            out.push(c as u8);
        }
        return;
    }
    if is_invisible(c) || is_combining_mark(c) {
        return;
    }
    if let Some(ascii) = of_alphabet(c) {
        out.push(ascii);
        return;
    }
    if is_east_asian(c) {
        out.push(OTHER_LETTER);
        return;
    }
    if known(c, out) {
        return;
    }
    for part in std::iter::once(c).nfkd() {
        if part.is_ascii() {
            out.push(part as u8);
        } else if !is_combining_mark(part) && !is_invisible(part) {
            undecomposed(part, out);
        }
    }
}

/// A character that is compatible with no others.
fn undecomposed(c: char, out: &mut Vec<u8>) {
    if known(c, out) {
        return;
    }
    if let Some(ascii) = sign(c) {
        out.push(ascii);
        return;
    }
    let mut buffer = [0; 4];
    let alike: Option<Vec<u8>> = skeleton(c.encode_utf8(&mut buffer))
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'ı' => Some(b'i'),
            c => u8::try_from(c).ok().filter(u8::is_ascii),
        })
        .collect();
    match alike {
        Some(alike) if !alike.is_empty() => out.extend(alike),
        _ if c.is_alphabetic() => out.push(OTHER_LETTER),
        _ => out.push(OTHER_SIGN),
    }
}

fn known(c: char, out: &mut Vec<u8>) -> bool {
    let found = LOOK_ALIKES.iter().find(|(alike, _)| *alike == c);
    if let Some((_, letters)) = found {
        out.extend(letters.as_bytes());
    }
    found.is_some()
}

/// Quotes, dashes, blanks and ends of lines, whichever of them was typed.
fn sign(c: char) -> Option<u8> {
    Some(match c {
        '\u{2028}' | '\u{2029}' | '\u{85}' => b'\n',
        c if c.is_whitespace() || c == '\u{2800}' => b' ',
        '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{2032}' => b'\'',
        '\u{201c}'..='\u{201f}' | '«' | '»' | '「'..='』' | '\u{2033}' => b'"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => b'-',
        '。' | '｡' => b'.',
        '【' | '〔' | '〖' | '⟦' | '〚' => b'[',
        '】' | '〕' | '〗' | '⟧' | '〛' => b']',
        '〈' | '《' | '⟨' | '❮' | '❰' => b'<',
        '〉' | '》' | '⟩' | '❯' | '❱' => b'>',
        '•' | '‣' | '·' | '∙' => b'*',
        '│' | '┃' | '￨' | '❘' => b'|',
        _ => return None,
    })
}

fn of_alphabet(c: char) -> Option<u8> {
    let code = u32::from(c);
    if (0xe0020..0xe007f).contains(&code) {
        // Tags: ASCII that is never shown.
        return u8::try_from(code - 0xe0000).ok();
    }
    ALPHABETS.iter().find_map(|(first, count)| {
        let place = code.checked_sub(*first)?;
        (place < *count).then(|| b'a' + place as u8)
    })
}

/// Characters that nobody sees.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e001f}' | '\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}')
        || (c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}'))
}

/// Writing in which no letter looks like an ASCII letter: not asking the tables is all that makes it
/// special.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30fa}' | '\u{3105}'..='\u{312f}' | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..='\u{3ffff}')
}
