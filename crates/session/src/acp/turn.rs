//! One exchange: a message, and what the agent says and does until it has finished.

use std::time::Duration;

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, Plan, PlanEntryStatus, SessionUpdate, StopReason,
    ToolCall as AcpToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields,
    ToolKind,
};
use berth_protocol::{
    Part, PlanStep, StepState, ToolCall, ToolOutput, ToolState, weight_of_output,
};
use similar::TextDiff;

use super::account::Look;

/// Most that is kept of a tool's output or of a change, in bytes.
const KEPT: usize = 16 * 1024;

/// Most that is kept of all tools of a message, in bytes: all of it is sent whenever the message grows.
const KEPT_IN_ALL: usize = 512 * 1024;

/// Stands for what is not kept.
const CUT: &str = "[…]";

/// Larger files are not compared, in bytes.
const COMPARED: usize = 1024 * 1024;

/// How long a comparison may look for the smallest change before it takes a larger one.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the agent has said and done since the user's message.
#[derive(Debug, Default)]
pub struct Turn {
    /// In the order in which it came.
    pub parts: Vec<Part>,
}

/// What is written into the account for an update.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// More words.
    Words(Look, String),
    /// A row of its own.
    Row(String),
}

impl Turn {
    /// Takes an update; `None` when it changes nothing of the message.
    pub fn take(&mut self, update: SessionUpdate) -> Option<Option<Written>> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => {
                let text = words(&chunk)?;
                match self.parts.last_mut() {
                    Some(Part::Text { text: said }) => said.push_str(&text),
                    _ => self.parts.push(Part::Text { text: text.clone() }),
                }
                Some(Some(Written::Words(Look::Plain, text)))
            }
            SessionUpdate::AgentThoughtChunk(chunk) => {
                let text = words(&chunk)?;
                match self.parts.last_mut() {
                    Some(Part::Thought { text: thought }) => thought.push_str(&text),
                    _ => self.parts.push(Part::Thought { text: text.clone() }),
                }
                Some(Some(Written::Words(Look::Dim, text)))
            }
            SessionUpdate::Plan(plan) => {
                self.plan(plan);
                Some(None)
            }
            SessionUpdate::ToolCall(call) => Some(self.tool(call)),
            SessionUpdate::ToolCallUpdate(update) => Some(self.tool_update(update)),
            _ => None,
        }
    }

    fn plan(&mut self, plan: Plan) {
        let steps = plan.entries.into_iter().map(|entry| PlanStep {
            text: entry.content,
            state: match entry.status {
                PlanEntryStatus::InProgress => StepState::InProgress,
                PlanEntryStatus::Completed => StepState::Completed,
                _ => StepState::Pending,
            },
        });
        let plan = Part::Plan {
            steps: steps.collect(),
        };
        let known = self.parts.iter_mut();
        match known
            .into_iter()
            .find(|part| matches!(part, Part::Plan { .. }))
        {
            Some(known) => *known = plan,
            None => self.parts.push(plan),
        }
    }

    fn tool(&mut self, call: AcpToolCall) -> Option<Written> {
        let id = call.tool_call_id.0.to_string();
        let fields = ToolCallUpdateFields::default()
            .kind(call.kind)
            .status(call.status)
            .title(call.title)
            .content(call.content)
            .locations(call.locations);
        self.change_tool(id, fields)
    }

    fn tool_update(&mut self, update: ToolCallUpdate) -> Option<Written> {
        self.change_tool(update.tool_call_id.0.to_string(), update.fields)
    }

    /// Changes what is known of a tool's call, which may be nothing yet. A row of the account tells when
    /// it gets a title and when it ends.
    fn change_tool(&mut self, id: String, fields: ToolCallUpdateFields) -> Option<Written> {
        let known = self
            .parts
            .iter()
            .rposition(|part| matches!(part, Part::Tool(call) if call.id == id));
        let place = known.unwrap_or_else(|| {
            self.parts.push(Part::Tool(ToolCall {
                id,
                title: String::new(),
                tool: "other".to_owned(),
                state: ToolState::Pending,
                paths: Vec::new(),
                output: Vec::new(),
            }));
            self.parts.len() - 1
        });
        let others = self.parts.iter().enumerate();
        let others = others.filter_map(|(at, part)| match part {
            Part::Tool(call) if at != place => Some(weight_of_output(&call.output)),
            _ => None,
        });
        let room = KEPT_IN_ALL.saturating_sub(others.sum());
        let Some(Part::Tool(call)) = self.parts.get_mut(place) else {
            return None;
        };
        let before = (call.title.clone(), call.state);
        if let Some(title) = fields.title.filter(|title| !title.is_empty()) {
            call.title = title;
        }
        if let Some(kind) = fields.kind {
            word(kind).clone_into(&mut call.tool);
        }
        if let Some(status) = fields.status {
            call.state = match status {
                ToolCallStatus::InProgress => ToolState::InProgress,
                ToolCallStatus::Completed => ToolState::Completed,
                ToolCallStatus::Failed => ToolState::Failed,
                _ => ToolState::Pending,
            };
        }
        if let Some(locations) = fields.locations {
            call.paths = locations
                .into_iter()
                .map(|location| location.path.display().to_string())
                .collect();
        }
        if let Some(content) = fields.content {
            call.output = content.into_iter().filter_map(output).collect();
            if weight_of_output(&call.output) > room {
                let text = CUT.to_owned();
                call.output = vec![ToolOutput::Text { text }];
            }
        }
        let mark = match call.state {
            ToolState::Completed => "done",
            ToolState::Failed => "failed",
            ToolState::Pending | ToolState::InProgress if call.title != before.0 => "tool",
            ToolState::Pending | ToolState::InProgress => return None,
        };
        let ended = mark != "tool";
        (!ended || call.state != before.1).then(|| Written::Row(format!("[{mark}] {}", call.title)))
    }

    /// Says why the turn ended otherwise than it should.
    pub fn notice(&mut self, text: String) -> Written {
        self.parts.push(Part::Notice { text: text.clone() });
        Written::Row(format!("! {text}"))
    }

    /// The agent has told the user of this error itself.
    pub fn has_said(&self, error: &str) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Text { text } => !text.trim().is_empty() && error.contains(text.trim()),
            _ => false,
        })
    }

    /// No tool runs any more.
    pub fn end_tools(&mut self) {
        for part in &mut self.parts {
            if let Part::Tool(call) = part
                && matches!(call.state, ToolState::Pending | ToolState::InProgress)
            {
                call.state = ToolState::Failed;
            }
        }
    }
}

/// Why a turn ended early, for people.
pub fn early_end(reason: StopReason) -> Option<&'static str> {
    match reason {
        StopReason::MaxTokens => Some("The answer ended at the model's limit of tokens."),
        StopReason::MaxTurnRequests => Some("The answer ended at the agent's limit of requests."),
        StopReason::Refusal => Some("The model refused to answer."),
        _ => None,
    }
}

/// The words of a chunk; of what is no text, what it is.
fn words(chunk: &ContentChunk) -> Option<String> {
    let text = text_of(&chunk.content);
    (!text.is_empty()).then_some(text)
}

fn text_of(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::ResourceLink(link) => format!("[{}]({})", link.name, link.uri),
        ContentBlock::Image(_) => "[image]".to_owned(),
        ContentBlock::Audio(_) => "[audio]".to_owned(),
        _ => "[attachment]".to_owned(),
    }
}

fn output(content: ToolCallContent) -> Option<ToolOutput> {
    match content {
        ToolCallContent::Content(content) => {
            let text = kept(text_of(&content.content));
            (!text.trim().is_empty()).then_some(ToolOutput::Text { text })
        }
        ToolCallContent::Diff(diff) => Some(ToolOutput::Diff {
            path: diff.path.display().to_string(),
            patch: patch(&diff.old_text.unwrap_or_default(), &diff.new_text),
        }),
        _ => None,
    }
}

/// A change in unified form.
fn patch(old: &str, new: &str) -> String {
    if old.len() > COMPARED || new.len() > COMPARED {
        return CUT.to_owned();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    kept(diff.unified_diff().to_string())
}

/// The beginning of a text that is too long, and that it is.
fn kept(mut text: String) -> String {
    if text.len() > KEPT {
        let end = (0..=KEPT).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('\n');
        text.push_str(CUT);
    }
    text
}

fn word(kind: ToolKind) -> &'static str {
    match kind {
        ToolKind::Read => "read",
        ToolKind::Edit => "edit",
        ToolKind::Delete => "delete",
        ToolKind::Move => "move",
        ToolKind::Search => "search",
        ToolKind::Execute => "execute",
        ToolKind::Think => "think",
        ToolKind::Fetch => "fetch",
        ToolKind::SwitchMode => "switch_mode",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use agent_client_protocol::v1::schema::{Diff, TextContent};
    use berth_protocol::{content_of, weight_of};

    use super::*;

    fn said(text: &str) -> SessionUpdate {
        let block = ContentBlock::Text(TextContent::new(text));
        SessionUpdate::AgentMessageChunk(ContentChunk::new(block))
    }

    #[test]
    fn words_between_tools_stay_in_their_order() {
        let mut turn = Turn::default();
        turn.take(said("I look."));
        let call = AcpToolCall::new("t1", "Read notes.txt").kind(ToolKind::Read);
        assert_eq!(
            turn.take(SessionUpdate::ToolCall(call)),
            Some(Some(Written::Row("[tool] Read notes.txt".to_owned())))
        );
        turn.take(said("It is "));
        turn.take(said("empty."));
        let done = ToolCallUpdateFields::default().status(ToolCallStatus::Completed);
        let done = SessionUpdate::ToolCallUpdate(ToolCallUpdate::new("t1", done));
        assert_eq!(
            turn.take(done.clone()),
            Some(Some(Written::Row("[done] Read notes.txt".to_owned())))
        );
        assert_eq!(turn.take(done), Some(None), "it is told once");
        assert_eq!(content_of(&turn.parts), "I look.\n\nIt is empty.");
        assert_eq!(turn.parts.len(), 3);
        assert!(
            matches!(&turn.parts[1], Part::Tool(call) if call.state == ToolState::Completed && call.tool == "read")
        );
    }

    #[test]
    fn however_much_its_tools_say_a_message_stays_small() {
        let mut turn = Turn::default();
        for n in 0..200 {
            let text = ContentBlock::Text(TextContent::new("x".repeat(KEPT * 2)));
            let fields = ToolCallUpdateFields::default()
                .title("Read")
                .content(vec![ToolCallContent::from(text)]);
            let update = ToolCallUpdate::new(format!("t{n}"), fields);
            turn.take(SessionUpdate::ToolCallUpdate(update));
        }
        assert_eq!(turn.parts.len(), 200);
        let weight = weight_of(&turn.parts);
        assert!(
            (KEPT_IN_ALL / 2..KEPT_IN_ALL + KEPT).contains(&weight),
            "{weight}"
        );
    }

    #[test]
    fn a_change_is_kept_in_unified_form_and_a_huge_one_is_cut() {
        let changed = |old: &str, new: String| {
            let mut turn = Turn::default();
            let diff = ToolCallContent::Diff(Diff::new("a.txt", new).old_text(old.to_owned()));
            let fields = ToolCallUpdateFields::default()
                .title("Edit")
                .content(vec![diff]);
            turn.take(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(
                "t", fields,
            )));
            match turn.parts.remove(0) {
                Part::Tool(mut call) => call.output.remove(0),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            changed("one\ntwo\n", "one\nthree\n".to_owned()),
            ToolOutput::Diff {
                path: "a.txt".to_owned(),
                patch: "@@ -1,2 +1,2 @@\n one\n-two\n+three\n".to_owned(),
            }
        );
        for lines in [KEPT, COMPARED] {
            let ToolOutput::Diff { patch, .. } = changed("old\n", "é\n".repeat(lines)) else {
                panic!("it is a change");
            };
            assert!(patch.len() < KEPT + 10 && patch.ends_with("[…]"));
        }
    }
}
