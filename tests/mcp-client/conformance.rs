//! What each scenario of the suite needs of a client; there is one way through all of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_mcp::{
    Answered, Asked, Broker, Challenge, ClientProof, Connection, Elicited, Limits, McpError,
    Offers, Reach, Registered, SignIn, TokenSource, TokenTerms, Unattended, Vouched, Wish,
};
use berth_protocol::{McpTool, OauthProvider};
use berth_tests::oauth::{FileStore, browse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Error;

/// The name under which the sign-in is kept.
const KEY: &str = "server";

/// The address that the suite expects of clients that have a document.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// Most sign-ins that the client begins by itself, where Berth would ask its user. It is more than the broker
/// allows for more access, which has to end on its own.
const SIGN_INS: usize = 10;

/// The scenario whose client acts for itself. What it is told is what others are told whose users sign in, so that only
/// its name tells them apart, as a server's settings do in Berth.
const FOR_ITSELF: &str = "auth/client-credentials-basic";

/// The tool that wants the schema of another one as its argument, and that other one.
const SCHEMA_ECHO: (&str, &str) = ("json_schema_echo", "json_schema_2020_12_tool");

/// What the suite says besides the address.
#[derive(Default, Deserialize)]
struct Context {
    /// The scenario.
    #[serde(default)]
    name: String,
    #[serde(default, alias = "toolCalls")]
    tool_calls: Vec<ToolCall>,
    client_id: Option<String>,
    client_secret: Option<String>,
    private_key_pem: Option<String>,
    idp_client_id: Option<String>,
    idp_id_token: Option<String>,
    idp_token_endpoint: Option<String>,
}

impl Context {
    /// What tokens are taken with where nobody signs in.
    fn terms(&self, url: &str) -> Option<TokenTerms> {
        let identity = (
            &self.idp_token_endpoint,
            &self.idp_client_id,
            &self.idp_id_token,
        );
        let vouched = match identity {
            (Some(token_endpoint), Some(client_id), Some(id_token)) => Some(Vouched {
                token_endpoint: token_endpoint.clone(),
                client_id: client_id.clone(),
                id_token: id_token.clone().into(),
            }),
            _ => None,
        };
        let by_key = self.private_key_pem.as_ref();
        if by_key.is_none() && vouched.is_none() && self.name != FOR_ITSELF {
            return None;
        }
        let kept = by_key.or(self.client_secret.as_ref())?;
        Some(TokenTerms {
            server: url.to_owned(),
            client_id: self.client_id.clone()?,
            proof: ClientProof::of(kept.clone().into()),
            provider: OauthProvider::Discovered,
            scopes: Vec::new(),
            resource: true,
            vouched,
        })
    }
}

#[derive(Clone, Deserialize)]
struct ToolCall {
    name: String,
    arguments: Option<Map<String, Value>>,
}

struct Client {
    url: String,
    context: Context,
    broker: Broker,
    tokens: Arc<dyn TokenSource>,
    sign_ins: usize,
}

pub async fn run(url: &str) -> Result<(), Error> {
    let context = std::env::var("MCP_CONFORMANCE_CONTEXT").ok();
    let context: Option<Context> = context
        .map(|text| serde_json::from_str(&text))
        .transpose()?;
    let context = context.unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let store = Arc::new(FileStore::new(folder.path()));
    let broker = Broker::new(store, folder.path().join("locks"));
    let tokens: Arc<dyn TokenSource> = match context.terms(url) {
        Some(terms) => Arc::new(Unattended::new(terms)),
        None => broker.source(KEY, url),
    };
    let mut client = Client {
        url: url.to_owned(),
        context,
        broker,
        tokens,
        sign_ins: 0,
    };
    let done = client.talk().await;
    client.broker.settle().await;
    done
}

impl Client {
    async fn talk(&mut self) -> Result<(), Error> {
        let connection = loop {
            match self.connect().await {
                Ok(connection) => break connection,
                Err(error) => self.sign_in_for(error).await?,
            }
        };
        let tools = loop {
            match connection.tools().await {
                Ok(tools) => break tools,
                Err(error) => self.sign_in_for(error).await?,
            }
        };
        let mut calls = self.context.tool_calls.clone();
        if calls.is_empty() {
            calls = tools.iter().map(|tool| call_of(tool, &tools)).collect();
        }
        for call in calls {
            // The suite has tools that fail.
            while let Err(error @ McpError::Unauthorized { .. }) =
                connection.call(&call.name, call.arguments.clone()).await
            {
                self.sign_in_for(error).await?;
            }
        }
        connection.close().await;
        Ok(())
    }

    async fn connect(&self) -> Result<Connection, McpError> {
        let reach = Reach::SignedIn {
            reach: Box::new(Reach::Http {
                url: self.url.clone(),
                headers: BTreeMap::new(),
                bearer: None,
            }),
            tokens: Arc::clone(&self.tokens),
        };
        let limits = Limits {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(10),
        };
        Connection::open_for(&reach, limits, Arc::new(User)).await
    }

    /// Signs in when that is what is wrong.
    async fn sign_in_for(&mut self, error: McpError) -> Result<(), Error> {
        let McpError::Unauthorized { challenge } = error else {
            return Err(error.into());
        };
        self.sign_ins += 1;
        if self.sign_ins > SIGN_INS {
            return Err("signing in has not helped".into());
        }
        let mut wish = Wish::new(&self.url);
        wish.challenge = Challenge::parse(&challenge);
        if wish.challenge.wants_more() {
            wish.held = self.broker.step_up(KEY, &self.url, &wish.challenge).await?;
        }
        wish.registered = self.context.client_id.clone().map(|id| Registered {
            id,
            secret: self.context.client_secret.clone().map(Into::into),
        });
        wish.document = Some(DOCUMENT.to_owned());
        wish.time_limit = Duration::from_secs(10);
        let sign_in = SignIn::begin(wish).await?;
        let url = sign_in.url().to_owned();
        let (grant, _) = tokio::join!(sign_in.finish(async |grant| Ok(grant)), browse(&url));
        Ok(self.broker.keep(KEY, grant?).await?)
    }
}

/// A call of a tool with whatever it wants.
fn call_of(tool: &McpTool, all: &[McpTool]) -> ToolCall {
    let mut arguments = arguments(&tool.input_schema);
    let (echo, other) = SCHEMA_ECHO;
    let other = all.iter().find(|it| it.name == other);
    if let Some(other) = other.filter(|_| tool.name == echo) {
        arguments.insert("schema".to_owned(), other.input_schema.clone());
    }
    ToolCall {
        name: tool.name.clone(),
        arguments: Some(arguments),
    }
}

/// Something of each type that a tool wants.
fn arguments(schema: &Value) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten();
    let required = required.filter_map(Value::as_str);
    required
        .map(|name| (name.to_owned(), example(&schema["properties"][name])))
        .collect()
}

fn example(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("number") => json!(1.5),
        Some("integer") => json!(1),
        Some("boolean") => json!(true),
        Some("string") => schema["enum"]
            .get(0)
            .cloned()
            .unwrap_or_else(|| json!("test")),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => Value::Null,
    }
}

/// Agrees to everything, and leaves in a form what stands there.
struct User;

impl Asked for User {
    fn offers(&self) -> Offers {
        Offers {
            forms: true,
            pages: false,
            sampling: true,
            roots: true,
        }
    }

    fn elicit(&self, request: Value) -> Answered<'_, Elicited> {
        let schema = &request["requestedSchema"];
        let mut content = arguments(schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(default) = field.get("default") {
                content.insert(name.clone(), default.clone());
            }
        }
        Box::pin(std::future::ready(Elicited::Accepted(Some(content.into()))))
    }

    fn sample(&self, _request: Value) -> Answered<'_, Option<Value>> {
        let content = json!({"type": "text", "text": "what a model would say"});
        Box::pin(std::future::ready(Some(
            json!({"role": "assistant", "content": content, "model": "none", "stopReason": "endTurn"}),
        )))
    }

    fn roots(&self) -> Answered<'_, Vec<String>> {
        Box::pin(std::future::ready(vec!["file:///project".to_owned()]))
    }
}
