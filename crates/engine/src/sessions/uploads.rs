//! Files that a session's agent is handed.
//!
//! They lie in the session's private folder: no status of a workspace tells of them, no other user of the machine reads
//! them, and they go with the session.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use berth_protocol::{Code, SessionId, Uploaded};
use berth_session::agents;
use bytes::Bytes;
use serde_json::json;

use super::{private, talk::running};
use crate::{EngineError, endpoint, error::ApiError, state::State};

/// The folder for them in a session's private folder, where the agent's own settings lie too.
const FOLDER: &str = "uploads";

/// The name of a file whose own has nothing that can be kept.
const NAMELESS: &str = "file";

/// Longest name, in bytes. Some file systems take no more than 143, and a number may still be added.
const LONGEST_NAME: usize = 120;

/// Longest ending that stays when a name is cut, in bytes with its dot.
const LONGEST_ENDING: usize = 16;

/// Files of one name that a session can have. Whatever is pasted has the same name.
const SAME_NAMES: u32 = 10_000;

/// A file as it was sent.
pub struct Given {
    /// Its name, which may be anything.
    pub name: String,
    pub content: Bytes,
}

/// Whether a session can be handed files, for who wants to know before one is read.
pub async fn takes_files(state: &State, id: SessionId) -> Result<(), ApiError> {
    running(state, id).await.map(drop)
}

/// Keeps a file for a session's agent.
pub async fn upload(state: &State, id: SessionId, given: Given) -> Result<Uploaded, ApiError> {
    // One that is deleted meanwhile would leave the file behind.
    let _turn = state.sessions.exclusive(id).await;
    running(state, id).await?;
    let folder = private(state, id).join(FOLDER);
    // The data folder may have been given as a relative one, and agents work elsewhere.
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let size = given.content.len() as u64;
    let kept = tokio::task::spawn_blocking(move || -> Result<_, EngineError> {
        let sha256 = berth_trail::sha256(&given.content);
        let (path, name) = keep(&folder, &plain_name(&given.name), &given.content)?;
        Ok((path, name, sha256))
    });
    let kept = kept.await;
    let kept = kept.map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    let (path, name, sha256) =
        kept.map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    let details = json!({"name": name, "sha256": sha256, "size": size});
    let subject = id.to_string();
    let noted = state
        .store
        .note("session.uploaded", "session", &subject, details);
    if let Err(error) = noted.await {
        // No agent reads what the trail does not know.
        discard(Path::new(&path));
        return Err(error.into());
    }
    Ok(Uploaded {
        path,
        name,
        size,
        sha256,
    })
}

/// Writes a file under its name, or under the next one that is free. Returns its path and what it is called.
fn keep(folder: &Path, name: &str, content: &[u8]) -> Result<(String, String), EngineError> {
    let failed = |doing: &'static str, path: &Path, source: io::Error| EngineError::File {
        doing,
        path: path.to_owned(),
        source,
    };
    agents::private_folder(folder).map_err(|source| failed("creating", folder, source))?;
    let about = std::fs::symlink_metadata(folder);
    let about = about.map_err(|source| failed("reading", folder, source))?;
    if !about.is_dir() {
        // An agent may have put a link there, which leads wherever it likes.
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(failed("using", folder, source));
    }
    for number in 1..=SAME_NAMES {
        let name = numbered(name, number);
        let path = folder.join(&name);
        // Looking first would be too late for a file that comes in between.
        let file = endpoint::private(OpenOptions::new().create_new(true).write(true)).open(&path);
        let mut file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(source) => return Err(failed("creating", &path, source)),
        };
        let named = file.write_all(content).and_then(|()| text(&path));
        return match named {
            Ok(path) => Ok((path, name)),
            Err(source) => {
                drop(file);
                discard(&path);
                Err(failed("writing", &path, source))
            }
        };
    }
    let source = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(failed("creating", &folder.join(name), source))
}

/// A path as a message can name it.
fn text(path: &Path) -> io::Result<String> {
    let unnamable = || io::Error::other("the path is not valid Unicode");
    path.to_str().map(str::to_owned).ok_or_else(unnamable)
}

fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a file that was not handed over stays behind");
    }
}

/// A name that leads nowhere, hides nothing and means nothing to a shell: the path stands in messages, and what is sent
/// to a shell is run.
fn plain_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    let (stem, ending) = parts(&plain);
    // A device's name gets a letter more.
    let stem = &stem[..stem.floor_char_boundary(LONGEST_NAME - 1 - ending.len())];
    let cut = format!("{stem}{ending}");
    let name = cut.trim_start_matches('-').trim_end_matches(['.', '-']);
    match name {
        "" => NAMELESS.to_owned(),
        device if is_device(device) => format!("_{device}"),
        name => name.to_owned(),
    }
}

/// Letters and digits of any script with their accents, and a few signs.
fn is_plain(c: char) -> bool {
    // Unicode calls these letters, and nobody sees them.
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let is_accent = matches!(c, '\u{300}'..='\u{36f}');
    let is_sign = matches!(c, '.' | '_' | '-' | '+' | '@');
    c.is_alphanumeric() && !is_blank || is_accent || is_sign
}

/// What stands before the ending of a name, and the ending with its dot.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= LONGEST_ENDING => name.split_at(at),
        _ => (name, ""),
    }
}

/// Windows takes these for devices, whatever their ending is.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.to_ascii_uppercase();
    let is_numbered = |word: &str| {
        let number = stem.strip_prefix(word).unwrap_or_default();
        let mut digits = number.chars();
        let is_digit = |c: char| matches!(c, '0'..='9' | '¹' | '²' | '³');
        digits.next().is_some_and(is_digit) && digits.next().is_none()
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || is_numbered("COM")
        || is_numbered("LPT")
}

/// The name of another file that would have the same.
fn numbered(name: &str, number: u32) -> String {
    match number {
        1 => name.to_owned(),
        _ => {
            let (stem, ending) = parts(name);
            format!("{stem}-{number}{ending}")
        }
    }
}

#[cfg(test)]
mod tests;
