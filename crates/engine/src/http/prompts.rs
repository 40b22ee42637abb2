//! `/prompts`.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{StatusCode, header},
    response::IntoResponse,
};
use berth_protocol::{
    AgentId, PreviewRequest, ProjectId, PromptChoice, PromptDraft, PromptEdit, PromptId,
    PromptImport, PromptImported, PromptList, PromptMove, PromptOrder, PromptPolicy, PromptPreview,
    PromptRestore, PromptVersions, SessionId, SessionPrompt, SystemPrompt, TextDiff, Transport,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems, Seen, carried_through,
    extract::{Json, Path, Query},
};
use crate::{error::ApiError, prompts, state::State};

/// All prompts, the policy on them, and the names that templates may use.
#[utoipa::path(get, path = "/prompts", tag = "prompts", responses((status = 200, body = PromptList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Result<Json<PromptList>, ApiError> {
    Ok(Json(prompts::list(&state).await?))
}

/// Adds a prompt. What is wrong with it is told by field.
#[utoipa::path(post, path = "/prompts", tag = "prompts", request_body = PromptDraft,
    responses((status = 201, body = SystemPrompt), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(draft): Json<PromptDraft>,
) -> Result<(StatusCode, Json<SystemPrompt>), ApiError> {
    let made = carried_through(async move { prompts::create(&state, draft).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One prompt.
#[utoipa::path(get, path = "/prompts/{id}", tag = "prompts", params(("id" = PromptId, Path)),
    responses((status = 200, body = SystemPrompt), Problems))]
pub async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
) -> Result<Json<SystemPrompt>, ApiError> {
    Ok(Json(prompts::get(&state, id).await?))
}

/// Changes a prompt, which gets a new version. An edit of an older version than the newest is refused with
/// `prompt.conflict` and both sides.
#[utoipa::path(put, path = "/prompts/{id}", tag = "prompts", params(("id" = PromptId, Path)),
    request_body = PromptEdit, responses((status = 200, body = SystemPrompt), Problems))]
pub async fn update(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Json(edit): Json<PromptEdit>,
) -> Result<Json<SystemPrompt>, ApiError> {
    carried_through(async move { prompts::update(&state, id, edit).await })
        .await
        .map(Json)
}

/// Removes a prompt with all its versions. Running sessions keep what they were given.
#[utoipa::path(delete, path = "/prompts/{id}", tag = "prompts", params(("id" = PromptId, Path), Seen),
    responses((status = 204), Problems))]
pub async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Query(seen): Query<Seen>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { prompts::delete(&state, id, seen.version).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether the user wants a prompt of an organization; a locked one cannot be declined.
#[utoipa::path(put, path = "/prompts/{id}/declined", tag = "prompts", params(("id" = PromptId, Path)),
    request_body = PromptChoice, responses((status = 204), Problems))]
pub async fn decline(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Json(choice): Json<PromptChoice>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { prompts::decline(&state, id, choice).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a prompt to another place among those of its scope.
#[utoipa::path(post, path = "/prompts/{id}/move", tag = "prompts", params(("id" = PromptId, Path)),
    request_body = PromptMove, responses((status = 200, body = PromptOrder), Problems))]
pub async fn reorder(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Json(to): Json<PromptMove>,
) -> Result<Json<PromptOrder>, ApiError> {
    carried_through(async move { prompts::reorder(&state, id, to).await })
        .await
        .map(Json)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only versions before this number.
    before: Option<u32>,
    /// How many at most: 1 to 50, which is the default.
    limit: Option<u32>,
}

/// Everything that a prompt was, the newest version first, in pages.
///
/// What a prompt of an organization was is not kept on this machine: its backend is asked, and one that does not answer
/// is `tenant.unreachable` or `tenant.unavailable`. Edits that wait for it are no versions yet.
#[utoipa::path(get, path = "/prompts/{id}/versions", tag = "prompts", params(("id" = PromptId, Path), Page),
    responses((status = 200, body = PromptVersions), Problems))]
pub async fn versions(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Query(page): Query<Page>,
) -> Result<Json<PromptVersions>, ApiError> {
    let Page { before, limit } = page;
    Ok(Json(prompts::versions(&state, id, before, limit).await?))
}

/// Makes a prompt what it was in an earlier version, as a new version. That of an organization's prompt is read from
/// its backend, and comes back by an edit like any other.
#[utoipa::path(post, path = "/prompts/{id}/restore", tag = "prompts", params(("id" = PromptId, Path)),
    request_body = PromptRestore, responses((status = 200, body = SystemPrompt), Problems))]
pub async fn restore(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Json(wanted): Json<PromptRestore>,
) -> Result<Json<SystemPrompt>, ApiError> {
    carried_through(async move { prompts::restore(&state, id, wanted).await })
        .await
        .map(Json)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// The version that the diff begins with.
    from: u32,
    /// The version that it leads to.
    to: u32,
}

/// The difference between the words of two versions. Those of an organization's prompt are read from its backend.
#[utoipa::path(get, path = "/prompts/{id}/diff", tag = "prompts", params(("id" = PromptId, Path), Between),
    responses((status = 200, body = TextDiff), Problems))]
pub async fn diff(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
    Query(between): Query<Between>,
) -> Result<Json<TextDiff>, ApiError> {
    let Between { from, to } = between;
    Ok(Json(prompts::diff(&state, id, from, to).await?))
}

/// Sets what is done about words that try to override higher scopes.
#[utoipa::path(put, path = "/prompts/policy", tag = "prompts", request_body = PromptPolicy,
    responses((status = 200, body = PromptPolicy), Problems))]
pub async fn set_policy(
    Shared(state): Shared<Arc<State>>,
    Json(policy): Json<PromptPolicy>,
) -> Result<Json<PromptPolicy>, ApiError> {
    carried_through(async move { prompts::set_policy(&state, policy).await })
        .await
        .map(Json)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Previewed {
    /// The agent of the session that is thought of.
    #[param(value_type = String)]
    agent: AgentId,
    /// Its project.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// How it is spoken to: `pty` or `acp`.
    #[param(value_type = Option<String>)]
    transport: Option<Transport>,
}

/// What a session that began now would be given, where each line comes from, and how that differs from what
/// the newest running session of the same agent and project was given.
#[utoipa::path(get, path = "/prompts/preview", tag = "prompts", params(Previewed),
    responses((status = 200, body = PromptPreview), Problems))]
pub async fn preview(
    Shared(state): Shared<Arc<State>>,
    Query(wanted): Query<Previewed>,
) -> Result<Json<PromptPreview>, ApiError> {
    let request = PreviewRequest {
        agent: wanted.agent,
        project: wanted.project,
        transport: wanted.transport,
        draft: None,
        id: None,
    };
    Ok(Json(prompts::preview(&state, request).await?))
}

/// The same with a prompt as it would be saved, beside the prompts as they are.
#[utoipa::path(post, path = "/prompts/preview", tag = "prompts", request_body = PreviewRequest,
    responses((status = 200, body = PromptPreview), Problems))]
pub async fn preview_draft(
    Shared(state): Shared<Arc<State>>,
    Json(request): Json<PreviewRequest>,
) -> Result<Json<PromptPreview>, ApiError> {
    Ok(Json(prompts::preview(&state, request).await?))
}

/// Imports Markdown files with front matter. A file whose prompt has the name and scope of another one is a
/// new version of that.
#[utoipa::path(post, path = "/prompts/import", tag = "prompts", request_body = PromptImport,
    responses((status = 200, body = PromptImported), Problems))]
pub async fn import(
    Shared(state): Shared<Arc<State>>,
    Json(files): Json<PromptImport>,
) -> Result<Json<PromptImported>, ApiError> {
    carried_through(async move { prompts::import(&state, files).await })
        .await
        .map(Json)
}

/// Every prompt as a Markdown file with front matter, in a ZIP archive.
#[utoipa::path(get, path = "/prompts/export", tag = "prompts",
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), Problems))]
pub async fn export(Shared(state): Shared<Arc<State>>) -> Result<impl IntoResponse, ApiError> {
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"berth-prompts.zip\"",
        ),
    ];
    Ok((headers, prompts::archive(&state).await?))
}

/// One prompt as a Markdown file with front matter.
#[utoipa::path(get, path = "/prompts/{id}/export", tag = "prompts", params(("id" = PromptId, Path)),
    responses((status = 200, content_type = "text/markdown", body = String), Problems))]
pub async fn export_one(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<PromptId>,
) -> Result<impl IntoResponse, ApiError> {
    let file = prompts::file(&state, id).await?;
    // The name has letters of any script, which a header takes only in this form (RFC 8187).
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect();
    let disposition = format!("attachment; filename*=UTF-8''{name}");
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/markdown; charset=utf-8".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, file.text))
}

/// What a session's agent was given when it last started, and what has changed since.
#[utoipa::path(get, path = "/sessions/{id}/effective-prompt", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = SessionPrompt), Problems))]
pub async fn of_session(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionPrompt>, ApiError> {
    Ok(Json(prompts::session_prompt(&state, id).await?))
}
