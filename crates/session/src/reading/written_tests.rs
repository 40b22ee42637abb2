//! Screens written by hand: of agents that cannot be used without an account, in the shapes that
//! their users have reported, and of the mistakes that readers of screens make.

use super::*;
use crate::{agents, recording::plain_terminal};

fn explained(agent: &str, sent: &str, screen: &str) -> Explained {
    let rules = &agents::find(&agent.parse().unwrap()).unwrap().screen;
    explain(rules, &plain_terminal(screen), sent)
}

/// Checks status and words of a screen.
fn check(agent: &str, sent: &str, screen: &str, status: &str, words: &str) {
    let explained = explained(agent, sent, screen);
    assert_eq!(
        (explained.status, explained.message.as_str()),
        (status, words),
        "{agent}: {:#?}",
        explained.rules
    );
    assert_eq!(explained.ready, status == "waiting");
}

const COPILOT_BOX: &str = "
 ~/src/shop [⎇ main*]                                    gpt-5 (1x)
───────────────────────────────────────────────────────────────────
❯  Type @ to mention files, # for issues/PRs, / for commands, or ?
   for shortcuts
───────────────────────────────────────────────────────────────────
 shift+tab switch mode";

#[test]
fn copilot_is_read() {
    let welcome = format!(" Welcome to GitHub Copilot CLI\n Version 0.0.328\n{COPILOT_BOX}");
    check(
        "copilot",
        "",
        &welcome,
        "waiting",
        " Welcome to GitHub Copilot CLI\n Version 0.0.328",
    );
    let answered = format!(
        "{welcome}\n\n❯ which port is used?\n\n● Port 8080, set in\n  config.rs.\n{COPILOT_BOX}"
    );
    check(
        "copilot",
        "which port is used?",
        &answered,
        "waiting",
        "Port 8080, set in\nconfig.rs.",
    );
    let works = format!("❯ which port?\n\n∙ Thinking (Esc to cancel)\n{COPILOT_BOX}");
    check("copilot", "which port?", &works, "running", "");
}

const AMP_BOX: &str = "
╭─smart────────────────────────────────────────────╮
│                                                  │
│                                                  │
│                                                  │
╰───────────────────────────────~/src/shop (main)──╯
                                          1% of 983k";

#[test]
fn amp_is_read() {
    let answered =
        format!("\n  ┃ which port?\n\n  ✓ Thinking ▶\n\n  It listens on 8080.\n{AMP_BOX}");
    check(
        "amp",
        "which port?",
        &answered,
        "waiting",
        "It listens on 8080.",
    );
    check(
        "amp",
        "",
        "Welcome to Amp\n\n──────────────\n>\n──────────────",
        "waiting",
        "Welcome to Amp",
    );
    check(
        "amp",
        "",
        "Welcome to Amp\n\n",
        "starting",
        "Welcome to Amp",
    );
}

#[test]
fn cursor_is_read() {
    let welcome = "Cursor Agent\n~/src/shop · main\n";
    check(
        "cursor",
        "",
        welcome,
        "starting",
        "Cursor Agent\n~/src/shop · main",
    );
    let answered = format!(
        "{welcome}
 ┌──────────────────────────┐
 │ which port?              │
 └──────────────────────────┘

  It listens on 8080.

 ┌──────────────────────────┐
 │ → Add a follow-up        │
 └──────────────────────────┘
  GPT-5 · 2%"
    );
    check(
        "cursor",
        "which port?",
        &answered,
        "waiting",
        "It listens on 8080.",
    );
}

#[test]
fn auggie_is_read() {
    let answered = "
› which port?

● It listens on 8080.

╭──────────────────────────────────╮
│ › Try 'how do I log errors?'     │
╰──────────────────────────────────╯
 ? to show shortcuts";
    check(
        "auggie",
        "which port?",
        answered,
        "waiting",
        "It listens on 8080.",
    );
    check(
        "auggie",
        "",
        "  Getting started with Auggie\n  1. Ask something\n  2. Wait\n",
        "starting",
        "  Getting started with Auggie\n  1. Ask something\n  2. Wait",
    );
}

#[test]
fn amazon_q_is_read() {
    let answered = "Welcome to Amazon Q!

[shop] 3% > which port?

It listens on 8080.

[shop] 4% > ";
    check(
        "amazonq",
        "which port?",
        answered,
        "waiting",
        "It listens on 8080.",
    );
    check(
        "amazonq",
        "",
        "Welcome to Amazon Q!\n\n🤖 You are chatting with a model\n",
        "starting",
        "Welcome to Amazon Q!\n\n🤖 You are chatting with a model",
    );
}

const CLAUDE_BOX: &str = "
────────────────────────────────────────
❯
────────────────────────────────────────
  ? for shortcuts";

#[test]
fn code_at_the_end_of_an_answer_is_not_taken_for_the_input() {
    let code = "● Here:\n\n  if a > b {\n  > quoted\n  | cell |\n\n  ╭──╮\n  │ok│\n  ╰──╯\n  }";
    let screen = format!("❯ show code\n\n{code}\n{CLAUDE_BOX}");
    check(
        "claude",
        "show code",
        &screen,
        "waiting",
        "Here:\n\nif a > b {\n> quoted\n| cell |\n\n╭──╮\n│ok│\n╰──╯\n}",
    );
}

#[test]
fn a_line_that_was_on_the_screen_before_is_said_again() {
    let screen = format!("❯ one\n\n● Done.\n\n❯ two\n\n● Done.\n{CLAUDE_BOX}");
    check("claude", "two", &screen, "waiting", "Done.");
    let screen = format!("❯ one\n\n● Done.\n\n❯ one\n\n● Done.\n\n  Again.\n{CLAUDE_BOX}");
    check("claude", "one", &screen, "waiting", "Done.\n\nAgain.");
}

#[test]
fn a_dialog_is_no_input_box() {
    let screen = "
 Do you trust the files in this folder?

 ❯ 1. Yes, proceed
   2. No, exit

 Enter to confirm · Esc to exit";
    assert_eq!(explained("claude", "", screen).status, "needs_attention");
}

#[test]
fn a_screen_that_no_rule_knows_is_taken_as_plain_text_and_said_so() {
    let screen = "A wholly new face\n\nof the agent";
    let explained = explained("claude", "hello", screen);
    assert_eq!(explained.message, screen);
    assert_eq!(explained.status, "starting");
    let rules: Vec<_> = explained.rules.iter().map(|fired| fired.rule).collect();
    assert_eq!(rules, ["none", "none"], "neither its state nor the message");
}

#[test]
fn the_sides_of_a_box_are_no_rows_below_the_answers() {
    let side = format!("│{}│", " ".repeat(60));
    let row = |text: &str| format!("│ {text:<58} │");
    let dialog = [
        format!("╭{}╮", "─".repeat(60)),
        row("How would you like to authenticate for this project?"),
        side.clone(),
        row("● 1. Sign in with Google"),
        row("  2. Use Gemini API Key"),
        row("  3. Vertex AI"),
        side.clone(),
        row("No authentication method selected."),
        side.clone(),
        row("(Use Enter to select)"),
        side.clone(),
        row("Terms of Services and Privacy Notice for Gemini CLI"),
        side.clone(),
        row("https://geminicli.com/docs/resources/tos-privacy/"),
        side,
        format!("╰{}╯", "─".repeat(60)),
    ];
    let explained = explained("gemini", "", &dialog.join("\n"));
    assert_eq!(explained.status, "needs_attention", "{explained:#?}");
}

#[test]
fn an_open_question_stands_above_the_input_box() {
    let rules = &agents::find(&"claude".parse().unwrap()).unwrap().screen;
    let screen = format!("❯ hello\n  ⎿  Not logged in · Please run /login\n{CLAUDE_BOX}");
    let mut terminal = Terminal::new(berth_protocol::Size { rows: 12, cols: 60 });
    terminal.feed(b"\x1b]7501;state=blocked:app=claude\x07");
    terminal.feed(screen.replace('\n', "\r\n").as_bytes());
    let Activity::Asks(question) = read(rules, &terminal).activity else {
        panic!("it asks nothing");
    };
    assert_eq!(question.text, "⎿  Not logged in · Please run /login");
}

#[test]
fn wide_letters_move_nothing() {
    let screen = format!("❯ 宽字符？\n\n● 好的，宽字符。 ok\n{CLAUDE_BOX}");
    check(
        "claude",
        "宽字符？",
        &screen,
        "waiting",
        "好的，宽字符。 ok",
    );
}

/// What aider's user reads of an answer that is printed behind a picture of it.
fn aider_says(picture: &[&str], answer: &[&str]) -> String {
    let rules = &agents::find(&"aider".parse().unwrap()).unwrap().screen;
    let mut terminal = Terminal::new(berth_protocol::Size { rows: 24, cols: 40 });
    let filled = |rows: &[&str]| {
        let rows: Vec<String> = rows.iter().map(|row| format!("{row:<40}")).collect();
        rows.join("\r\n")
    };
    let (picture, answer) = (filled(picture), filled(answer));
    let drawn = format!(
        "{}\r\n> go on\r\n\r\n{picture}{answer}\r\n\r\n\r\nTokens: 2 sent, 3 received.\r\n{}\r\n> ",
        "─".repeat(40),
        "─".repeat(40)
    );
    terminal.feed(drawn.as_bytes());
    assert!(matches!(read(rules, &terminal).activity, Activity::Ready));
    reply(rules, &terminal, "go on", true, 0)
}

#[test]
fn a_picture_of_the_answer_that_was_left_above_it_is_not_said_twice() {
    assert_eq!(
        aider_says(&[], &["Whole.", "And more."]),
        "Whole.\nAnd more."
    );
    assert_eq!(aider_says(&["Whole."], &["Whole."]), "Whole.");
    assert_eq!(aider_says(&["Who"], &["Whole."]), "Whole.");
    let words = ["One", "two", "three"];
    assert_eq!(aider_says(&["One", "tw"], &words), "One\ntwo\nthree");
    assert_eq!(aider_says(&words, &words), "One\ntwo\nthree");
    let paragraphs = ["One", "", "two"];
    assert_eq!(aider_says(&paragraphs, &paragraphs), "One\n\ntwo");
}

#[test]
fn what_an_agent_says_twice_is_read_twice() {
    assert_eq!(aider_says(&[], &["No.", "No.", "No."]), "No.\nNo.\nNo.");
    // It goes on in the next row because it is too long.
    let long = "No. ".repeat(20);
    assert_eq!(aider_says(&[], &[&long]), long.trim_end());
    // Something else stood there.
    let both = aider_says(&["Yes."], &["No."]);
    assert!(both.contains("Yes.") && both.contains("No."), "{both}");
}

/// The keys for the first and the last answer of the question on a screen that a program has drawn.
fn keys(agent: &str, drawn: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let rules = &agents::find(&agent.parse().unwrap()).unwrap().screen;
    let mut terminal = Terminal::new(berth_protocol::Size { rows: 12, cols: 60 });
    terminal.feed(drawn.replace('\n', "\r\n").as_bytes());
    match read(rules, &terminal).activity {
        Activity::Asks(question) => {
            Some((question.keys(0), question.keys(question.options.len() - 1)))
        }
        _ => None,
    }
}

#[test]
fn keys_count_from_the_answer_that_is_selected_now() {
    let beside = |first: &str, second: &str| {
        format!(
            "  △ Permission required\n\n  {first}Yes\x1b[0m   {second}No\x1b[0m    ⇆ select  enter confirm"
        )
    };
    let marked = "\x1b[47m";
    assert_eq!(
        keys("opencode", &beside(marked, "")),
        Some((b"\r".to_vec(), b"\x1b[C\r".to_vec()))
    );
    assert_eq!(
        keys("opencode", &beside("", marked)),
        Some((b"\x1b[D\r".to_vec(), b"\r".to_vec()))
    );
    assert_eq!(keys("opencode", &beside("", "")), None, "nobody knows");

    let boxed = |first: &str, second: &str| {
        format!(
            "   Execute ls\n\n╭──────────╮\n│  {first}Yes\x1b[0m     │\n│  {second}No\x1b[0m      │\n╰──────────╯\n  ↑↓ navigate   Enter select"
        )
    };
    let bold = "\x1b[1m";
    assert_eq!(
        keys("droid", &boxed(bold, "")),
        Some((b"\r".to_vec(), b"\x1b[B\r".to_vec()))
    );
    assert_eq!(
        keys("droid", &boxed("", bold)),
        Some((b"\x1b[A\r".to_vec(), b"\r".to_vec()))
    );
    assert_eq!(keys("droid", &boxed("", "")), None, "nobody knows");
}
