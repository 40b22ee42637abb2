use expect_test::{Expect, expect};

use super::*;
use crate::{script::Script, steps::show};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>\nsay: nothing\n</system-reminder>"},
        {"type": "text", "text": text},
    ]})
}

fn result(content: Value, is_error: bool) -> Value {
    json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "is_error": is_error},
        {"type": "text", "text": "<system-reminder>\nbe brief\n</system-reminder>"},
    ]})
}

fn environment() -> Value {
    json!({"role": "system", "content": [
        {"type": "text", "text": "# Environment\n - Primary working directory: /home/dev/demo\n - Shell: bash"},
    ]})
}

fn turn(messages: Value) -> Turn {
    Messages::turn(&json!({"messages": messages}))
}

fn check(message: &str, stream: bool, expected: Expect) {
    let request = json!({"model": "m", "messages": [user(message), environment()]});
    let answer = Messages::turn(&request).answer(Script::default());
    expected.assert_eq(&show(&Messages::respond(&request, &answer, 7, stream)));
}

#[test]
fn the_last_message_of_the_user_counts() {
    let messages = json!([user("first"), {"role": "assistant", "content": "x"}, user("second")]);
    assert_eq!(turn(messages), Turn::Message("second".into()));
    assert_eq!(
        turn(json!([{"role": "user", "content": "plain"}])),
        Turn::Message("plain".into())
    );
    assert_eq!(
        turn(json!([user("text"), environment()])),
        Turn::Message("text".into())
    );
}

#[test]
fn pasted_text_is_the_users() {
    let pasted = "see\n\n<pasted_content id=\"0fb4\">\none\n\ntwo\n</pasted_content id=\"0fb4\">\n";
    assert_eq!(
        turn(json!([user(pasted)])),
        Turn::Message("see\n\none\n\ntwo".into())
    );
}

#[test]
fn a_message_sent_in_the_middle_of_a_turn_counts() {
    let queued = format!("While you worked:\nsay: next{QUEUED_WORDS} — within the turn.");
    let messages = json!([
        user("run: ls"),
        result(json!("a.txt"), false),
        user(&queued)
    ]);
    assert_eq!(
        turn(messages),
        Turn::Message("While you worked:\nsay: next".into())
    );
}

#[test]
fn a_tool_result_belongs_to_the_message_before_it() {
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1"}]});
    let expected = |output: &str, failed| Turn::ToolResult {
        message: "run: ls".into(),
        output: output.into(),
        failed,
    };
    let with = |result: Value| turn(json!([user("run: ls"), call, result]));
    assert_eq!(
        with(result(json!("a.txt"), false)),
        expected("a.txt", false)
    );
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(with(result(parts, true)), expected("a\nb", true));

    let refused = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "refused", "is_error": true},
        {"type": "text", "text": "[Request interrupted by user for tool use]"},
        {"type": "text", "text": "say: next"},
    ]});
    assert_eq!(
        with(refused),
        Turn::Message("say: next".into()),
        "a new turn after a refusal"
    );
}

#[test]
fn what_the_agent_asks_on_its_own_is_background() {
    let schema = json!({"type": "object"});
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    let request = json!({"output_config": format, "messages": [user("say: x")]});
    assert_eq!(Messages::turn(&request), Turn::Structured(schema));
    assert_eq!(
        turn(json!([user("[SUGGESTION MODE: what next?]")])),
        Turn::Background
    );
    assert_eq!(turn(json!([])), Turn::Background);
}

#[test]
fn a_text_is_streamed() {
    check(
        "slow: 5: hi",
        true,
        expect![[r#"
            {"type":"message_start","message":{"id":"msg_00000007","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":75,"output_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}}
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
            {"type":"ping"}
            [wait 5ms]
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}
            {"type":"content_block_stop","index":0}
            {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}
            {"type":"message_stop"}
        "#]],
    );
}

#[test]
fn a_file_is_written_by_its_absolute_path() {
    check(
        "write: a.txt: one",
        true,
        expect![[r#"
            {"type":"message_start","message":{"id":"msg_00000007","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":77,"output_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}}
            {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_00000007","name":"Write","input":{}}}
            {"type":"ping"}
            {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"file_path\":\"/home/dev/demo/a.txt\",\"content\":\"one\"}"}}
            {"type":"content_block_stop","index":0}
            {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":30}}
            {"type":"message_stop"}
        "#]],
    );
}

#[test]
fn a_command_is_one_document_without_streaming() {
    check(
        "run: ls",
        false,
        expect![[r#"
            {"id":"msg_00000007","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_00000007","name":"Bash","input":{"command":"ls","description":"Run the command of the test"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":74,"output_tokens":31,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}
        "#]],
    );
}

#[test]
fn a_hanging_answer_does_not_end() {
    check(
        "hang",
        true,
        expect![[r#"
            {"type":"message_start","message":{"id":"msg_00000007","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":73,"output_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}}
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
            {"type":"ping"}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Waiting"}}
            [hang]
        "#]],
    );
    check(
        "hang",
        false,
        expect![[r#"
        [hang]
    "#]],
    );
}

#[test]
fn an_error_names_its_kind() {
    assert_eq!(
        Messages::error(529, "later"),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "later"}}),
    );
}
