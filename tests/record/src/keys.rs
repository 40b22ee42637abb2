//! Keys by their names, as a terminal without any special mode sends them.

/// The bytes of a key; nothing for a name that is none. A single character stands for itself.
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    let fixed: &[u8] = match name {
        "enter" => b"\r",
        "escape" => b"\x1b",
        "tab" => b"\t",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        _ => return other(name),
    };
    Some(fixed.to_vec())
}

fn other(name: &str) -> Option<Vec<u8>> {
    let mut letters = name.strip_prefix("ctrl-").unwrap_or(name).chars();
    let (letter, rest) = (letters.next()?, letters.next());
    if rest.is_some() {
        return None;
    }
    if name.len() == 1 {
        return Some(name.as_bytes().to_vec());
    }
    // Ctrl takes away all but the lowest five bits.
    letter
        .is_ascii_lowercase()
        .then(|| vec![letter as u8 & 0x1f])
}
