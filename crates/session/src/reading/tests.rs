use berth_protocol::Size;

use super::*;
use crate::agents;

fn rules(agent: &str) -> &'static ScreenRules {
    &agents::find(&agent.parse().unwrap()).unwrap().screen
}

fn screen(text: &str) -> Terminal {
    let mut terminal = Terminal::new(Size { rows: 24, cols: 80 });
    terminal.feed(
        text.trim_start_matches('\n')
            .replace('\n', "\r\n")
            .as_bytes(),
    );
    terminal
}

#[test]
fn a_plain_program_says_what_follows_the_typed_line() {
    let terminal = screen("$ echo hi > x; cat x\nhi\n\n> quoted | piped\n$ ");
    assert_eq!(
        reply(rules("custom"), &terminal, "echo hi > x; cat x", false, 0),
        "hi\n\n> quoted | piped\n$"
    );
}

#[test]
fn a_plain_program_may_repeat_the_message_in_its_answer() {
    let terminal = screen("> one\nyou said: one\n> one\nyou said: one\nagain one");
    let custom = rules("custom");
    assert_eq!(
        reply(custom, &terminal, "one", false, 2),
        "you said: one\nagain one"
    );
}

#[test]
fn numbered_lists_in_a_reply_are_no_question() {
    let lines = screen("1. first\n2. second\n\n> ").screen_lines();
    assert!(question::find(rules("claude"), &lines).is_none());
}

#[test]
fn a_selected_answer_makes_a_question() {
    let lines = screen("────────────────\n Do you want to create x.txt?\n ❯ 1. Yes\n   2. No, and say why\n\n Esc to cancel").screen_lines();
    let question = question::find(rules("claude"), &lines).unwrap().question;
    assert_eq!(question.text, "Do you want to create x.txt?");
    assert_eq!(question.options.len(), 2);
    assert_eq!(question.options[1].label, "No, and say why");
}
