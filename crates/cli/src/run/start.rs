//! What a run begins with: the message, the project, and what to say when one cannot be had.

use std::{
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

use berth_protocol::{
    Agent, AgentId, AgentList, AgentState, Code, CreateProject, FolderList, Problem, Project,
    ProjectList, Router, RouterId, RouterList,
};

use super::{
    USAGE,
    given::GivenError,
    modes::{known_agent, modes},
};
use crate::api::{Api, ApiError};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no prompt was given")]
    NoPrompt,
    #[error("the prompt cannot be read from the standard input")]
    Prompt(#[source] io::Error),
    #[error(transparent)]
    Given(#[from] GivenError),
    #[error("the folder {0:?} cannot be named in a request")]
    Folder(PathBuf),
    #[error("the current folder is not known")]
    CurrentFolder(#[source] io::Error),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Choice(Choice),
    /// The active organization lets it not begin so; the choices are what it allows.
    #[error(transparent)]
    Bound(Choice),
}

/// Something was chosen that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Choice {
    error: ApiError,
    /// What there is.
    pub choices: Vec<String>,
}

impl StartError {
    pub fn hint(&self) -> &str {
        match self {
            Self::NoPrompt => {
                "Give it as the last argument, or pipe it in: berth run --agent claude \"Fix the tests\""
            }
            Self::Prompt(_) => "A prompt is text in UTF-8.",
            Self::Given(_) => "See berth run --help for what the file must hold.",
            Self::Folder(_) => "Its path has to be Unicode; name another one with --project.",
            Self::CurrentFolder(_) => "Name the folder with --project.",
            Self::Api(error) => error.hint(),
            // What follows says more.
            Self::Choice(_) => "There are:",
            Self::Bound(_) => "It allows:",
        }
    }

    pub fn exit(&self) -> u8 {
        let usage = match self {
            Self::NoPrompt
            | Self::Prompt(_)
            | Self::Given(_)
            | Self::Folder(_)
            | Self::Choice(_) => true,
            Self::CurrentFolder(_) | Self::Bound(_) => false,
            Self::Api(ApiError::Refused(problem)) => matches!(
                problem.code,
                Code::BadRequest
                    | Code::BodyTooLarge
                    | Code::CommandInvalid
                    | Code::PathNotAbsolute
                    | Code::PathMissing
                    | Code::PathNotFolder
            ),
            Self::Api(_) => false,
        };
        if usage { USAGE } else { 1 }
    }
}

/// The message, from the arguments or the standard input.
pub async fn prompt(given: Option<String>) -> Result<String, StartError> {
    if let Some(prompt) = given.filter(|prompt| prompt != "-") {
        return Ok(prompt);
    }
    if io::stdin().is_terminal() {
        return Err(StartError::NoPrompt);
    }
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    });
    let text = read
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(StartError::Prompt)?;
    if text.trim().is_empty() {
        return Err(StartError::NoPrompt);
    }
    Ok(text)
}

/// Why no session was created, with what could have been chosen when it was the choice that was wrong.
pub async fn explained(
    api: &Api,
    error: ApiError,
    agent: &AgentId,
    mode: Option<&str>,
) -> StartError {
    let code = match &error {
        ApiError::Refused(problem) => problem.code,
        _ => return error.into(),
    };
    let choices = match code {
        Code::PermissionModeUnknown => {
            let known = known_agent(api, agent).await;
            known.map_or_else(Vec::new, |agent| modes(&agent, None))
        }
        Code::AgentNotFound => agents(api, |_| true).await,
        Code::PolicyRefused => {
            let choices = match known_agent(api, agent).await {
                Some(known) if known.refused.is_none() => {
                    // Something else of it is refused, such as the servers that it brings along.
                    if !is_refused(&known, mode) {
                        return error.into();
                    }
                    modes(&known, None)
                }
                _ => agents(api, can_begin).await,
            };
            return match choices.is_empty() {
                true => error.into(),
                false => StartError::Bound(Choice { error, choices }),
            };
        }
        _ => return error.into(),
    };
    StartError::Choice(Choice { error, choices })
}

/// The active organization lets no session begin in this mode, or in the agent's own without one.
fn is_refused(agent: &Agent, mode: Option<&str>) -> bool {
    let mut modes = agent.permission_modes.iter();
    let mode = match mode {
        Some(id) => modes.find(|mode| mode.id == id),
        None => modes.next(),
    };
    mode.is_some_and(|mode| mode.refused.is_some())
}

fn can_begin(agent: &Agent) -> bool {
    agent.state == AgentState::Ready && agent.refused.is_none()
}

/// The agents of a kind, as flags.
async fn agents(api: &Api, which: impl Fn(&Agent) -> bool) -> Vec<String> {
    let list = api.get::<AgentList>("/agents").await;
    let agents = list.map_or_else(|_| Vec::new(), |list| list.agents);
    let each = agents.iter().filter(|agent| which(agent));
    each.map(|agent| format!("--agent {}: {}", agent.id, agent.name))
        .collect()
}

/// The project of a folder, which becomes one if it is none.
pub async fn project(api: &Api, folder: PathBuf) -> Result<Project, StartError> {
    let path = match folder.into_os_string().into_string() {
        Ok(path) => path,
        Err(name) => return Err(StartError::Folder(name.into())),
    };
    // The engine says what the folder is called without symbolic links, as its projects are.
    let listed: FolderList = api.get(&with_query("/folders", "path", &path)).await?;
    let find = async || {
        let list: ProjectList = api.get("/projects").await?;
        let mut projects = list.projects.into_iter();
        Ok::<_, ApiError>(projects.find(|project| project.path == listed.path))
    };
    if let Some(project) = find().await? {
        return Ok(project);
    }
    let request = CreateProject { path, name: None };
    match api.post("/projects", &request).await {
        // Somebody was faster.
        Err(ApiError::Refused(problem)) if problem.code == Code::ProjectExists => {
            let found = find().await?;
            found.ok_or_else(|| ApiError::Refused(problem).into())
        }
        created => Ok(created?),
    }
}

/// The router of this name or identifier.
pub async fn router(api: &Api, wanted: &str) -> Result<RouterId, StartError> {
    let listed: RouterList = api.get("/routers").await?;
    let same = |router: &&Router| {
        router.id.to_string() == wanted || router.name.to_lowercase() == wanted.to_lowercase()
    };
    if let Some(found) = listed.routers.iter().find(same) {
        return Ok(found.id);
    }
    let problem = Problem::new(
        Code::RouterNotFound,
        format!("there is no router {wanted:?}"),
    );
    let error = ApiError::Refused(Box::new(problem));
    if listed.routers.is_empty() {
        return Err(error.into());
    }
    let each = listed.routers.iter();
    Err(StartError::Choice(Choice {
        error,
        choices: each
            .map(|router| {
                format!(
                    "--router {:?}: {}",
                    router.name,
                    router.settings.kind.name()
                )
            })
            .collect(),
    }))
}

/// A path with one parameter.
fn with_query(path: &str, name: &str, value: &str) -> String {
    // The base is not used, but a URL has to have one.
    let url = reqwest::Url::parse_with_params("http://engine", [(name, value)]);
    let query = url.ok().and_then(|url| url.query().map(str::to_owned));
    format!("{path}?{}", query.unwrap_or_default())
}
