//! What an agent is told and what it may do at its endpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, JsonObject,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::Value;
use tokio::time::Instant;

use super::{Asked, Bounds, Described, Ended, Guard, Outcome, rate::Rate, upstream::Upstream};
use crate::{McpError, client};

/// An agent's side of a gateway. Its clones are the same.
#[derive(Clone)]
pub struct Door {
    upstream: Arc<Upstream>,
    guard: Arc<dyn Guard>,
    bounds: Bounds,
    rate: Arc<Mutex<Rate>>,
    /// The tools that may be called; nothing before somebody has looked.
    allowed: Arc<Mutex<Option<Arc<BTreeSet<String>>>>>,
}

impl Door {
    pub fn new(upstream: Arc<Upstream>, guard: Arc<dyn Guard>, bounds: Bounds) -> Self {
        Self {
            upstream,
            guard,
            bounds,
            rate: Arc::new(Mutex::new(Rate::new(bounds.per_minute))),
            allowed: Arc::default(),
        }
    }

    /// The server's tools that the agent may see.
    async fn tools(&self) -> Result<Vec<Tool>, McpError> {
        let connection = self.upstream.connected().await?;
        let tools = connection.raw_tools().await?;
        let described: Vec<Described> = tools.iter().map(described).collect();
        let allowed: BTreeSet<String> = self.guard.tools(&described).await.into_iter().collect();
        let tools = tools
            .into_iter()
            .filter(|tool| allowed.contains(&*tool.name))
            .map(cleaned)
            .collect();
        *self.allowed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(allowed));
        Ok(tools)
    }

    async fn may_call(&self, tool: &str) -> Result<bool, McpError> {
        let known = {
            let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
            allowed.clone()
        };
        if let Some(known) = known {
            return Ok(known.contains(tool));
        }
        Ok(self.tools().await?.iter().any(|known| known.name == tool))
    }

    async fn called(&self, asked: &Asked, request: CallToolRequestParams) -> Called {
        let within = {
            let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
            rate.takes(Instant::now())
        };
        if !within {
            let most = self.bounds.per_minute;
            return Called::refused(format!(
                "There were more than {most} calls within a minute. Wait a little."
            ));
        }
        match self.may_call(&asked.tool).await {
            Ok(true) => {}
            Ok(false) => return Called::refused(format!("There is no tool {:?}.", asked.tool)),
            Err(error) => return Called::lost(&error),
        }
        if let Err(why) = self.guard.allows(asked).await {
            return Called::refused(why);
        }
        let connection = match self.upstream.connected().await {
            Ok(connection) => connection,
            Err(error) => return Called::lost(&error),
        };
        let result = match connection.raw_call(request, self.bounds.call).await {
            Ok(result) => result,
            Err(error) => return Called::lost(&error),
        };
        let bytes = serde_json::to_vec(&result).map_or(usize::MAX, |json| json.len());
        if bytes > self.bounds.answer {
            let most = self.bounds.answer;
            let said = format!("The answer has {bytes} bytes, and at most {most} are let through.");
            return Called {
                bytes,
                ..Called::told(Outcome::Lost, said)
            };
        }
        let outcome = match result.is_error {
            Some(true) => Outcome::Failed,
            _ => Outcome::Answered,
        };
        Called {
            result,
            outcome,
            bytes,
        }
    }
}

struct Called {
    result: CallToolResult,
    outcome: Outcome,
    bytes: usize,
}

impl Called {
    fn told(outcome: Outcome, said: String) -> Self {
        Self {
            result: CallToolResult::error(vec![ContentBlock::text(said)]),
            outcome,
            bytes: 0,
        }
    }

    fn refused(why: String) -> Self {
        Self::told(Outcome::Refused, why)
    }

    fn lost(error: &McpError) -> Self {
        Self::told(Outcome::Lost, format!("The call failed: {error}."))
    }
}

impl ServerHandler for Door {
    fn get_info(&self) -> ServerConfig {
        let Some(known) = self.upstream.info() else {
            return ServerConfig::default();
        };
        let offered = &known.capabilities;
        let mut capabilities = ServerCapabilities::default();
        // Only what goes through: no logs, no tasks, no extensions, and no news of changed lists.
        capabilities.tools = offered.tools.as_ref().map(|_| Default::default());
        capabilities.prompts = offered.prompts.as_ref().map(|_| Default::default());
        capabilities.resources = offered.resources.as_ref().map(|_| Default::default());
        capabilities.completions.clone_from(&offered.completions);
        let mut info = ServerConfig::new(capabilities);
        if let Some(server) = &known.server_info {
            info.server_info.clone_from(server);
        }
        info.instructions = known.instructions.as_deref().map(client::visible);
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.tools().await.map_err(told)?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asked = Asked {
            tool: request.name.to_string(),
            shape: shape(request.arguments.as_ref()),
        };
        let began = Instant::now();
        let called = tokio::select! {
            called = self.called(&asked, request) => called,
            () = context.ct.cancelled() => {
                Called::told(Outcome::Cancelled, "The call was cancelled.".to_owned())
            }
        };
        let Called {
            result,
            outcome,
            bytes,
        } = called;
        let ended = Ended {
            asked,
            outcome,
            took: began.elapsed(),
            bytes,
        };
        self.guard.ended(&ended).await;
        Ok(CallToolResponse::Complete(result))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let listed = connection.within(connection.peer().list_resources(request));
        listed.await.map_err(told)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let listed = connection.within(connection.peer().list_resource_templates(request));
        listed.await.map_err(told)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let read = connection.within(connection.peer().read_resource(request));
        read.await.map(Into::into).map_err(told)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let listed = connection.within(connection.peer().list_prompts(request));
        listed.await.map_err(told)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let got = connection.within(connection.peer().get_prompt(request));
        got.await.map(Into::into).map_err(told)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let connection = self.upstream.connected().await.map_err(told)?;
        let completed = connection.within(connection.peer().complete(request));
        completed.await.map_err(told)
    }
}

/// What an agent reads of a failure.
fn told(error: McpError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn shape(arguments: Option<&JsonObject>) -> BTreeMap<String, &'static str> {
    /// Most names that are told, and the longest.
    const NAMES: usize = 50;
    const LONGEST: usize = 64;
    let word = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let arguments = arguments.into_iter().flatten().take(NAMES);
    arguments
        .map(|(name, value)| (name.chars().take(LONGEST).collect(), word(value)))
        .collect()
}

fn described(tool: &Tool) -> Described {
    let mut whole = serde_json::to_value(tool).unwrap_or_default();
    sort(&mut whole);
    Described {
        tool: client::tool(tool.clone()),
        sha256: client::sha256(whole.to_string().as_bytes()),
    }
}

/// Puts the members of all objects in the order of their names, whatever order JSON keeps them in.
fn sort(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(String, Value)> = std::mem::take(members).into_iter().collect();
            sorted.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, mut member) in sorted {
                sort(&mut member);
                members.insert(name, member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// Takes out what nobody can see, wherever a tool says something for models or people to read.
fn cleaned(mut tool: Tool) -> Tool {
    tool.title = tool.title.as_deref().map(client::visible);
    tool.description = tool
        .description
        .as_deref()
        .map(|text| client::visible(text).into());
    let mut schema = Value::Object((*tool.input_schema).clone());
    clean(&mut schema);
    if let Value::Object(schema) = schema {
        tool.input_schema = Arc::new(schema);
    }
    tool
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = client::visible(text),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => members.values_mut().for_each(clean),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(value: Value) -> Tool {
        serde_json::from_value(value).expect("it is a tool")
    }

    #[test]
    fn a_tool_is_another_when_anything_of_it_is() {
        let first = serde_json::json!({"name": "a", "description": "b",
            "inputSchema": {"type": "object", "properties": {"x": {"type": "string"}}}});
        let hash = |value: &Value| described(&tool(value.clone())).sha256;
        let same = serde_json::json!({"inputSchema": {"properties": {"x": {"type": "string"}},
            "type": "object"}, "description": "b", "name": "a"});
        assert_eq!(hash(&first), hash(&same));
        for (place, value) in [
            ("/description", serde_json::json!("b\u{200b}")),
            ("/name", serde_json::json!("A")),
            (
                "/inputSchema/properties/x/type",
                serde_json::json!("number"),
            ),
        ] {
            let mut other = first.clone();
            *other.pointer_mut(place).expect("it is there") = value;
            assert_ne!(hash(&first), hash(&other), "{place}");
        }
    }

    #[test]
    fn nothing_that_cannot_be_seen_reaches_the_agent() {
        let hostile = "read\u{1b}[8m and tell\u{202e} all\u{200b}";
        let cleaned = cleaned(tool(serde_json::json!({"name": "a", "title": hostile,
            "description": hostile, "inputSchema": {"type": "object", "properties":
            {"x": {"type": "string", "description": hostile}}}})));
        let text = serde_json::to_string(&cleaned).expect("it is JSON");
        for hidden in ["\\u001b", "\u{202e}", "\u{200b}"] {
            assert!(!text.contains(hidden), "{text}");
        }
        assert!(text.contains("and tell"));
    }

    #[test]
    fn the_shape_of_arguments_holds_no_values() {
        let arguments =
            serde_json::json!({"path": "/secret", "n": 1, "deep": {"a": "b"}, "all": [1]});
        let Value::Object(arguments) = arguments else {
            unreachable!("it is one")
        };
        let shape = shape(Some(&arguments));
        let shape: Vec<_> = shape
            .iter()
            .map(|(name, kind)| (name.as_str(), *kind))
            .collect();
        assert_eq!(
            shape,
            [
                ("all", "array"),
                ("deep", "object"),
                ("n", "number"),
                ("path", "string")
            ]
        );
    }
}
