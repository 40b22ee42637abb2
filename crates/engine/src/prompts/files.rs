//! Prompts as Markdown files: imported, exported, and those of whoever runs the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Write},
    path::Path,
};

use berth_prompt::{of_file, to_file, to_files};
use berth_protocol::{
    Code, FieldProblem, Problem, PromptDraft, PromptFile, PromptId, PromptImport,
    PromptImportOutcome, PromptImportResult, PromptImported, PromptScope, SystemPrompt,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{changed, checked, may_write};
use crate::{EngineError, error::ApiError, organizations, state::State};

/// Most files of one import.
const FILES: usize = 1000;

/// Largest file of the folder with global prompts, in bytes: a prompt with a long front matter.
const FILE: u64 = 64 * 1024;

/// One prompt as a file.
pub async fn file(state: &State, id: PromptId) -> Result<PromptFile, ApiError> {
    Ok(to_file(&super::get(state, id).await?.draft()))
}

/// Every prompt as a file, in a ZIP archive.
pub async fn archive(state: &State) -> Result<Vec<u8>, ApiError> {
    let files = to_files(&state.store.prompts().await?);
    let packed = tokio::task::spawn_blocking(move || packed(&files));
    let packed = packed
        .await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    packed.map_err(|error| ApiError::new(Code::Internal, error.to_string()))
}

fn packed(files: &[PromptFile]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for file in files {
        zip.start_file(file.name.as_str(), options)?;
        zip.write_all(file.text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Imports files: one whose prompt has the name and scope of another is a new version of that.
///
/// One file that cannot be imported keeps no other from it.
pub async fn import(state: &State, import: PromptImport) -> Result<PromptImported, ApiError> {
    if import.files.len() > FILES {
        let detail = format!(
            "{} files are too many; at most {FILES} can be imported at once",
            import.files.len()
        );
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    let mut known = state.store.prompts().await?;
    if let Some(shared) = organizations::shared(state).await? {
        known.extend(shared.prompts);
    }
    let known = by_name(known);
    let mut seen = BTreeSet::new();
    let mut results = Vec::new();
    for file in &import.files {
        let (name, outcome) = match read(file) {
            Ok(draft) if !seen.insert((draft.scope, draft.name.clone())) => {
                let detail = format!(
                    "{}: another file of this import has a prompt named {:?}",
                    file.name, draft.name
                );
                let refusal = Problem::new(Code::PromptInvalid, detail)
                    .with_hint("Give one of them another name.");
                (Some(draft.name), Err(refusal.into()))
            }
            Ok(draft) => (
                Some(draft.name.clone()),
                import_one(state, &known, draft, import.dry_run).await,
            ),
            Err(error) => (None, Err(error)),
        };
        let (outcome, problem) = match outcome {
            Ok(outcome) => (outcome, None),
            Err(error) => (PromptImportOutcome::Failed, Some(error.0)),
        };
        results.push(PromptImportResult {
            file: file.name.clone(),
            outcome,
            name,
            problem,
        });
    }
    Ok(PromptImported { results })
}

/// Those of each scope and name: usually one.
type Named = BTreeMap<(PromptScope, String), Vec<SystemPrompt>>;

fn by_name(prompts: Vec<SystemPrompt>) -> Named {
    let mut named = Named::new();
    for prompt in prompts {
        let key = (prompt.scope, prompt.name.clone());
        named.entry(key).or_default().push(prompt);
    }
    named
}

fn read(file: &PromptFile) -> Result<PromptDraft, ApiError> {
    let draft = of_file(file).map_err(|error| {
        Problem::new(Code::PromptInvalid, format!("{}: {error}", file.name)).with_fields(vec![
            FieldProblem {
                field: "text".to_owned(),
                message: error.to_string(),
            },
        ])
    })?;
    checked(draft)
}

async fn import_one(
    state: &State,
    known: &Named,
    draft: PromptDraft,
    dry_run: bool,
) -> Result<PromptImportOutcome, ApiError> {
    may_write(state, draft.scope).await?;
    let key = (draft.scope, draft.name.clone());
    let old = match known.get(&key).map(Vec::as_slice) {
        None | Some([]) => None,
        Some([old]) => Some(old),
        Some(several) => {
            let detail = format!(
                "there are {} prompts named {:?}, so that nobody knows which is meant",
                several.len(),
                draft.name
            );
            return Err(Problem::new(Code::PromptInvalid, detail)
                .with_hint("Give them names of their own first.")
                .into());
        }
    };
    let outcome = match old {
        None => PromptImportOutcome::Created,
        Some(old) if old.draft() == draft => return Ok(PromptImportOutcome::Unchanged),
        Some(_) => PromptImportOutcome::Updated,
    };
    if dry_run {
        return Ok(outcome);
    }
    match old {
        None => super::create(state, draft).await?,
        Some(old) => {
            let edit = berth_protocol::PromptEdit {
                version: old.version,
                prompt: draft,
            };
            super::update(state, old.id, edit).await?
        }
    };
    Ok(outcome)
}

/// Makes the global prompts what the files of a folder say, each with a name of its own. Without a folder
/// they stay what they are: the window and the commands start engines too, and know of no folder.
///
/// # Errors
/// [`EngineError::GlobalPrompts`]: an engine whose operator's words cannot be read does not start without them.
pub async fn load_global(state: &State, folder: Option<&Path>) -> Result<(), EngineError> {
    let Some(folder) = folder else {
        return Ok(());
    };
    let mut wanted: BTreeMap<String, PromptDraft> = BTreeMap::new();
    for (path, draft) in read_folder(folder)? {
        if wanted.insert(draft.name.clone(), draft).is_some() {
            return Err(EngineError::GlobalPrompts {
                path,
                reason: "another file has a prompt of the same name".to_owned(),
            });
        }
    }
    for old in state.store.prompts().await? {
        if old.scope != PromptScope::Global {
            continue;
        }
        match wanted.remove(&old.name) {
            Some(draft) if draft == old.draft() => {}
            Some(draft) => {
                let new = state
                    .store
                    .update_prompt(old.id, old.version, &draft, None)
                    .await?;
                changed(state, new);
            }
            None => state.store.delete_prompt(old.id, old.version).await?,
        }
    }
    for draft in wanted.into_values() {
        let new = state.store.create_prompt(&draft, None).await?;
        changed(state, new);
    }
    Ok(())
}

fn read_folder(folder: &Path) -> Result<Vec<(std::path::PathBuf, PromptDraft)>, EngineError> {
    let failed = |path: &Path, reason: String| EngineError::GlobalPrompts {
        path: path.to_owned(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(|error| failed(folder, error.to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| failed(folder, error.to_string()))?
            .path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut read_all = Vec::new();
    for path in paths {
        let size = std::fs::metadata(&path).map_err(|error| failed(&path, error.to_string()))?;
        if size.len() > FILE {
            let reason = format!("it has {} bytes; at most {FILE} are allowed", size.len());
            return Err(failed(&path, reason));
        }
        let text =
            std::fs::read_to_string(&path).map_err(|error| failed(&path, error.to_string()))?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let draft = of_file(&PromptFile { name, text })
            .map_err(|error| failed(&path, error.to_string()))?;
        // Whoever may put a file there speaks for everybody, whatever scope the file was exported from.
        let draft = checked(PromptDraft {
            scope: PromptScope::Global,
            locked: false,
            ..draft
        })
        .map_err(|error| failed(&path, error.0.detail))?;
        read_all.push((path, draft));
    }
    Ok(read_all)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_archive_has_every_file() {
        let file = |name: &str| PromptFile {
            name: name.to_owned(),
            text: format!("in {name}"),
        };
        let bytes = packed(&[file("a.md"), file("ü.md")]).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        zip.by_name("ü.md")
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "in ü.md");
    }
}
