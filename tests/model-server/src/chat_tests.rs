use expect_test::{Expect, expect};

use super::*;
use crate::{script::Script, steps::show};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>\nsay: nothing\n</system-reminder>"},
        {"type": "text", "text": text},
    ]})
}

fn system(text: &str) -> Value {
    json!({"role": "system", "content": text})
}

fn bash() -> Value {
    let command = json!({"command": {"type": "string"}});
    let parameters = json!({"type": "object", "properties": command, "required": ["command"]});
    json!({"type": "function", "function": {"name": "bash", "parameters": parameters}})
}

fn request(messages: Value) -> Value {
    let options = json!({"include_usage": true});
    json!({"model": "m", "tools": [bash()], "stream_options": options, "messages": messages})
}

fn turn(messages: Value) -> Turn {
    Completions::turn(&request(messages))
}

fn check(message: &str, stream: bool, expected: Expect) {
    let request = request(json!([system("You are an agent."), user(message)]));
    let answer = Completions::turn(&request).answer(Script::default());
    expected.assert_eq(&show(&Completions::respond(&request, &answer, 7, stream)));
}

#[test]
fn the_last_message_of_the_user_counts() {
    let messages = json!([
        system("say: no"), user("first"), {"role": "assistant", "content": "x"}, user("second"),
    ]);
    assert_eq!(turn(messages), Turn::Message("second".into()));
    assert_eq!(
        turn(json!([{"role": "user", "content": "plain"}])),
        Turn::Message("plain".into())
    );
    assert_eq!(turn(json!([])), Turn::Background);
}

#[test]
fn what_agents_add_to_a_message_is_cut_off() {
    for message in [
        "say: x\n<info-msg>\nIt is noon.\n</info-msg>",
        "<system-reminder>\nThe user sent the following message:\nsay: x\n\nPlease address this \
         message and continue with your tasks.\n</system-reminder>",
        "say: x\n\nTo suggest changes to a file you MUST return the entire content.",
    ] {
        assert_eq!(
            turn(json!([{"role": "user", "content": message}])),
            Turn::Message("say: x".into()),
            "for {message:?}"
        );
    }
}

#[test]
fn a_tool_result_belongs_to_the_message_before_it() {
    let call = json!({"role": "assistant", "tool_calls": [{"id": "call_1"}]});
    let result =
        |content: Value| json!({"role": "tool", "tool_call_id": "call_1", "content": content});
    let with = |content: Value| turn(json!([user("run: ls"), call, result(content)]));
    let expected = |output: &str, failed| Turn::ToolResult {
        message: "run: ls".into(),
        output: output.into(),
        failed,
    };
    assert_eq!(with(json!("a.txt\n")), expected("a.txt", false));
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(with(parts), expected("a\nb", false));
    let refused = "The user rejected permission to use this specific tool call.";
    assert_eq!(with(json!(refused)), expected(refused, true));

    let next = json!([
        user("run: ls"),
        call,
        result(json!("a.txt")),
        user("say: next")
    ]);
    assert_eq!(turn(next), Turn::Message("say: next".into()));
}

#[test]
fn what_the_agent_asks_on_its_own_is_background() {
    let title = system("You are a title generator. You output ONLY a thread title.");
    let mut request = request(json!([title, user("say: x")]));
    assert_eq!(
        Completions::turn(&request),
        Turn::Message("say: x".into()),
        "with tools it is the conversation"
    );
    request["tools"] = json!([]);
    assert_eq!(Completions::turn(&request), Turn::Background);
    request["tools"] = json!([{"function": {"name": "platform__tool_by_tool_permission"}}]);
    assert_eq!(Completions::turn(&request), Turn::Background);

    let schema = json!({"type": "object"});
    request["response_format"] = json!({"type": "json_schema", "json_schema": {"schema": schema}});
    assert_eq!(Completions::turn(&request), Turn::Structured(schema));
}

#[test]
fn a_text_is_streamed() {
    check(
        "slow: 5: hi",
        true,
        expect![[r#"
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}
            [wait 5ms]
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}
            [wait 150ms]
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[],"usage":{"prompt_tokens":103,"completion_tokens":9,"total_tokens":112}}
            [DONE]
        "#]],
    );
}

#[test]
fn usage_is_only_told_when_asked_for() {
    let mut request = request(json!([user("say: hi")]));
    request["stream_options"] = Value::Null;
    let answer = Completions::turn(&request).answer(Script::default());
    let steps = show(&Completions::respond(&request, &answer, 7, true));
    assert!(!steps.contains("usage"), "{steps}");
    assert!(steps.ends_with("[DONE]\n"), "{steps}");
}

#[test]
fn a_command_is_called() {
    check(
        "run: ls",
        true,
        expect![[r#"
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"id":"call_00000007","type":"function","function":{"name":"bash","arguments":""},"index":0}]},"finish_reason":null}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"command\":\"ls\"}"}}]},"finish_reason":null}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[],"usage":{"prompt_tokens":102,"completion_tokens":39,"total_tokens":141}}
            [DONE]
        "#]],
    );
    check(
        "run: ls",
        false,
        expect![[r#"
            {"id":"chatcmpl-00000007","object":"chat.completion","created":1767225600,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_00000007","type":"function","function":{"name":"bash","arguments":"{\"command\":\"ls\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":102,"completion_tokens":39,"total_tokens":141}}
        "#]],
    );
}

#[test]
fn without_a_fitting_tool_the_answer_is_a_text() {
    check(
        "write: a.txt: one",
        true,
        expect![[r#"
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"content":"The agent offers no tool that writes files."},"finish_reason":null}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[],"usage":{"prompt_tokens":104,"completion_tokens":19,"total_tokens":123}}
            [DONE]
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
            {"id":"chatcmpl-00000007","object":"chat.completion","created":1767225600,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":102,"completion_tokens":9,"total_tokens":111}}
        "#]],
    );
}

#[test]
fn a_hanging_answer_does_not_end() {
    check(
        "hang",
        true,
        expect![[r#"
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}
            {"id":"chatcmpl-00000007","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":[{"index":0,"delta":{"content":"Waiting"},"finish_reason":null}]}
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
