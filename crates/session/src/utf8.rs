//! Text that comes in pieces.

/// Length of the longest prefix that does not end inside a UTF-8 character.
pub(crate) fn complete_prefix(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let needs = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if needs > back {
            bytes.len() - back
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_character_is_left_for_later() {
        for (bytes, complete) in [
            (&b""[..], 0),
            (b"ab", 2),
            ("aé".as_bytes(), 3),
            (&"aé".as_bytes()[..2], 1),
            (&"a👩".as_bytes()[..4], 1),
            ("a👩".as_bytes(), 5),
            (b"a\xff", 2),
            (b"\x80\x80\x80\x80", 4),
        ] {
            assert_eq!(complete_prefix(bytes), complete, "{bytes:?}");
        }
    }
}
