use expect_test::{Expect, expect};

use super::*;
use crate::{script::Script, steps::show};

fn content(role: &str, parts: Value) -> Value {
    json!({"role": role, "parts": parts})
}

fn user(text: &str) -> Value {
    content("user", json!([{"text": text}]))
}

fn context() -> Value {
    user(
        "<session_context>\nThis is the Gemini CLI. say: nothing\n\
         - **Workspace Directories:**\n  - /home/dev/demo\n</session_context>",
    )
}

fn result(response: Value) -> Value {
    let response = json!({"name": "run_shell_command", "response": response});
    content("user", json!([{"functionResponse": response}]))
}

fn tool(name: &str, arguments: [&str; 2]) -> Value {
    let text = json!({"type": "string"});
    let schema = json!({
        "type": "object", "required": arguments,
        "properties": {arguments[0]: text, arguments[1]: text},
    });
    json!({"name": name, "parametersJsonSchema": schema})
}

fn request(contents: Value) -> Value {
    let tools = json!([{"functionDeclarations": [
        tool("run_shell_command", ["command", "description"]),
        tool("write_file", ["file_path", "content"]),
    ]}]);
    let instruction = content("user", json!([{"text": "You are an agent."}]));
    json!({"systemInstruction": instruction, "tools": tools, "contents": contents})
}

fn turn(contents: Value) -> Turn {
    Content::turn(&request(contents))
}

fn check(message: &str, stream: bool, expected: Expect) {
    let request = request(json!([context(), user(message)]));
    let answer = Content::turn(&request).answer(Script::default());
    expected.assert_eq(&show(&Content::respond(&request, &answer, 7, stream)));
}

#[test]
fn the_path_says_what_is_asked() {
    let check = |path: &str, expected| assert_eq!(Asked::read(path), expected, "for {path}");
    let answer = |stream| Some(Asked::Answer { stream });
    check("/v1beta/models/m:streamGenerateContent", answer(true));
    check("/v1beta/models/m:generateContent", answer(false));
    check("/v1beta/models/m:countTokens", Some(Asked::Tokens));
    let vertex = "/v1beta1/projects/p/locations/l/publishers/google/models/m";
    check(&format!("{vertex}:streamGenerateContent"), answer(true));
    check(&format!("{vertex}:generateContent"), answer(false));
    check("/v1beta/models/m:embedContent", None);
    check("/v1beta/models", None);
    check("/other/models/m:generateContent", None);
}

#[test]
fn the_last_message_of_the_user_counts() {
    let answer = content("model", json!([{"text": "x"}]));
    assert_eq!(
        turn(json!([context(), user("first"), answer, user("second")])),
        Turn::Message("second".into())
    );
    let with_file = json!([{"text": "say: x"}, {"text": "--- Content from referenced files ---"}]);
    assert_eq!(
        turn(json!([context(), content("user", with_file)])),
        Turn::Message("say: x".into())
    );
    assert_eq!(turn(json!([context()])), Turn::Background);
}

#[test]
fn a_tool_result_belongs_to_the_message_before_it() {
    let call = content(
        "model",
        json!([{"functionCall": {"name": "run_shell_command"}}]),
    );
    let with = |response: Value| turn(json!([user("run: ls"), call, result(response)]));
    let expected = |output: &str, failed| Turn::ToolResult {
        message: "run: ls".into(),
        output: output.into(),
        failed,
    };
    let report = "Output: a\nb\nProcess Group PGID: 7";
    assert_eq!(with(json!({"output": report})), expected("a\nb", false));
    let report = "Output: (empty)\nExit Code: 1\nProcess Group PGID: 7";
    assert_eq!(with(json!({"output": report})), expected("", false));
    assert_eq!(
        with(json!({"output": "Successfully created."})),
        expected("Successfully created.", false)
    );
    assert_eq!(with(json!({"error": "refused"})), expected("refused", true));

    let next = json!([
        user("run: ls"),
        call,
        result(json!({"output": "x"})),
        user("say: next")
    ]);
    assert_eq!(turn(next), Turn::Message("say: next".into()));
}

#[test]
fn what_the_agent_asks_on_its_own_is_background() {
    let schema = json!({"type": "object"});
    let mut checked = request(json!([user("say: x")]));
    for field in ["responseJsonSchema", "responseSchema"] {
        checked["generationConfig"] =
            json!({"responseMimeType": "application/json", field: schema});
        assert_eq!(Content::turn(&checked), Turn::Structured(schema.clone()));
    }

    let summary = json!([user("Summarize the user's primary intent or goal: say: x")]);
    assert_eq!(
        Content::turn(&json!({"contents": summary})),
        Turn::Background
    );
    let mut compression = request(json!([user("say: x")]));
    compression["tools"] = json!([]);
    assert_eq!(
        Content::turn(&compression),
        Turn::Message("say: x".into()),
        "a conversation without tools"
    );
    compression["systemInstruction"] = content(
        "user",
        json!([{"text": "Make a <state_snapshot> of the history."}]),
    );
    assert_eq!(Content::turn(&compression), Turn::Background);
}

#[test]
fn a_text_is_streamed() {
    check(
        "slow: 5: hi",
        true,
        expect![[r#"
            [wait 5ms]
            {"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"index":0,"finishReason":"STOP"}],"modelVersion":"gemini-test","responseId":"00000007","usageMetadata":{"promptTokenCount":173,"candidatesTokenCount":4,"totalTokenCount":177}}
        "#]],
    );
}

#[test]
fn a_long_text_is_streamed_in_pieces() {
    check(
        "long: 1",
        true,
        expect![[r###"
            [wait 0ns]
            {"candidates":[{"content":{"role":"model","parts":[{"text":"## Line 1 of 1 i"}]},"index":0}],"modelVersion":"gemini-test","responseId":"00000007"}
            [wait 10ms]
            {"candidates":[{"content":{"role":"model","parts":[{"text":"s a heading\n\n"}]},"index":0,"finishReason":"STOP"}],"modelVersion":"gemini-test","responseId":"00000007","usageMetadata":{"promptTokenCount":172,"candidatesTokenCount":11,"totalTokenCount":183}}
        "###]],
    );
}

#[test]
fn a_file_is_written_by_its_absolute_path() {
    check(
        "write: a.txt: one",
        true,
        expect![[r#"
            {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"write_file","args":{"file_path":"/home/dev/demo/a.txt","content":"one"}}}]},"index":0,"finishReason":"STOP"}],"modelVersion":"gemini-test","responseId":"00000007","usageMetadata":{"promptTokenCount":175,"candidatesTokenCount":25,"totalTokenCount":200}}
        "#]],
    );
}

#[test]
fn a_command_is_one_document_without_streaming() {
    check(
        "run: ls",
        false,
        expect![[r#"
            {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"run_shell_command","args":{"command":"ls","description":"Run the command of the test"}}}]},"index":0,"finishReason":"STOP"}],"modelVersion":"gemini-test","responseId":"00000007","usageMetadata":{"promptTokenCount":172,"candidatesTokenCount":29,"totalTokenCount":201}}
        "#]],
    );
}

#[test]
fn a_hanging_answer_does_not_end() {
    check(
        "hang",
        true,
        expect![[r#"
            {"candidates":[{"content":{"role":"model","parts":[{"text":"Waiting"}]},"index":0}],"modelVersion":"gemini-test","responseId":"00000007"}
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
        Content::error(429, "later"),
        json!({"error": {"code": 429, "message": "later", "status": "RESOURCE_EXHAUSTED"}}),
    );
}
