//! What the sign-in server says when it does not do what it is asked.
//!
//! Its errors have come in several shapes over the years, and a gateway before it has one of its own. All are read;
//! what happened follows from the code where there is one, else from the status and from what was asked.

use std::time::Duration;

use berth_browser_sign_in::visible;
use berth_protocol::Secret;
use serde_json::Value;

use super::AuthError;

/// Longest words of a server that are shown, in characters.
const LONGEST: usize = 300;

/// Longest wait that is told, in seconds.
const LONGEST_WAIT: u64 = 24 * 3600;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Settings,
    Password,
    EmailCode,
    Verify,
    Sso,
    Redeem,
    Refresh,
    User,
    Factor,
    SignOut,
}

impl Asked {
    /// As it is told.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Settings => "list of ways to sign in",
            Self::Password => "sign-in with a password",
            Self::EmailCode => "mailing of a code",
            Self::Verify => "sign-in with a code",
            Self::Sso => "single sign-on",
            Self::Redeem => "sign-in in the browser",
            Self::Refresh => "renewal of the sign-in",
            Self::User => "account",
            Self::Factor => "second factor",
            Self::SignOut => "sign-out",
        }
    }

    /// The access token is shown as a proof of who asks.
    const fn shows_token(self) -> bool {
        matches!(self, Self::User | Self::Factor | Self::SignOut)
    }

    /// An answer that was lost is asked for once more, at once: the server lets a refresh token come again for a few
    /// seconds.
    pub(super) const fn is_repeated(self) -> bool {
        matches!(self, Self::Refresh)
    }
}

/// An error as it was said.
pub(super) struct Said {
    code: String,
    words: String,
    /// In the oldest shape of the sign-in server, which a gateway before it does not have.
    is_numbered: bool,
}

impl Said {
    /// Reads `{code, error_code, msg}`, `{code, message}`, `{error, error_description}` and `{message}`. Secrets that
    /// were sent are taken out, should they be repeated.
    pub(super) fn read(body: &[u8], sent: &[&Secret]) -> Self {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |names: &[&str]| {
            let mut texts = names.iter().filter_map(|name| said[*name].as_str());
            texts.find(|text| !text.is_empty()).unwrap_or_default()
        };
        // `code` is a number in the oldest shape.
        let code = text(&["error_code", "code", "error"]);
        let words = text(&["msg", "message", "error_description", "error"]);
        Self {
            is_numbered: said["code"].is_number(),
            ..Self::new(code, words, sent)
        }
    }

    pub(super) fn new(code: &str, words: &str, sent: &[&Secret]) -> Self {
        let is_code = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let sent = || sent.iter().map(|secret| secret.expose().as_str());
        let without = |words: String| {
            let secrets = sent().filter(|secret| !secret.is_empty());
            secrets.fold(words, |words, secret| words.replace(secret, "…"))
        };
        // A secret may hold what is not shown, and what is not shown may hide one.
        let words = visible(&without(words.to_owned())).replace(['\n', '\t'], " ");
        let words = without(words);
        let holds_secret = sent().any(|secret| !secret.is_empty() && code.contains(secret));
        Self {
            code: match code.len() {
                1..=64 if !holds_secret && code.bytes().all(is_code) => code.to_owned(),
                _ => String::new(),
            },
            words: words.trim().chars().take(LONGEST).collect(),
            is_numbered: false,
        }
    }

    /// In a sentence.
    pub(super) fn told(&self, otherwise: &str) -> String {
        match (self.words.as_str(), self.code.as_str()) {
            ("", "") => otherwise.to_owned(),
            ("", code) => code.to_owned(),
            (words, "") => words.to_owned(),
            (words, code) if words == code => words.to_owned(),
            (words, code) => format!("{words} ({code})"),
        }
    }
}

/// Why a request was not done.
pub(super) fn refusal(
    asked: Asked,
    backend: &str,
    status: u16,
    after: Option<&str>,
    said: &Said,
) -> AuthError {
    let backend = backend.to_owned();
    let what = asked.name();
    let told = said.told(&format!("with status {status}"));
    if status == 429 {
        let after = after.and_then(|after| after.trim().parse().ok());
        let after = after.map(|after: u64| Duration::from_secs(after.min(LONGEST_WAIT)));
        return AuthError::RateLimited { backend, after };
    }
    // It is down, slow, or busy with the same session.
    if status >= 500 || matches!(status, 408 | 409 | 425) {
        let why = format!("it answers with status {status}: {told}");
        return AuthError::Unreachable { what, backend, why };
    }
    if status < 400 {
        let why = format!("with status {status}, which is not followed");
        return AuthError::Answer { what, backend, why };
    }
    match (said.code.as_str(), asked) {
        ("invalid_credentials", _) => AuthError::PasswordWrong(backend),
        // Before there were codes, this was the code of a missing confirmation too.
        ("invalid_grant", Asked::Password) if !said.words.contains("not confirmed") => {
            AuthError::PasswordWrong(backend)
        }
        ("otp_expired" | "mfa_verification_failed" | "mfa_challenge_expired", _) => {
            AuthError::CodeWrong(backend)
        }
        ("" | "unknown", Asked::Verify) if said.is_numbered => AuthError::CodeWrong(backend),
        ("insufficient_aal", _) => AuthError::MfaNeeded(backend),
        // Nothing else ends a session, whoever stands before the server and says it.
        (
            "refresh_token_not_found"
            | "refresh_token_already_used"
            | "session_not_found"
            | "session_expired"
            | "user_banned"
            | "user_not_found"
            | "invalid_grant",
            Asked::Refresh,
        ) => AuthError::Ended(backend),
        ("session_not_found" | "session_expired", asked) if asked.shows_token() => {
            AuthError::Ended(backend)
        }
        ("user_not_found" | "user_banned", asked) if asked.shows_token() && status == 403 => {
            AuthError::Ended(backend)
        }
        // Of an access token that is over, or signed with a key of before; its session may go on.
        ("bad_jwt" | "no_authorization", asked) if asked.shows_token() => {
            AuthError::TokenRefused(backend)
        }
        (
            "flow_state_not_found" | "flow_state_expired" | "bad_code_verifier" | "invalid_grant",
            Asked::Redeem,
        ) => AuthError::Denied {
            backend,
            said: told,
        },
        _ => AuthError::Refused {
            what,
            backend,
            said: told,
        },
    }
}

#[cfg(test)]
mod tests {
    use berth_protocol::Code;

    use super::*;

    fn code(asked: Asked, status: u16, body: &str) -> Code {
        let said = Said::read(body.as_bytes(), &[]);
        refusal(asked, "https://a.example", status, None, &said).code()
    }

    #[test]
    fn every_shape_of_an_error_is_understood() {
        use Asked::{Factor, Password, Redeem, Refresh, Settings, SignOut, User, Verify};
        for (asked, status, body, wanted) in [
            (
                Password,
                400,
                r#"{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}"#,
                Code::TenantPasswordWrong,
            ),
            (
                Password,
                400,
                r#"{"code":"invalid_credentials","message":"Invalid login credentials"}"#,
                Code::TenantPasswordWrong,
            ),
            (
                Password,
                400,
                r#"{"error":"invalid_grant","error_description":"Invalid login credentials"}"#,
                Code::TenantPasswordWrong,
            ),
            (
                Password,
                400,
                r#"{"error":"invalid_grant","error_description":"Email not confirmed"}"#,
                Code::TenantRefused,
            ),
            (
                Password,
                400,
                r#"{"code":"email_not_confirmed","message":"Email not confirmed"}"#,
                Code::TenantRefused,
            ),
            (
                Verify,
                403,
                r#"{"code":403,"error_code":"otp_expired","msg":"Token has expired or is invalid"}"#,
                Code::TenantCodeWrong,
            ),
            (
                Verify,
                401,
                r#"{"code":401,"msg":"Token has expired or is invalid"}"#,
                Code::TenantCodeWrong,
            ),
            (
                Verify,
                401,
                r#"{"message":"Invalid API key"}"#,
                Code::TenantRefused,
            ),
            (
                Factor,
                422,
                r#"{"code":"mfa_verification_failed","message":"Invalid TOTP code entered"}"#,
                Code::TenantCodeWrong,
            ),
            (
                Factor,
                403,
                r#"{"code":"mfa_verification_rejected","message":"no"}"#,
                Code::TenantRefused,
            ),
            (
                User,
                403,
                r#"{"code":"insufficient_aal","message":"AAL2 required"}"#,
                Code::TenantMfaNeeded,
            ),
            (
                Refresh,
                400,
                r#"{"error":"invalid_grant","error_description":"Invalid Refresh Token"}"#,
                Code::TenantSignedOut,
            ),
            (
                Refresh,
                400,
                r#"{"code":"refresh_token_already_used","message":"Invalid Refresh Token: Already Used"}"#,
                Code::TenantSignedOut,
            ),
            (
                Refresh,
                409,
                r#"{"code":"conflict","message":"Too many concurrent token refresh requests"}"#,
                Code::TenantUnreachable,
            ),
            (
                Refresh,
                401,
                r#"{"message":"Invalid API key","hint":"Double check your API key."}"#,
                Code::TenantRefused,
            ),
            (
                Refresh,
                403,
                r#"{"code":"bad_jwt","message":"invalid JWT"}"#,
                Code::TenantRefused,
            ),
            (
                Refresh,
                400,
                r#"{"code":"validation_failed","message":"Invalid Refresh Token"}"#,
                Code::TenantRefused,
            ),
            (
                SignOut,
                403,
                r#"{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: token is expired"}"#,
                Code::TenantSignInFailed,
            ),
            (
                SignOut,
                401,
                r#"{"code":"no_authorization","message":"This endpoint requires a Bearer token"}"#,
                Code::TenantSignInFailed,
            ),
            (
                SignOut,
                403,
                r#"{"code":"session_not_found","message":"no such session"}"#,
                Code::TenantSignedOut,
            ),
            (
                User,
                403,
                r#"{"code":"user_not_found","message":"User from sub claim in JWT does not exist"}"#,
                Code::TenantSignedOut,
            ),
            (
                Factor,
                403,
                r#"{"code":"user_banned","message":"User is banned"}"#,
                Code::TenantSignedOut,
            ),
            (
                User,
                404,
                r#"{"code":"user_not_found","message":"User not found"}"#,
                Code::TenantRefused,
            ),
            (
                Redeem,
                404,
                r#"{"code":"flow_state_not_found","message":"invalid flow state"}"#,
                Code::TenantSignInFailed,
            ),
            (Settings, 503, "<html>down</html>", Code::TenantUnreachable),
            (Settings, 429, "", Code::TenantRateLimited),
            (Settings, 302, "", Code::TenantProtocol),
            (Settings, 404, "", Code::TenantRefused),
            (Settings, 404, "[1]", Code::TenantRefused),
        ] {
            assert_eq!(
                code(asked, status, body),
                wanted,
                "{asked:?} {status} {body}"
            );
        }
    }

    #[test]
    fn words_are_shown_short_visible_and_without_what_was_sent() {
        let token = Secret::new("token-secret".to_owned());
        let body = format!(
            r#"{{"code":"x y","message":"\u001b[31mthe token-secret\u202e\nis {}"}}"#,
            "bad ".repeat(200)
        );
        let said = Said::read(body.as_bytes(), &[&token]);
        let told = said.told("nothing");
        assert!(told.starts_with("the … is bad bad"), "{told}");
        assert!(told.chars().count() <= LONGEST, "{told}");
    }

    #[test]
    fn a_secret_is_told_neither_as_a_code_nor_behind_what_is_not_shown() {
        let code = Secret::new("123456".to_owned());
        let hidden = Secret::new("pass\u{200b}word".to_owned());
        for (said, words) in [
            ("123456", "no"),
            ("wrong_123456_", "no"),
            ("no", "123\u{200b}456"),
            ("no", "it was pass\u{200b}word"),
            ("no", "it was 12\u{1b}[0m3456 and 123456"),
        ] {
            let told = Said::new(said, words, &[&code, &hidden]).told("nothing");
            assert!(!told.contains("123456"), "{told}");
            assert!(!told.contains("password"), "{told}");
        }
        let told = Said::new("bad_code", "no", &[&code]).told("nothing");
        assert_eq!(told, "no (bad_code)");
    }

    #[test]
    fn when_to_try_again_is_told_and_bounded() {
        let said = Said::new("over_request_rate_limit", "", &[]);
        for (header, wanted) in [
            (Some("30"), "in 30 s"),
            (Some("99999999"), "in 86400 s"),
            (Some("soon"), "later"),
            (None, "later"),
        ] {
            let error = refusal(Asked::EmailCode, "https://a.example", 429, header, &said);
            assert!(error.to_string().ends_with(wanted), "{error}");
        }
    }
}
