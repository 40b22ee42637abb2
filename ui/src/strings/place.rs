//! The English names of the place where secrets are. Texts are written with the first; where the other is used, it stands
//! in its place.

use super::strings;

strings! {
    /// How texts name the place of secrets.
    PlaceStrings, PLACE_ENGLISH;

    keychain: "the keychain",
    file: "the encrypted file",
}
