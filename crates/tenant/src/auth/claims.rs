//! What an access token says of whom it was given to. Its signature is not looked at: it comes from the backend
//! itself, and nothing is allowed because of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_protocol::Secret;
use serde::Deserialize;
use uuid::Uuid;

use super::Aal;

/// Longest token, in bytes: more does not fit into a header of common servers.
const LONGEST: usize = 16 * 1024;

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: Uuid,
    #[serde(default)]
    pub(super) aal: Aal,
    pub(super) session_id: Option<Uuid>,
}

impl Claims {
    /// Reads a token; nothing when it is none that may be sent and understood.
    pub(super) fn read(token: &Secret) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (Some(_), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        if !is_sendable(token) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// It may stand in a header, or in the body of a request, and be kept.
pub(super) fn is_sendable(token: &Secret) -> bool {
    let token = token.expose();
    !token.is_empty() && token.len() <= LONGEST && token.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn token(claims: &str) -> Secret {
        format!("eyJhIjoxfQ.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    #[test]
    fn a_token_says_who_and_how_sure() {
        let id = Uuid::from_u128(7);
        let said = token(&format!("{{\"sub\":\"{id}\",\"aal\":\"aal2\",\"x\":1}}"));
        let claims = Claims::read(&said).expect("it is one");
        assert_eq!((claims.sub, claims.aal), (id, Aal::Two));
        let said = token(&format!("{{\"sub\":\"{id}\"}}"));
        assert_eq!(Claims::read(&said).map(|it| it.aal), Some(Aal::One));
        // A level that is not known yet is not above one.
        let said = token(&format!("{{\"sub\":\"{id}\",\"aal\":\"aal9\"}}"));
        assert_eq!(Claims::read(&said).map(|it| it.aal), Some(Aal::One));
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        let good = token(&format!("{{\"sub\":\"{}\"}}", Uuid::nil()));
        let with = |more: &str| Secret::new(format!("{}{more}", good.expose()));
        for bad in [
            Secret::new(String::new()),
            Secret::new("abc".to_owned()),
            Secret::new("a.b.c".to_owned()),
            token("{}"),
            token("{\"sub\":\"somebody\"}"),
            with("\r\nX-Evil: 1"),
            with("\u{7}"),
            with(".d"),
            with(&"x".repeat(LONGEST)),
        ] {
            assert_eq!(Claims::read(&bad), None);
        }
    }
}
