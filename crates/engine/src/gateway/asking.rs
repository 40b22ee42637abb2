//! Questions that are asked about MCP servers: whether a call of a tool may go through, and what a server itself
//! wants to know of the user. A question is one of the session: it needs attention meanwhile, and is answered where
//! every question of its agent is.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_mcp::Elicited;
use berth_protocol::{
    Attention, AttentionNeeds, AttentionOption, FieldProblem, McpAnswer, McpConfigurationId,
    McpForm, ProjectId, SessionId,
};
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{cut, form};
use crate::{sessions, state::State};

/// How long a question waits for its answer. Agents give up on tools sooner or later.
const PATIENCE: Duration = Duration::from_secs(300);

/// Most questions of a session at once.
const MANY: usize = 16;

/// What is asked at the moment, and what was answered for longer than one call.
#[derive(Default)]
pub struct Asking {
    questions: Mutex<HashMap<SessionId, Vec<Question>>>,
    allowed: Mutex<HashSet<(SessionId, McpConfigurationId, String)>>,
}

struct Question {
    attention: Attention,
    about: About,
    /// What is filled in.
    form: Option<McpForm>,
    tell: Option<oneshot::Sender<Reply>>,
}

/// What was answered.
#[derive(Debug)]
pub enum Reply {
    /// To a question about a call.
    Call(McpAnswer),
    /// To a question of a server.
    Server(Elicited),
}

/// What an answer is about, for the audit trail.
#[derive(Clone, Debug)]
pub struct About {
    pub configuration: McpConfigurationId,
    /// The tool that is called; nothing when the server itself asks.
    pub tool: Option<String>,
}

/// The option with which a user gives a server what it asks for.
const ACCEPT: &str = "accept";

/// The option with which they do not.
const DECLINE: &str = "decline";

/// What a server asks of its user.
pub enum Request {
    /// To fill in a form: what it is for, and its fields.
    Form(String, Value),
    /// To open a page: what it is for, and its address.
    Page(String, String),
    /// To let the agent's model answer this.
    Sample(String),
}

/// Why a form is not taken.
pub enum NotTaken {
    /// The session has no such question.
    Gone,
    /// What was filled in is not what is asked for.
    Wrong(Vec<FieldProblem>),
}

/// What is asked about.
pub struct Subject<'a> {
    pub session: SessionId,
    pub project: ProjectId,
    pub configuration: McpConfigurationId,
    /// The name of the server.
    pub server: &'a str,
    pub tool: &'a str,
    /// The arguments, to be read.
    pub arguments: &'a str,
    /// An organization wants each call asked about: no answer before counts, and none holds for another call.
    pub once: bool,
}

impl Subject<'_> {
    /// What is allowed when the tool is allowed in the session.
    fn in_session(&self) -> (SessionId, McpConfigurationId, String) {
        (self.session, self.configuration, self.tool.to_owned())
    }
}

/// A question that stands. Dropped, it stands no more.
struct Standing {
    state: Arc<State>,
    session: SessionId,
    id: String,
}

impl Drop for Standing {
    fn drop(&mut self) {
        let asking = &self.state.gateways.asking;
        {
            let mut questions = asking.questions();
            if let Some(of_session) = questions.get_mut(&self.session) {
                of_session.retain(|question| question.attention.id != self.id);
                if of_session.is_empty() {
                    questions.remove(&self.session);
                }
            }
        }
        let (state, id) = (Arc::clone(&self.state), self.session);
        tokio::spawn(async move { sessions::publish(&state, id).await });
    }
}

impl Asking {
    fn questions(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Question>>> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn allowed(&self) -> MutexGuard<'_, HashSet<(SessionId, McpConfigurationId, String)>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The question of a session that has waited longest.
    pub fn of(&self, id: SessionId) -> Option<Attention> {
        let questions = self.questions();
        Some(questions.get(&id)?.first()?.attention.clone())
    }

    /// The answer that an option of a question stands for, if the question waits for it.
    pub fn option(&self, id: SessionId, attention: &str, option: &str) -> Option<(Reply, About)> {
        let questions = self.questions();
        let mut of_session = questions.get(&id)?.iter();
        let found = of_session.find(|it| it.attention.id == attention && it.tell.is_some())?;
        let mut offered = found.attention.options.iter();
        if !offered.any(|it| it.id == option) {
            return None;
        }
        let reply = match (&found.about.tool, option) {
            (Some(_), _) => {
                let mut answers = McpAnswer::ALL.into_iter();
                Reply::Call(answers.find(|it| it.id() == option)?)
            }
            (None, DECLINE) => Reply::Server(Elicited::Declined),
            // A form takes more than an option.
            (None, ACCEPT) if found.form.is_none() => Reply::Server(Elicited::Accepted(None)),
            (None, _) => return None,
        };
        Some((reply, found.about.clone()))
    }

    /// The form that a session is asked to fill in.
    pub fn form(&self, id: SessionId) -> Option<McpForm> {
        let questions = self.questions();
        let mut of_session = questions.get(&id)?.iter();
        of_session.find_map(|it| it.form.clone())
    }

    /// This question of a session is one for a form.
    pub fn is_form(&self, id: SessionId, attention: &str) -> bool {
        let questions = self.questions();
        let mut of_session = questions.get(&id).into_iter().flatten();
        of_session.any(|it| it.attention.id == attention && it.form.is_some())
    }

    /// Whether what was filled in is what a question asks for, and what it is about.
    pub fn filled(
        &self,
        id: SessionId,
        attention: &str,
        content: &Map<String, Value>,
    ) -> Result<About, NotTaken> {
        let questions = self.questions();
        let mut of_session = questions.get(&id).into_iter().flatten();
        let found = of_session.find(|it| it.attention.id == attention && it.tell.is_some());
        let (found, form) = found
            .and_then(|it| Some((it, it.form.as_ref()?)))
            .ok_or(NotTaken::Gone)?;
        match form::check(&form.schema, content) {
            wrong if wrong.is_empty() => Ok(found.about.clone()),
            wrong => Err(NotTaken::Wrong(wrong)),
        }
    }

    /// Answers a question. Says whether it still waited for that.
    pub fn answer(&self, id: SessionId, attention: &str, reply: Reply) -> bool {
        let mut questions = self.questions();
        let of_session = questions.get_mut(&id).into_iter().flatten();
        let mut found = of_session.filter(|it| it.attention.id == attention);
        let tell = found.next().and_then(|it| it.tell.take());
        tell.is_some_and(|tell| tell.send(reply).is_ok())
    }

    /// Ends the questions of a run that is over: nobody waits for their answers.
    pub fn end_questions(&self, id: SessionId) {
        self.questions().remove(&id);
    }

    /// What was allowed of a server in sessions, for these of its tools.
    pub fn forget_of(&self, id: McpConfigurationId, which: impl Fn(&str) -> bool) {
        let mut allowed = self.allowed();
        allowed.retain(|(_, configuration, tool)| *configuration != id || !which(tool));
    }

    /// What was allowed in a session that is gone.
    pub fn forget(&self, id: SessionId) {
        self.allowed().retain(|(session, ..)| *session != id);
    }
}

/// Asks the user, unless they have said before what they want: what is allowed by that, or why the call is refused,
/// for the agent to read. Nothing of the answer is kept yet, see [`keep`].
pub async fn ask(state: &Arc<State>, subject: &Subject<'_>) -> Result<McpAnswer, String> {
    if !subject.once && is_allowed(state, subject).await {
        return Ok(McpAnswer::Once);
    }
    match put(state, subject.session, of_call(subject)).await {
        Ok(Reply::Call(McpAnswer::Deny)) => Err("The user has denied this call.".to_owned()),
        Ok(Reply::Call(answer)) => Ok(answer),
        Ok(Reply::Server(_)) | Err(Unanswered::Gone) => {
            Err("The question about this call is gone.".to_owned())
        }
        Err(Unanswered::TooMany) => Err(format!(
            "The user is asked about {MANY} calls already; wait for the answers."
        )),
        Err(Unanswered::TooLate) => Err(format!(
            "The user was asked about this call and has not answered within {} s.",
            PATIENCE.as_secs()
        )),
    }
}

/// Whether the user has allowed it before.
async fn is_allowed(state: &State, subject: &Subject<'_>) -> bool {
    let asking = &state.gateways.asking;
    if asking.allowed().contains(&subject.in_session()) {
        return true;
    }
    let (id, project) = (subject.configuration, subject.project);
    let in_project = state.store.is_mcp_tool_allowed(id, project, subject.tool);
    // What cannot be read allows nothing.
    in_project.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether a tool is allowed could not be read");
        false
    })
}

/// Asks the user for what a server wants to know, or to open its page.
pub async fn elicit(
    state: &Arc<State>,
    session: SessionId,
    configuration: McpConfigurationId,
    server: &str,
    request: Request,
) -> Elicited {
    let question = of_server(configuration, server, request);
    match put(state, session, question).await {
        Ok(Reply::Server(elicited)) => elicited,
        // Nobody has said no.
        Ok(Reply::Call(_)) | Err(_) => Elicited::Cancelled,
    }
}

/// Keeps an answer that holds for more than one call, once it is sure that the server is still what was asked about.
pub async fn keep(state: &State, subject: &Subject<'_>, answer: McpAnswer) {
    match answer {
        McpAnswer::Session => {
            let mut allowed = state.gateways.asking.allowed();
            allowed.insert(subject.in_session());
        }
        McpAnswer::Project => {
            let (id, project) = (subject.configuration, subject.project);
            let kept = state.store.allow_mcp_tool(id, project, subject.tool);
            if let Err(error) = kept.await {
                tracing::error!(%error, "that a tool is allowed in a project was not noted");
            }
        }
        McpAnswer::Once | McpAnswer::Deny => {}
    }
}

/// Why there is no answer.
enum Unanswered {
    /// The run is over.
    Gone,
    /// There are too many questions already.
    TooMany,
    /// Nobody has answered in time.
    TooLate,
}

/// A question that is not put yet.
struct Draft {
    question: String,
    options: Vec<(&'static str, &'static str)>,
    needs: Option<AttentionNeeds>,
    form: Option<McpForm>,
    about: About,
}

fn of_call(subject: &Subject<'_>) -> Draft {
    let tool = cut(subject.tool);
    // A server chooses the names of its tools: quoted, one cannot go on as if it were Berth's own words.
    let mut question = format!(
        "MCP server {}: the agent wants to call the tool {tool:?}.",
        subject.server
    );
    if !subject.arguments.is_empty() {
        question.push('\n');
        question.push_str(subject.arguments);
    }
    let offered = McpAnswer::ALL.into_iter();
    let offered = offered.filter(|it| !subject.once || !it.lasts());
    Draft {
        question,
        options: offered.map(|it| (it.id(), it.label())).collect(),
        needs: None,
        form: None,
        about: About {
            configuration: subject.configuration,
            tool: Some(tool),
        },
    }
}

fn of_server(configuration: McpConfigurationId, server: &str, request: Request) -> Draft {
    /// Most characters of what a server says.
    const LONGEST: usize = 4000;
    let said = |message: &str| -> String {
        let message = berth_mcp::visible(message);
        message.chars().take(LONGEST).collect()
    };
    let about = About {
        configuration,
        tool: None,
    };
    match request {
        Request::Sample(words) => Draft {
            question: format!(
                "MCP server {server} asks the agent's model, which may cost money:\n{}",
                said(&words)
            ),
            options: vec![(ACCEPT, "Allow once"), (DECLINE, "Deny")],
            needs: None,
            form: None,
            about,
        },
        Request::Form(message, schema) => Draft {
            question: format!("MCP server {server} asks you:\n{}", said(&message)),
            options: vec![(ACCEPT, "Fill in…"), (DECLINE, "Decline")],
            needs: Some(AttentionNeeds::Form),
            form: Some(McpForm {
                attention_id: String::new(),
                server: server.to_owned(),
                message: said(&message),
                schema: form::cleaned(schema),
            }),
            about,
        },
        Request::Page(message, url) => Draft {
            question: format!(
                "MCP server {server} asks you to open a page:\n{url}\n{}",
                said(&message)
            ),
            options: vec![(ACCEPT, "Open the page"), (DECLINE, "Decline")],
            needs: Some(AttentionNeeds::Page { url }),
            form: None,
            about,
        },
    }
}

/// Puts a question and waits for its answer.
async fn put(state: &Arc<State>, session: SessionId, draft: Draft) -> Result<Reply, Unanswered> {
    let (standing, told) = stand(state, session, draft)?;
    sessions::publish(state, session).await;
    let reply = tokio::time::timeout(PATIENCE, told).await;
    drop(standing);
    match reply {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(_)) => Err(Unanswered::Gone),
        Err(_) => Err(Unanswered::TooLate),
    }
}

fn stand(
    state: &Arc<State>,
    session: SessionId,
    draft: Draft,
) -> Result<(Standing, oneshot::Receiver<Reply>), Unanswered> {
    // No answer to an old question fits a new one, after a restart of the engine either.
    let id = format!("mcp-{}", Uuid::now_v7().simple());
    let (tell, told) = oneshot::channel();
    let options = draft
        .options
        .into_iter()
        .map(|(id, label)| AttentionOption {
            id: id.to_owned(),
            label: label.to_owned(),
        });
    let question = Question {
        attention: Attention {
            id: id.clone(),
            question: draft.question,
            options: options.collect(),
            needs: draft.needs,
        },
        about: draft.about,
        form: draft.form.map(|form| McpForm {
            attention_id: id.clone(),
            ..form
        }),
        tell: Some(tell),
    };
    {
        let mut questions = state.gateways.asking.questions();
        let of_session = questions.entry(session).or_default();
        if of_session.len() >= MANY {
            return Err(Unanswered::TooMany);
        }
        of_session.push(question);
    }
    let standing = Standing {
        state: Arc::clone(state),
        session,
        id,
    };
    Ok((standing, told))
}
