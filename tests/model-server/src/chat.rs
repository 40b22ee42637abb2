//! OpenAI Chat Completions, as far as opencode, droid, goose and aider use it.
//!
//! Formats: <https://platform.openai.com/docs/api-reference/chat> and, for the chunks,
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    http::{Api, tokens},
    openai::Responses,
    steps::{self, Step},
    tools::{Call, Reply, Tool},
    turn::{Answer, Turn, is_context, is_own_errand, without_context},
};

/// The API at `/v1/chat/completions`.
pub(crate) struct Completions;

/// Between a text and its end. No model ends in the moment in which it has said everything; aider, which paints by a
/// clock of 50 ms in a thread of its own, then writes what it paints first into what it writes last.
const REST: Duration = Duration::from_millis(150);

/// What opencode puts around a message that the user sent in the middle of a turn.
const QUEUED_WORDS: (&str, &str) = (
    "<system-reminder>\nThe user sent the following message:\n",
    "\n\nPlease address this message and continue with your tasks.",
);

/// How the reminders begin that aider adds below the user's message, by its edit formats.
const REMINDERS: [&str; 3] = [
    "\n\nTo suggest changes to a file you MUST",
    "\n\n# *SEARCH/REPLACE block* Rules",
    "\n\n# File editing rules",
];

/// The tool of a request in which goose asks whether a call only reads.
const JUDGE_TOOL: &str = "tool_by_tool_permission";

/// How a tool's output begins when the tool failed or was refused; the API has no field for it.
const FAILURES: [&str; 5] = [
    "Error",
    "The user rejected permission",
    "The user has specified a rule which prevents",
    "The user has declined to run",
    "The tool call returned the following error",
];

impl Api for Completions {
    fn turn(request: &Value) -> Turn {
        let format = &request["response_format"];
        if format["type"] == "json_schema" {
            return Turn::Structured(format["json_schema"]["schema"].clone());
        }
        if is_background(request) {
            return Turn::Background;
        }
        let messages: Vec<&Value> = messages(request).collect();
        let said = messages
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, message)| Some((at, said(message)?)));
        let Some((at, message)) = said else {
            return Turn::Background;
        };
        let result = messages[at + 1..]
            .iter()
            .rfind(|message| message["role"] == "tool");
        match result.map(|result| texts(result).join("\n")) {
            Some(output) => Turn::ToolResult {
                message,
                failed: FAILURES.iter().any(|words| output.starts_with(words)),
                output: output.trim_end().to_owned(),
            },
            None => Turn::Message(message),
        }
    }

    fn respond(request: &Value, answer: &Answer, id: u64, stream: bool) -> Vec<Step> {
        let texts = messages(request).flat_map(texts);
        let reply = Reply::new(answer, &tools(request), texts);
        let message = message(&reply, id);
        let input = tokens(request.to_string().len());
        let output = tokens(message.to_string().len());
        let usage = json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        });
        if stream {
            let usage = (request["stream_options"]["include_usage"] == true).then_some(usage);
            stream_completion(request, answer, &message, usage, id)
        } else {
            let finish = finish_reason(&message);
            let mut done = completion(request, "chat.completion", id);
            done["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish}]);
            done["usage"] = usage;
            steps::document(answer, &done)
        }
    }

    fn error(status: u16, message: &str) -> Value {
        Responses::error(status, message)
    }
}

fn messages(request: &Value) -> impl Iterator<Item = &Value> {
    request["messages"].as_array().into_iter().flatten()
}

fn is_background(request: &Value) -> bool {
    let mut system = messages(request)
        .filter(|message| message["role"] == "system" || message["role"] == "developer")
        .flat_map(texts);
    let tools = tools(request);
    if tools.is_empty() {
        system.any(is_own_errand)
    } else {
        tools.iter().any(|tool| tool.own_name() == JUDGE_TOOL)
    }
}

/// The texts of a message's content, which is one text or a list of parts.
fn texts(message: &Value) -> Vec<&str> {
    match &message["content"] {
        Value::String(text) => vec![text.as_str()],
        parts => {
            let parts = parts.as_array().into_iter().flatten();
            parts.filter_map(|part| part["text"].as_str()).collect()
        }
    }
}

/// The user's own words in a message. They are the first, since files that the user mentioned
/// follow them.
fn said(message: &Value) -> Option<String> {
    if message["role"] != "user" {
        return None;
    }
    let mut texts = texts(message).into_iter().map(own);
    texts.find(|text| !is_context(text)).map(str::to_owned)
}

/// Cuts off what the agents add to the user's message.
fn own(text: &str) -> &str {
    let queued = text.split_once(QUEUED_WORDS.0);
    if let Some((own, _)) = queued.and_then(|(_, rest)| rest.split_once(QUEUED_WORDS.1)) {
        return own;
    }
    let end = REMINDERS.iter().filter_map(|words| text.find(words)).min();
    without_context(&text[..end.unwrap_or(text.len())])
}

fn tools(request: &Value) -> Vec<Tool> {
    let tools = request["tools"].as_array().into_iter().flatten();
    tools
        .filter_map(|tool| Tool::read(&tool["function"]))
        .collect()
}

/// The message of the answer, complete.
fn message(reply: &Reply, id: u64) -> Value {
    match reply {
        Reply::Text(text) => json!({"role": "assistant", "content": text}),
        Reply::Call(Call { name, arguments }) => json!({
            "role": "assistant", "content": null,
            "tool_calls": [{
                "id": format!("call_{id:08}"), "type": "function",
                "function": {"name": name, "arguments": arguments.to_string()},
            }],
        }),
    }
}

fn finish_reason(message: &Value) -> &'static str {
    if message["tool_calls"].is_array() {
        "tool_calls"
    } else {
        "stop"
    }
}

/// A completion, or a chunk of one, without its choices.
fn completion(request: &Value, object: &str, id: u64) -> Value {
    json!({
        "id": format!("chatcmpl-{id:08}"), "object": object, "created": 1_767_225_600,
        "model": request["model"].as_str().unwrap_or("gpt-test"), "choices": [],
    })
}

fn stream_completion(
    request: &Value,
    answer: &Answer,
    message: &Value,
    usage: Option<Value>,
    id: u64,
) -> Vec<Step> {
    let empty = completion(request, "chat.completion.chunk", id);
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut chunk = empty.clone();
        chunk["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        Step::data(&chunk)
    };
    let text = |text: &str| chunk(json!({"content": text}), None);
    let mut steps = vec![chunk(announced(message), None)];
    match answer {
        Answer::Text(answer) => {
            steps.push(Step::Wait(answer.wait));
            for piece in answer.pieces() {
                steps.push(text(&piece));
                steps.extend(answer.pause.map(Step::Wait));
            }
            steps.push(Step::Wait(REST));
        }
        Answer::Hang { word } => {
            steps.push(text(word));
            steps.push(Step::Hang);
            return steps;
        }
        _ => match &message["tool_calls"][0]["function"] {
            // Without a fitting tool the answer is a text.
            Value::Null => steps.push(text(message["content"].as_str().unwrap_or_default())),
            call => {
                let call = json!([{"index": 0, "function": {"arguments": call["arguments"]}}]);
                steps.push(chunk(json!({"tool_calls": call}), None));
            }
        },
    }
    steps.push(chunk(json!({}), Some(finish_reason(message))));
    if let Some(usage) = usage {
        let mut chunk = empty.clone();
        chunk["usage"] = usage;
        steps.push(Step::data(&chunk));
    }
    steps.push(Step::done());
    steps
}

/// A message as it is announced, before its text or the arguments of its call.
fn announced(message: &Value) -> Value {
    let mut message = message.clone();
    let calls = message.get_mut("tool_calls");
    if let Some(call) = calls.and_then(|calls| calls.get_mut(0)) {
        call["index"] = json!(0);
        call["function"]["arguments"] = json!("");
    } else {
        message["content"] = json!("");
    }
    message
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
