use std::{fs, time::Duration};

use super::*;

fn found(root: &Path, sought: &Sought) -> Option<String> {
    let rules = r#"
        roots = []
        name = '^rollout-.*\.jsonl$'
        id = '"session_meta".*?"id":"([0-9a-f-]{36})"'
    "#;
    let rules: FileRules = toml::from_str(rules).unwrap();
    in_files(root, &rules.name, &rules.id, sought)
}

fn sought(name: Option<&str>, messages: &[&str]) -> Sought {
    Sought {
        workspace: "/work/\"app\"".into(),
        private: "/private".into(),
        name: name.map(str::to_owned),
        since: SystemTime::UNIX_EPOCH,
        messages: messages.iter().map(|text| (*text).to_owned()).collect(),
        alone: true,
    }
}

const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TWO: &str = "22222222-2222-2222-2222-222222222222";

fn keep(root: &Path, id: &str, cwd: &str, message: &str) {
    let folder = root.join("2026/11");
    fs::create_dir_all(&folder).unwrap();
    let head = serde_json::json!({"type": "session_meta", "id": id, "cwd": cwd});
    let said = serde_json::json!({"role": "user", "text": message});
    fs::write(
        folder.join(format!("rollout-{id}.jsonl")),
        format!("{head}\n{said}\n"),
    )
    .unwrap();
}

#[test]
fn a_conversation_of_unknown_name_is_told_by_its_folder_and_a_message() {
    let root = tempfile::tempdir().unwrap();
    keep(
        root.path(),
        ONE,
        "/work/\"app\"",
        "Fix the \"tests\"\nplease",
    );
    keep(root.path(), TWO, "/work/other", "Fix the \"tests\"\nplease");
    let message = "\n Fix the \"tests\"\nplease";
    assert_eq!(
        found(root.path(), &sought(None, &[message])).as_deref(),
        Some(ONE)
    );
    assert_eq!(found(root.path(), &sought(None, &["Something else"])), None);
    assert_eq!(found(root.path(), &sought(None, &[])), None);
}

#[test]
fn a_conversation_of_known_name_must_be_kept() {
    let root = tempfile::tempdir().unwrap();
    keep(root.path(), ONE, "/anywhere", "hello");
    assert_eq!(
        found(root.path(), &sought(Some(ONE), &[])).as_deref(),
        Some(ONE)
    );
    assert_eq!(found(root.path(), &sought(Some(TWO), &[])), None);
}

#[test]
fn what_was_kept_before_the_session_is_another_conversation() {
    let root = tempfile::tempdir().unwrap();
    keep(root.path(), ONE, "/work/\"app\"", "hello");
    let later = Sought {
        since: SystemTime::now() + Duration::from_secs(60),
        ..sought(None, &["hello"])
    };
    assert_eq!(found(root.path(), &later), None);
}

#[test]
fn every_agent_that_resumes_says_how_its_conversations_are_found() {
    for spec in crate::agents::all() {
        let Some(rules) = &spec.conversation else {
            continue;
        };
        let ways = [
            rules.files.is_some(),
            rules.list.is_some(),
            rules.private_file.is_some(),
        ];
        let ways = ways.into_iter().filter(|is_there| *is_there).count();
        assert_eq!(ways, usize::from(!rules.resume.is_empty()), "{}", spec.id);
    }
}
