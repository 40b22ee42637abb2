//! The rates of the corpora, and each case that is judged otherwise than it should be.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Finding, inspect};

struct Case {
    file: String,
    name: String,
    text: String,
}

/// The cases of a file or of all files of a folder.
fn cases(path: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(path);
    if path.is_dir() {
        let mut files: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        return files.iter().flat_map(|file| read(file)).collect();
    }
    read(&path)
}

fn read(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap();
    let begins = |line: &&str| line.starts_with("== ");
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().skip_while(|line| !begins(line)) {
        match line.strip_prefix("== ") {
            Some(name) => cases.push(Case {
                file: file.file_name().unwrap().to_string_lossy().into_owned(),
                name: name.to_owned(),
                text: String::new(),
            }),
            None => {
                let case = cases.last_mut().unwrap();
                case.text.push_str(line);
                case.text.push('\n');
            }
        }
    }
    for case in &mut cases {
        case.text.truncate(case.text.trim_end_matches('\n').len());
        if case.name.contains("[escaped]") {
            case.text = unescaped(&case.text);
        }
        for (flag, encode) in [
            (
                "[base64]",
                (|text| STANDARD.encode(text)) as fn(&str) -> String,
            ),
            ("[hex]", |text| {
                text.bytes().map(|byte| format!("{byte:02x}")).collect()
            }),
        ] {
            if case.name.contains(flag) {
                let (before, rest) = case.text.split_once('⟪').unwrap();
                let (inner, after) = rest.split_once('⟫').unwrap();
                case.text = format!("{before}{}{after}", encode(inner));
            }
        }
    }
    cases
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        out.push(
            u32::from_str_radix(code, 16)
                .ok()
                .and_then(char::from_u32)
                .unwrap(),
        );
        out.push_str(rest);
    }
    out
}

/// Judges all cases; returns how many there are and the wrongly judged ones that are not marked so.
fn judge(path: &str, attacks: bool) -> (usize, usize, usize, Vec<String>) {
    let all = cases(path);
    let (mut wrong, mut mentions, mut surprises) = (0, 0, Vec::new());
    for case in &all {
        let found = inspect(&case.text);
        let alarm = found.iter().any(Finding::is_attempt);
        mentions += usize::from(!alarm && !found.is_empty());
        let marked = case
            .name
            .contains(if attacks { "[missed]" } else { "[alarm]" });
        if alarm != attacks {
            wrong += 1;
            println!("{}: {}: {:?}", case.file, case.name, found);
        }
        if (alarm != attacks) != marked {
            surprises.push(format!("{}: {}", case.file, case.name));
        }
    }
    (all.len(), wrong, mentions, surprises)
}

#[test]
fn corpus_attacks_are_caught() {
    let (count, missed, _, surprises) = judge("attacks", true);
    println!(
        "attacks: {} of {count} caught, {missed} missed",
        count - missed
    );
    assert!(count >= 200, "{count} attacks");
    assert_eq!(surprises, [""; 0]);
    assert!(missed * 50 <= count, "{missed} of {count} missed");
}

#[test]
fn corpus_honest_texts_are_left_alone() {
    let (count, alarms, mentions, surprises) = judge("honest", false);
    println!(
        "honest: {alarms} false alarms in {count}, {mentions} with a mention that is only reported"
    );
    assert!(count >= 200, "{count} honest texts");
    assert_eq!(surprises, [""; 0]);
    assert!(alarms * 100 <= count, "{alarms} of {count} alarms");
}

/// These were written when the rules were finished, and say how well they do on what they were not made for.
/// The limits are what was measured then: a change may do better, and has to explain itself if it does worse.
#[test]
fn corpus_heldout_is_judged_as_well_as_before() {
    let (attacks, missed, ..) = judge("heldout/attacks.txt", true);
    println!(
        "held out: {} of {attacks} attacks caught, {missed} missed",
        attacks - missed
    );
    let (honest, alarms, mentions, _) = judge("heldout/honest.txt", false);
    println!("held out: {alarms} false alarms in {honest} honest texts, {mentions} with a mention");
    assert!(attacks >= 60 && honest >= 60);
    assert!(missed <= 13, "{missed} of {attacks} missed");
    assert!(alarms <= 6, "{alarms} of {honest} alarms");
}
