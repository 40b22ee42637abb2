//! Calls of tools that wait for the user's answer. A question is one of the session: it needs attention meanwhile, and
//! is answered where every question of its agent is.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_protocol::{
    Attention, AttentionOption, McpAnswer, McpConfigurationId, ProjectId, SessionId,
};
use tokio::sync::oneshot;
use uuid::Uuid;

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
    tell: Option<oneshot::Sender<McpAnswer>>,
}

/// What an answer is about, for the audit trail.
#[derive(Clone, Debug)]
pub struct About {
    pub configuration: McpConfigurationId,
    pub tool: String,
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
    pub fn option(
        &self,
        id: SessionId,
        attention: &str,
        option: &str,
    ) -> Option<(McpAnswer, About)> {
        let questions = self.questions();
        let mut of_session = questions.get(&id)?.iter();
        let found = of_session.find(|it| it.attention.id == attention && it.tell.is_some())?;
        let answer = McpAnswer::ALL.into_iter().find(|it| it.id() == option)?;
        Some((answer, found.about.clone()))
    }

    /// Answers a question. Says whether it still waited for that.
    pub fn answer(&self, id: SessionId, attention: &str, answer: McpAnswer) -> bool {
        let mut questions = self.questions();
        let of_session = questions.get_mut(&id).into_iter().flatten();
        let mut found = of_session.filter(|it| it.attention.id == attention);
        let tell = found.next().and_then(|it| it.tell.take());
        tell.is_some_and(|tell| tell.send(answer).is_ok())
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
    let asking = &state.gateways.asking;
    if asking.allowed().contains(&subject.in_session()) {
        return Ok(McpAnswer::Once);
    }
    let in_project =
        state
            .store
            .is_mcp_tool_allowed(subject.configuration, subject.project, subject.tool);
    // What cannot be read allows nothing.
    if in_project.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether a tool is allowed could not be read");
        false
    }) {
        return Ok(McpAnswer::Once);
    }
    let (standing, told) = stand(state, subject)?;
    sessions::publish(state, subject.session).await;
    let answer = tokio::time::timeout(PATIENCE, told).await;
    drop(standing);
    match answer {
        Ok(Ok(McpAnswer::Deny)) => Err("The user has denied this call.".to_owned()),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err("The question about this call is gone.".to_owned()),
        Err(_) => Err(format!(
            "The user was asked about this call and has not answered within {} s.",
            PATIENCE.as_secs()
        )),
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

/// Puts the question.
fn stand(
    state: &Arc<State>,
    subject: &Subject<'_>,
) -> Result<(Standing, oneshot::Receiver<McpAnswer>), String> {
    let asking = &state.gateways.asking;
    // No answer to an old question fits a new one, after a restart of the engine either.
    let id = format!("mcp-{}", Uuid::now_v7().simple());
    let tool = berth_mcp::visible(subject.tool);
    let tool: String = tool.chars().take(128).collect();
    // A server chooses the names of its tools: quoted, one cannot go on as if it were Berth's own words.
    let mut question = format!(
        "MCP server {}: the agent wants to call the tool {tool:?}.",
        subject.server
    );
    if !subject.arguments.is_empty() {
        question.push('\n');
        question.push_str(subject.arguments);
    }
    let (tell, told) = oneshot::channel();
    let question = Question {
        attention: Attention {
            id: id.clone(),
            question,
            options: McpAnswer::ALL
                .into_iter()
                .map(|answer| AttentionOption {
                    id: answer.id().to_owned(),
                    label: answer.label().to_owned(),
                })
                .collect(),
        },
        about: About {
            configuration: subject.configuration,
            tool,
        },
        tell: Some(tell),
    };
    {
        let mut questions = asking.questions();
        let of_session = questions.entry(subject.session).or_default();
        if of_session.len() >= MANY {
            return Err(format!(
                "The user is asked about {MANY} calls already; wait for the answers."
            ));
        }
        of_session.push(question);
    }
    let standing = Standing {
        state: Arc::clone(state),
        session: subject.session,
        id,
    };
    Ok((standing, told))
}
