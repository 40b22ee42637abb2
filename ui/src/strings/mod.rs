//! Every text that the UI shows, in one place and by name, so that it can be translated.

mod english;

pub use english::{ENGLISH, Strings};

/// The texts of the current language. There is one so far.
pub fn t() -> &'static Strings {
    &ENGLISH
}

/// Puts the values in the places of `{}`, in order. A place without a value stays as it is.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut parts = text.split("{}");
    filled.push_str(parts.next().unwrap_or_default());
    for (at, part) in parts.enumerate() {
        filled.push_str(values.get(at).copied().unwrap_or("{}"));
        filled.push_str(part);
    }
    filled
}

/// Chooses between one and many, and puts the number in the place of `{}`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    fill(if number == 1 { one } else { many }, &[&number.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("{} of {}", &["1"]), "1 of {}");
        assert_eq!(count(1, "{} file", "{} files"), "1 file");
        assert_eq!(count(3, "{} file", "{} files"), "3 files");
    }
}
