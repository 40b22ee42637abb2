//! Speaking with a running agent.

use std::{path::Path, sync::Arc};

use berth_mcp::Elicited;
use berth_protocol::{
    Approval, ChatRequest, Code, FieldProblem, FillMcpForm, MESSAGE_LIMIT, McpForm, Message,
    Problem, Screen, SessionId, Size, Status,
};
use berth_session::{live::SessionHandle, recording::final_terminal};
use serde_json::json;

use super::{record, recording};
use crate::{
    error::{ApiError, session_error},
    gateway::{
        self,
        asking::{About, NotTaken, Reply},
    },
    state::State,
};

/// Checks a message and returns it without blank lines around it.
pub fn checked_message(content: &str) -> Result<String, ApiError> {
    if content.len() > MESSAGE_LIMIT {
        let detail = format!(
            "the message has {} bytes; at most {MESSAGE_LIMIT} are allowed",
            content.len()
        );
        return Err(ApiError::new(Code::BodyTooLarge, detail));
    }
    let content = content.trim_matches(['\n', '\r']);
    let visible = |c: char| !c.is_whitespace() && !c.is_control();
    if !content.chars().any(visible) {
        return Err(ApiError::new(Code::BadRequest, "the message is empty"));
    }
    Ok(content.to_owned())
}

pub async fn chat(state: &Arc<State>, request: ChatRequest) -> Result<Message, ApiError> {
    let content = checked_message(&request.content)?;
    let handle = running(state, request.session_id).await?;
    store_earlier(state, request.session_id).await?;
    Ok(handle.send(content).await?)
}

/// Nothing more is said to an agent before the store has what was said already: the user would go on and on for
/// nothing but this machine's memory.
async fn store_earlier(state: &Arc<State>, id: SessionId) -> Result<(), ApiError> {
    let Some(unstored) = state.sessions.unstored(id) else {
        return Ok(());
    };
    if unstored.due().await.is_none() {
        return Ok(());
    }
    // To its end, also when the client goes away.
    let store = Arc::clone(state);
    let stored = tokio::spawn(async move { unstored.store_now(&store).await });
    let stored = stored.await;
    let stored = stored.map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    stored.map_err(|error| {
        let detail = format!(
            "the agent was not given the message, because what was said before waits to be stored: {error}"
        );
        ApiError::new(error.code(), detail)
    })
}

pub async fn input(state: &State, id: SessionId, data: String) -> Result<(), ApiError> {
    running(state, id)
        .await?
        .input(data.into_bytes())
        .await
        .map_err(session_error(id))
}

pub async fn resize(state: &State, id: SessionId, size: Size) -> Result<(), ApiError> {
    running(state, id)
        .await?
        .resize(size)
        .await
        .map_err(session_error(id))
}

pub async fn interrupt(state: &State, id: SessionId) -> Result<(), ApiError> {
    running(state, id)
        .await?
        .interrupt()
        .await
        .map_err(session_error(id))?;
    state
        .store
        .note("session.interrupted", "session", &id.to_string(), json!({}))
        .await?;
    Ok(())
}

/// Answers the open question and waits until the agent took the answer. The audit trail tells of it
/// before the agent can act on it, so that no kill in between leaves an act without its approval.
pub async fn answer(state: &State, id: SessionId, approval: Approval) -> Result<(), ApiError> {
    let asking = &state.gateways.asking;
    let (attention, option) = (&approval.attention_id, &approval.option_id);
    if let Some((reply, about)) = asking.option(id, attention, option) {
        note_answer(state, id, attention, option, &about, &[]).await?;
        if asking.answer(id, attention, reply) {
            return Ok(());
        }
        return Err(gone());
    }
    if asking.is_form(id, attention) {
        let detail = "an MCP server asks for a form, which is declined, or filled in with POST /sessions/{id}/form";
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    let handle = running(state, id).await?;
    let is_open = state.sessions.status(id).is_some_and(|status| {
        matches!(&*status.borrow(), Status::NeedsAttention { attention }
            if attention.id == approval.attention_id
                && attention.options.iter().any(|option| option.id == approval.option_id))
    });
    let subject = id.to_string();
    if is_open {
        let details = json!({"attention": approval.attention_id, "option": approval.option_id});
        state
            .store
            .note("approval.answered", "session", &subject, details)
            .await?;
    }
    let attention = approval.attention_id.clone();
    let answered = handle
        .answer(approval.attention_id, approval.option_id)
        .await;
    if let Err(error) = &answered
        && is_open
    {
        let details = json!({"attention": attention, "code": error.code()});
        state
            .store
            .note("approval.failed", "session", &subject, details)
            .await?;
    }
    answered.map_err(session_error(id))
}

/// The trail tells of an answer to a question about an MCP server, and of nothing that was filled in.
async fn note_answer(
    state: &State,
    id: SessionId,
    attention: &str,
    option: &str,
    about: &About,
    fields: &[&String],
) -> Result<(), ApiError> {
    let mut details = json!({
        "attention": attention,
        "mcp_id": about.configuration,
        "option": option,
    });
    match &about.tool {
        Some(tool) => details["tool"] = json!(tool),
        None => {
            // A server chooses their names, and people read this.
            let names: Vec<_> = fields.iter().map(|name| gateway::cut(name)).collect();
            details["fields"] = json!(names);
        }
    }
    let subject = id.to_string();
    let noted = state
        .store
        .note("approval.answered", "session", &subject, details);
    Ok(noted.await?)
}

fn gone() -> ApiError {
    ApiError::new(Code::AttentionGone, "the question is gone")
}

/// The form that an MCP server asks the session's user to fill in.
pub async fn form(state: &State, id: SessionId) -> Result<McpForm, ApiError> {
    record(state, id).await?;
    let missing = || ApiError::new(Code::AttentionGone, "no MCP server asks for a form");
    state.gateways.asking.form(id).ok_or_else(missing)
}

/// Gives an MCP server what was filled in.
pub async fn fill(state: &State, id: SessionId, filled: FillMcpForm) -> Result<(), ApiError> {
    let asking = &state.gateways.asking;
    let attention = &filled.attention_id;
    let about = match asking.filled(id, attention, &filled.content) {
        Ok(about) => about,
        Err(NotTaken::Gone) => return Err(gone()),
        Err(NotTaken::Wrong(fields)) => {
            let each: Vec<String> = fields.iter().map(FieldProblem::to_string).collect();
            let problem = Problem::new(Code::FormInvalid, each.join("; "));
            return Err(problem.with_fields(fields).into());
        }
    };
    let fields: Vec<&String> = filled.content.keys().collect();
    note_answer(state, id, attention, "accept", &about, &fields).await?;
    let content = serde_json::Value::Object(filled.content.clone());
    let reply = Reply::Server(Elicited::Accepted(Some(content)));
    if asking.answer(id, attention, reply) {
        return Ok(());
    }
    Err(gone())
}

/// The screen as it is, or as it was when the session ended.
pub async fn screen(state: &State, id: SessionId) -> Result<Screen, ApiError> {
    if let Some(handle) = state.sessions.handle(id)
        && let Ok(screen) = handle.screen().await
    {
        return Ok(screen);
    }
    let record = record(state, id).await?;
    Ok(replayed(recording(state, id, record.run)).await?.screen())
}

/// The terminal at the end of a recording.
pub async fn replayed(
    path: std::path::PathBuf,
) -> Result<berth_session::terminal::Terminal, ApiError> {
    let replay = tokio::task::spawn_blocking(move || {
        final_terminal(&path).map_err(|error| missing(&path, &error))
    });
    replay
        .await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?
}

fn missing(path: &Path, error: &std::io::Error) -> ApiError {
    ApiError::new(
        Code::RecordingMissing,
        format!("the recording {} cannot be read: {error}", path.display()),
    )
}

/// A session that runs; another one is refused with the reason.
pub(super) async fn running(state: &State, id: SessionId) -> Result<SessionHandle, ApiError> {
    if let Some(handle) = state.sessions.handle(id) {
        return Ok(handle);
    }
    let record = record(state, id).await?;
    let (code, what) = match record.archived_at {
        Some(_) => (Code::SessionArchived, "is archived"),
        None => (Code::SessionEnded, "has ended"),
    };
    Err(ApiError::new(
        code,
        format!("session {id} ({}) {what}", record.title),
    ))
}

/// Hands over the message that the session began with, once the agent takes messages. A question
/// that the agent asks before that, such as whether it may trust the folder, is the user's to
/// answer first. What is not handed over in this run stays for the next.
pub async fn deliver(state: Arc<State>, id: SessionId) {
    let (Some(handle), Some(mut status)) = (state.sessions.handle(id), state.sessions.status(id))
    else {
        return;
    };
    loop {
        if status
            .wait_for(|status| *status == Status::Waiting)
            .await
            .is_err()
        {
            tracing::info!(session = %id, "the session ended before it took its first message");
            return;
        }
        // The user may have typed it meanwhile.
        let Some(message) = state.sessions.undelivered(id) else {
            return;
        };
        match handle.send(message.content).await {
            Ok(_) => return,
            Err(Problem {
                code: Code::SessionNeedsAttention | Code::SessionBusy | Code::SessionNotReady,
                ..
            }) => {
                // Somebody was faster, or the screen is none that takes messages; wait for the next
                // chance.
                if status.changed().await.is_err() {
                    return;
                }
            }
            Err(problem) => {
                tracing::warn!(session = %id, %problem, "the first message was not taken");
                return;
            }
        }
    }
}
