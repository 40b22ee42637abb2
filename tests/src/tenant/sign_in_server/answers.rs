//! What the stand-in answers when nothing is changed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    KEY, Request, Shape,
    state::{State, Visit},
};
use crate::oauth::Answer;

/// Where a browser ends up whose redirect is not on the list.
const SITE: &str = "http://localhost:3000";

impl State {
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let path = request.what.as_str();
        // The browser has no key.
        match path {
            "GET /authorize" => return self.authorize(request),
            "GET /saml" => return self.saml(request),
            _ => {}
        }
        if request.key.as_deref() != Some(KEY) {
            // The gateway says this, not the sign-in server.
            let said = json!({"message": "Invalid API key", "hint": "Double check your API key."});
            return Answer::json(401, said);
        }
        match path {
            "GET /settings" => Answer::json(200, settings()),
            "POST /token" => self.token(request),
            "POST /otp" => self.otp(request),
            "POST /verify" => self.verify(request),
            "POST /sso" => self.sso(request),
            "GET /user" => self.with_session(request, |state, id| {
                let account = state.sessions[&id].account;
                Answer::json(200, state.user(account))
            }),
            "POST /logout" => self.logout(request),
            _ => match path.strip_prefix("POST /factors/") {
                Some(rest) => self.factor(request, rest),
                None => Answer::json(404, Value::String("404 page not found".to_owned())),
            },
        }
    }

    fn refused(&self, request: &Request, status: u16, code: &str, words: &str) -> Answer {
        let is_token = request.what == "POST /token";
        let body = match self.shape {
            Shape::Today if request.is_versioned => json!({"code": code, "message": words}),
            Shape::Old if is_token => {
                return Answer::json(
                    400,
                    json!({"error": "invalid_grant", "error_description": words}),
                );
            }
            Shape::Old => json!({"code": status, "msg": words}),
            _ => json!({"code": status, "error_code": code, "msg": words}),
        };
        Answer::json(status, body)
    }

    fn authorize(&mut self, request: &Request) -> Answer {
        let said = |name: &str| {
            request
                .query
                .get(name)
                .map(String::as_str)
                .unwrap_or_default()
        };
        if said("provider") != "github" {
            let words = "Unsupported provider: provider is not enabled";
            return self.refused(request, 400, "validation_failed", words);
        }
        let challenge = said("code_challenge");
        if !said("code_challenge_method").eq_ignore_ascii_case("s256") || challenge.len() != 43 {
            return self.refused(request, 400, "validation_failed", "PKCE is wanted");
        }
        let redirect = said("redirect_to").to_owned();
        self.back(&redirect, challenge, self.visitor)
    }

    fn saml(&mut self, request: &Request) -> Answer {
        let visit = request.query.get("RelayState").cloned().unwrap_or_default();
        match self.visits.remove(&visit) {
            Some(visit) => self.back(&visit.redirect, &visit.challenge, Some(visit.account)),
            None => self.refused(request, 404, "saml_relay_state_not_found", "no such state"),
        }
    }

    /// Sends the browser back.
    fn back(&mut self, redirect: &str, challenge: &str, account: Option<Uuid>) -> Answer {
        let mut url = Url::parse(redirect)
            .ok()
            .filter(is_on_list)
            .unwrap_or_else(|| Url::parse(SITE).expect("it is an address"));
        match account {
            Some(account) => {
                let code = self.flow(challenge, account);
                url.query_pairs_mut().append_pair("code", &code);
            }
            None => {
                url.query_pairs_mut()
                    .append_pair("error", "access_denied")
                    .append_pair("error_code", "user_said_no")
                    .append_pair("error_description", "The user has denied access");
                url.set_fragment(Some("error=access_denied"));
            }
        }
        let mut answer = Answer::json(303, Value::Null);
        answer.set("location", url.as_str());
        answer
    }

    fn token(&mut self, request: &Request) -> Answer {
        let said = |name: &str| request.body[name].as_str().unwrap_or_default().to_owned();
        let grant = request.query.get("grant_type").map(String::as_str);
        match grant.unwrap_or_default() {
            "password" => {
                let account = self.account_named(&said("email"));
                let account = account.filter(|id| self.accounts[id].password == said("password"));
                match account {
                    Some(account) => Answer::json(200, self.begin(account)),
                    None => {
                        let words = "Invalid login credentials";
                        self.refused(request, 400, "invalid_credentials", words)
                    }
                }
            }
            "pkce" => {
                let code = said("auth_code");
                let Some(flow) = self.flows.get(&code) else {
                    let words = "invalid flow state, no valid flow state found";
                    return self.refused(request, 404, "flow_state_not_found", words);
                };
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier")));
                if challenge != flow.challenge {
                    let words = "code challenge does not match previously saved code verifier";
                    return self.refused(request, 400, "bad_code_verifier", words);
                }
                let account = flow.account;
                self.flows.remove(&code);
                Answer::json(200, self.begin(account))
            }
            "refresh_token" => match self.take(&said("refresh_token")) {
                Ok(session) => Answer::json(200, self.tokens(session)),
                Err(code) => self.refused(request, 400, code, "Invalid Refresh Token"),
            },
            _ => Answer::json(400, json!({"error": "unsupported_grant_type"})),
        }
    }

    fn otp(&mut self, request: &Request) -> Answer {
        let email = request.body["email"].as_str().unwrap_or_default();
        let account = match self.account_named(email) {
            Some(account) => account,
            None if request.body["create_user"] == true => {
                let id = Uuid::now_v7();
                self.add_account(id, email, "");
                id
            }
            None => {
                let words = "Signups not allowed for otp";
                return self.refused(request, 422, "otp_disabled", words);
            }
        };
        let code = self.digits();
        let account = self.accounts.get_mut(&account).expect("it is there");
        account.mailed = Some(code);
        Answer::json(200, json!({}))
    }

    fn verify(&mut self, request: &Request) -> Answer {
        let said = |name: &str| request.body[name].as_str().unwrap_or_default();
        let account = self.account_named(said("email")).filter(|id| {
            said("type") == "email" && self.accounts[id].mailed.as_deref() == Some(said("token"))
        });
        let Some(account) = account else {
            let words = "Token has expired or is invalid";
            return self.refused(request, 403, "otp_expired", words);
        };
        self.accounts.get_mut(&account).expect("it is there").mailed = None;
        Answer::json(200, self.begin(account))
    }

    fn sso(&mut self, request: &Request) -> Answer {
        let said = |name: &str| request.body[name].as_str().unwrap_or_default().to_owned();
        let Some(account) = self.domains.get(&said("domain")).copied() else {
            let words = "No SSO provider assigned for this domain";
            return self.refused(request, 404, "sso_provider_not_found", words);
        };
        let visit = Uuid::new_v4().to_string();
        let url = format!(
            "{}/auth/v1/saml?SAMLRequest=abc&RelayState={visit}",
            self.base
        );
        self.visits.insert(
            visit,
            Visit {
                challenge: said("code_challenge"),
                redirect: said("redirect_to"),
                account,
            },
        );
        Answer::json(200, json!({"url": url}))
    }

    fn logout(&mut self, request: &Request) -> Answer {
        let scope = request.query.get("scope").cloned().unwrap_or_default();
        self.with_session(request, |state, id| {
            let account = state.sessions[&id].account;
            if scope != "local" {
                state.end_sessions(account);
            }
            state.sessions.get_mut(&id).expect("it is there").is_over = true;
            Answer::json(204, Value::Null)
        })
    }

    fn factor(&mut self, request: &Request, rest: &str) -> Answer {
        let (factor, what) = rest.split_once('/').unwrap_or((rest, ""));
        let factor: Uuid = factor.parse().unwrap_or_default();
        let (what, body) = (what.to_owned(), request.body.clone());
        self.with_session(request, |state, id| {
            let account = state.sessions[&id].account;
            let known = &state.accounts[&account].factors;
            let known = known.iter().find(|it| it.id == factor);
            let Some(code) = known.map(|it| it.code.clone()) else {
                return state.refused(request, 404, "mfa_factor_not_found", "no such factor");
            };
            if what == "challenge" {
                let challenge = Uuid::new_v4();
                state.challenges.insert(challenge, factor);
                let said = json!({"id": challenge, "type": "totp", "expires_at": 0});
                return Answer::json(200, said);
            }
            let challenge: Uuid = body["challenge_id"]
                .as_str()
                .and_then(|it| it.parse().ok())
                .unwrap_or_default();
            if state.challenges.get(&challenge) != Some(&factor) {
                let words = "MFA factor with the provided challenge ID not found";
                return state.refused(request, 422, "mfa_factor_not_found", words);
            }
            if body["code"] != code {
                let words = "Invalid TOTP code entered";
                return state.refused(request, 422, "mfa_verification_failed", words);
            }
            state.challenges.remove(&challenge);
            state.raise(id);
            Answer::json(200, state.tokens(id))
        })
    }

    /// For who shows the token of a session that goes on.
    fn with_session(
        &mut self,
        request: &Request,
        act: impl FnOnce(&mut Self, Uuid) -> Answer,
    ) -> Answer {
        let Some(token) = &request.bearer else {
            let words = "This endpoint requires a Bearer token";
            return self.refused(request, 401, "no_authorization", words);
        };
        let Some(id) = self.access.get(token).copied() else {
            return self.refused(request, 403, "bad_jwt", "invalid JWT");
        };
        if self.sessions[&id].is_over {
            let words = "Session from session_id claim in JWT does not exist";
            return self.refused(request, 403, "session_not_found", words);
        }
        act(self, id)
    }
}

/// The real one lets loopback addresses through with any port, and no names.
fn is_on_list(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "[::1]"))
}

fn settings() -> Value {
    json!({
        "external": {
            "anonymous_users": false, "apple": false, "email": true, "github": true, "google": false,
            "phone": true,
        },
        "disable_signup": true, "mailer_autoconfirm": false, "phone_autoconfirm": false,
        "sms_provider": "twilio", "saml_enabled": true,
    })
}
