//! What people may ask an organization for, and what it asks of them: the erasure of what it knows of somebody, and
//! the texts that its members agree to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserId;

/// Longest purpose of a consent text, in characters.
const LONGEST_PURPOSE: usize = 64;

/// Longest consent text, in bytes of UTF-8.
pub const LONGEST_CONSENT_TEXT: usize = 64 * 1024;

/// Somebody of whom an organization knows, also who has left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgPerson {
    /// Who.
    pub user: UserId,
    /// Their name; empty when they have said none, or it is not known here.
    pub name: String,
    /// Their address; empty when it is not known.
    pub email: String,
    /// It is whoever is signed in.
    pub is_you: bool,
}

/// Requests to erase what an organization knows of somebody: answer of `GET /org/organizations/{id}/erasures`. The
/// backend is asked, which shows admins all of them and others those that are about themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgErasures {
    /// Whoever is signed in may perform them, but for one that is about themselves.
    pub is_admin: bool,
    /// The requests, at most 500: those that are open first, then the newest.
    pub requests: Vec<OrgErasure>,
    /// For whom one can be asked, by name: whoever is signed in, and for admins everybody whose name or address the
    /// organization knows, of at most 1,000 members and former members. Nobody for whom one is open.
    pub people: Vec<OrgPerson>,
}

/// A request to erase what an organization knows of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgErasure {
    /// Identifier.
    pub id: Uuid,
    /// Of whom; absent once it was performed.
    #[serde(default)]
    pub person: Option<OrgPerson>,
    /// Who has asked; absent when that is somebody who was erased.
    #[serde(default)]
    pub requested_by: Option<OrgPerson>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was performed; absent while it is open.
    #[serde(default)]
    pub performed_at: Option<Timestamp>,
}

/// Body of `POST /org/organizations/{id}/erasures`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// Of whom; of whoever is signed in when absent. Only admins ask for others.
    #[serde(default)]
    pub user: Option<UserId>,
}

/// A request for an erasure that is open now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgErasureAsked {
    /// Its identifier: of the one that was open already, where there was one.
    pub id: Uuid,
}

/// What an organization asks its members to agree to, as this machine last heard: answer of
/// `GET /org/organizations/{id}/consent-texts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgConsents {
    /// Whoever is signed in may publish texts, and sees who has agreed.
    pub is_admin: bool,
    /// The newest text of each purpose, and older ones that somebody still agrees to, as far as is seen here. By
    /// purpose, the newest first.
    pub texts: Vec<OrgConsentText>,
}

/// A text that members are asked to agree to. One that was published never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgConsentText {
    /// Identifier.
    pub id: Uuid,
    /// What it is about, such as `recording`.
    pub purpose: String,
    /// Counts the texts of a purpose, from 1.
    pub version: u32,
    /// The text, at most 64 KiB of UTF-8.
    pub body: String,
    /// When it was published; absent while the backend does not have it.
    #[serde(default)]
    pub published_at: Option<Timestamp>,
    /// No newer text of its purpose is known here.
    pub is_current: bool,
    /// It, or what the user says of it, has a change that the backend does not have yet: it waits, or was refused.
    pub waits: bool,
    /// When whoever is signed in has agreed to it; absent when they do not.
    #[serde(default)]
    pub agreed_at: Option<Timestamp>,
    /// Who agrees to it, by name. Only admins see others.
    #[serde(default)]
    pub agreements: Vec<OrgAgreement>,
}

/// That somebody agrees to a text, and has not taken it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgAgreement {
    /// Who.
    pub person: OrgPerson,
    /// Since when.
    pub at: Timestamp,
}

/// Body of `POST /org/organizations/{id}/consent-texts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConsentText {
    /// What it is about: 1 to 64 small letters, digits, `.`, `_` and `-`. A purpose that has a text gets its next
    /// version.
    pub purpose: String,
    /// The text, not blank, at most 64 KiB of UTF-8.
    pub body: String,
}

/// A backend takes it as the purpose of a consent text.
///
/// ```
/// assert!(berth_protocol::tenant::is_consent_purpose("recording.audio"));
/// assert!(!berth_protocol::tenant::is_consent_purpose("Recording"));
/// ```
pub fn is_consent_purpose(text: &str) -> bool {
    let is_known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=LONGEST_PURPOSE).contains(&text.len()) && text.bytes().all(is_known)
}

/// A backend takes it as a consent text, and there is something to read in it.
pub fn is_consent_body(text: &str) -> bool {
    // PostgreSQL has no text with a zero byte.
    !text.trim().is_empty() && text.len() <= LONGEST_CONSENT_TEXT && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_a_word_that_the_backend_takes() {
        let longest = "a".repeat(LONGEST_PURPOSE);
        for good in ["recording", "a.b_c-1", &longest] {
            assert!(is_consent_purpose(good), "{good}");
        }
        let long = "a".repeat(LONGEST_PURPOSE + 1);
        for wrong in ["", "Recording", "two words", "größe", &long] {
            assert!(!is_consent_purpose(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_text_is_not_blank_and_not_longer_than_the_backend_takes() {
        assert!(is_consent_body(&"a".repeat(LONGEST_CONSENT_TEXT)));
        for wrong in ["", " \n ", "a\0", &"ä".repeat(LONGEST_CONSENT_TEXT / 2 + 1)] {
            assert!(!is_consent_body(wrong));
        }
    }
}
