//! Values that must not be seen: keys and tokens on their way from the keychain to who needs them.

/// Longest secret that is kept, in bytes. Tokens with many claims have a few thousand, few servers take more than this in
/// their headers (by themselves Node 16 KiB of all of them, nginx and Apache 8 KiB of one), and no token of a sign-in may
/// be longer either.
pub const LONGEST_SECRET: usize = 16 * 1024;

/// A value that is never printed and never written: it has no `Display` and no `Serialize`, and its
/// `Debug` is `<redacted>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

/// A client may send one; it cannot be sent back.
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_of_its_value() {
        let secret = Secret::new("sk-1234".to_owned());
        assert_eq!(format!("{secret:?}"), "<redacted>");
        assert_eq!(format!("{:?}", Some(&secret)), "Some(<redacted>)");
        assert_eq!(secret.expose(), "sk-1234");
    }
}
