//! The bodies that the page sends, written as JSON.

use std::collections::BTreeMap;

use berth_protocol::*;

/// A type that can be sent.
pub trait Write {
    /// As JSON.
    fn write(&self) -> String;
}

/// An object that is being written.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is JSON already.
    pub(super) fn json(mut self, name: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        text(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.json(name, &quote(value))
    }

    pub(super) fn optional(self, name: &str, value: Option<&String>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A text as JSON.
pub fn quote(value: &str) -> String {
    let mut written = String::new();
    text(&mut written, value);
    written
}

pub(super) fn flag(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

/// Texts by name.
pub(super) fn map(pairs: &BTreeMap<String, String>) -> String {
    let pairs = pairs.iter();
    pairs
        .fold(Object::new(), |object, (name, value)| {
            object.text(name, value)
        })
        .end()
}

pub(super) fn text(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let code = c as u32;
                out.push_str(if code < 16 { "\\u000" } else { "\\u001" });
                out.extend(char::from_digit(code % 16, 16));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Write for Approval {
    fn write(&self) -> String {
        let Self {
            attention_id,
            option_id,
        } = self;
        Object::new()
            .text("attention_id", attention_id)
            .text("option_id", option_id)
            .end()
    }
}

impl Write for ChatRequest {
    fn write(&self) -> String {
        let Self {
            session_id,
            content,
        } = self;
        Object::new()
            .text("session_id", &session_id.to_string())
            .text("content", content)
            .end()
    }
}

impl Write for CreateProject {
    fn write(&self) -> String {
        let Self { path, name } = self;
        Object::new()
            .text("path", path)
            .optional("name", name.as_ref())
            .end()
    }
}

impl Write for UpdateProject {
    fn write(&self) -> String {
        let Self { name } = self;
        Object::new().text("name", name).end()
    }
}

impl Write for RestartSession {
    fn write(&self) -> String {
        let Self { beginning } = self;
        let object = Object::new();
        match beginning {
            Some(Beginning::New) => object.text("beginning", "new"),
            Some(Beginning::Resumed) => object.text("beginning", "resumed"),
            Some(Beginning::Transcript) => object.text("beginning", "transcript"),
            None => object,
        }
        .end()
    }
}

impl Write for UpdateSession {
    fn write(&self) -> String {
        let Self { title } = self;
        Object::new().text("title", title).end()
    }
}

impl Write for CreateSession {
    fn write(&self) -> String {
        let Self {
            project_id,
            agent,
            message,
            title,
            workspace,
            transport,
            permission_mode,
            command,
            router,
            size,
            instructions,
            // Servers are chosen elsewhere.
            mcp_servers: _,
        } = self;
        let mut object = Object::new()
            .text("project_id", &project_id.to_string())
            .text("agent", agent.as_str())
            .optional("message", message.as_ref())
            .optional("title", title.as_ref())
            .optional("permission_mode", permission_mode.as_ref())
            .optional("instructions", instructions.as_ref());
        if let Some(workspace) = workspace {
            object = object.json("workspace", &workspace.write());
        }
        if let Some(transport) = transport {
            object = object.text(
                "transport",
                match transport {
                    Transport::Pty => "pty",
                    Transport::Acp => "acp",
                },
            );
        }
        if let Some(command) = command {
            object = object.json("command", &list(command));
        }
        if let Some(router) = router {
            object = object.text("router", &router.to_string());
        }
        if let Some(size) = size {
            object = object.json("size", &size.write());
        }
        object.end()
    }
}

/// Values of one type.
pub(super) fn array<T: Write>(items: &[T]) -> String {
    let mut written = "[".to_owned();
    for item in items {
        if written.len() > 1 {
            written.push(',');
        }
        written.push_str(&item.write());
    }
    written.push(']');
    written
}

/// Texts.
pub(super) fn list(items: &[String]) -> String {
    let mut written = "[".to_owned();
    for item in items {
        if written.len() > 1 {
            written.push(',');
        }
        text(&mut written, item);
    }
    written.push(']');
    written
}

impl Write for WorkspaceRequest {
    fn write(&self) -> String {
        match self {
            Self::Worktree { base, branch } => Object::new()
                .text("kind", "worktree")
                .optional("base", base.as_ref())
                .optional("branch", branch.as_ref())
                .end(),
            Self::InPlace => Object::new().text("kind", "in_place").end(),
        }
    }
}

impl Write for Size {
    fn write(&self) -> String {
        let Self { rows, cols } = self;
        Object::new()
            .json("rows", &rows.to_string())
            .json("cols", &cols.to_string())
            .end()
    }
}

impl Write for ClientControl {
    fn write(&self) -> String {
        match self {
            Self::Resize { size } => Object::new()
                .text("type", "resize")
                .json("size", &size.write())
                .end(),
            Self::Ack { bytes } => Object::new()
                .text("type", "ack")
                .json("bytes", &bytes.to_string())
                .end(),
        }
    }
}
