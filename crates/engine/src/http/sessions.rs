//! `/sessions` and `/chat`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_protocol::{
    Approval, ChatAccepted, ChatRequest, Code, CreateSession, DiffPage, FilePatch, FillMcpForm,
    Input, McpForm, MessagePage, RestartSession, Screen, Session, SessionId, SessionList, Size,
    UnsavedWork, UpdateSession,
};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::{
    Problems, carried_through,
    extract::{Json, Path, Query},
};
use crate::{error::ApiError, sessions, state::State};

type Answer<T> = Result<Json<T>, ApiError>;

/// All sessions, archived ones included.
#[utoipa::path(get, path = "/sessions", tag = "sessions", responses((status = 200, body = SessionList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Answer<SessionList> {
    Ok(Json(SessionList {
        sessions: sessions::list(&state).await?,
    }))
}

/// Starts an agent in a workspace. Answers when its program runs.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = CreateSession,
    responses((status = 201, body = Session), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(request): Json<CreateSession>,
) -> Result<(StatusCode, Json<Session>), ApiError> {
    let made = carried_through(async move { sessions::create(&state, request).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One session.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = Session), Problems))]
pub async fn get(Shared(state): Shared<Arc<State>>, Path(id): Path<SessionId>) -> Answer<Session> {
    Ok(Json(sessions::get(&state, id).await?))
}

/// Renames a session.
#[utoipa::path(patch, path = "/sessions/{id}", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = UpdateSession, responses((status = 200, body = Session), Problems))]
pub async fn rename(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Json(request): Json<UpdateSession>,
) -> Answer<Session> {
    Ok(Json(sessions::rename(&state, id, &request.title).await?))
}

#[derive(Deserialize)]
pub struct DeleteQuery {
    #[serde(default)]
    discard: bool,
}

/// Deletes a session with its transcript, recording, worktree and branch. When its workspace has
/// work that is nowhere else, this is refused unless `discard` is true.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions",
    params(("id" = SessionId, Path), ("discard" = Option<bool>, Query)),
    responses((status = 204), Problems))]
pub async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { sessions::delete(&state, id, query.discard).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Types into the terminal.
#[utoipa::path(post, path = "/sessions/{id}/input", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = Input, responses((status = 204), Problems))]
pub async fn input(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Json(request): Json<Input>,
) -> Result<StatusCode, ApiError> {
    sessions::input(&state, id, request.data).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the terminal's size.
#[utoipa::path(post, path = "/sessions/{id}/resize", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = Size, responses((status = 204), Problems))]
pub async fn resize(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Json(size): Json<Size>,
) -> Result<StatusCode, ApiError> {
    sessions::resize(&state, id, size).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the agent stop what it does, as Escape or Ctrl-C does. The session goes on.
#[utoipa::path(post, path = "/sessions/{id}/interrupt", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 204), Problems))]
pub async fn interrupt(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { sessions::interrupt(&state, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session's program and everything it started. Answers when they have ended.
#[utoipa::path(post, path = "/sessions/{id}/stop", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = Session), Problems))]
pub async fn stop(Shared(state): Shared<Arc<State>>, Path(id): Path<SessionId>) -> Answer<Session> {
    carried_through(async move { sessions::stop(&state, id).await })
        .await
        .map(Json)
}

/// Starts the agent again in the same workspace; a running one is stopped first. It goes on with its
/// conversation when it has kept that. A message that it had not taken yet is handed over.
#[utoipa::path(post, path = "/sessions/{id}/restart", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = Option<RestartSession>, responses((status = 200, body = Session), Problems))]
pub async fn restart(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    request: Option<Json<RestartSession>>,
) -> Answer<Session> {
    let wanted = request.and_then(|Json(request)| request.beginning);
    carried_through(async move { sessions::restart(&state, id, wanted).await })
        .await
        .map(Json)
}

/// Answers the question that the agent asks, and waits until the question is gone.
#[utoipa::path(post, path = "/sessions/{id}/approval", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = Approval, responses((status = 204), Problems))]
pub async fn approval(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Json(request): Json<Approval>,
) -> Result<StatusCode, ApiError> {
    // A client that leaves must not leave an approval in the audit trail that was never given.
    carried_through(async move { sessions::answer(&state, id, request).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The form that an MCP server asks the user to fill in. It answers the session's question, see `needs` there.
#[utoipa::path(get, path = "/sessions/{id}/form", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = McpForm), Problems))]
pub async fn form(Shared(state): Shared<Arc<State>>, Path(id): Path<SessionId>) -> Answer<McpForm> {
    sessions::form(&state, id).await.map(Json)
}

/// Gives an MCP server what it has asked for. To decline, answer the question with the option `decline`.
#[utoipa::path(post, path = "/sessions/{id}/form", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = FillMcpForm, responses((status = 204), Problems))]
pub async fn fill_form(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Json(request): Json<FillMcpForm>,
) -> Result<StatusCode, ApiError> {
    // As with an approval.
    carried_through(async move { sessions::fill(&state, id, request).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a session away: it is stopped and its worktree removed, with everything in it kept.
#[utoipa::path(post, path = "/sessions/{id}/archive", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = Session), Problems))]
pub async fn archive(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Answer<Session> {
    carried_through(async move { sessions::archive(&state, id).await })
        .await
        .map(Json)
}

/// Brings an archived session back, with its worktree as it was.
#[utoipa::path(post, path = "/sessions/{id}/restore", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = Session), Problems))]
pub async fn restore(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Answer<Session> {
    carried_through(async move { sessions::restore(&state, id).await })
        .await
        .map(Json)
}

/// What would be lost if the session were deleted.
#[utoipa::path(get, path = "/sessions/{id}/work", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = UnsavedWork), Problems))]
pub async fn work(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Answer<UnsavedWork> {
    Ok(Json(sessions::work(&state, id).await?))
}

/// The terminal's visible screen as text; of an ended session, as it was at the end.
#[utoipa::path(get, path = "/sessions/{id}/screen", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = Screen), Problems))]
pub async fn screen(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Answer<Screen> {
    Ok(Json(sessions::screen(&state, id).await?))
}

#[derive(Deserialize)]
pub struct PageQuery {
    #[serde(default)]
    pub after: i64,
    pub limit: Option<u32>,
}

/// Messages on a page when the client does not say.
const MESSAGES: u32 = 200;

/// The transcript, in pages of at most 1,000.
#[utoipa::path(get, path = "/sessions/{id}/messages", tag = "sessions",
    params(("id" = SessionId, Path), ("after" = Option<i64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = MessagePage), Problems))]
pub async fn messages(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Query(page): Query<PageQuery>,
) -> Answer<MessagePage> {
    sessions::record(&state, id).await?;
    Ok(Json(
        state
            .store
            .messages(id, page.after, page.limit.unwrap_or(MESSAGES))
            .await?,
    ))
}

#[derive(Deserialize)]
pub struct RecordingQuery {
    run: Option<u32>,
}

/// The recording of a run, the latest when none is named, as an asciicast v2 file.
#[utoipa::path(get, path = "/sessions/{id}/recording", tag = "sessions",
    params(("id" = SessionId, Path), ("run" = Option<u32>, Query)),
    responses((status = 200, content_type = "application/x-asciicast"), Problems))]
pub async fn recording(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Query(query): Query<RecordingQuery>,
) -> Result<Response, ApiError> {
    let record = sessions::record(&state, id).await?;
    let run = query.run.unwrap_or(record.run);
    let path = sessions::recording(&state, id, run);
    let file = tokio::fs::File::open(&path).await.map_err(|error| {
        ApiError::new(
            Code::RecordingMissing,
            format!("run {run} of session {id}: {error}"),
        )
    })?;
    let name = format!("attachment; filename=\"berth-{}-{run}.cast\"", id.short());
    let headers = [
        (header::CONTENT_TYPE, "application/x-asciicast".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

#[derive(Deserialize)]
pub struct DiffQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// The files that changed in the workspace since its base, in pages of at most 1,000.
#[utoipa::path(get, path = "/sessions/{id}/diff", tag = "sessions",
    params(("id" = SessionId, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, body = DiffPage), Problems))]
pub async fn diff(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Query(query): Query<DiffQuery>,
) -> Answer<DiffPage> {
    Ok(Json(
        sessions::diff(&state, id, query.cursor.as_deref(), query.limit).await?,
    ))
}

#[derive(Deserialize)]
pub struct PatchQuery {
    path: String,
}

/// The changes of one file.
#[utoipa::path(get, path = "/sessions/{id}/diff/file", tag = "sessions",
    params(("id" = SessionId, Path), ("path" = String, Query)),
    responses((status = 200, body = FilePatch), Problems))]
pub async fn patch(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    Query(query): Query<PatchQuery>,
) -> Answer<FilePatch> {
    Ok(Json(sessions::patch(&state, id, &query.path).await?))
}

/// Sends a message. Answers when the agent took it and it stands in the transcript, or is `partial` because the disk is
/// full: it is stored once there is room, and until then no further one is taken.
#[utoipa::path(post, path = "/chat", tag = "chat", request_body = ChatRequest,
    responses((status = 202, body = ChatAccepted), Problems))]
pub async fn chat(
    Shared(state): Shared<Arc<State>>,
    Json(request): Json<ChatRequest>,
) -> Result<(StatusCode, Json<ChatAccepted>), ApiError> {
    let message = sessions::chat(&state, request).await?;
    Ok((StatusCode::ACCEPTED, Json(ChatAccepted { message })))
}
