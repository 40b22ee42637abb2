//! What an agent is told and what it may do at its endpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, JsonObject,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, SetLevelRequestParams, Tool,
    },
    service::{NotificationContext, RequestContext},
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{
    Asked, Bounds, Ended, Guard, Outcome, Read, SOON, rate::Rate, telling::Telling,
    upstream::Upstream,
};
use crate::{
    Connection, McpError,
    client::{self, Progress},
};

/// What an agent reads of a call that found no turn.
pub(super) const CROWDED: &str =
    "The call was not made: too many others of this server were under way for too long.";

/// What an agent reads besides, where its user has to sign in.
const ONLY_ITS_USER: &str =
    "only its user can do that, in Berth, and then the same can be asked again";

/// An agent's side of a gateway. Its clones are the same.
#[derive(Clone)]
pub struct Door {
    upstream: Arc<Upstream>,
    guard: Arc<dyn Guard>,
    bounds: Bounds,
    rate: Arc<Mutex<Rate>>,
    /// The tools that may be called over a connection; nothing before somebody has looked.
    allowed: Arc<Mutex<Option<Allowed>>>,
    /// Its agent has said that it is there. It may say so again and again, and is one all the same.
    joined: Arc<AtomicBool>,
    /// Its agent has said what it wants to hear of logs.
    listens: Arc<AtomicBool>,
    /// Calls that are under way, or of which the guard has not heard yet that they are over.
    calls: TaskTracker,
}

/// The names of tools, and the connection over which they were seen: another may lead to other tools.
type Allowed = (Weak<Connection>, Arc<BTreeSet<String>>);

impl Door {
    pub fn new(
        upstream: Arc<Upstream>,
        guard: Arc<dyn Guard>,
        bounds: Bounds,
        calls: TaskTracker,
    ) -> Self {
        Self {
            upstream,
            guard,
            bounds,
            rate: Arc::new(Mutex::new(Rate::new(bounds.per_minute))),
            allowed: Arc::default(),
            joined: Arc::default(),
            listens: Arc::default(),
            calls,
        }
    }

    /// The same for another agent.
    pub fn for_another(&self) -> Self {
        Self {
            joined: Arc::default(),
            listens: Arc::default(),
            ..self.clone()
        }
    }

    /// The connection, as long as the server may be asked.
    async fn connection(&self) -> Result<Arc<Connection>, McpError> {
        self.guard.admits().await.map_err(McpError::Withheld)?;
        self.upstream.connected().await
    }

    /// The server's tools that the agent may see.
    async fn tools(&self, connection: &Arc<Connection>) -> Result<Vec<Tool>, McpError> {
        let began = Instant::now();
        let tools = connection.raw_tools().await;
        // That they can be listed does not make up for calls that fail: only a call closes the breaker.
        if tools.is_err() {
            self.note(connection, &tools).await;
        }
        let tools = tools?;
        let hashes = tools.iter().map(|tool| (tool.name.to_string(), hash(tool)));
        let hashes: BTreeMap<String, String> = hashes.collect();
        let shown = tools.iter().cloned().map(client::tool).collect();
        let said = connection.probed(shown, began.elapsed());
        let allowed = self.guard.tools(&said, &hashes).await;
        let shown = self.guard.shows(&allowed).await;
        let allowed: BTreeSet<String> = allowed.into_iter().collect();
        let tools = tools
            .into_iter()
            .filter(|tool| shown.iter().any(|name| *name == *tool.name))
            .map(cleaned)
            .collect();
        let allowed = (Arc::downgrade(connection), Arc::new(allowed));
        *self.allowed.lock().unwrap_or_else(PoisonError::into_inner) = Some(allowed);
        Ok(tools)
    }

    async fn may_call(&self, connection: &Arc<Connection>, tool: &str) -> Result<bool, McpError> {
        let known = {
            let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |(seen, _): &&Allowed| std::ptr::eq(seen.as_ptr(), Arc::as_ptr(connection));
            allowed
                .as_ref()
                .filter(same)
                .map(|(_, names)| Arc::clone(names))
        };
        if let Some(known) = known {
            return Ok(known.contains(tool));
        }
        self.tools(connection).await?;
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(allowed
            .as_ref()
            .is_some_and(|(_, names)| names.contains(tool)))
    }

    /// Counts a request, unless there were too many.
    fn counts(&self) -> Result<(), McpError> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if rate.takes(Instant::now()) {
            return Ok(());
        }
        let most = self.bounds.per_minute;
        let why = format!("there were more than {most} requests within a minute; wait a little");
        Err(McpError::Withheld(why))
    }

    /// The connection for a request that is none of a tool.
    async fn asked(&self) -> Result<Arc<Connection>, ErrorData> {
        self.counts().map_err(told)?;
        self.connection().await.map_err(told)
    }

    /// Notes what became of a request over this connection. Its user hears of it if they have to sign in: the agent
    /// cannot.
    async fn note<T>(&self, connection: &Arc<Connection>, outcome: &Result<T, McpError>) {
        self.upstream.note(connection, outcome).await;
        if let Err(error) = outcome
            && error.wants_sign_in()
        {
            self.guard.wants_sign_in(error).await;
        }
    }

    /// What the server answered over this connection, unless that is too much.
    async fn answered<T: Serialize>(
        &self,
        connection: &Arc<Connection>,
        answer: Result<T, McpError>,
    ) -> Result<T, ErrorData> {
        // Nothing else of it is noted: only a call tells how the server is doing.
        if answer.as_ref().is_err_and(McpError::wants_sign_in) {
            self.note(connection, &answer).await;
        }
        let answer = answer.map_err(told)?;
        let bytes = length(&answer);
        match self.too_much(bytes) {
            Some(said) => Err(ErrorData::internal_error(said, None)),
            None => Ok(answer),
        }
    }

    fn too_much(&self, bytes: usize) -> Option<String> {
        let most = self.bounds.answer;
        let said = || format!("The answer has {bytes} bytes, and at most {most} are let through.");
        (bytes > most).then(said)
    }

    async fn called(
        &self,
        asked: &Asked,
        request: CallToolRequestParams,
        heard: Option<Progress>,
        begun: &AtomicBool,
    ) -> Called {
        if let Err(error) = self.counts() {
            return Called::refused(error.to_string());
        }
        if let Err(why) = self.guard.admits().await {
            return Called::refused(why);
        }
        let connection = match self.upstream.connected().await {
            Ok(connection) => connection,
            Err(error) => return Called::lost(&error),
        };
        match self.may_call(&connection, &asked.tool).await {
            Ok(true) => {}
            Ok(false) => return Called::refused(format!("There is no tool {:?}.", asked.tool)),
            Err(error) => return Called::lost(&error),
        }
        if let Err(why) = self.guard.allows(asked).await {
            return Called::refused(why);
        }
        // Whoever waits for somebody's answer keeps nobody else waiting.
        let turn = self.upstream.shared().turn();
        let Ok(Some(_turn)) = tokio::time::timeout(self.bounds.call, turn).await else {
            return Called::refused(CROWDED.to_owned());
        };
        // The tool may have become another one meanwhile.
        match self.may_call(&connection, &asked.tool).await {
            Ok(true) => {}
            Ok(false) => return Called::refused(format!("There is no tool {:?}.", asked.tool)),
            Err(error) => return Called::lost(&error),
        }
        // Also if this is given up while it is noted.
        begun.store(true, Ordering::Relaxed);
        if let Err(why) = self.guard.begins(asked).await {
            begun.store(false, Ordering::Relaxed);
            return Called::refused(why);
        }
        let call = connection.raw_call(request, self.bounds.call, heard);
        tokio::pin!(call);
        let soon = tokio::time::timeout(SOON, &mut call).await;
        let result = match soon {
            Ok(result) => result,
            // The call goes on, and its time counts, while that is noted.
            Err(_) => tokio::join!(self.guard.lasts(asked), call).1,
        };
        self.note(&connection, &result).await;
        let result = match result {
            Ok(result) => result,
            Err(error) => return Called::lost(&error),
        };
        let bytes = length(&result);
        if let Some(said) = self.too_much(bytes) {
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
        Self::told(Outcome::Lost, format!("The call failed: {}.", said(error)))
    }
}

impl ServerHandler for Door {
    fn get_info(&self) -> ServerConfig {
        let Some(known) = self.upstream.info() else {
            return ServerConfig::default();
        };
        let offered = &known.capabilities;
        let mut capabilities = ServerCapabilities::default();
        // Only what goes through: no tasks, no extensions, and no news of changed lists.
        capabilities.tools = offered.tools.as_ref().map(|_| Default::default());
        capabilities.prompts = offered.prompts.as_ref().map(|_| Default::default());
        capabilities.resources = offered.resources.as_ref().map(|_| Default::default());
        capabilities.completions.clone_from(&offered.completions);
        capabilities.logging.clone_from(&offered.logging);
        let mut info = ServerConfig::new(capabilities);
        if let Some(server) = &known.server_info {
            info.server_info.clone_from(server);
        }
        info.instructions = known.instructions.as_deref().map(client::visible);
        info
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if !self.joined.swap(true, Ordering::Relaxed) {
            self.upstream.agents().joined(context.peer);
        }
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let connection = self.asked().await?;
        // What is logged from here on is for it.
        if !self.listens.swap(true, Ordering::Relaxed) {
            self.upstream.agents().listens(context.peer);
        }
        let set = self.upstream.listen(&connection, request.level).await;
        self.answered(&connection, set).await
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let connection = self.connection().await.map_err(told)?;
        let tools = self.tools(&connection).await.map_err(told)?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asked = Asked {
            call: format!("{:016x}", rand::random::<u64>()),
            tool: request.name.to_string(),
            shape: shape(request.arguments.as_ref()),
            given: request.arguments.clone(),
        };
        let _under_way = self.calls.token();
        let begun = AtomicBool::new(false);
        let began = Instant::now();
        let (heard, telling) = Telling::of(&context);
        let cancelled = || Called::told(Outcome::Cancelled, "The call was cancelled.".to_owned());
        let called = tokio::select! {
            // First, because what is given up loses its connection too.
            biased;
            () = context.ct.cancelled() => cancelled(),
            () = self.upstream.stopped() => cancelled(),
            called = self.called(&asked, request, heard, &begun) => called,
            never = telling.tell() => match never {},
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
            begun: begun.into_inner(),
        };
        self.guard.ended(&ended).await;
        Ok(CallToolResponse::Complete(result))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let connection = self.asked().await?;
        let listed = connection.within(connection.peer().list_resources(request));
        self.answered(&connection, listed.await).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let connection = self.asked().await?;
        let listed = connection.within(connection.peer().list_resource_templates(request));
        self.answered(&connection, listed.await).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let connection = self.asked().await?;
        self.guard.reads(Read::Resource(&request.uri)).await;
        let read = connection.within(connection.peer().read_resource(request));
        let answer = self.answered(&connection, read.await).await;
        answer.map(Into::into)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let connection = self.asked().await?;
        let listed = connection.within(connection.peer().list_prompts(request));
        self.answered(&connection, listed.await).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let connection = self.asked().await?;
        self.guard.reads(Read::Prompt(&request.name)).await;
        let got = connection.within(connection.peer().get_prompt(request));
        let answer = self.answered(&connection, got.await).await;
        answer.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let connection = self.asked().await?;
        let completed = connection.within(connection.peer().complete(request));
        self.answered(&connection, completed.await).await
    }
}

/// Length as JSON, in bytes.
fn length<T: Serialize>(answer: &T) -> usize {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, answer) {
        Ok(()) => counted.0,
        Err(_) => usize::MAX,
    }
}

/// What an agent reads of a failure.
fn told(error: McpError) -> ErrorData {
    ErrorData::internal_error(said(&error), None)
}

fn said(error: &McpError) -> String {
    match error.wants_sign_in() {
        true => format!("{error}; {ONLY_ITS_USER}"),
        false => error.to_string(),
    }
}

/// What is told of the arguments of a call: their names with their types, and no value.
pub fn shape(arguments: Option<&JsonObject>) -> BTreeMap<String, &'static str> {
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

/// Arguments as somebody reads them who has to decide. What is long is shortened in its middle, each value for itself,
/// so that nothing stands behind where the text ends; too many of them are named before anything else.
pub(super) fn read(arguments: Option<&JsonObject>) -> String {
    /// Most characters.
    const LONGEST: usize = 16_000;
    let Some(arguments) = arguments.filter(|arguments| !arguments.is_empty()) else {
        return String::new();
    };
    let mut whole = Value::Object(arguments.clone());
    shorten(&mut whole);
    let text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    let text = client::visible(&text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!(
            "There is more than can be shown: {} bytes. It begins with\n{}",
            text.len(),
            &text[..end]
        ),
        None => text,
    }
}

fn shorten(value: &mut Value) {
    /// Most characters of a text, and those of its end that are kept.
    const LONGEST: usize = 1000;
    const END: usize = 200;
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            if length > LONGEST {
                let head: String = text.chars().take(LONGEST - END).collect();
                let tail: String = text.chars().skip(length - END).collect();
                *text = format!("{head} … {} characters … {tail}", length - LONGEST);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// SHA-256 of everything that a server says of a tool.
fn hash(tool: &Tool) -> String {
    let mut whole = serde_json::to_value(tool).unwrap_or_default();
    sort(&mut whole);
    client::sha256(whole.to_string().as_bytes())
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

/// Takes out what nobody can see, wherever a tool says something for models or people to read. Its name is what
/// it is called by, and stays.
fn cleaned(tool: Tool) -> Tool {
    let Ok(mut whole) = serde_json::to_value(&tool) else {
        return tool;
    };
    clean(&mut whole);
    match serde_json::from_value::<Tool>(whole) {
        Ok(mut cleaned) => {
            cleaned.name = tool.name;
            cleaned
        }
        Err(_) => tool,
    }
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
mod tests;
