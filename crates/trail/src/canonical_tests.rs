use std::fmt::Write;

use serde_json::Value;

use crate::canonical_json;

/// A small generator (splitmix64) so that a failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn string(&mut self) -> String {
        const ALPHABET: [char; 12] = [
            'a', 'B', '0', ' ', '"', '\\', '\n', '\u{1}', '/', 'é', '\u{2028}', '🦀',
        ];
        (0..self.below(6))
            .map(|_| ALPHABET[self.below(12) as usize])
            .collect()
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => Value::from(self.below(2) == 0),
            2 => Value::from(self.below(u64::MAX)),
            3 => Value::from(-(self.below(1 << 62) as i64)),
            4 => Value::from(self.string()),
            5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(5))
                .map(|_| (self.string(), self.value(depth - 1)))
                .collect(),
        }
    }

    /// The value as somebody else might write it: keys in any order, with white space.
    fn written(&mut self, value: &Value) -> String {
        let gap = [" ", "\n\t", ""][self.below(3) as usize];
        let list = |items: Vec<String>| items.join(&format!("{gap},"));
        match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.written(item)).collect();
                format!("[{gap}{}{gap}]", list(items))
            }
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                for last in (1..entries.len()).rev() {
                    entries.swap(last, self.below(last as u64 + 1) as usize);
                }
                let entries = entries
                    .into_iter()
                    .map(|(key, value)| {
                        let mut text = Value::from(key.as_str()).to_string();
                        write!(text, "{gap}:{}", self.written(value)).unwrap();
                        text
                    })
                    .collect();
                format!("{{{gap}{}{gap}}}", list(entries))
            }
            scalar => scalar.to_string(),
        }
    }
}

#[test]
fn one_value_has_one_canonical_text_however_it_was_written() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let value = random.value(4);
        let canonical = canonical_json(&value);
        let written = random.written(&value);
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(canonical_json(&read), canonical, "seed {seed}: {written}");

        let again: Value = serde_json::from_str(&canonical).unwrap();
        assert_eq!(again, value, "seed {seed}: the value changed");
    }
}

#[test]
fn different_values_have_different_canonical_texts() {
    let mut random = Random(7);
    for _ in 0..2000 {
        let (a, b) = (random.value(3), random.value(3));
        assert_eq!(a == b, canonical_json(&a) == canonical_json(&b), "{a} {b}");
    }
}

#[test]
fn keys_are_sorted_by_bytes_and_not_by_language_or_length() {
    let value = serde_json::json!({"é": 1, "z": 2, "Z": 3, "aa": 4, "a": 5, "": 6});
    assert_eq!(
        canonical_json(&value),
        r#"{"":6,"Z":3,"a":5,"aa":4,"z":2,"é":1}"#
    );
}
