//! The Gemini API and its form in Vertex AI, as far as Gemini CLI uses them.
//!
//! Formats: <https://ai.google.dev/api/generate-content> and
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.

use serde_json::{Value, json};

use crate::{
    http::{Api, tokens},
    steps::{self, Step},
    tools::{Call, Reply, Tool},
    turn::{Answer, Turn, is_context, is_own_errand, without_context},
};

/// The API below `/v1beta/models` and, in Vertex AI, `/v1beta1/projects`.
pub(crate) struct Content;

/// How the request begins in which Gemini CLI asks, in no conversation, for a session's summary.
const SUMMARY_WORDS: &str = "Summarize the user's primary intent";

/// The line before a command's output in what Gemini CLI reports.
const OUTPUT_LINE: &str = "Output: ";

/// Lines below the output in that report.
const REPORT_LINES: [&str; 5] = [
    "\nError: ",
    "\nExit Code: ",
    "\nSignal: ",
    "\nBackground PIDs: ",
    "\nProcess Group PGID: ",
];

/// What is asked of a model, from the end of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An answer; streamed or not, which this API says in the path alone.
    Answer { stream: bool },
    /// How many tokens a request has.
    Tokens,
}

impl Asked {
    /// Reads a path such as `/v1beta/models/gemini-2.5-pro:generateContent`, or one with the
    /// project, the place and the publisher that Vertex AI has before `models`.
    pub(crate) fn read(path: &str) -> Option<Self> {
        let (api, model) = path.rsplit_once("/models/")?;
        let (_, method) = model.split_once(':')?;
        if !api.starts_with("/v1") {
            return None;
        }
        match method {
            // Without `alt=sse` the stream is one long JSON list, which no agent asks for.
            "streamGenerateContent" => Some(Self::Answer { stream: true }),
            "generateContent" => Some(Self::Answer { stream: false }),
            "countTokens" => Some(Self::Tokens),
            _ => None,
        }
    }
}

impl Api for Content {
    fn turn(request: &Value) -> Turn {
        let config = &request["generationConfig"];
        if config["responseMimeType"] == "application/json" {
            let schemas = ["responseJsonSchema", "responseSchema"];
            let schema = schemas.iter().find_map(|field| config.get(field));
            return Turn::Structured(schema.cloned().unwrap_or(json!({"type": "object"})));
        }
        let contents: Vec<&Value> = contents(request).collect();
        let said = contents
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, content)| Some((at, said(content)?)));
        let Some((at, message)) = said else {
            return Turn::Background;
        };
        let mut system = texts(&request["systemInstruction"]);
        let is_errand = message.starts_with(SUMMARY_WORDS) || system.any(is_own_errand);
        if tools(request).is_empty() && is_errand {
            return Turn::Background;
        }
        match contents[at + 1..]
            .iter()
            .rev()
            .find_map(|content| tool_result(content))
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
        let instruction = std::iter::once(&request["systemInstruction"]);
        let texts = instruction.chain(contents(request)).flat_map(texts);
        let reply = Reply::new(answer, &tools(request), texts);
        let response = Response {
            id,
            input: tokens(request.to_string().len()),
            output: tokens(part(&reply).to_string().len()),
        };
        if stream {
            stream_response(answer, &reply, &response)
        } else {
            steps::document(answer, &response.last(part(&reply)))
        }
    }

    fn error(status: u16, message: &str) -> Value {
        let name = match status {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            400..500 => "INVALID_ARGUMENT",
            503 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            _ => "INTERNAL",
        };
        json!({"error": {"code": status, "message": message, "status": name}})
    }
}

/// The list of models, for agents that look it up.
pub(crate) fn models() -> Value {
    json!({"models": [{
        "name": "models/gemini-test", "displayName": "Gemini Test", "version": "1",
        "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }]})
}

fn contents(request: &Value) -> impl Iterator<Item = &Value> {
    request["contents"].as_array().into_iter().flatten()
}

fn parts(content: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    content["parts"].as_array().into_iter().flatten()
}

fn texts(content: &Value) -> impl Iterator<Item = &str> {
    parts(content).filter_map(|part| part["text"].as_str())
}

/// The user's own words in a content. They are the first, since files that the user mentioned
/// follow them.
fn said(content: &Value) -> Option<String> {
    if content["role"] != "user" {
        return None;
    }
    let mut texts = texts(content).map(without_context);
    texts.find(|text| !is_context(text)).map(str::to_owned)
}

/// The output of the last tool in a content, and whether it failed.
fn tool_result(content: &Value) -> Option<(String, bool)> {
    let mut responses = parts(content).filter_map(|part| part.get("functionResponse"));
    let response = &responses.next_back()?["response"];
    if let Some(error) = response.get("error") {
        return Some((text(error), true));
    }
    let report = text(response.get("output").unwrap_or(response));
    Some((output(&report).to_owned(), false))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A command's output in what Gemini CLI reports; the whole report when it is of another tool.
fn output(report: &str) -> &str {
    let above = report.split_once(OUTPUT_LINE);
    let Some((_, output)) = above.filter(|(head, _)| head.is_empty() || head.ends_with('\n'))
    else {
        return report.trim_end();
    };
    let end = REPORT_LINES
        .iter()
        .filter_map(|line| output.find(line))
        .min();
    match output[..end.unwrap_or(output.len())].trim_end() {
        "(empty)" => "",
        output => output,
    }
}

fn tools(request: &Value) -> Vec<Tool> {
    let tools = request["tools"].as_array().into_iter().flatten();
    let declarations = tools.filter_map(|tool| tool["functionDeclarations"].as_array());
    declarations.flatten().filter_map(Tool::read).collect()
}

/// The one part of the answer, complete.
fn part(reply: &Reply) -> Value {
    match reply {
        Reply::Text(text) => json!({"text": text}),
        Reply::Call(Call { name, arguments }) => {
            json!({"functionCall": {"name": name, "args": arguments}})
        }
    }
}

/// What every piece of a response tells about the whole.
struct Response {
    id: u64,
    input: usize,
    output: usize,
}

impl Response {
    fn piece(&self, part: Value) -> Value {
        json!({
            "candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}],
            "modelVersion": "gemini-test", "responseId": format!("{:08}", self.id),
        })
    }

    /// The last piece, which may be the only one; Gemini CLI takes an answer without an end, or an
    /// end without a text, for a broken stream.
    fn last(&self, part: Value) -> Value {
        let mut piece = self.piece(part);
        piece["candidates"][0]["finishReason"] = json!("STOP");
        piece["usageMetadata"] = json!({
            "promptTokenCount": self.input, "candidatesTokenCount": self.output,
            "totalTokenCount": self.input + self.output,
        });
        piece
    }
}

fn stream_response(answer: &Answer, reply: &Reply, response: &Response) -> Vec<Step> {
    let last = |part: Value| Step::data(&response.last(part));
    match answer {
        Answer::Text(text) => {
            let mut pieces = text.pieces();
            let end = pieces.pop().unwrap_or_default();
            let mut steps = vec![Step::Wait(text.wait)];
            for piece in pieces {
                steps.push(Step::data(&response.piece(json!({"text": piece}))));
                steps.extend(text.pause.map(Step::Wait));
            }
            steps.push(last(json!({"text": end})));
            steps
        }
        Answer::Hang { .. } => vec![Step::data(&response.piece(part(reply))), Step::Hang],
        _ => vec![last(part(reply))],
    }
}

#[cfg(test)]
#[path = "gemini_tests.rs"]
mod tests;
