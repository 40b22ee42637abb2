//! The file in which a conversation outlives its server, in agentapi's form.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ConversationRole, Message};

/// The only version there is.
const VERSION: u32 = 1;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub messages: Vec<Message>,
    pub initial_prompt: Option<String>,
    pub initial_prompt_sent: bool,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be read.
    #[error("the state file {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("the state file {} cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} is no state file: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    messages: Vec<Kept>,
    #[serde(default)]
    initial_prompt: String,
    #[serde(default)]
    initial_prompt_sent: bool,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    id: usize,
    message: String,
    role: ConversationRole,
    time: Timestamp,
}

/// Reads a state file; `None` when there is none yet.
pub fn load(path: &Path) -> Result<Option<Saved>, StateFileError> {
    let invalid = |reason: String| StateFileError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StateFileError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let content: Content =
        serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    if content.version != VERSION {
        return Err(invalid(format!("version {} is unknown", content.version)));
    }
    let messages = content.messages.into_iter().enumerate();
    Ok(Some(Saved {
        // Ids are places; whatever the file says, they count from 0.
        messages: messages
            .map(|(id, kept)| Message {
                id,
                content: kept.message,
                role: kept.role,
                time: kept.time,
            })
            .collect(),
        initial_prompt: Some(content.initial_prompt).filter(|prompt| !prompt.is_empty()),
        initial_prompt_sent: content.initial_prompt_sent,
    }))
}

/// Writes a state file: whole or not at all, and for its owner only.
pub fn save(path: &Path, saved: &Saved) -> Result<(), StateFileError> {
    let failed = |source| StateFileError::Write {
        path: path.to_owned(),
        source,
    };
    let content = Content {
        version: VERSION,
        messages: saved
            .messages
            .iter()
            .map(|message| Kept {
                id: message.id,
                message: message.content.clone(),
                role: message.role,
                time: message.time,
            })
            .collect(),
        initial_prompt: saved.initial_prompt.clone().unwrap_or_default(),
        initial_prompt_sent: saved.initial_prompt_sent,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    serde_json::to_writer_pretty(&file, &content)
        .map_err(|error| failed(io::Error::other(error)))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.json");
        assert_eq!(load(&path).unwrap(), None);
        let saved = Saved {
            messages: vec![Message {
                id: 0,
                content: "one\ntwo".to_owned(),
                role: ConversationRole::Agent,
                time: "2026-01-02T03:04:05Z".parse().unwrap(),
            }],
            initial_prompt: Some("begin".to_owned()),
            initial_prompt_sent: true,
        };
        save(&path, &saved).unwrap();
        assert_eq!(load(&path).unwrap(), Some(saved));
        let text = fs::read_to_string(&path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["messages"][0]["message"], "one\ntwo");
    }

    #[test]
    fn another_version_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for content in [r#"{"version":2,"messages":[]}"#, "[]", "not json"] {
            fs::write(&path, content).unwrap();
            assert!(load(&path).is_err(), "{content}");
        }
    }
}
