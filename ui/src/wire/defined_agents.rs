//! Agents that a user describes, in both directions. Only their editor needs them, so they stand apart.

use std::collections::BTreeMap;

use berth_protocol::*;

use super::json::Json;
use super::read::{Read, Wrong, member, or_default};
use super::write::{Object, Write, array, flag, list, map};

impl Read for DefinedAgent {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: member(json, "id")?,
            version: member(json, "version")?,
            definition: member(json, "definition")?,
            secrets: member(json, "secrets")?,
            created_at: member(json, "created_at")?,
            updated_at: member(json, "updated_at")?,
        })
    }
}

impl Read for AgentDefinition {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            name: or_default(json, "name")?,
            program: or_default(json, "program")?,
            args: or_default(json, "args")?,
            env: or_default(json, "env")?,
            secrets: or_default(json, "secrets")?,
            like: member(json, "like")?,
            version_args: or_default(json, "version_args")?,
            acp_args: member(json, "acp_args")?,
            instructions: member(json, "instructions")?,
            mcp: member(json, "mcp")?,
            permission_modes: or_default(json, "permission_modes")?,
            screen: or_default(json, "screen")?,
        })
    }
}

impl Read for InstructionsRule {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            args: or_default(json, "args")?,
            env: or_default(json, "env")?,
        })
    }
}

impl Read for McpRule {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            args: or_default(json, "args")?,
            env: or_default(json, "env")?,
            each_stdio: or_default(json, "each_stdio")?,
            each_http: or_default(json, "each_http")?,
        })
    }
}

impl Read for ModeDefinition {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            id: or_default(json, "id")?,
            name: or_default(json, "name")?,
            description: or_default(json, "description")?,
            unchecked: or_default(json, "unchecked")?,
            args: or_default(json, "args")?,
            env: or_default(json, "env")?,
        })
    }
}

impl Read for ScreenDefinition {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            settle_ms: member(json, "settle_ms")?,
            prompt: member(json, "prompt")?,
            placeholder: member(json, "placeholder")?,
            busy: or_default(json, "busy")?,
            echo: member(json, "echo")?,
            bullet: member(json, "bullet")?,
            noise: or_default(json, "noise")?,
            reads_lines: or_default(json, "reads_lines")?,
            interrupt: member(json, "interrupt")?,
        })
    }
}

impl Read for InterruptKey {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        match json.text() {
            Some("escape") => Ok(Self::Escape),
            Some("ctrl_c") => Ok(Self::CtrlC),
            _ => Err("interrupt"),
        }
    }
}

impl Read for BTreeMap<String, String> {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let Json::Object(members) = json else {
            return Err("object");
        };
        let text = |(name, value): &(_, Json<'_>)| {
            let name: &std::borrow::Cow<'_, str> = name;
            Some((name.to_string(), value.text()?.to_owned()))
        };
        members
            .iter()
            .map(|pair| text(pair).ok_or("text"))
            .collect()
    }
}

impl Write for DefineAgent {
    fn write(&self) -> String {
        let Self { id, definition } = self;
        Object::new()
            .text("id", id.as_str())
            .json("definition", &definition.write())
            .end()
    }
}

impl Write for AgentSecret {
    fn write(&self) -> String {
        let Self { value } = self;
        Object::new().text("value", value.expose()).end()
    }
}

impl Write for AgentDefinition {
    fn write(&self) -> String {
        let Self {
            name,
            program,
            args,
            env,
            secrets,
            like,
            version_args,
            acp_args,
            instructions,
            mcp,
            permission_modes,
            screen,
        } = self;
        let mut object = Object::new()
            .text("name", name)
            .text("program", program)
            .json("args", &list(args))
            .json("env", &map(env))
            .json("secrets", &list(secrets))
            .json("version_args", &list(version_args))
            .json("permission_modes", &array(permission_modes))
            .json("screen", &screen.write());
        if let Some(like) = like {
            object = object.text("like", like.as_str());
        }
        if let Some(args) = acp_args {
            object = object.json("acp_args", &list(args));
        }
        if let Some(rule) = instructions {
            object = object.json("instructions", &rule.write());
        }
        if let Some(rule) = mcp {
            object = object.json("mcp", &rule.write());
        }
        object.end()
    }
}

impl Write for InstructionsRule {
    fn write(&self) -> String {
        let Self { args, env } = self;
        Object::new()
            .json("args", &list(args))
            .json("env", &map(env))
            .end()
    }
}

impl Write for McpRule {
    fn write(&self) -> String {
        let Self {
            args,
            env,
            each_stdio,
            each_http,
        } = self;
        Object::new()
            .json("args", &list(args))
            .json("env", &map(env))
            .json("each_stdio", &list(each_stdio))
            .json("each_http", &list(each_http))
            .end()
    }
}

impl Write for ModeDefinition {
    fn write(&self) -> String {
        let Self {
            id,
            name,
            description,
            unchecked,
            args,
            env,
        } = self;
        Object::new()
            .text("id", id)
            .text("name", name)
            .text("description", description)
            .json("unchecked", flag(*unchecked))
            .json("args", &list(args))
            .json("env", &map(env))
            .end()
    }
}

impl Write for ScreenDefinition {
    fn write(&self) -> String {
        let Self {
            settle_ms,
            prompt,
            placeholder,
            busy,
            echo,
            bullet,
            noise,
            reads_lines,
            interrupt,
        } = self;
        let mut object = Object::new()
            .optional("prompt", prompt.as_ref())
            .optional("placeholder", placeholder.as_ref())
            .json("busy", &list(busy))
            .optional("echo", echo.as_ref())
            .optional("bullet", bullet.as_ref())
            .json("noise", &list(noise))
            .json("reads_lines", flag(*reads_lines));
        if let Some(ms) = settle_ms {
            object = object.json("settle_ms", &ms.to_string());
        }
        match interrupt {
            None => object,
            Some(InterruptKey::Escape) => object.text("interrupt", "escape"),
            Some(InterruptKey::CtrlC) => object.text("interrupt", "ctrl_c"),
        }
        .end()
    }
}
