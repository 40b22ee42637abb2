use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../crates/session/src/agents")
}

/// What every agent owes.
const OWED: [&str; 6] = ["start", "question", "long", "approval", "error", "exit"];

#[test]
fn the_scenarios_of_every_agent_are_readable_and_whole() {
    let agents = agents(&folder()).unwrap();
    let unknown = regex::Regex::new(r"\{[a-z_]+\}").unwrap();
    assert!(agents.contains(&"claude".to_owned()), "{agents:?}");
    for agent in agents {
        let scenarios = of_agent(&folder(), &agent).unwrap();
        for owed in OWED {
            let has = scenarios.iter().any(|scenario| scenario.name == owed);
            assert!(has, "{agent} has no scenario {owed}");
        }
        for scenario in scenarios {
            let known = BTreeMap::new();
            for step in &scenario.steps {
                let texts = match step {
                    Step::Wait(patterns) | Step::See(patterns) => patterns.each().to_vec(),
                    Step::Message(text) | Step::Press(text) => vec![text.clone()],
                    _ => continue,
                };
                for text in texts {
                    let text = scenario.expand(&text, &known);
                    assert!(
                        !unknown.is_match(&text),
                        "{agent} {}: {text}",
                        scenario.name
                    );
                    if let Step::Press(_) = step {
                        let keys = text.split_whitespace();
                        let mut names = keys.filter(|name| crate::keys::bytes(name).is_none());
                        assert_eq!(names.next(), None, "{agent} {}", scenario.name);
                    }
                }
            }
        }
    }
}

/// Each recording that is kept can be made again.
#[test]
fn every_recording_has_a_scenario() {
    for agent in agents(&folder()).unwrap() {
        let scenarios = of_agent(&folder(), &agent).unwrap();
        let Ok(recordings) = fs::read_dir(folder().join(&agent).join("recordings")) else {
            continue;
        };
        for recording in recordings {
            let path = recording.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let has = scenarios.iter().any(|scenario| scenario.name == name);
            assert!(has, "{agent}: nothing records {name}");
        }
    }
}
