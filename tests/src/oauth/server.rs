//! How the servers behave when nothing is changed.

use std::collections::{HashMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Seen};

pub(super) struct State {
    base: String,
    pub(super) lives: u64,
    pub(super) wanted: Option<String>,
    /// Access tokens and their scopes.
    pub(super) access: HashMap<String, String>,
    codes: HashMap<String, Code>,
    refresh: Option<String>,
    used: HashSet<String>,
    pub(super) reused: usize,
    count: usize,
}

struct Code {
    challenge: String,
    redirect: String,
    resource: Option<String>,
    scope: String,
}

impl State {
    pub(super) fn new(base: String) -> Self {
        Self {
            base,
            lives: 3600,
            wanted: None,
            access: HashMap::new(),
            codes: HashMap::new(),
            refresh: None,
            used: HashSet::new(),
            reused: 0,
            count: 0,
        }
    }

    pub(super) fn answer(&mut self, seen: &Seen) -> Answer {
        let base = &self.base;
        let form = pairs(&seen.said);
        match seen.what.as_str() {
            "GET /.well-known/oauth-protected-resource/mcp" => Answer::json(
                200,
                json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}),
            ),
            "GET /.well-known/oauth-authorization-server" => Answer::json(
                200,
                json!({
                    "issuer": base,
                    "authorization_endpoint": format!("{base}/authorize"),
                    "token_endpoint": format!("{base}/token"),
                    "registration_endpoint": format!("{base}/register"),
                    "revocation_endpoint": format!("{base}/revoke"),
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                    "authorization_response_iss_parameter_supported": true,
                }),
            ),
            "POST /register" => {
                self.count += 1;
                Answer::json(
                    201,
                    json!({
                        "client_id": format!("client-{}", self.count),
                        "client_secret": "secret-of-the-client",
                        "token_endpoint_auth_method": "client_secret_basic",
                    }),
                )
            }
            "GET /authorize" => self.authorize(&form),
            "POST /token" => self.token(&form),
            "POST /revoke" => Answer::json(200, Value::Null),
            "POST /mcp" => self.mcp(seen),
            "DELETE /mcp" => Answer::json(200, Value::Null),
            "GET /mcp" => Answer::json(405, Value::Null),
            _ => Answer::json(404, Value::Null),
        }
    }

    fn authorize(&mut self, form: &HashMap<String, String>) -> Answer {
        let said = |name: &str| form.get(name).cloned();
        self.count += 1;
        let code = format!("code-{}", self.count);
        let redirect = said("redirect_uri").unwrap_or_default();
        let mut back = reqwest::Url::parse(&redirect).expect("it is an address");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &said("state").unwrap_or_default())
            .append_pair("iss", &self.base);
        self.codes.insert(
            code,
            Code {
                challenge: said("code_challenge").unwrap_or_default(),
                redirect,
                resource: said("resource"),
                scope: said("scope").unwrap_or_default(),
            },
        );
        let mut answer = Answer::json(302, Value::Null);
        answer.set("location", back.as_str());
        answer
    }

    fn token(&mut self, form: &HashMap<String, String>) -> Answer {
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refused = |why: &str| {
            Answer::json(
                400,
                json!({"error": "invalid_grant", "error_description": why}),
            )
        };
        let scope = match said("grant_type") {
            "authorization_code" => {
                let Some(code) = self.codes.remove(said("code")) else {
                    return refused("no such code");
                };
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier")));
                if challenge != code.challenge
                    || said("redirect_uri") != code.redirect
                    || form.get("resource") != code.resource.as_ref()
                {
                    return refused("it was given to another");
                }
                code.scope
            }
            "refresh_token" => {
                let token = said("refresh_token").to_owned();
                if self.refresh.as_ref() != Some(&token) {
                    // A token that comes again was stolen, so all that follow from it end.
                    self.reused += usize::from(self.used.contains(&token));
                    self.refresh = None;
                    self.access.clear();
                    return refused("the token was used before");
                }
                self.used.insert(token);
                String::new()
            }
            // Nobody signs in for these.
            "client_credentials" | "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                return self.given(said("scope"), None);
            }
            _ => return Answer::json(400, json!({"error": "unsupported_grant_type"})),
        };
        let refresh = format!("refresh-{}", self.count + 1);
        self.refresh = Some(refresh.clone());
        self.given(&scope, Some(&refresh))
    }

    fn given(&mut self, scope: &str, refresh: Option<&str>) -> Answer {
        self.count += 1;
        let access = format!("access-{}", self.count);
        self.access.insert(access.clone(), scope.to_owned());
        let mut body = json!({
            "access_token": access, "token_type": "bearer", "expires_in": self.lives,
        });
        if let Some(refresh) = refresh {
            body["refresh_token"] = refresh.into();
        }
        if !scope.is_empty() {
            body["scope"] = scope.into();
        }
        Answer::json(200, body)
    }

    fn mcp(&self, seen: &Seen) -> Answer {
        let token = seen.authorization.as_deref().unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", self.base);
        let challenged = |status: u16, more: &str| {
            let mut answer = Answer::json(status, Value::Null);
            let value = format!("Bearer resource_metadata=\"{metadata}\"{more}");
            answer.set("www-authenticate", &value);
            answer
        };
        let Some(scopes) = self.access.get(token) else {
            return challenged(401, "");
        };
        let request: Value = serde_json::from_str(&seen.said).unwrap_or_default();
        let method = request["method"].as_str().unwrap_or_default();
        if let Some(wanted) = &self.wanted
            && method == "tools/call"
            && !scopes.split(' ').any(|scope| scope == wanted)
        {
            let more = format!(", error=\"insufficient_scope\", scope=\"{wanted}\"");
            return challenged(403, &more);
        }
        if request["id"].is_null() {
            return Answer::json(202, Value::Null);
        }
        let result = match method {
            "initialize" => json!({
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "Fixture", "version": "1"},
            }),
            "tools/list" => {
                json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
            }
            "tools/call" => json!({"content": [{"type": "text", "text": "called"}]}),
            _ => {
                let error = json!({"code": -32601, "message": "there is no such method"});
                let body = json!({"jsonrpc": "2.0", "id": request["id"], "error": error});
                return Answer::json(200, body);
            }
        };
        let body = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        Answer::json(200, body)
    }
}

fn pairs(said: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://form/?{said}"));
    url.map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default()
}
