//! The gateways of running sessions: which servers a session is given, who may ask for it, and what the audit
//! trail tells of that.

mod asker;
pub mod asking;
mod connecting;
mod form;
pub mod given;
pub mod listener;
mod names;
mod sample;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use berth_mcp::{
    McpError,
    gateway::{Asked, Bounds, Ended, Gateway, Guard, Opener, Read, Shared},
};
use berth_protocol::{
    AgentId, Code, McpConfiguration, McpConfigurationId, McpProbe, McpScope, McpServer, McpState,
    McpTool, ProjectId, Secret, SessionId, SessionMcpServer, Timestamp, ToolRule, tenant::Tenant,
};
use berth_session::agents::{self, Spec};
use berth_store::SessionRecord;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use asking::Subject;
use listener::Listener;
use names::{free_name, own_name, shared_names};

use crate::{EngineError, error::ApiError, mcp, sessions, state::State};

/// What an agent reads of a tool that it may not call.
const DENIED: &str = "Its user does not let agents call this tool.";

/// What an agent reads of a call that the audit trail cannot tell of.
const UNNOTED: &str = "The call was not made, because the audit trail cannot be written to.";

/// Bytes of the token of a session.
const TOKEN: usize = 32;

/// How long calls may take to end that were given up.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// What is open at the moment.
#[derive(Default)]
pub struct Gateways {
    open: Mutex<HashMap<SessionId, Arc<OfSession>>>,
    /// Where agents reach them.
    url: OnceLock<String>,
    /// Runs that are over, of which calls are still to be noted.
    ending: TaskTracker,
    /// What sessions share of a server, as long as one of them is given it. Its settings are others with each version.
    shared: Mutex<HashMap<(McpConfigurationId, u32), Weak<Shared>>>,
    /// Calls that wait for the user's answer.
    pub asking: asking::Asking,
    /// Servers that want their user to sign in before they answer a call.
    pub midway: mcp::midway::Midway,
}

/// The gateways of one run of a session.
struct OfSession {
    run: u32,
    token: Secret,
    /// By the names that its agent knows.
    servers: BTreeMap<String, Server>,
}

/// A server of one run of a session.
struct Server {
    of: Of,
    gateway: Gateway,
}

impl OfSession {
    fn end(&self) {
        self.servers.values().for_each(|it| it.gateway.end());
    }
}

/// Keeps the gateways of a run open. Dropped, it closes them.
pub struct Open {
    state: Arc<State>,
    id: SessionId,
    run: u32,
}

impl Drop for Open {
    fn drop(&mut self) {
        let gateways = &self.state.gateways;
        let ended = {
            let mut open = gateways.open();
            // The next run may have opened its own.
            let is_own = open.get(&self.id).is_some_and(|it| it.run == self.run);
            is_own.then(|| open.remove(&self.id)).flatten()
        };
        if let Some(ended) = ended {
            gateways.asking.end_questions(self.id);
            gateways.end(ended);
        }
    }
}

impl Gateways {
    /// Listens for agents, which are told of that address from now on.
    ///
    /// # Errors
    /// [`EngineError::Bind`] and [`EngineError::Address`].
    pub fn listen(&self) -> Result<Listener, EngineError> {
        let listener = Listener::bind()?;
        self.url.get_or_init(|| listener.url());
        Ok(listener)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<OfSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What sessions share of a server. A program runs for each of them, and shares nothing.
    fn shared(&self, server: &McpConfiguration) -> Arc<Shared> {
        if matches!(server.draft.server, McpServer::Stdio { .. }) {
            return Arc::default();
        }
        let mut all = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, shared| shared.strong_count() > 0);
        let key = (server.id, server.version);
        let shared = all.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        all.insert(key, Arc::downgrade(&shared));
        shared
    }

    /// The gateways of a session, for whoever has its token. Whether there is such a session nobody else learns.
    fn of(&self, id: SessionId, token: Option<&str>) -> Option<Arc<OfSession>> {
        let found = self.open().get(&id).cloned()?;
        let offered = token?.as_bytes();
        let is_right: bool = offered.ct_eq(found.token.expose().as_bytes()).into();
        is_right.then_some(found)
    }

    /// Ends the gateways of a run. Its calls are given up: who waits for their answers holds on to them.
    fn end(&self, of_run: Arc<OfSession>) {
        of_run.end();
        // The engine is stopping when there is no runtime any more.
        if let Ok(runtime) = Handle::try_current() {
            let over = async move {
                for server in of_run.servers.values() {
                    server.gateway.over().await;
                }
            };
            self.ending.spawn_on(over, &runtime);
        }
    }

    /// Ends the gateways of all runs, because the engine stops: their agents are about to end too, and an answer that an
    /// agent waits for would hold up the stop. Their runs go on until they are stopped.
    pub fn end_all(&self) {
        self.open().values().for_each(|of_run| of_run.end());
    }

    /// Waits until the calls of runs that are over are noted, before the store is closed.
    pub async fn settle(&self) {
        self.ending.close();
        let noted = tokio::time::timeout(LAST_CALLS, self.ending.wait()).await;
        if noted.is_err() {
            tracing::warn!("calls of tools do not end; the next start tells of them");
        }
    }
}

/// Where a session reaches a server.
pub fn url(state: &State, session: &str, server: &str) -> String {
    // The engine answers agents too.
    let base = state.gateways.url.get().unwrap_or(&state.endpoint.url);
    format!("{base}/mcp/{session}/{server}")
}

/// Opens the gateways of a run to every server that is meant for it, and says what its agent is given. The run was
/// checked under `tenant`: when another organization is active by now, nothing is opened, since the run was checked
/// against another policy.
pub async fn open(
    state: &Arc<State>,
    record: &SessionRecord,
    spec: &Spec,
    tenant: Option<Tenant>,
) -> Result<(Vec<SessionMcpServer>, Option<Open>), ApiError> {
    let (id, run) = (record.id, record.run);
    let meant = meant(state, record).await?;
    if state.organizations.active() != tenant {
        let detail = format!("another organization has become active while session {id} started");
        return Err(ApiError::new(Code::OrganizationSwitched, detail));
    }
    if meant.is_empty() {
        return Ok((Vec::new(), None));
    }
    let token = token();
    let mut names: BTreeSet<String> = record
        .mcp_servers
        .iter()
        .map(|server| server.name().to_owned())
        .collect();
    let shared = shared_names(state).await?;
    let mut servers = BTreeMap::new();
    let mut given = Vec::new();
    let mut told = Vec::new();
    for configuration in meant {
        let name = free_name(&configuration, &shared, &mut names);
        let server = SessionMcpServer::Http {
            name: name.clone(),
            url: url(state, &id.to_string(), &name),
            bearer: Some(token.clone()),
        };
        if !agents::takes_mcp(spec, record.transport, &server) {
            continue;
        }
        let of = Of {
            state: Arc::clone(state),
            session: id,
            run,
            agent: record.agent.clone(),
            project: record.project_id,
            folder: PathBuf::from(&record.workspace.path),
            given: Arc::new(configuration.clone()),
            tenant,
        };
        let shared = state.gateways.shared(&configuration);
        let guard = Arc::new(of.clone());
        let gateway = Gateway::new(of.opener(), guard, Bounds::default(), shared);
        servers.insert(name.clone(), Server { of, gateway });
        told.push(json!({"id": configuration.id, "name": name, "version": configuration.version}));
        given.push(server);
    }
    if servers.is_empty() {
        return Ok((Vec::new(), None));
    }
    sessions::note(
        state,
        id,
        "session.mcp_given",
        json!({"run": run, "servers": told}),
    )
    .await;
    let opened = Arc::new(OfSession {
        run,
        token,
        servers,
    });
    state.gateways.open().insert(id, Arc::clone(&opened));
    // Whoever ends all of them was perhaps there before it.
    if state.stopping.is_cancelled() {
        opened.end();
    }
    let open = Open {
        state: Arc::clone(state),
        id,
        run,
    };
    Ok((given, Some(open)))
}

/// The servers that are meant for a session, those of its organization first.
async fn meant(state: &State, record: &SessionRecord) -> Result<Vec<McpConfiguration>, ApiError> {
    let mut all = state.store.mcp_configurations().await?;
    all.retain(|configuration| {
        is_for(configuration, &record.agent, record.project_id)
            && mcp::shared::admits(state, configuration).is_ok()
    });
    Ok(all)
}

/// Sessions of this agent and project are given the server.
fn is_for(configuration: &McpConfiguration, agent: &AgentId, project: ProjectId) -> bool {
    let draft = &configuration.draft;
    draft.enabled
        && configuration.consented
        && configuration.is_offered()
        && draft.target.includes(agent, Some(project))
}

fn token() -> Secret {
    let bytes: [u8; TOKEN] = rand::random();
    Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Answers a request at the gateway of a session and server.
pub async fn answer(
    state: &State,
    (id, server): (SessionId, &str),
    token: Option<&str>,
    request: axum::extract::Request,
) -> Result<axum::response::Response, ApiError> {
    let refused = || {
        let detail = "the token is missing or not that of the session";
        ApiError::new(Code::Unauthorized, detail)
    };
    let session = state.gateways.of(id, token).ok_or_else(refused)?;
    let server = session.servers.get(server).ok_or_else(|| {
        let detail = format!("the session is not given an MCP server {server:?}");
        ApiError::new(Code::McpNotFound, detail)
    })?;
    let answer = server.gateway.handle(request).await?;
    Ok(answer.map(axum::body::Body::new))
}

/// One server of one session.
#[derive(Clone)]
struct Of {
    state: Arc<State>,
    session: SessionId,
    run: u32,
    agent: AgentId,
    project: ProjectId,
    folder: PathBuf,
    /// As it was when the session began.
    given: Arc<McpConfiguration>,
    /// The organization that it began under.
    tenant: Option<Tenant>,
}

impl Of {
    fn opener(&self) -> Opener {
        let of = self.clone();
        Arc::new(move |agents| {
            let of = of.clone();
            Box::pin(async move { of.connect(agents).await })
        })
    }

    /// The run has gateways, and the engine goes on.
    fn is_open(&self) -> bool {
        !self.state.stopping.is_cancelled()
            && self
                .state
                .gateways
                .open()
                .get(&self.session)
                .is_some_and(|open| open.run == self.run)
    }

    /// The server as it is now, as long as the session may have it: whoever has changed, disabled or removed it
    /// meanwhile is heeded.
    async fn now(&self) -> Result<McpConfiguration, String> {
        let now = mcp::get(&self.state, self.given.id).await;
        let now = now.map_err(|error| error.0.detail.clone())?;
        if !is_for(&now, &self.agent, self.project) {
            return Err(
                "its user has disabled it, or no longer has it for this session".to_owned(),
            );
        }
        if let Some(bound) = self.state.organizations.bound_of(self.tenant) {
            bound.server(&now.draft.name)?;
            // What its user has named like one of the organization's is another one.
            if now.scope == McpScope::User {
                bound.server(&own_name(&now.draft.name))?;
            }
        }
        mcp::shared::admits(&self.state, &now).map_err(|error| error.0.detail.clone())?;
        let (given, draft) = (&self.given.draft, &now.draft);
        if draft.server != given.server || draft.auth != given.auth {
            let why = "its user has changed it; the session takes that up when it is started again";
            return Err(why.to_owned());
        }
        Ok(now)
    }

    /// What happens when the agent calls a tool, as its user and their organization say.
    fn rule(&self, now: &McpConfiguration, tool: &str) -> ToolRule {
        self.bound_rule(now, tool, now.draft.rules.of(tool))
    }

    /// The organization itself wants its user asked, whatever they have said before.
    fn must_ask(&self, now: &McpConfiguration, tool: &str) -> bool {
        self.bound_rule(now, tool, ToolRule::Allow) == ToolRule::Ask
    }

    /// What happens when the agent calls a tool, of which its user says `own`.
    fn bound_rule(&self, now: &McpConfiguration, tool: &str, own: ToolRule) -> ToolRule {
        let name = &now.draft.name;
        match (self.state.organizations.bound_of(self.tenant), now.scope) {
            (None, _) => own,
            (Some(bound), McpScope::Organization) => bound.tool(name, tool, own),
            // A rule for a server of the organization lets no other one do more than what holds for all.
            (Some(bound), McpScope::User) => {
                bound.tool(&own_name(name), tool, bound.tool(name, tool, own))
            }
        }
    }

    /// What the audit trail tells of a call.
    fn told(&self, asked: &Asked) -> Value {
        json!({
            "arguments": asked.shape,
            "by": "agent",
            "call": asked.call,
            "session_id": self.session,
            // An agent may ask for any name, and people read this.
            "tool": cut(&asked.tool),
        })
    }

    async fn note_call(&self, action: &'static str, details: Value) {
        let store = &self.state.store;
        let noted = store.note_mcp_call(self.given.id, action, details);
        if let Err(error) = noted.await {
            tracing::error!(%error, session = %self.session, "a call of a tool was not noted");
        }
    }

    async fn note(&self, now: McpState, tools: Option<&[McpTool]>) {
        let configuration = mcp::get(&self.state, self.given.id).await;
        let noted = match configuration {
            Ok(configuration) => mcp::note(&self.state, &configuration, now, tools).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(problem = %error.0, "how an MCP server is doing was not noted");
        }
    }

    /// Notes what the server said, unless that is what is known of it.
    async fn note_said(&self, said: &McpProbe, changed: &[String]) {
        let at = Timestamp::now();
        let known = mcp::get(&self.state, self.given.id).await;
        let known = known.map(|known| known.state).unwrap_or_default();
        let now = match (changed, known) {
            ([], McpState::Connected { tools, .. }) if tools as usize == said.tools.len() => return,
            // The agent looks at the tools meanwhile.
            ([], known) if self.state.gateways.midway.stands(self.given.id, &known) => return,
            ([], _) => McpState::connected(said, at),
            (changed, McpState::Quarantined { tools, .. }) if tools == changed => return,
            (changed, _) => McpState::Quarantined {
                tools: changed.to_vec(),
                at,
            },
        };
        self.note(now, Some(&said.tools)).await;
    }
}

/// A name that somebody else has chosen, for people to read.
pub fn cut(name: &str) -> String {
    /// Most characters.
    const LONGEST: usize = 128;
    berth_mcp::visible(name).chars().take(LONGEST).collect()
}

impl Guard for Of {
    fn admits(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.now().await.map(drop) })
    }

    fn tools<'a>(
        &'a self,
        said: &'a McpProbe,
        hashes: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Vec<String>> {
        Box::pin(async move {
            let changed = match self.state.store.pin_mcp_tools(self.given.id, hashes).await {
                Ok(changed) => changed,
                Err(error) => {
                    // What cannot be compared is not let through.
                    tracing::warn!(%error, "the tools of an MCP server could not be compared");
                    return Vec::new();
                }
            };
            self.note_said(said, &changed).await;
            let names = hashes.keys().cloned();
            names.filter(|name| !changed.contains(name)).collect()
        })
    }

    fn shows<'a>(&'a self, tools: &'a [String]) -> BoxFuture<'a, Vec<String>> {
        Box::pin(async move {
            let Ok(now) = self.now().await else {
                return Vec::new();
            };
            let shown = tools
                .iter()
                .filter(|tool| self.rule(&now, tool) != ToolRule::Deny);
            shown.cloned().collect()
        })
    }

    fn allows<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let now = self.now().await?;
            match self.rule(&now, &asked.tool) {
                ToolRule::Allow => Ok(()),
                ToolRule::Deny => Err(DENIED.to_owned()),
                ToolRule::Ask => {
                    let arguments = asked.arguments();
                    let subject = Subject {
                        session: self.session,
                        project: self.project,
                        configuration: now.id,
                        server: &now.draft.name,
                        tool: &asked.tool,
                        arguments: &arguments,
                        once: self.must_ask(&now, &asked.tool),
                    };
                    let answer = asking::ask(&self.state, &subject).await?;
                    // It took as long as somebody thought about it.
                    let now = self.now().await?;
                    if self.rule(&now, &asked.tool) == ToolRule::Deny {
                        return Err(DENIED.to_owned());
                    }
                    asking::keep(&self.state, &subject, answer).await;
                    Ok(())
                }
            }
        })
    }

    fn begins<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let told = self.told(asked);
            let store = &self.state.store;
            let begun = store.begin_mcp_call(self.given.id, &asked.call, &told);
            begun.await.map_err(|error| {
                tracing::error!(%error, session = %self.session, "a call of a tool is not made: it could not be noted");
                UNNOTED.to_owned()
            })
        })
    }

    fn lasts<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, ()> {
        Box::pin(self.note_call("mcp.calling", self.told(asked)))
    }

    fn reads<'a>(&'a self, read: Read<'a>) -> BoxFuture<'a, ()> {
        let mut details = json!({"by": "agent", "session_id": self.session});
        match read {
            // What is behind the host may be anything, also what must not be known.
            Read::Resource(uri) => {
                let host = url::Url::parse(uri).ok().map(|uri| match uri.host_str() {
                    Some(host) => format!("{}://{host}", uri.scheme()),
                    None => format!("{}:", uri.scheme()),
                });
                details["resource"] = json!(host.as_deref().map(cut));
            }
            Read::Prompt(name) => details["prompt"] = json!(cut(name)),
        }
        Box::pin(self.note_call("mcp.read", details))
    }

    fn ended<'a>(&'a self, ended: &'a Ended) -> BoxFuture<'a, ()> {
        let mut details = self.told(&ended.asked);
        details["bytes"] = json!(ended.bytes);
        details["outcome"] = json!(ended.outcome.word());
        details["took_ms"] = json!(u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX));
        if ended.begun {
            // It is in the trail since it left: its answer waits for nothing.
            let call = ended.asked.call.clone();
            self.state.store.end_mcp_call(self.given.id, call, details);
            return Box::pin(std::future::ready(()));
        }
        Box::pin(self.note_call("mcp.called", details))
    }

    fn lost<'a>(&'a self, error: &'a McpError) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // That it was not asked, or that its agent has ended meanwhile, says nothing of how it is doing.
            if !matches!(error, McpError::Withheld(_)) && self.is_open() {
                let (state, given) = (&self.state, &self.given);
                state
                    .sign_ins
                    .remember(given.id, &given.draft.server, error);
                let problem = mcp::hint::told(error);
                let at = Timestamp::now();
                let now = mcp::sign_in::state_of(state, given, &problem, at).await;
                self.note(now, None).await;
            }
        })
    }

    fn wants_sign_in<'a>(&'a self, error: &'a McpError) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if self.is_open() {
                mcp::midway::note(&self.state, &self.given, error).await;
            }
        })
    }
}
