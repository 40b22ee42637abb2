//! Finds runs of base64 and hexadecimal digits, and what they stand for.

use std::ops::Range;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Shortest run that is decoded: 18 bytes, which no attempt is shorter than.
const SHORTEST: usize = 24;

/// Shortest line of a run that goes on in the next.
const SHORTEST_LINE: usize = 16;

/// Of each hundred decoded bytes, how many have to be text.
const TEXT: usize = 85;

/// Bytes by which that is judged.
const JUDGED: usize = 256;

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A run that stands for text.
pub(super) struct Encoded {
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

/// The runs in a text that stand for other text.
pub(super) fn find(text: &str) -> Vec<Encoded> {
    runs(text.as_bytes())
        .into_iter()
        .flat_map(|span| {
            let digits: Vec<u8> = text.as_bytes()[span.clone()]
                .iter()
                .copied()
                .filter(|byte| is_digit(*byte))
                .collect();
            readings(&digits).into_iter().map(move |text| Encoded {
                span: span.clone(),
                text,
            })
        })
        .collect()
}

/// Runs of digits, with those that go on in the next line as one.
fn runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    // A run covers every place at this distance, so that the bytes between need no look.
    while let Some(&probe) = bytes.get(at + SHORTEST - 1) {
        if !is_digit(probe) {
            at += SHORTEST;
            continue;
        }
        let last = at + SHORTEST - 1;
        let start = bytes[at..last]
            .iter()
            .rposition(|byte| !is_digit(*byte))
            .map_or(at, |found| at + found + 1);
        if start > at {
            at = start;
            continue;
        }
        let end = run_end(bytes, last);
        runs.push(at..end);
        at = end;
    }
    runs
}

/// Where a run ends that has a digit at a place.
fn run_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at += digits_at(bytes, at);
        match next_line(bytes, at) {
            Some(next) => at = next,
            None => return at,
        }
    }
}

fn digits_at(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is_digit(**byte)).count()
}

/// Where the run goes on in the next line, if that holds nothing else.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let blanks = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default().iter().take(16);
        at + rest
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'>'))
            .count()
    };
    let line_end = blanks(end);
    if bytes.get(line_end) != Some(&b'\n') {
        return None;
    }
    let next = blanks(line_end + 1);
    let length = digits_at(bytes, next);
    let after = bytes.get(next + length);
    let alone = after.is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
    (length >= SHORTEST_LINE || (length > 0 && alone)).then_some(next)
}

/// What digits may stand for, read from each place where a group of four can begin.
fn readings(digits: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if digits.iter().all(u8::is_ascii_hexdigit) {
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        texts.extend(text(&bytes));
    }
    let standard: Vec<u8> = digits
        .iter()
        .filter(|byte| **byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        })
        .collect();
    for skipped in 0..4.min(standard.len()) {
        let digits = &standard[skipped..];
        // A single digit at the end stands for nothing.
        let usable = digits.len() - usize::from(digits.len() % 4 == 1);
        let judged = usable.min(JUDGED / 4 * 4);
        let is_text = |bytes: &[u8]| FORGIVING.decode(bytes).is_ok_and(|bytes| is_text(&bytes));
        if is_text(&digits[..judged])
            && let Ok(bytes) = FORGIVING.decode(&digits[..usable])
        {
            texts.extend(text(&bytes));
        }
    }
    texts
}

fn text(bytes: &[u8]) -> Option<String> {
    is_text(&bytes[..bytes.len().min(JUDGED)]).then(|| {
        // UTF-16 of ASCII has a zero in every second place, which is invisible.
        String::from_utf8_lossy(bytes).into_owned()
    })
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = bytes
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || **byte == 0)
        .count();
    let wide = bytes.iter().filter(|byte| **byte >= 0x80).count();
    printable * 100 >= bytes.len() * TEXT || (wide > 0 && std::str::from_utf8(bytes).is_ok())
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}
