//! The API as a typed client has it, with checks that hold for every answer.

use std::{fmt::Display, path::Path};

use berth_protocol::{
    Agent, AgentList, Approval, AuditEvent, AuditPage, AuditVerification, BranchList, ChatAccepted,
    ChatRequest, Code, CreateProject, CreateSession, DiffPage, Endpoint, Input, Message,
    MessagePage, PROBLEM_MEDIA_TYPE, Problem, Project, ProjectId, Screen, Session, SessionId,
    SessionList, UnsavedWork, Uploaded, WorkspaceRequest,
};
use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};

use crate::{EventStream, LIMIT, Viewer};

/// Speaks to one engine.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
}

/// What a request comes to.
pub type Answer<T> = Result<T, Box<Problem>>;

impl Client {
    /// A client of the engine at this endpoint, never through a proxy.
    pub fn new(endpoint: Endpoint) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("an HTTP client can be made");
        Self { http, endpoint }
    }

    /// Where the engine is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A request to any address of the engine, without a token.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.endpoint.url))
    }

    /// A request to an address below `/api/v1`, with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, &format!("/api/v1{path}"))
            .bearer_auth(&self.endpoint.token)
    }

    /// Sends a request; a failure must be a problem as the API promises it.
    pub async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let response = tokio::time::timeout(LIMIT, request.send()).await;
        let response = response
            .expect("the engine answers in time")
            .expect("the engine answers");
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Box::new(problem(response).await))
    }

    /// `GET` of a value.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.value(self.request(Method::GET, path)).await
    }

    /// `POST` of a value for a value.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Answer<T> {
        self.value(self.request(Method::POST, path).json(body))
            .await
    }

    /// `POST` of a value for an empty answer.
    pub async fn tell(&self, path: &str, body: &impl Serialize) -> Answer<()> {
        self.send(self.request(Method::POST, path).json(body))
            .await
            .map(drop)
    }

    /// `POST` of nothing for a value.
    pub async fn act<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.value(self.request(Method::POST, path)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer<()> {
        self.send(self.request(Method::DELETE, path))
            .await
            .map(drop)
    }

    /// Sends a request for a value.
    pub async fn value<T: DeserializeOwned>(&self, request: RequestBuilder) -> Answer<T> {
        let response = self.send(request).await?;
        Ok(response
            .json()
            .await
            .expect("the answer has the promised form"))
    }

    /// Every state change from now on, or from behind the one that has this id.
    pub async fn events(&self, last_id: Option<&str>) -> EventStream {
        EventStream::open(self.request(Method::GET, "/events"), last_id).await
    }

    /// The messages and the status of one session.
    pub async fn chat_events(&self, id: SessionId, last_id: Option<&str>) -> EventStream {
        let path = format!("/chat/stream?session_id={id}");
        EventStream::open(self.request(Method::GET, &path), last_id).await
    }

    /// Waits until `check` finds something: looks at once and after every state change.
    ///
    /// # Panics
    /// When nothing is found within [`LIMIT`].
    pub async fn until<T>(
        &self,
        what: impl Display,
        mut check: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        // Opened before the first look, so that no change falls between the two.
        let mut events = self.events(None).await;
        let wait = async {
            loop {
                if let Some(found) = check().await {
                    return found;
                }
                events.next().await;
            }
        };
        match tokio::time::timeout(LIMIT, wait).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {LIMIT:?}"),
        }
    }

    /// Waits until a session is as wanted.
    pub async fn session_until(
        &self,
        id: SessionId,
        what: impl Display,
        wanted: impl Fn(&Session) -> bool,
    ) -> Session {
        let mut last = String::new();
        let found = self.until(format!("session {id} {what}"), async || {
            let session = self.session(id).await;
            let word = format!("{:?}", session.status);
            if word != last {
                tracing_line(&format!("session {id}: {word}"));
                last = word;
            }
            wanted(&session).then_some(session)
        });
        found.await
    }

    /// Waits until a session waits for a message.
    pub async fn waiting(&self, id: SessionId) -> Session {
        self.session_until(id, "waits", |session| session.status.word() == "waiting")
            .await
    }

    /// Waits until a session has ended.
    pub async fn ended(&self, id: SessionId) -> Session {
        self.session_until(id, "ends", |session| !session.status.is_live())
            .await
    }

    /// Waits until a completed message of the transcript has this in it.
    pub async fn message_with(
        &self,
        id: SessionId,
        role: berth_protocol::Role,
        text: &str,
    ) -> Message {
        let found = self.until(
            format!("a message of session {id} has {text:?}"),
            async || {
                let messages = self.messages(id).await.into_iter();
                messages
                    .filter(|message| message.role == role)
                    .find(|m| m.content.contains(text))
            },
        );
        found.await
    }

    /// Adds a folder as a project.
    pub async fn add_project(&self, path: &Path) -> Project {
        self.try_add_project(path)
            .await
            .expect("the project is added")
    }

    /// Tries to add a folder as a project.
    pub async fn try_add_project(&self, path: &Path) -> Answer<Project> {
        let path = path.to_str().expect("the path is text").to_owned();
        self.post("/projects", &CreateProject { path, name: None })
            .await
    }

    /// The branches of a project.
    pub async fn branches(&self, id: ProjectId) -> BranchList {
        self.get(&format!("/projects/{id}/branches"))
            .await
            .expect("there are branches")
    }

    /// Starts a session.
    pub async fn start(&self, request: &CreateSession) -> Session {
        self.try_start(request).await.expect("the session starts")
    }

    /// Tries to start a session.
    pub async fn try_start(&self, request: &CreateSession) -> Answer<Session> {
        self.post("/sessions", request).await
    }

    /// Starts a shell and waits until it takes messages.
    pub async fn shell(&self, project: ProjectId) -> Session {
        let session = self.start(&session(project, "shell")).await;
        self.waiting(session.id).await
    }

    /// Starts a command in the project's folder.
    pub async fn command(&self, project: ProjectId, command: &[&str]) -> Session {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        self.start(&CreateSession {
            command: Some(command),
            workspace: Some(WorkspaceRequest::InPlace),
            ..session(project, "custom")
        })
        .await
    }

    /// A session as it is now.
    pub async fn session(&self, id: SessionId) -> Session {
        self.get(&format!("/sessions/{id}"))
            .await
            .expect("there is the session")
    }

    /// All sessions.
    pub async fn sessions(&self) -> Vec<Session> {
        self.get::<SessionList>("/sessions")
            .await
            .expect("sessions are listed")
            .sessions
    }

    /// Sends a message and waits until the agent took it.
    pub async fn chat(&self, session_id: SessionId, content: &str) -> Answer<Message> {
        let request = ChatRequest {
            session_id,
            content: content.to_owned(),
        };
        self.post::<ChatAccepted>("/chat", &request)
            .await
            .map(|accepted| accepted.message)
    }

    /// The whole transcript, page by page.
    pub async fn messages(&self, id: SessionId) -> Vec<Message> {
        let mut all = Vec::new();
        let mut after = Some(0);
        while let Some(position) = after {
            let path = format!("/sessions/{id}/messages?after={position}&limit=1000");
            let page: MessagePage = self.get(&path).await.expect("there are messages");
            all.extend(page.messages);
            after = page.next;
        }
        all
    }

    /// Types into a session's terminal.
    pub async fn input(&self, id: SessionId, data: &str) -> Answer<()> {
        self.tell(
            &format!("/sessions/{id}/input"),
            &Input {
                data: data.to_owned(),
            },
        )
        .await
    }

    /// Hands a file to a session.
    pub async fn upload(&self, id: SessionId, name: &str, content: &[u8]) -> Answer<Uploaded> {
        self.value(self.form(id, file_form(name, content))).await
    }

    /// A request that hands a session what is in a form such as [`file_form`] makes.
    pub fn form(&self, id: SessionId, form: impl Into<reqwest::Body>) -> RequestBuilder {
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        self.request(Method::POST, &format!("/sessions/{id}/upload"))
            .header("content-type", media)
            .body(form)
    }

    /// Answers a session's question.
    pub async fn answer(&self, id: SessionId, attention: &str, option: &str) -> Answer<()> {
        let approval = Approval {
            attention_id: attention.to_owned(),
            option_id: option.to_owned(),
        };
        self.tell(&format!("/sessions/{id}/approval"), &approval)
            .await
    }

    /// Makes a session's agent stop what it does.
    pub async fn interrupt(&self, id: SessionId) -> Answer<()> {
        let path = format!("/sessions/{id}/interrupt");
        self.send(self.request(Method::POST, &path)).await.map(drop)
    }

    /// Ends a session.
    pub async fn stop(&self, id: SessionId) -> Session {
        self.act(&format!("/sessions/{id}/stop"))
            .await
            .expect("the session is stopped")
    }

    /// The visible screen of a session.
    pub async fn screen(&self, id: SessionId) -> Screen {
        self.get(&format!("/sessions/{id}/screen"))
            .await
            .expect("there is a screen")
    }

    /// The recording of a session's latest run.
    pub async fn recording(&self, id: SessionId) -> Answer<String> {
        let path = format!("/sessions/{id}/recording");
        let response = self.send(self.request(Method::GET, &path)).await?;
        Ok(response.text().await.expect("the recording is text"))
    }

    /// What would be lost with a session.
    pub async fn work(&self, id: SessionId) -> UnsavedWork {
        self.get(&format!("/sessions/{id}/work"))
            .await
            .expect("the work is told")
    }

    /// The first page of a session's changes.
    pub async fn diff(&self, id: SessionId) -> DiffPage {
        self.get(&format!("/sessions/{id}/diff"))
            .await
            .expect("there is a diff")
    }

    /// The agents as they are known now.
    pub async fn agents(&self) -> Vec<Agent> {
        self.get::<AgentList>("/agents")
            .await
            .expect("agents are listed")
            .agents
    }

    /// The whole audit trail.
    pub async fn audit(&self) -> Vec<AuditEvent> {
        let mut all = Vec::new();
        let mut after = Some(0);
        while let Some(position) = after {
            let path = format!("/audit?after={position}&limit=1000");
            let page: AuditPage = self.get(&path).await.expect("there is an audit trail");
            all.extend(page.events);
            after = page.next;
        }
        all
    }

    /// Checks the audit trail: it must be whole.
    pub async fn assert_audit_valid(&self) {
        let verification: AuditVerification = self
            .get("/audit/verify")
            .await
            .expect("the audit trail can be checked");
        assert!(verification.valid, "{verification:?}");
    }

    /// Asks the engine to end.
    pub async fn stop_engine(&self) {
        self.send(self.request(Method::POST, "/engine/stop"))
            .await
            .expect("the engine stops");
    }

    /// Looks at a session's terminal.
    pub async fn view(&self, id: SessionId) -> Viewer {
        Viewer::open(&self.endpoint, id).await
    }
}

/// What stands between the parts of a form.
const BOUNDARY: &str = "berth-tests-part";

/// A form with one file, as browsers write it (RFC 7578).
pub fn file_form(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let foot = format!("\r\n--{BOUNDARY}--\r\n");
    [head.as_bytes(), content, foot.as_bytes()].concat()
}

/// A session of this agent, with everything else left to the engine.
pub fn session(project_id: ProjectId, agent: &str) -> CreateSession {
    CreateSession {
        project_id,
        agent: agent.parse().expect("it is the name of an agent"),
        message: None,
        title: None,
        workspace: None,
        transport: None,
        permission_mode: None,
        command: None,
        router: None,
        size: None,
        instructions: None,
        mcp_servers: Vec::new(),
    }
}

/// A failed answer as the API promises it: a problem with a known code and its status.
pub async fn problem(response: Response) -> Problem {
    let status = response.status().as_u16();
    let url = response.url().clone();
    let media = response.headers().get("content-type").cloned();
    let text = response.text().await.expect("the answer can be read");
    let media = media.and_then(|media| media.to_str().map(str::to_owned).ok());
    assert_eq!(
        media.as_deref(),
        Some(PROBLEM_MEDIA_TYPE),
        "{url} said {status}: {text}"
    );
    let problem: Problem = serde_json::from_str(&text).expect("the problem has the promised form");
    assert_ne!(problem.code, Code::Unknown, "{text}");
    assert_eq!(problem.status, status, "{text}");
    assert_eq!(problem.status, problem.code.status(), "{text}");
    assert_eq!(
        problem.kind,
        format!("urn:berth:problem:{}", problem.code),
        "{text}"
    );
    assert!(!problem.detail.is_empty(), "{text}");
    problem
}

#[expect(
    clippy::print_stdout,
    reason = "libtest shows what a failed test prints"
)]
fn tracing_line(text: &str) {
    println!("{text}");
}
