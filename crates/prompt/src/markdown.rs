//! Prompts as Markdown files with YAML front matter, so that they can be kept in git.
//!
//! ```text
//! ---
//! name: House rules
//! scope: organization
//! priority: 10
//! format: template
//! agents: [claude, codex]
//! ---
//! Ask {{ user_name }} before you push.
//! ```
//! A key that is left out has its usual value, and a file without front matter is a prompt of the user
//! that is named as the file. An unknown key is an error: it would be a setting that silently does nothing.

use std::collections::BTreeSet;

use berth_protocol::{
    AgentId, ProjectId, PromptDraft, PromptFile, PromptFormat, PromptScope, PromptTarget,
    SystemPrompt,
};
use serde::{Deserialize, Serialize};

/// What stands before and behind the front matter.
const FENCE: &str = "---";

/// Longest front matter, in bytes.
const FRONT_MATTER: usize = 16 * 1024;

/// Longest name of a file without its extension, in characters.
const FILE_NAME: usize = 60;

/// Why a file is no prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The front matter does not end.
    #[error("the front matter has no end: a line with three dashes is missing")]
    NoEnd,
    /// The front matter is too long.
    #[error("the front matter has {0} bytes; at most {FRONT_MATTER} are allowed")]
    TooLong(usize),
    /// The front matter cannot be read.
    #[error("the front matter cannot be read: {0}")]
    FrontMatter(String),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FrontMatter {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    scope: PromptScope,
    #[serde(skip_serializing_if = "is_default")]
    format: PromptFormat,
    #[serde(skip_serializing_if = "is_default")]
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    locked: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    agents: Vec<AgentId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    projects: Vec<ProjectId>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a file. Its line breaks become line feeds, and a byte order mark is left out.
///
/// # Errors
/// [`FileError`]. Whether the prompt itself is usable is not looked at.
pub fn of_file(file: &PromptFile) -> Result<PromptDraft, FileError> {
    let text = file
        .text
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n");
    let (front, content) = split(&text)?;
    let front: FrontMatter = match front {
        Some(front) if front.len() > FRONT_MATTER => return Err(FileError::TooLong(front.len())),
        // With an empty line in place of the fence the places in errors are those of the file.
        Some(front) if !front.trim().is_empty() => serde_saphyr::from_str(&format!("\n{front}"))
            .map_err(|error| FileError::FrontMatter(first_line(&error.to_string())))?,
        _ => FrontMatter::default(),
    };
    Ok(PromptDraft {
        scope: front.scope,
        name: front.name.unwrap_or_else(|| stem(&file.name).to_owned()),
        format: front.format,
        content: content.to_owned(),
        priority: front.priority,
        enabled: front.enabled.unwrap_or(true),
        locked: front.locked,
        target: PromptTarget {
            agents: front.agents,
            projects: front.projects,
        },
    })
}

/// Writes a prompt as a file. Reading it gives the same prompt.
pub fn to_file(draft: &PromptDraft) -> PromptFile {
    let front = FrontMatter {
        name: Some(draft.name.clone()),
        scope: draft.scope,
        format: draft.format,
        priority: draft.priority,
        enabled: (!draft.enabled).then_some(false),
        locked: draft.locked,
        agents: draft.target.agents.clone(),
        projects: draft.target.projects.clone(),
    };
    // Texts, numbers and lists can always be written.
    let front = serde_saphyr::to_string(&front).unwrap_or_default();
    let front = front.trim_end();
    PromptFile {
        name: file_name(&draft.name),
        text: format!("{FENCE}\n{front}\n{FENCE}\n{}\n", draft.content),
    }
}

/// Writes prompts as files. Names that would be the same are told apart by a number.
pub fn to_files(prompts: &[SystemPrompt]) -> Vec<PromptFile> {
    let mut taken = BTreeSet::new();
    prompts
        .iter()
        .map(|prompt| {
            let mut file = to_file(&prompt.draft());
            let stem = stem(&file.name).to_owned();
            let mut number = 2;
            while !taken.insert(file.name.clone()) {
                file.name = format!("{stem}-{number}.md");
                number += 1;
            }
            file
        })
        .collect()
}

/// Name of the file of a prompt with this name: letters and digits of any script in lower case, with dashes
/// between them.
pub fn file_name(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out: String = out.chars().take(FILE_NAME).collect();
    let out = out.trim_matches('-');
    format!("{}.md", if out.is_empty() { "prompt" } else { out })
}

/// Front matter and content. The line break behind the content is the file's own.
fn split(text: &str) -> Result<(Option<&str>, &str), FileError> {
    let content = |text: &'_ str| text.strip_suffix('\n').unwrap_or(text).len();
    let Some(rest) = text
        .strip_prefix(FENCE)
        .and_then(|rest| rest.strip_prefix('\n'))
    else {
        return Ok((None, &text[..content(text)]));
    };
    let mut start = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == FENCE {
            let words = &rest[start + line.len()..];
            return Ok((Some(&rest[..start]), &words[..content(words)]));
        }
        start += line.len();
    }
    Err(FileError::NoEnd)
}

fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.strip_suffix(".md")
        .or_else(|| name.strip_suffix(".markdown"))
        .unwrap_or(name)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ")
        .unwrap_or(line)
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &str) -> PromptFile {
        PromptFile {
            name: "rules/house-rules.md".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_file_says_all_that_a_prompt_is() {
        let project = "01890a5d-ac96-774b-bcce-b302099a8057";
        let text = format!(
            "---\nname: \"House: rules\"\nscope: organization\nformat: template\npriority: -3\nenabled: false\n\
             locked: true\nagents: [claude, codex]\nprojects:\n  - {project}\n---\nOne.\n\n---\nTwo.\n"
        );
        let draft = of_file(&file(&text)).unwrap();
        assert_eq!(draft.name, "House: rules");
        assert_eq!(draft.scope, PromptScope::Organization);
        assert_eq!(draft.format, PromptFormat::Template);
        assert_eq!(
            (draft.priority, draft.enabled, draft.locked),
            (-3, false, true)
        );
        assert_eq!(draft.target.agents.len(), 2);
        assert_eq!(draft.target.projects, [project.parse().unwrap()]);
        assert_eq!(draft.content, "One.\n\n---\nTwo.");
    }

    #[test]
    fn a_file_without_front_matter_is_named_as_the_file() {
        let draft = of_file(&file("Use tabs.\r\nAlways.\r\n")).unwrap();
        assert_eq!(draft.name, "house-rules");
        assert_eq!(draft.content, "Use tabs.\nAlways.");
        assert!(draft.enabled);
        assert_eq!(draft.scope, PromptScope::User);
    }

    #[test]
    fn what_is_wrong_with_the_front_matter_is_told() {
        for (text, wanted) in [
            ("---\nname: x\nno end\n", "no end"),
            ("---\nnmae: x\n---\ntext\n", "nmae"),
            ("---\nscope: galaxy\n---\ntext\n", "galaxy"),
            ("---\npriority: high\n---\ntext\n", "line 2 column 11"),
        ] {
            let error = of_file(&file(text)).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
    }

    #[test]
    fn aliases_that_grow_without_end_are_refused() {
        let mut text = "---\nname: &a0 aaaaaaaaaa\n".to_owned();
        text.push_str("agents: &b [x,x,x,x,x,x,x,x,x,x]\n");
        text.push_str("projects: [*b,*b,*b,*b]\n---\n");
        assert!(of_file(&file(&text)).is_err());
    }

    #[test]
    fn every_prompt_becomes_a_file_of_its_own() {
        let prompt = |name: &str| -> SystemPrompt {
            serde_json::from_value(serde_json::json!({
                "id": "01890a5d-ac96-774b-bcce-b302099a8057", "scope": "user", "name": name,
                "content": name, "enabled": true, "version": 1,
                "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
            }))
            .unwrap()
        };
        let files = to_files(&[prompt("A b"), prompt("a/B"), prompt("C"), prompt("a b 2")]);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a-b.md", "a-b-2.md", "c.md", "a-b-2-2.md"]);
        assert_eq!(of_file(&files[1]).unwrap().name, "a/B");
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("House: Rules / 2"), "house-rules-2.md");
        assert_eq!(file_name("Überall ñ"), "überall-ñ.md");
        assert_eq!(file_name("../../etc"), "etc.md");
        assert_eq!(file_name("…"), "prompt.md");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in "[^\\p{C}]{1,40}",
            content in "[^\\r\u{feff}]{0,200}",
            priority: i32,
            enabled: bool,
            template: bool,
        ) {
            let draft = PromptDraft {
                scope: PromptScope::Global,
                name,
                format: if template { PromptFormat::Template } else { PromptFormat::Text },
                content,
                priority,
                enabled,
                locked: false,
                target: PromptTarget { agents: vec!["claude".parse().unwrap()], projects: vec![] },
            };
            prop_assert_eq!(of_file(&to_file(&draft)).unwrap(), draft);
        }

        #[test]
        fn no_file_makes_it_panic(text in "(?s).{0,400}", front in "(?s).{0,200}") {
            let _ = of_file(&file(&text));
            let _ = of_file(&file(&format!("---\n{front}\n---\n{text}")));
        }
    }
}
