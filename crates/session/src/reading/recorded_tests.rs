//! Replays real sessions of the agents and checks what is read from their screens.

use std::path::PathBuf;

use super::*;
use crate::{
    agents,
    recording::{Played, play},
};

/// A recording that is kept; with `BERTH_RECORDINGS` one from that folder, as `cargo xtask record --into`
/// writes it.
fn recording(agent: &str, name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("BERTH_RECORDINGS") {
        let file = format!("{agent}/{name}.cast");
        return PathBuf::from(folder).join(file);
    }
    [
        env!("CARGO_MANIFEST_DIR"),
        "src/agents",
        agent,
        "recordings",
        &format!("{name}.cast"),
    ]
    .iter()
    .collect()
}

/// Every activity that is read in the pauses of a recording, without repetitions, and the reply at
/// its end.
fn replay(agent: &str, name: &str, sent: &str) -> (Vec<String>, String) {
    let rules = &agents::find(&agent.parse().unwrap()).unwrap().screen;
    let (size, events) = play(&recording(agent, name)).unwrap();
    let mut terminal = Terminal::new(size);
    let mut seen: Vec<String> = Vec::new();
    let mut last_reply = String::new();
    for (index, (time, event)) in events.iter().enumerate() {
        match event {
            Played::Output(data) => drop(terminal.feed(data.as_bytes())),
            Played::Resized(size) => terminal.resize(*size),
        }
        let pause = events
            .get(index + 1)
            .map_or(rules.settle, |(next, _)| *next - *time);
        if pause < rules.settle {
            continue;
        }
        let word = match read(rules, &terminal).activity {
            Activity::Busy => "busy".to_owned(),
            Activity::Ready => "ready".to_owned(),
            Activity::Unclear { .. } => "unclear".to_owned(),
            Activity::Asks(question) => format!(
                "asks {:?} {:?}",
                question.text.lines().last().unwrap_or_default(),
                question
                    .options
                    .iter()
                    .map(|option| option.label.as_str())
                    .collect::<Vec<_>>()
            ),
        };
        if seen.last() != Some(&word) {
            seen.push(word);
        }
        last_reply = reply(rules, &terminal, sent, false, 0);
    }
    (seen, last_reply)
}

fn check(agent: &str, name: &str, sent: &str, expected: expect_test::Expect) {
    let (seen, reply) = replay(agent, name, sent);
    expected.assert_eq(&format!("{}\n---\n{reply}\n", seen.join("\n")));
}

#[test]
fn the_end_of_an_answer_is_seen_on_either_screen_of_claude() {
    for name in ["question", "inline-question", "slow"] {
        let terminal = crate::recording::final_terminal(&recording("claude", name)).unwrap();
        let rules = &agents::find(&"claude".parse().unwrap()).unwrap().screen;
        assert!(finished(rules, &terminal), "{name}");
    }
}

/// What is read when this has just been printed for the first time.
fn read_at(agent: &str, name: &str, printed: &str) -> Activity {
    let rules = &agents::find(&agent.parse().unwrap()).unwrap().screen;
    let (size, events) = play(&recording(agent, name)).unwrap();
    let mut terminal = Terminal::new(size);
    for (_, event) in events {
        if let Played::Output(data) = event {
            terminal.feed(data.as_bytes());
            if data.contains(printed) {
                return read(rules, &terminal).activity;
            }
        }
    }
    panic!("{printed:?} is not in {agent}/{name}");
}

#[test]
fn droid_works_as_long_as_it_cancels() {
    assert_eq!(
        read_at("droid", "interrupt", "(Please wait)"),
        Activity::Busy
    );
}

#[test]
fn codex_shows_its_box_before_it_has_started() {
    let rules = &agents::find(&"codex".parse().unwrap()).unwrap().screen;
    let (size, events) = play(&recording("codex", "inline-start")).unwrap();
    let mut terminal = Terminal::new(size);
    let mut seen = Vec::new();
    for (_, event) in events {
        if let Played::Output(data) = event {
            terminal.feed(data.as_bytes());
            if read(rules, &terminal).activity == Activity::Ready {
                seen.push(starts(rules, &terminal));
            }
        }
    }
    // Of the real program: first it starts behind its box, then it has started, and not the other way.
    assert!(
        seen.is_sorted_by(|before, after| before >= after),
        "{seen:?}"
    );
    assert_eq!((seen.first(), seen.last()), (Some(&true), Some(&false)));
}

/// What is recorded of every agent at least; `approved` has a call of a tool with what came of it.
const OWED: [&str; 7] = [
    "start", "question", "long", "approval", "approved", "error", "exit",
];

/// Agents that nobody can use without an account: their screens are in the written tests.
const WITH_ACCOUNT: [&str; 5] = ["amazonq", "amp", "auggie", "copilot", "cursor"];

#[test]
fn every_agent_that_can_be_installed_has_its_recordings() {
    for spec in agents::all() {
        let id = spec.id.as_str();
        if spec.programs.is_empty() || WITH_ACCOUNT.contains(&id) {
            continue;
        }
        for owed in OWED {
            let path = recording(id, owed);
            let has_output = play(&path).is_ok_and(|(_, events)| !events.is_empty());
            assert!(has_output, "{} is missing or empty", path.display());
        }
    }
}

macro_rules! recorded {
    ($($test:ident: $agent:literal, $name:literal, $sent:literal => $expected:expr;)*) => {
        $(#[test] fn $test() { check($agent, $name, $sent, $expected); })*
    };
}

mod aider;
mod ccr;
mod droid;
mod gemini;
mod goose;
mod opencode;

use expect_test::expect;

recorded! {
    claude_start: "claude", "inline-start", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
    claude_trust: "claude", "trust", "" => expect![[r#"
        asks "Security guide" ["No, exit", "Yes, I trust this folder"]
        ---

    "#]];
    claude_question: "claude", "inline-question", "say: Hello from the test model." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Hello from the test model.
    "#]];
    claude_approved: "claude", "inline-approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Do you want to create notes.txt?" ["Yes", "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)", "No"]
        busy
        ready
        ---
        ```
        Write(notes.txt)
        ⎿  Wrote 2 lines to notes.txt
            1 one
            2 two
        ```

        Wrote notes.txt.
    "#]];
    claude_rejected: "claude", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Do you want to create notes.txt?" ["Yes", "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)", "No"]
        ready
        ---
        ```
        Write(notes.txt)
        ⎿  Rejected write to notes.txt
            1 one
            2 two
        ```
    "#]];
    claude_error: "claude", "error", "error: 400" => expect![[r#"
        ready
        ---
        API Error: 400 The script asked for an error 400.
    "#]];
    claude_interrupt: "claude", "inline-interrupt", "hang" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Waiting
        ⎿  Interrupted · What should Claude do instead?
    "#]];
    claude_slow: "claude", "slow", "slow: 3000: Done waiting." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Done waiting.
    "#]];
    claude_long: "claude", "inline-long", "long: 60" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Line 1 of 60 is a heading

        Line 2 has bold, slanted and code words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat

        ▎ Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 60 is a heading

        Line 12 has bold, slanted and code words.

        - Line 13 is a list item
        - Line 14 is another, with a | in it

        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat

        ▎ Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 60 is a heading

        Line 22 has bold, slanted and code words.

        - Line 23 is a list item
        - Line 24 is another, with a | in it

        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat

        ▎ Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 60 is a heading

        Line 32 has bold, slanted and code words.

        - Line 33 is a list item
        - Line 34 is another, with a | in it

        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat

        ▎ Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 41 of 60 is a heading

        Line 42 has bold, slanted and code words.

        - Line 43 is a list item
        - Line 44 is another, with a | in it

        > line 45 in a code block

        | line 46 | still code |
        $ echo "line 47" > out.txt | cat

        ▎ Line 48 is a quotation

        1. Line 49 is numbered

        Line 50 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 51 of 60 is a heading

        Line 52 has bold, slanted and code words.

        - Line 53 is a list item
        - Line 54 is another, with a | in it

        > line 55 in a code block

        | line 56 | still code |
        $ echo "line 57" > out.txt | cat

        ▎ Line 58 is a quotation

        1. Line 59 is numbered

        Line 60 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    codex_start: "codex", "inline-start", "" => expect![[r#"
        ready
        ---

    "#]];
    codex_trust: "codex", "trust", "" => expect![[r#"
        ready
        asks "decision will be saved." ["Trust and continue", "Back to Agent Command Center"]
        ---

    "#]];
    codex_question: "codex", "inline-question", "say: Hello from the test model." => expect![[r#"
        ready
        ---
        Hello from the test model.
    "#]];
    codex_approved: "codex", "inline-approved", "run: touch made.txt" => expect![[r#"
        ready
        asks "$ touch made.txt" ["Yes, proceed (y)", "Yes, and don't ask again for commands that start with `touch made.txt` (p)", "No, and tell Codex what to do differently (esc)"]
        ready
        ---
        ```
        You approved codex to run touch made.txt this time
        ```

        ```
        Ran touch made.txt
        └ (no output)
        ```

        (no output)
    "#]];
    codex_rejected: "codex", "rejected", "run: touch made.txt" => expect![[r#"
        ready
        asks "$ touch made.txt" ["Yes, proceed (y)", "Yes, and don't ask again for commands that start with `touch made.txt` (p)", "No, and tell Codex what to do differently (esc)"]
        ready
        ---
        ```
        You canceled the request to run touch made.txt
        ```

        ```
        Exited (status 1) touch made.txt
        └ (no output)
        ```

        Conversation interrupted - use /feedback if something went wrong
    "#]];
    codex_error: "codex", "error", "error: 400" => expect![[r#"
        ready
        ---
        {"error":{"code":null,"message":"The script asked for an error 400.","param":null,"type":"invalid_request_error"}}
    "#]];
    codex_interrupt: "codex", "inline-interrupt", "hang" => expect![[r#"
        ready
        ---
        Waiting

        Conversation interrupted - use /feedback if something went wrong
    "#]];
    codex_slow: "codex", "slow", "slow: 3000: Done waiting." => expect![[r#"
        ready
        ---
        Done waiting.
    "#]];
    codex_long: "codex", "inline-long", "long: 60" => expect![[r#"
        ready
        ---
        ## Line 1 of 60 is a heading

        Line 2 has bold, slanted and code words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat

        > Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 11 of 60 is a heading

        Line 12 has bold, slanted and code words.

        - Line 13 is a list item
        - Line 14 is another, with a | in it

        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat

        > Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 21 of 60 is a heading

        Line 22 has bold, slanted and code words.

        - Line 23 is a list item
        - Line 24 is another, with a | in it

        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat

        > Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 31 of 60 is a heading

        Line 32 has bold, slanted and code words.

        - Line 33 is a list item
        - Line 34 is another, with a | in it

        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat

        > Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 41 of 60 is a heading

        Line 42 has bold, slanted and code words.

        - Line 43 is a list item
        - Line 44 is another, with a | in it

        > line 45 in a code block

        | line 46 | still code |
        $ echo "line 47" > out.txt | cat

        > Line 48 is a quotation

        1. Line 49 is numbered

        Line 50 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 51 of 60 is a heading

        Line 52 has bold, slanted and code words.

        - Line 53 is a list item
        - Line 54 is another, with a | in it

        > line 55 in a code block

        | line 56 | still code |
        $ echo "line 57" > out.txt | cat

        > Line 58 is a quotation

        1. Line 59 is numbered

        Line 60 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    claude_that_tells_its_status: "claude", "status-approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Do you want to create notes.txt?" ["Yes", "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)", "No"]
        ready
        ---
        ```
        Write(notes.txt)
        ⎿  Wrote 2 lines to notes.txt
            1 one
            2 two
        ```

        Wrote notes.txt.
    "#]];
    claude_edit_by_command: "claude", "approval-command", "run: touch made.txt" => expect![[r#"
        unclear
        ready
        busy
        asks "Do you want to proceed?" ["Yes", "Yes, and always allow access to /home/dev/demo from this project", "Yes, and switch to auto mode · auto mode handles these prompts for you", "No"]
        ---
          Running the command of the test
          ⎿  $ touch made.txt
    "#]];
    codex_edit_outside: "codex", "approval-patch", "write: ../outside.txt: one" => expect![[r#"
        ready
        asks "Destination: /home/dev/outside.txt" ["Yes, proceed (y)", "Yes, and don't ask again for these files (a)", "No, and tell Codex what to do differently (esc)"]
        ---
        ```
        Added ~/outside.txt (+1 -0)
          1 +one
        ```
    "#]];
}
