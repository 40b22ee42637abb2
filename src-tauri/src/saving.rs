//! Saves what the page offers as a file: a web view has no place for downloads, and the window goes to no address
//! that holds one.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::error::CommandError;
use crate::text;

/// Longest name, in characters.
const NAME: usize = 120;

/// Files of one name that are told apart by a number.
const MOST: usize = 1000;

/// Saves a file in a folder under its name, or under one with a number when that is taken: nothing is ever
/// replaced. Says where it is.
pub(crate) fn save(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf, CommandError> {
    let name = plain(name);
    create(folder, &name, content).map_err(|error| CommandError {
        code: "window.save_failed",
        message: text::save_failed(&folder.join(&name), &error.to_string()),
        hint: text::SAVE_FAILED_HINT,
    })
}

fn create(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 1..=MOST {
        let path = match number {
            1 => folder.join(name),
            _ => folder.join(format!("{stem} ({number}){extension}")),
        };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let written = file.write_all(content);
                if let Err(error) = written {
                    // Half a file is worse than none.
                    drop(file);
                    let _ = std::fs::remove_file(&path);
                    return Err(error);
                }
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A name that names a file of the folder on every system, and none of a device.
fn plain(name: &str) -> String {
    let bad = |c: char| c.is_control() || r#"<>:"/\|?*"#.contains(c);
    let name: String = name
        .chars()
        .map(|c| if bad(c) { '-' } else { c })
        .take(NAME)
        .collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    match name {
        "" => "file".to_owned(),
        name if is_device => format!("file-{name}"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_and_nothing_leads_out_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("berth-saving-{}", std::process::id()));
        let save = |name: &str, content: &[u8]| {
            let path = save(&folder, name, content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
            assert_eq!(path.parent(), Some(folder.as_path()));
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(save("prompts.zip", b"1"), "prompts.zip");
        assert_eq!(save("prompts.zip", b"2"), "prompts (2).zip");
        assert_eq!(save("../../etc/passwd", b"3"), "-..-etc-passwd");
        assert_eq!(save("über uns.md", b"4"), "über uns.md");
        assert_eq!(save("", b"5"), "file");
        assert_eq!(save("nul.txt", b"6"), "file-nul.txt");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_goes_wrong_names_the_file() {
        let error = save(Path::new("/proc/nowhere"), "a.md", b"").unwrap_err();
        assert_eq!(error.code, "window.save_failed");
        assert!(error.message.contains("a.md"), "{}", error.message);
    }
}
