//! OpenAI Responses, as far as Codex uses it.
//!
//! Formats: <https://platform.openai.com/docs/api-reference/responses> and, for the events,
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.

use serde_json::{Value, json};

use crate::{
    codex_tools::{self, CodexTools},
    http::{Api, tokens},
    steps::{self, Step},
    turn::{Answer, Text, Turn, is_context},
};

/// The API at `/v1/responses`.
pub(crate) struct Responses;

impl Api for Responses {
    fn turn(request: &Value) -> Turn {
        let format = &request["text"]["format"];
        if format["type"] == "json_schema" {
            return Turn::Structured(format["schema"].clone());
        }
        if let Some(text) = request["input"].as_str() {
            return Turn::Message(text.to_owned());
        }
        let input = request["input"].as_array().map_or(&[][..], Vec::as_slice);
        let said = input
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, item)| Some((at, said(item)?)));
        let Some((at, message)) = said else {
            return Turn::Background;
        };
        match input[at + 1..].iter().rev().find_map(tool_result) {
            Some((output, failed)) => Turn::ToolResult {
                message,
                output,
                failed,
            },
            None => Turn::Message(message),
        }
    }

    fn respond(request: &Value, answer: &Answer, id: u64, stream: bool) -> Vec<Step> {
        let item = item(request, answer, id);
        let done = response(request, &item, id);
        if stream {
            stream_response(answer, &item, &done)
        } else {
            steps::document(answer, &done)
        }
    }

    fn error(status: u16, message: &str) -> Value {
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..500 => "invalid_request_error",
            _ => "server_error",
        };
        json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
    }
}

/// The user's own words in an input item.
fn said(item: &Value) -> Option<String> {
    if item["role"] != "user" {
        return None;
    }
    if let Some(text) = item["content"].as_str() {
        return (!is_context(text)).then(|| text.to_owned());
    }
    let parts = item["content"].as_array()?.iter();
    let mut texts = parts.filter_map(|part| part["text"].as_str());
    texts.rfind(|text| !is_context(text)).map(str::to_owned)
}

/// The output of a tool, and whether it failed.
fn tool_result(item: &Value) -> Option<(String, bool)> {
    let kind = item["type"].as_str()?;
    if !matches!(kind, "function_call_output" | "custom_tool_call_output") {
        return None;
    }
    let text = match &item["output"] {
        Value::String(text) => text.clone(),
        parts => {
            let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
            parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect::<Vec<_>>()
                .join("\n")
        }
    };
    Some(codex_tools::output(&text))
}

/// The one output item of the answer, complete.
fn item(request: &Value, answer: &Answer, id: u64) -> Value {
    match answer {
        Answer::Text(Text { text, .. }) => message(text, id),
        Answer::Hang { word } => message(word, id),
        Answer::Write { path, content } => CodexTools::offered(request).write(path, content, id),
        Answer::Run { command } => CodexTools::offered(request).run(command, id),
        Answer::Call { tool, arguments } => {
            CodexTools::offered(request).other(request, tool, arguments, id)
        }
        Answer::Error { status } => message(&format!("Error {status}"), id),
    }
}

pub(crate) fn message(text: &str, id: u64) -> Value {
    json!({
        "type": "message", "id": format!("msg_{id:08}"), "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    })
}

/// The whole response, as it is when it is done.
fn response(request: &Value, item: &Value, id: u64) -> Value {
    let input = tokens(request.to_string().len());
    let output = tokens(item.to_string().len());
    json!({
        "id": format!("resp_{id:08}"), "object": "response", "created_at": 1_767_225_600,
        "status": "completed", "model": request["model"].as_str().unwrap_or("gpt-test"),
        "output": [item], "error": null, "incomplete_details": null,
        "usage": {
            "input_tokens": input, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": input + output,
        },
    })
}

fn stream_response(answer: &Answer, item: &Value, done: &Value) -> Vec<Step> {
    let mut events = Events::default();
    events.add(json!({"type": "response.created", "response": started(done)}));
    events.add(json!({
        "type": "response.output_item.added", "output_index": 0, "item": announced(item),
    }));
    match answer {
        Answer::Text(text) => {
            events.steps.push(Step::Wait(text.wait));
            for piece in text.pieces() {
                events.text(item, &piece);
                events.steps.extend(text.pause.map(Step::Wait));
            }
        }
        Answer::Hang { word } => {
            events.text(item, word);
            events.steps.push(Step::Hang);
            return events.steps;
        }
        _ => {}
    }
    events.add(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    events.add(json!({"type": "response.completed", "response": done}));
    events.steps
}

/// Events under way; each carries its number.
#[derive(Default)]
struct Events {
    sent: u64,
    steps: Vec<Step>,
}

impl Events {
    fn add(&mut self, mut event: Value) {
        event["sequence_number"] = json!(self.sent);
        self.sent += 1;
        self.steps.push(Step::event(&event));
    }

    fn text(&mut self, item: &Value, piece: &str) {
        self.add(json!({
            "type": "response.output_text.delta", "item_id": item["id"],
            "output_index": 0, "content_index": 0, "delta": piece,
        }));
    }
}

/// A response as it is announced, before its output.
fn started(done: &Value) -> Value {
    let mut response = done.clone();
    response["status"] = json!("in_progress");
    response["output"] = json!([]);
    response["usage"] = Value::Null;
    response
}

/// An item as it is announced, before its content.
fn announced(item: &Value) -> Value {
    let mut item = item.clone();
    item["status"] = json!("in_progress");
    for (field, empty) in [
        ("content", json!([])),
        ("arguments", json!("")),
        ("input", json!("")),
    ] {
        if let Some(value) = item.get_mut(field) {
            *value = empty;
        }
    }
    item
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
