//! Projects: what the store knows of them and what their folders say now.

use std::path::{Path, PathBuf};

use berth_protocol::{Code, CreateProject, Event, Project, ProjectId};
use berth_store::ProjectRecord;
use berth_workspace::check_folder;

use crate::{error::ApiError, state::State};

/// Longest name, in characters.
const NAME: usize = 100;

pub async fn create(state: &State, request: CreateProject) -> Result<Project, ApiError> {
    let home = state.home();
    let path = folder(request.path, home).await?;
    let text = path.to_str().ok_or_else(|| {
        ApiError::new(
            Code::BadRequest,
            format!("the path {path:?} is not valid Unicode"),
        )
    })?;
    let name = match request.name {
        Some(name) => name,
        None => path
            .file_name()
            .map_or(text, |name| name.to_str().unwrap_or(text))
            .to_owned(),
    };
    let record = state
        .store
        .create_project(text, &checked_name(name)?)
        .await?;
    let project = describe(state, record).await;
    state.publish(Event::ProjectChanged {
        project: project.clone(),
    });
    Ok(project)
}

pub async fn list(state: &State) -> Result<Vec<Project>, ApiError> {
    let records = state.store.projects().await?;
    Ok(futures::future::join_all(records.into_iter().map(|record| describe(state, record))).await)
}

pub async fn get(state: &State, id: ProjectId) -> Result<Project, ApiError> {
    Ok(describe(state, record(state, id).await?).await)
}

pub async fn record(state: &State, id: ProjectId) -> Result<ProjectRecord, ApiError> {
    let found = state.store.project(id).await?;
    found.ok_or_else(|| ApiError::new(Code::ProjectNotFound, format!("there is no project {id}")))
}

pub async fn rename(state: &State, id: ProjectId, name: String) -> Result<Project, ApiError> {
    let record = state.store.rename_project(id, &checked_name(name)?).await?;
    let project = describe(state, record).await;
    state.publish(Event::ProjectChanged {
        project: project.clone(),
    });
    Ok(project)
}

pub async fn delete(state: &State, id: ProjectId) -> Result<(), ApiError> {
    state.store.delete_project(id).await?;
    state.publish(Event::ProjectRemoved { id });
    Ok(())
}

/// Checks a folder off the async threads, since a network drive may take its time.
pub async fn folder(path: String, home: Option<PathBuf>) -> Result<PathBuf, ApiError> {
    let checked = tokio::task::spawn_blocking(move || check_folder(&path, home.as_deref()));
    let checked = checked
        .await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    Ok(checked?)
}

async fn describe(state: &State, record: ProjectRecord) -> Project {
    let path = Path::new(&record.path);
    let missing = tokio::fs::read_dir(path).await.is_err();
    let git = match state.git().await {
        Ok(git) if !missing => git.info(path).await.unwrap_or_else(|error| {
            tracing::warn!(path = record.path, %error, "git could not look at a project");
            None
        }),
        _ => None,
    };
    Project {
        id: record.id,
        path: record.path,
        name: record.name,
        git,
        missing,
        created_at: record.created_at,
    }
}

fn checked_name(name: String) -> Result<String, ApiError> {
    crate::http::checked_text("name", &name, NAME)
}
