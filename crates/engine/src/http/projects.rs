//! `/projects` and the folders they are chosen from.

use std::{path::PathBuf, sync::Arc};

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::{
    BranchList, Code, CreateProject, FolderList, Project, ProjectId, ProjectList, UpdateProject,
};
use serde::Deserialize;

use super::{
    Problems,
    extract::{Json, Path, Query},
};
use crate::{error::ApiError, projects, state::State};

/// All projects.
#[utoipa::path(get, path = "/projects", tag = "projects", responses((status = 200, body = ProjectList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Result<Json<ProjectList>, ApiError> {
    Ok(Json(ProjectList {
        projects: projects::list(&state).await?,
    }))
}

/// Adds a folder as a project.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    responses((status = 201, body = Project), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(request): Json<CreateProject>,
) -> Result<(StatusCode, Json<Project>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(projects::create(&state, request).await?),
    ))
}

/// One project.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, body = Project), Problems))]
pub async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<ProjectId>,
) -> Result<Json<Project>, ApiError> {
    Ok(Json(projects::get(&state, id).await?))
}

/// Renames a project.
#[utoipa::path(patch, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    request_body = UpdateProject, responses((status = 200, body = Project), Problems))]
pub async fn rename(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<ProjectId>,
    Json(request): Json<UpdateProject>,
) -> Result<Json<Project>, ApiError> {
    Ok(Json(projects::rename(&state, id, request.name).await?))
}

/// Removes a project that has no sessions. Its folder is not touched.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 204), Problems))]
pub async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<ProjectId>,
) -> Result<StatusCode, ApiError> {
    projects::delete(&state, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The branches that a worktree can start from.
#[utoipa::path(get, path = "/projects/{id}/branches", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, body = BranchList), Problems))]
pub async fn branches(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<ProjectId>,
) -> Result<Json<BranchList>, ApiError> {
    let record = projects::record(&state, id).await?;
    Ok(Json(
        state.git().await?.branches(record.path.as_ref()).await?,
    ))
}

#[derive(Deserialize)]
pub struct FolderQuery {
    path: Option<String>,
}

/// The sub-folders of a folder, the user's home when none is named.
#[utoipa::path(get, path = "/folders", tag = "projects", params(("path" = Option<String>, Query)),
    responses((status = 200, body = FolderList), Problems))]
pub async fn folders(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<FolderQuery>,
) -> Result<Json<FolderList>, ApiError> {
    let path = match query.path {
        Some(path) => projects::folder(path, state.home()).await?,
        None => state.home().unwrap_or_else(|| PathBuf::from("/")),
    };
    let listed = tokio::task::spawn_blocking(move || berth_workspace::list_folders(&path));
    let listed = listed
        .await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    Ok(Json(listed?))
}
