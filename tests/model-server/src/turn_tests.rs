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
        "This is the Gemini CLI. We are setting up the context for our chat.\nToday is Sunday.",
        "<session_context>\nThis is the Gemini CLI.",
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

#[test]
fn context_in_the_same_text_is_cut_off() {
    let check = |text: &str, own: &str| assert_eq!(without_context(text), own, "for {text:?}");
    check("<info-msg>\nIt is noon.\n</info-msg>\nsay: hi", "say: hi");
    check("say: hi\n<info-msg>\nIt is noon.\n</info-msg>", "say: hi");
    check(
        "<system-reminder>a</system-reminder>\n<system-reminder>b</system-reminder>\n\nsay: hi",
        "say: hi",
    );
    check("<system-reminder>a</system-reminder>", "");
    check("write: a.html: <b>x</b>", "write: a.html: <b>x</b>");
}

#[test]
fn an_agents_own_errands_are_known_by_their_prompt() {
    for errand in [
        "You are a title generator. You output ONLY a thread title.",
        "Reply with only a description in four words or less",
        "You are a helpful AI assistant tasked with summarizing conversations.",
        "You generate concise, one-line Git commit messages.",
    ] {
        assert!(is_own_errand(errand), "{errand:?}");
    }
    assert!(!is_own_errand("Act as an expert software developer."));
}
