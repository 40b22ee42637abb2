//! Whoever asks a tenant backend something.

use reqwest::{Method, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::LIMIT;

/// Somebody with a token, or without one.
#[derive(Clone)]
pub struct Caller {
    /// Who it is; nil for whoever has no account.
    pub id: Uuid,
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    /// What each of their requests says besides.
    headers: Vec<(String, String)>,
}

/// What the backend answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body, null when it is empty.
    pub body: Value,
}

impl Caller {
    pub(super) fn new(http: reqwest::Client, url: String, token: Option<String>) -> Self {
        Self {
            id: Uuid::nil(),
            http,
            url,
            token,
            headers: Vec::new(),
        }
    }

    /// The same person, whose requests have these headers too, each on a line of its own.
    #[must_use]
    pub fn saying(&self, headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            headers: headers.iter().map(owned).collect(),
            ..self.clone()
        }
    }

    /// The same person through another address, such as a cable's.
    #[must_use]
    pub fn through(&self, address: std::net::SocketAddr) -> Self {
        Self {
            url: format!("http://{address}"),
            ..self.clone()
        }
    }

    /// Makes an organization, whose admin they are. Returns its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn found(&self, name: &str) -> Uuid {
        let id = Uuid::now_v7();
        let made = json!({"id": id, "name": name});
        self.call("create_organization", made).await.ok();
        id
    }

    /// Is invited into an organization by an admin of it, under this address, and comes.
    ///
    /// # Panics
    /// When either is refused.
    pub async fn join(&self, org: Uuid, admin: &Self, email: &str, role: &str) {
        let wanted = json!({"org": org, "email": email, "role": role});
        let invitation = admin.call("invite", wanted).await.ok();
        let token = json!({"token": invitation["token"]});
        self.call("accept_invitation", token).await.ok();
    }

    /// Calls a function.
    pub async fn call(&self, function: &str, arguments: Value) -> Reply {
        self.send(Method::POST, &format!("rpc/{function}"), Some(arguments))
            .await
    }

    /// Reads rows.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// Any request.
    ///
    /// # Panics
    /// When the backend does not answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.attempt(method, path, body)
            .await
            .expect("the backend answers")
    }

    /// Any request, over a connection that may be cut.
    ///
    /// # Errors
    /// When the connection ends before the answer is there.
    ///
    /// # Panics
    /// When there is no answer in time.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self
            .http
            .request(method, format!("{}/{path}", self.url))
            // Changed rows are told, so that none is told apart from many.
            .header("Prefer", "return=representation")
            .header(header::USER_AGENT, "berth-tests");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let whole = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>((status, response.text().await?))
        };
        let answer = tokio::time::timeout(LIMIT, whole).await;
        let (status, text) = answer.expect("the backend answers in time")?;
        let body = match text.as_str() {
            "" => Value::Null,
            _ => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        Ok(Reply { status, body })
    }
}

impl Reply {
    /// What was asked for.
    ///
    /// # Panics
    /// When it was refused.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// The rows that were read or changed.
    ///
    /// # Panics
    /// When it was refused.
    #[track_caller]
    pub fn rows(self) -> Vec<Value> {
        match self.ok() {
            Value::Array(rows) => rows,
            other => panic!("no rows: {other}"),
        }
    }

    /// The code of a refusal: Berth's own where it says one, else that of the database.
    ///
    /// # Panics
    /// When it was not refused.
    #[track_caller]
    pub fn refusal(&self) -> &str {
        assert!(self.status >= 400, "not refused: {self:?}");
        let code = self.body["code"].as_str().unwrap_or_default();
        if code.starts_with("PT") {
            return self.body["details"].as_str().unwrap_or_default();
        }
        code
    }

    /// Nothing was read and nothing changed: refused, or no row.
    ///
    /// # Panics
    /// When the request itself was wrong: a path or an argument that PostgREST does not know protects nothing.
    #[track_caller]
    pub fn is_nothing(&self) -> bool {
        let code = self.body["code"].as_str().unwrap_or_default();
        assert!(
            !code.starts_with("PGRST1") && !code.starts_with("PGRST2"),
            "the request is not one that could have been let through: {self:?}"
        );
        self.status >= 400 || self.body == Value::Array(Vec::new())
    }
}
