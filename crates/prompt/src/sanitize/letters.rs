//! The letters of a view without anything between them, so that no blank, sign or line break hides a word.

use std::ops::Range;

use super::glyph::OTHER_LETTER;

/// How many bytes of a view are looked at together.
const BLOCK: usize = 64;

/// What each byte of a view is among letters; 0 when it is none.
pub(super) type Table = [u8; 256];

/// Digits read as the letters that they look like.
pub(super) const DIGITS: Table = table(false);

/// Signs too: `@` for a, `$` for s.
pub(super) const SIGNS: Table = table(true);

const fn table(signs: bool) -> Table {
    let mut table = [0; 256];
    let mut letter = b'a';
    while letter <= b'z' {
        table[letter as usize] = letter;
        table[letter.to_ascii_uppercase() as usize] = letter;
        letter += 1;
    }
    // i, l, 1, ! and | are told apart by no font for sure.
    table[b'l' as usize] = b'i';
    table[b'L' as usize] = b'i';
    table[b'0' as usize] = b'o';
    table[b'1' as usize] = b'i';
    table[b'2' as usize] = b'2';
    table[b'3' as usize] = b'e';
    table[b'4' as usize] = b'a';
    table[b'5' as usize] = b's';
    table[b'6' as usize] = b'6';
    table[b'7' as usize] = b't';
    table[b'8' as usize] = b'b';
    table[b'9' as usize] = b'g';
    table[OTHER_LETTER as usize] = OTHER_LETTER;
    if signs {
        table[b'@' as usize] = b'a';
        table[b'$' as usize] = b's';
        table[b'!' as usize] = b'i';
        table[b'|' as usize] = b'i';
        table[b'+' as usize] = b't';
    }
    table
}

/// A word as it stands among letters.
pub(super) fn folded(word: &str) -> String {
    word.bytes()
        .map(|byte| DIGITS[usize::from(byte)])
        .filter(|letter| *letter != 0)
        .map(char::from)
        .collect()
}

/// The letters of a view.
pub(super) struct Letters {
    /// Lower case, with `l` as `i`.
    pub(super) bytes: Vec<u8>,
    /// How many letters stand before each block of the view.
    marks: Vec<usize>,
    table: &'static Table,
}

impl Letters {
    /// The letters of a view.
    pub(super) fn of(view: &[u8], table: &'static Table) -> Self {
        let mut bytes = Vec::with_capacity(view.len() + BLOCK);
        let mut marks = Vec::with_capacity(view.len() / BLOCK + 1);
        for block in view.chunks(BLOCK) {
            marks.push(bytes.len());
            let mut letters = [0; BLOCK];
            let mut count = 0;
            for &byte in block {
                // Written always and counted only if it is a letter: a branch would be guessed wrong at
                // each end of a word.
                let letter = table[usize::from(byte)];
                letters[count % BLOCK] = letter;
                count += usize::from(letter != 0);
            }
            bytes.extend_from_slice(&letters[..count]);
        }
        Self {
            bytes,
            marks,
            table,
        }
    }

    /// Where a letter stands in the view.
    pub(super) fn place(&self, view: &[u8], letter: usize) -> usize {
        let block = self.marks.partition_point(|mark| *mark <= letter);
        let block = block.saturating_sub(1);
        let mut left = letter - self.marks.get(block).copied().unwrap_or(0);
        let start = block * BLOCK;
        for (at, byte) in view.iter().enumerate().skip(start) {
            if self.is_letter(*byte) {
                if left == 0 {
                    return at;
                }
                left -= 1;
            }
        }
        view.len()
    }

    /// From the first to behind the last of some letters, in the view.
    pub(super) fn span(&self, view: &[u8], letters: &Range<usize>) -> Range<usize> {
        let start = self.place(view, letters.start);
        let last = self.place(view, letters.end.max(letters.start + 1) - 1);
        start..(last + 1).min(view.len()).max(start)
    }

    pub(super) fn is_letter(&self, byte: u8) -> bool {
        self.table[usize::from(byte)] != 0
    }
}
