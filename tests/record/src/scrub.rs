//! Takes this machine out of a recording: where its folders are, what it and its user are called.
//!
//! What is put in place of a path is as wide as the path, so that nothing on the screen moves.

use std::path::Path;

use regex::Regex;

/// The home that stands in recordings.
pub const HOME: &str = "/srv/dev/tester";

/// The name of its folder, and of its user.
pub const USER: &str = "tester";

/// What stands for the folder of the agents' configuration.
const CONFIGURATION: &str = "/srv/dev/tester/.agents";

/// What stands for the folder of the agents' programs.
const PROGRAMS: &str = "/usr/local/bin";

/// Shorter names are left alone: they would be found in words.
const SHORTEST_NAME: usize = 4;

/// What is replaced, and by what.
pub struct Scrub {
    pairs: Vec<(Regex, String)>,
    /// Must not be in a recording afterwards.
    telling: Vec<String>,
}

impl Scrub {
    /// For an agent that has `home` for its home, and its configuration in `configuration`.
    pub fn new(home: &Path, configuration: &Path, programs: &[&Path]) -> Self {
        let mut pairs = Vec::new();
        let mut replace = |real: &str, neutral: &str| {
            if let Ok(pattern) = Regex::new(&bounded(real)) {
                pairs.push((pattern, neutral.to_owned()));
            }
        };
        // Longer paths first: one may lie in another.
        replace(&configuration.display().to_string(), CONFIGURATION);
        for folder in programs {
            replace(&folder.display().to_string(), PROGRAMS);
        }
        replace(&home.display().to_string(), HOME);
        if let Some(user) = std::env::home_dir().filter(|user| user.parent().is_some()) {
            replace(&user.display().to_string(), HOME);
        }
        let mut telling = Vec::new();
        // The folders' own names, where only they are shown.
        for (folder, neutral) in [(home, USER), (configuration, ".agents")] {
            if let Some(name) = folder.file_name() {
                let name = name.to_string_lossy().into_owned();
                replace(&name, neutral);
                telling.push(name);
            }
        }
        let host = sysinfo::System::host_name().ok();
        let user = std::env::var("USER").ok();
        for (name, neutral) in [
            (host, "machine"),
            (user.filter(|name| name != "root"), USER),
        ] {
            if let Some(name) = name.filter(|name| name.len() >= SHORTEST_NAME) {
                replace(&name, neutral);
                telling.push(name);
            }
        }
        Self { pairs, telling }
    }

    /// The pieces of an output without what tells of this machine. A path may lie across two of them;
    /// what stands for it goes where it began.
    pub fn pieces(&self, pieces: &[String]) -> Vec<String> {
        let mut pieces = pieces.to_vec();
        for (pattern, neutral) in &self.pairs {
            pieces = replace_across(&pieces, pattern, neutral);
        }
        pieces
    }

    /// What still tells of this machine.
    pub fn left(&self, pieces: &[String]) -> Option<&str> {
        let whole = pieces.concat();
        let found = self
            .telling
            .iter()
            .find(|name| whole.contains(name.as_str()));
        found.map(String::as_str)
    }
}

/// A name that is not a part of a longer one.
fn bounded(name: &str) -> String {
    let name_at_start = name.starts_with(|letter: char| letter.is_alphanumeric());
    let start = if name_at_start { r"\b" } else { "" };
    format!(r"{start}{}\b", regex::escape(name))
}

fn replace_across(pieces: &[String], pattern: &Regex, neutral: &str) -> Vec<String> {
    let whole = pieces.concat();
    let mut result = Vec::with_capacity(pieces.len());
    let mut found = pattern.find_iter(&whole).peekable();
    let mut start = 0;
    // How far the text has been taken over.
    let mut taken = 0;
    for piece in pieces {
        let end = start + piece.len();
        let mut text = String::with_capacity(piece.len());
        while let Some(place) = found.next_if(|place| place.start() < end) {
            text.push_str(&whole[taken.max(start)..place.start()]);
            text.push_str(neutral);
            taken = place.end();
        }
        if taken < end {
            text.push_str(&whole[taken.max(start)..end]);
            taken = end;
        }
        result.push(text);
        start = end;
    }
    result
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
