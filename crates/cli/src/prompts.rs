//! `berth prompts`: prompts as files that can be kept in git, and a look at what a session would get.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use berth_prompt::to_files;
use berth_protocol::{
    Project, ProjectList, PromptFile, PromptImport, PromptImportOutcome, PromptImported,
    PromptList, PromptPreview, PromptScope,
};
use clap::{Args, Subcommand};

use crate::{
    api::{Api, ApiError},
    client::fail,
};

/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

#[derive(Subcommand)]
pub enum Prompts {
    /// List the prompts in the order in which they are put together
    List,
    /// Write each prompt into a Markdown file with front matter
    Export {
        /// The folder; made when it is missing. Files of the same names are replaced
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Only the prompts of this scope
        #[arg(long, value_name = "SCOPE", value_parser = scope)]
        scope: Option<PromptScope>,
    },
    /// Add or change prompts from Markdown files: one with the name and scope of another is a new version of it
    Import {
        /// Files, and folders whose .md files are meant
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Print what a session that began now would be given
    Preview(Preview),
}

#[derive(Args)]
pub struct Preview {
    /// The agent
    #[arg(long, value_name = "AGENT")]
    agent: String,
    /// Folder of the project
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
}

fn scope(word: &str) -> Result<PromptScope, String> {
    [
        PromptScope::Global,
        PromptScope::Organization,
        PromptScope::User,
    ]
    .into_iter()
    .find(|scope| scope.as_str() == word)
    .ok_or_else(|| "a scope is global, organization or user".to_owned())
}

#[derive(Debug, thiserror::Error)]
enum PromptsError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{path} cannot be used")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0} has more than {LARGEST} bytes")]
    TooLarge(PathBuf),
    #[error("{0} is no project of this engine")]
    NoProject(PathBuf),
}

impl PromptsError {
    fn hint(&self) -> &str {
        match self {
            Self::Api(error) => error.hint(),
            Self::File { .. } => "Check the path and its permissions.",
            Self::TooLarge(_) => "A prompt has at most 32 KiB.",
            Self::NoProject(_) => "Add it in the app first.",
        }
    }
}

pub async fn prompts(data_dir: PathBuf, command: Prompts) -> ExitCode {
    let done = async {
        let api = Api::start(data_dir).await?;
        match command {
            Prompts::List => list(&api).await,
            Prompts::Export { folder, scope } => export(&api, &folder, scope).await,
            Prompts::Import { paths, dry_run } => import(&api, &paths, dry_run).await,
            Prompts::Preview(wanted) => preview(&api, &wanted).await,
        }
    };
    match done.await {
        Ok(code) => code,
        Err(error) => fail(&error, error.hint()),
    }
}

async fn list(api: &Api) -> Result<ExitCode, PromptsError> {
    let list: PromptList = api.get("/prompts").await?;
    let declined = list.declined;
    for prompt in list.prompts {
        let is_declined = declined.contains(&prompt.id) && !prompt.locked;
        let state = match (prompt.is_active(), is_declined) {
            (true, false) => "on",
            _ => "off",
        };
        println!(
            "{:<12} {state:<3} v{:<3} {}",
            prompt.scope.as_str(),
            prompt.version,
            prompt.name
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn export(
    api: &Api,
    folder: &Path,
    scope: Option<PromptScope>,
) -> Result<ExitCode, PromptsError> {
    let mut list: PromptList = api.get("/prompts").await?;
    list.prompts
        .retain(|prompt| scope.is_none_or(|scope| prompt.scope == scope));
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    for file in to_files(&list.prompts) {
        // Names of files have letters, digits and dashes only, so none leads out of the folder.
        let path = folder.join(&file.name);
        std::fs::write(&path, file.text).map_err(at(&path))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(api: &Api, paths: &[PathBuf], dry_run: bool) -> Result<ExitCode, PromptsError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(at(path))?;
            let entries = entries.map(|entry| entry.map(|entry| entry.path()));
            let mut found = entries
                .collect::<Result<Vec<PathBuf>, _>>()
                .map_err(at(path))?;
            found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
            found.sort();
            for path in found {
                files.push(read(&path)?);
            }
        } else {
            files.push(read(path)?);
        }
    }
    let request = PromptImport { files, dry_run };
    let done: PromptImported = api.post("/prompts/import", &request).await?;
    let mut failed = false;
    for result in done.results {
        let word = match (result.outcome, dry_run) {
            (PromptImportOutcome::Created, false) => "created",
            (PromptImportOutcome::Created, true) => "would be created",
            (PromptImportOutcome::Updated, false) => "changed",
            (PromptImportOutcome::Updated, true) => "would be changed",
            (PromptImportOutcome::Unchanged, _) => "the same",
            (PromptImportOutcome::Failed, _) => "failed",
        };
        println!("{}: {word}", result.file);
        if let Some(problem) = result.problem {
            failed = true;
            eprintln!("berth: {}: {}", result.file, problem.detail);
            if let Some(hint) = problem.hint {
                eprintln!("  {hint}");
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn read(path: &Path) -> Result<PromptFile, PromptsError> {
    let size = std::fs::metadata(path).map_err(at(path))?.len();
    if size > LARGEST {
        return Err(PromptsError::TooLarge(path.to_owned()));
    }
    Ok(PromptFile {
        name: path.display().to_string(),
        text: std::fs::read_to_string(path).map_err(at(path))?,
    })
}

fn at(path: &Path) -> impl Fn(io::Error) -> PromptsError {
    move |source| PromptsError::File {
        path: path.to_owned(),
        source,
    }
}

async fn preview(api: &Api, wanted: &Preview) -> Result<ExitCode, PromptsError> {
    let project: Option<Project> = match &wanted.project {
        None => None,
        Some(folder) => {
            let real = std::fs::canonicalize(folder).map_err(at(folder))?;
            let all: ProjectList = api.get("/projects").await?;
            let mut all = all.projects.into_iter();
            let found = all.find(|project| Path::new(&project.path) == real);
            Some(found.ok_or_else(|| PromptsError::NoProject(real))?)
        }
    };
    let request = serde_json::json!({
        "agent": wanted.agent,
        "project": project.map(|project| project.id),
    });
    let preview: PromptPreview = api.post("/prompts/preview", &request).await?;
    print!("{}", preview.effective.text);
    for warning in preview.effective.warnings {
        eprintln!(
            "berth: line {}, column {}: {:?}: {}",
            warning.line, warning.column, warning.excerpt, warning.message
        );
    }
    if let Some(why) = preview.undelivered {
        eprintln!("berth: {why}");
    }
    Ok(ExitCode::SUCCESS)
}
