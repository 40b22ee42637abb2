use expect_test::{Expect, expect};

use super::*;
use crate::{script::Script, steps::show};

fn user(text: &str) -> Value {
    let content = json!([{"type": "input_text", "text": text}]);
    json!({"type": "message", "role": "user", "content": content})
}

fn request(input: Value) -> Value {
    let tools = json!([{"type": "function", "name": "exec_command"}]);
    json!({"model": "m", "tools": tools, "input": input})
}

fn turn(input: Value) -> Turn {
    Responses::turn(&request(input))
}

fn check(message: &str, stream: bool, expected: Expect) {
    let request = request(json!([user(message)]));
    let answer = Responses::turn(&request).answer(Script::default());
    expected.assert_eq(&show(&Responses::respond(&request, &answer, 7, stream)));
}

#[test]
fn the_last_message_of_the_user_counts() {
    let context = user("<environment_context>\n  <cwd>/home</cwd>\n</environment_context>");
    let developer = json!({"type": "message", "role": "developer", "content": "say: no"});
    assert_eq!(
        turn(json!([
            context,
            user("first"),
            developer,
            user("second"),
            context
        ])),
        Turn::Message("second".into()),
    );
    assert_eq!(turn(json!("plain")), Turn::Message("plain".into()));
    assert_eq!(turn(json!([context])), Turn::Background);
}

#[test]
fn a_tool_result_belongs_to_the_message_before_it() {
    let output = "Process exited with code 1\nOutput:\nno\n";
    let input = json!([
        user("run: ls"),
        {"type": "function_call", "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": output},
    ]);
    let expected = Turn::ToolResult {
        message: "run: ls".into(),
        output: "no".into(),
        failed: true,
    };
    assert_eq!(turn(input.clone()), expected);

    let mut next = input;
    next.as_array_mut().unwrap().push(user("say: next"));
    assert_eq!(turn(next), Turn::Message("say: next".into()));
}

#[test]
fn a_wanted_title_is_background() {
    let schema = json!({"type": "object"});
    let text = json!({"format": {"type": "json_schema", "schema": schema}});
    let request = json!({"text": text, "input": [user("User prompt:\nsay: x")]});
    assert_eq!(Responses::turn(&request), Turn::Structured(schema));
}

#[test]
fn a_text_is_streamed() {
    check(
        "slow: 5: hi",
        true,
        expect![[r#"
            {"type":"response.created","response":{"id":"resp_00000007","object":"response","created_at":1767225600,"status":"in_progress","model":"m","output":[],"error":null,"incomplete_details":null,"usage":null},"sequence_number":0}
            {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_00000007","role":"assistant","status":"in_progress","content":[]},"sequence_number":1}
            [wait 5ms]
            {"type":"response.output_text.delta","item_id":"msg_00000007","output_index":0,"content_index":0,"delta":"hi","sequence_number":2}
            {"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_00000007","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]},"sequence_number":3}
            {"type":"response.completed","response":{"id":"resp_00000007","object":"response","created_at":1767225600,"status":"completed","model":"m","output":[{"type":"message","id":"msg_00000007","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"error":null,"incomplete_details":null,"usage":{"input_tokens":41,"input_tokens_details":{"cached_tokens":0},"output_tokens":36,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":77}},"sequence_number":4}
        "#]],
    );
}

#[test]
fn a_command_is_called() {
    check(
        "run: ls",
        true,
        expect![[r#"
            {"type":"response.created","response":{"id":"resp_00000007","object":"response","created_at":1767225600,"status":"in_progress","model":"m","output":[],"error":null,"incomplete_details":null,"usage":null},"sequence_number":0}
            {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_00000007","status":"in_progress","call_id":"call_00000007","name":"exec_command","arguments":""},"sequence_number":1}
            {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_00000007","status":"completed","call_id":"call_00000007","name":"exec_command","arguments":"{\"cmd\":\"ls\",\"sandbox_permissions\":\"require_escalated\",\"justification\":\"May the command of the test run?\"}"},"sequence_number":2}
            {"type":"response.completed","response":{"id":"resp_00000007","object":"response","created_at":1767225600,"status":"completed","model":"m","output":[{"type":"function_call","id":"fc_00000007","status":"completed","call_id":"call_00000007","name":"exec_command","arguments":"{\"cmd\":\"ls\",\"sandbox_permissions\":\"require_escalated\",\"justification\":\"May the command of the test run?\"}"}],"error":null,"incomplete_details":null,"usage":{"input_tokens":40,"input_tokens_details":{"cached_tokens":0},"output_tokens":61,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":101}},"sequence_number":3}
        "#]],
    );
}

#[test]
fn a_text_is_one_document_without_streaming() {
    check(
        "say: hi",
        false,
        expect![[r#"
            [wait 0ns]
            {"id":"resp_00000007","object":"response","created_at":1767225600,"status":"completed","model":"m","output":[{"type":"message","id":"msg_00000007","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"error":null,"incomplete_details":null,"usage":{"input_tokens":40,"input_tokens_details":{"cached_tokens":0},"output_tokens":36,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":76}}
        "#]],
    );
}

#[test]
fn a_hanging_answer_does_not_end() {
    check(
        "hang",
        true,
        expect![[r#"
            {"type":"response.created","response":{"id":"resp_00000007","object":"response","created_at":1767225600,"status":"in_progress","model":"m","output":[],"error":null,"incomplete_details":null,"usage":null},"sequence_number":0}
            {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_00000007","role":"assistant","status":"in_progress","content":[]},"sequence_number":1}
            {"type":"response.output_text.delta","item_id":"msg_00000007","output_index":0,"content_index":0,"delta":"Waiting","sequence_number":2}
            [hang]
        "#]],
    );
}
