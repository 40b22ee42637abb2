//! A client's private key, with which it proves who it is without sending a secret (`private_key_jwt`: RFC 7523,
//! section 2.2, and OpenID Connect Core, section 9).

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use berth_browser_sign_in::random;
use berth_protocol::Secret;
use serde_json::{Value, json};

use super::OauthError;

/// How long an assertion is good for, in seconds: for one request, and for clocks that go differently.
const LIVES: u64 = 60;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key that signs.
pub(super) enum SigningKey {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// It begins as a key does in PEM, whatever its form, and no secret of an authorization server: one that cannot be read
/// is refused and not sent.
pub(super) fn is_key(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN ")
}

impl SigningKey {
    /// Reads PKCS#8 in PEM; its lines may have been joined, as a field for one line does.
    pub(super) fn from_pem(pem: &Secret) -> Result<Self, OauthError> {
        let der = der(pem.expose()).ok_or(OauthError::Key("it is not PKCS#8 in PEM"))?;
        let curve = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        if let Ok(key) = curve {
            return Ok(Self::Es256(key));
        }
        let key = RsaKeyPair::from_pkcs8(&der);
        // What the library says of a key is not told.
        key.map(Self::Rs256)
            .map_err(|_| OauthError::Key("it is neither one of P-256 nor one of RSA"))
    }

    /// Says that whoever sends it is this client, to this authorization server alone.
    pub(super) fn assertion(
        &self,
        client: &str,
        issuer: &str,
        now: u64,
    ) -> Result<Secret, OauthError> {
        let algorithm = match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        };
        let once = random();
        let header = json!({"alg": algorithm, "typ": "JWT"});
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "jti": once.expose(),
            "iat": now, "exp": now.saturating_add(LIVES),
        });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let said = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = self
            .sign(said.as_bytes())
            .ok_or(OauthError::Key("nothing can be signed with it"))?;
        Ok(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }

    fn sign(&self, said: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => {
                let signature = key.sign(&random, said).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, said, &mut signature)
                    .ok()?;
                Some(signature)
            }
        }
    }
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsDer,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
            VerificationAlgorithm,
        },
    };

    use super::*;

    fn pem(der: &[u8], line: &str) -> Secret {
        Secret::new(format!(
            "{BEGIN}{line}{}{line}{END}{line}",
            STANDARD.encode(der)
        ))
    }

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// The header and the claims of an assertion whose signature is right.
    fn verified(
        assertion: &Secret,
        algorithm: &'static dyn VerificationAlgorithm,
        public: &[u8],
    ) -> (Value, Value) {
        let (said, signature) = assertion.expose().rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = UnparsedPublicKey::new(algorithm, public);
        key.verify(said.as_bytes(), &signature).unwrap();
        let (header, claims) = said.split_once('.').unwrap();
        (decoded(header), decoded(claims))
    }

    #[test]
    fn an_assertion_is_signed_with_the_key_for_one_issuer_and_a_minute() {
        let kept = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = kept.to_pkcs8v1().unwrap();
        for line in ["\n", ""] {
            let key = SigningKey::from_pem(&pem(der.as_ref(), line)).unwrap();
            let assertion = key.assertion("mine", "https://as.example", 100).unwrap();
            let public = kept.public_key().as_ref();
            let (header, claims) = verified(&assertion, &ECDSA_P256_SHA256_FIXED, public);
            assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
            for (name, value) in [
                ("iss", json!("mine")),
                ("sub", json!("mine")),
                ("aud", json!("https://as.example")),
                ("iat", json!(100)),
                ("exp", json!(160)),
            ] {
                assert_eq!(claims[name], value, "{name}");
            }
            let another = key.assertion("mine", "https://as.example", 100).unwrap();
            let (_, others) = verified(&another, &ECDSA_P256_SHA256_FIXED, public);
            assert_ne!(claims["jti"], others["jti"]);
        }
    }

    #[test]
    fn a_key_of_rsa_signs_too() {
        let kept = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = kept.as_der().unwrap();
        let key = SigningKey::from_pem(&pem(der.as_ref(), "\n")).unwrap();
        let assertion = key.assertion("mine", "https://as.example", 100).unwrap();
        let public = kept.public_key().as_ref();
        let (header, _) = verified(&assertion, &RSA_PKCS1_2048_8192_SHA256, public);
        assert_eq!(header["alg"], "RS256");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        for bad in [
            "",
            "a secret",
            BEGIN,
            "-----BEGIN PRIVATE KEY-----a secret-----END PRIVATE KEY-----",
        ] {
            let error = SigningKey::from_pem(&Secret::new(bad.to_owned()));
            let error = error.err().unwrap().to_string();
            assert!(!error.contains("a secret"), "{error}");
        }
        for kind in ["", "RSA ", "EC ", "ENCRYPTED "] {
            assert!(is_key(&format!("-----BEGIN {kind}PRIVATE KEY-----")));
        }
        assert!(!is_key("a secret"));
    }
}
