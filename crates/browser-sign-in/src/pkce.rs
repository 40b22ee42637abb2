//! The proof that whoever redeems a code is who asked for it (RFC 7636), with S256.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_protocol::Secret;
use sha2::{Digest, Sha256};

/// 256 bits that nobody can guess, as 43 characters that may stand in an address.
pub fn random() -> Secret {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}

/// What is told of a verifier before it is used (`code_challenge` with the method `S256`).
pub fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // The example of RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_ne!(random(), random());
    }
}
