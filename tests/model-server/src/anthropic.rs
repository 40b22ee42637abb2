//! Anthropic Messages, as far as Claude Code uses it.
//!
//! Formats: <https://platform.claude.com/docs/en/api/messages> and, for the events,
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    http::{Api, tokens},
    steps::Step,
    tools::is_meant,
    turn::{Answer, Text, Turn, is_context},
};

/// The API at `/v1/messages`.
pub(crate) struct Messages;

/// Words before the working directory in the environment that Claude Code describes.
const DIRECTORY_WORDS: &str = "working directory: ";

/// How a request begins in which Claude Code asks, within the user's conversation, what the user
/// may want to say next.
const SUGGESTION_WORDS: &str = "[SUGGESTION MODE";

/// How Claude Code's note begins below a message that the user sent in the middle of a turn.
const QUEUED_WORDS: &str = "\n\nThis is how Claude Code surfaces messages the user sends mid-turn";

impl Api for Messages {
    fn turn(request: &Value) -> Turn {
        let format = &request["output_config"]["format"];
        if format["type"] == "json_schema" {
            return Turn::Structured(format["schema"].clone());
        }
        let messages = request["messages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let users: Vec<&Value> = messages
            .iter()
            .filter(|message| message["role"] == "user")
            .collect();
        let said = users
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, user)| Some((at, said(user)?)));
        let Some((at, message)) = said else {
            return Turn::Background;
        };
        if message.starts_with(SUGGESTION_WORDS) {
            return Turn::Background;
        }
        // Results in the message that holds the text belong to the turn before it.
        match users[at + 1..]
            .iter()
            .rev()
            .find_map(|message| tool_result(message))
        {
            Some((output, failed)) => Turn::ToolResult {
                message,
                output,
                failed,
            },
            None => Turn::Message(message),
        }
    }

    fn respond(request: &Value, answer: &Answer, id: u64, stream: bool) -> Vec<Step> {
        let model = request["model"].as_str().unwrap_or("claude-test");
        let input = tokens(request.to_string().len());
        let block = block(request, answer, id);
        if stream {
            stream_message(answer, &block, model, input, id)
        } else {
            whole(answer, block, model, input, id)
        }
    }

    fn error(status: u16, message: &str) -> Value {
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            400..500 => "invalid_request_error",
            _ => "api_error",
        };
        json!({"type": "error", "error": {"type": kind, "message": message}})
    }
}

/// The user's own words in a message, without what the agent added.
fn said(message: &Value) -> Option<String> {
    let texts = match &message["content"] {
        Value::String(text) => vec![text.as_str()],
        content => texts(content),
    };
    let mut own = texts
        .into_iter()
        .map(|text| without_paste_marks(without_note(text)));
    own.rfind(|text| !is_context(text))
}

/// Cuts off what Claude Code adds to a message that the user sent in the middle of a turn.
fn without_note(text: &str) -> &str {
    text.split_once(QUEUED_WORDS).map_or(text, |(own, _)| own)
}

/// Removes the lines with which Claude Code encloses what was pasted into its prompt.
fn without_paste_marks(text: &str) -> String {
    let is_mark = |line: &&str| {
        let name = line.trim_start_matches('<').trim_start_matches('/');
        line.starts_with('<') && name.starts_with("pasted_content") && line.ends_with('>')
    };
    let lines: Vec<&str> = text.lines().filter(|line| !is_mark(line)).collect();
    lines.join("\n").trim().to_owned()
}

/// The texts of a content that is a list of blocks.
fn texts(content: &Value) -> Vec<&str> {
    let blocks = content.as_array().into_iter().flatten();
    blocks.filter_map(|block| block["text"].as_str()).collect()
}

/// The output of the last tool in a message, and whether it failed.
fn tool_result(message: &Value) -> Option<(String, bool)> {
    let blocks = message["content"].as_array()?;
    let result = blocks
        .iter()
        .rfind(|block| block["type"] == "tool_result")?;
    let output = match &result["content"] {
        Value::String(text) => text.clone(),
        parts => texts(parts).join("\n"),
    };
    Some((output, result["is_error"] == true))
}

/// The one content block of the answer, complete.
fn block(request: &Value, answer: &Answer, id: u64) -> Value {
    let tool = |name: &str, input: Value| json!({"type": "tool_use", "id": format!("toolu_{id:08}"), "name": name, "input": input});
    match answer {
        Answer::Text(text) => json!({"type": "text", "text": text.text}),
        Answer::Hang { word } => json!({"type": "text", "text": word}),
        Answer::Write { path, content } => {
            let path = absolute(request, path);
            tool("Write", json!({"file_path": path, "content": content}))
        }
        Answer::Run { command } => tool(
            "Bash",
            json!({"command": command, "description": "Run the command of the test"}),
        ),
        Answer::Call {
            tool: wanted,
            arguments,
        } => {
            let offered = request["tools"].as_array().into_iter().flatten();
            let mut names = offered.filter_map(|tool| tool["name"].as_str());
            // What is only searched for is not among them, and is called by the name that was given.
            let name = names.find(|name| is_meant(name, wanted)).unwrap_or(wanted);
            tool(name, serde_json::from_str(arguments).unwrap_or_default())
        }
        Answer::Error { status } => json!({"type": "text", "text": format!("Error {status}")}),
    }
}

fn absolute(request: &Value, path: &str) -> String {
    let directory = working_directory(request).unwrap_or_else(|| "/".into());
    Path::new(&directory)
        .join(path)
        .to_string_lossy()
        .into_owned()
}

/// The agent's working directory, from the environment it describes in the system prompt or in a
/// message.
fn working_directory(request: &Value) -> Option<String> {
    let messages = request["messages"].as_array().into_iter().flatten();
    let contents = std::iter::once(&request["system"]).chain(
        messages
            .filter(|message| message["role"] != "assistant")
            .map(|message| &message["content"]),
    );
    let texts = contents.flat_map(|content| match content {
        Value::String(text) => vec![text.as_str()],
        blocks => texts(blocks),
    });
    texts
        .filter(|text| text.contains("# Environment") || text.contains("<env>"))
        .find_map(|text| {
            let (_, rest) = text.split_once(DIRECTORY_WORDS)?;
            rest.lines().next().map(|line| line.trim().to_owned())
        })
}

fn stop_reason(block: &Value) -> &'static str {
    if block["type"] == "tool_use" {
        "tool_use"
    } else {
        "end_turn"
    }
}

fn message(
    model: &str,
    id: u64,
    input: usize,
    output: usize,
    content: Value,
    stop: Value,
) -> Value {
    json!({
        "id": format!("msg_{id:08}"), "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {
            "input_tokens": input, "output_tokens": output,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    })
}

fn whole(answer: &Answer, block: Value, model: &str, input: usize, id: u64) -> Vec<Step> {
    if let Answer::Hang { .. } = answer {
        return vec![Step::Hang];
    }
    let output = tokens(block.to_string().len());
    let stop = json!(stop_reason(&block));
    let send = Step::json(&message(model, id, input, output, json!([block]), stop));
    match answer {
        Answer::Text(Text { wait, .. }) if !wait.is_zero() => vec![Step::Wait(*wait), send],
        _ => vec![send],
    }
}

fn stream_message(answer: &Answer, block: &Value, model: &str, input: usize, id: u64) -> Vec<Step> {
    let start = message(model, id, input, 1, json!([]), Value::Null);
    let mut steps = vec![
        Step::event(&json!({"type": "message_start", "message": start})),
        Step::event(&json!({
            "type": "content_block_start", "index": 0, "content_block": empty(block),
        })),
        Step::event(&json!({"type": "ping"})),
    ];
    let delta = |delta: Value| {
        Step::event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
    };
    match answer {
        Answer::Text(text) => {
            steps.push(Step::Wait(text.wait));
            for piece in text.pieces() {
                steps.push(delta(json!({"type": "text_delta", "text": piece})));
                steps.extend(text.pause.map(Step::Wait));
            }
        }
        Answer::Hang { word } => {
            steps.push(delta(json!({"type": "text_delta", "text": word})));
            steps.push(Step::Hang);
            return steps;
        }
        _ => {
            let input = block["input"].to_string();
            steps.push(delta(
                json!({"type": "input_json_delta", "partial_json": input}),
            ));
        }
    }
    steps.push(Step::event(
        &json!({"type": "content_block_stop", "index": 0}),
    ));
    steps.push(Step::event(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(block), "stop_sequence": null},
        "usage": {"output_tokens": tokens(block.to_string().len())},
    })));
    steps.push(Step::event(&json!({"type": "message_stop"})));
    steps
}

/// A block as it is announced, before its deltas.
fn empty(block: &Value) -> Value {
    let mut block = block.clone();
    if block["type"] == "tool_use" {
        block["input"] = json!({});
    } else {
        block["text"] = json!("");
    }
    block
}

#[cfg(test)]
#[path = "anthropic_tests.rs"]
mod tests;
