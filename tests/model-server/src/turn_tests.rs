use super::*;

fn text(answer: Answer) -> String {
    match answer {
        Answer::Text(text) => text.text,
        other => panic!("not a text: {other:?}"),
    }
}

fn after_tool(message: &str, output: &str, failed: bool) -> String {
    let (message, output) = (message.into(), output.into());
    text(
        Turn::ToolResult {
            message,
            output,
            failed,
        }
        .answer(Script::default()),
    )
}

#[test]
fn after_its_tool_a_turn_ends_with_a_text() {
    assert_eq!(
        after_tool("write: a.txt: x", "created", false),
        "Wrote a.txt."
    );
    assert_eq!(
        after_tool("write: a.txt: x", "refused", true),
        "Did not write a.txt: refused"
    );
    assert_eq!(after_tool("run: pwd", "/home", false), "/home");
    assert_eq!(after_tool("run: true", "", false), "(no output)");
}

#[test]
fn background_requests_do_not_follow_the_script() {
    assert_eq!(text(Turn::Background.answer(Script::default())), "OK");
    let schema = serde_json::json!({"type": "boolean"});
    assert_eq!(
        text(Turn::Structured(schema).answer(Script::default())),
        "false"
    );
}

#[test]
fn only_long_answers_come_in_pieces() {
    let Answer::Text(long) = Turn::Message("long: 20".into()).answer(Script::default()) else {
        panic!("a long answer is a text");
    };
    assert_eq!(long.pause, Some(Script::PAUSE));
    assert!(
        long.pieces()
            .iter()
            .all(|piece| piece.chars().count() <= PIECE)
    );
    assert_eq!(long.pieces().concat(), long.text);

    let Answer::Text(short) = Turn::Message("say: hi".into()).answer(Script::default()) else {
        panic!("a said answer is a text");
    };
    assert_eq!(short.pieces(), ["hi"]);
}

#[test]
fn what_an_agent_adds_is_not_the_users() {
    for context in [
        "<system-reminder>\nToday is Sunday.\n</system-reminder>\n",
        "<environment_context>\n  <cwd>/home</cwd>\n</environment_context>",
        "# AGENTS.md instructions for /home\n\nBe kind.",
        "[Request interrupted by user for tool use]",
        "  ",
    ] {
        assert!(is_context(context), "{context:?}");
    }
    for own in [
        "say: <b>bold</b>",
        "<b>what is this",
        "a < b and b > c",
        "x",
    ] {
        assert!(!is_context(own), "{own:?}");
    }
}
