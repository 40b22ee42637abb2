//! The tools that Codex offers to a model, which differ between its versions and models.

use serde_json::{Value, json};

use crate::{openai::message, tools::is_meant};

/// The line before a command's output in what Codex reports; above it are time and exit code.
const OUTPUT_LINE: &str = "Output:\n";

/// Words of the exit code in that report, by the shell tools of several versions.
const EXIT_WORDS: [&str; 2] = ["exited with code ", "Exit code: "];

/// Codex says this when commands that ask for the user's approval are refused.
const NO_APPROVALS: &str = "Approval policy is currently never";

/// The tools in one request.
pub(crate) struct CodexTools {
    shell: Option<Shell>,
    patch: Option<Patch>,
    /// Whether a command may ask the user for approval.
    approvals: bool,
}

/// How a command is run, by the tool's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    /// `exec_command {"cmd": …}`
    Exec,
    /// `shell_command {"command": …}`
    Line,
    /// `shell {"command": ["bash", "-lc", …]}`
    Words,
}

/// How a file is patched where that is a tool of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patch {
    /// The patch is the tool's whole input.
    Freeform,
    /// The patch is the argument `input`.
    Function,
}

impl CodexTools {
    /// Reads the tools out of a request.
    pub(crate) fn offered(request: &Value) -> Self {
        let tools = request["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let find = |name: &str| tools.iter().find(|tool| tool["name"] == name);
        let shells = [
            ("exec_command", Shell::Exec),
            ("shell_command", Shell::Line),
            ("shell", Shell::Words),
        ];
        let shell = shells
            .into_iter()
            .find_map(|(name, shell)| find(name).map(|_| shell));
        let patch = find("apply_patch").map(|tool| {
            if tool["type"] == "custom" {
                Patch::Freeform
            } else {
                Patch::Function
            }
        });
        let instructions = request["input"].as_array().into_iter().flatten();
        let approvals = !instructions
            .filter(|item| item["role"] == "developer")
            .any(|item| item.to_string().contains(NO_APPROVALS));
        Self {
            shell,
            patch,
            approvals,
        }
    }

    /// The call that runs `command`. It asks for the user's approval where that can be given,
    /// because nothing else makes Codex ask while its sandbox allows the command.
    pub(crate) fn run(&self, command: &str, id: u64) -> Value {
        self.shell_call(command, self.approvals, id)
    }

    /// The call that writes a file; inside the workspace Codex does not ask before it.
    pub(crate) fn write(&self, path: &str, content: &str, id: u64) -> Value {
        let patch = patch(path, content);
        match self.patch {
            Some(Patch::Freeform) => json!({
                "type": "custom_tool_call", "id": format!("ctc_{id:08}"), "status": "completed",
                "call_id": format!("call_{id:08}"), "name": "apply_patch", "input": patch,
            }),
            Some(Patch::Function) => call("apply_patch", &json!({"input": patch}), id),
            // Codex recognizes this command and applies the patch itself.
            None => {
                let command = format!("apply_patch <<'PATCH'\n{patch}PATCH\n");
                self.shell_call(&command, false, id)
            }
        }
    }

    /// The call of a tool of an MCP server, which stands by itself or in a namespace.
    pub(crate) fn other(&self, request: &Value, wanted: &str, arguments: &str, id: u64) -> Value {
        let tools = || request["tools"].as_array().into_iter().flatten();
        let name = |tool: &Value| {
            let name = tool["name"].as_str()?;
            is_meant(name, wanted).then(|| name.to_owned())
        };
        let arguments = serde_json::from_str(arguments).unwrap_or_default();
        if let Some(name) = tools().find_map(name) {
            return call(&name, &arguments, id);
        }
        let in_namespace = tools().find_map(|space| {
            let mut inside = space["tools"].as_array()?.iter();
            Some((space["name"].as_str()?, inside.find_map(name)?))
        });
        // A namespace that is put aside until it is searched for is not among the tools.
        let aside = || {
            let (space, name) = wanted.rsplit_once("__")?;
            Some((space, name.to_owned()))
        };
        match in_namespace.or_else(aside) {
            Some((space, name)) => {
                let mut call = call(&name, &arguments, id);
                call["namespace"] = json!(space);
                call
            }
            None => call(wanted, &arguments, id),
        }
    }

    fn shell_call(&self, command: &str, ask: bool, id: u64) -> Value {
        let (name, mut arguments) = match self.shell {
            Some(Shell::Exec) => ("exec_command", json!({"cmd": command})),
            Some(Shell::Line) => ("shell_command", json!({"command": command})),
            Some(Shell::Words) => ("shell", json!({"command": ["bash", "-lc", command]})),
            None => return message("The agent offers no tool that runs commands.", id),
        };
        if ask {
            arguments["sandbox_permissions"] = json!("require_escalated");
            arguments["justification"] = json!("May the command of the test run?");
        }
        call(name, &arguments, id)
    }
}

/// A command's output in what Codex reports, and whether the command failed.
pub(crate) fn output(report: &str) -> (String, bool) {
    let Some((head, output)) = report.split_once(OUTPUT_LINE) else {
        // Without the line no command ran: the user refused it or its arguments were wrong.
        return (report.trim_end().to_owned(), true);
    };
    let code = EXIT_WORDS.iter().find_map(|words| head.split_once(words));
    let failed = code.is_some_and(|(_, code)| code.split_whitespace().next() != Some("0"));
    (output.trim_end().to_owned(), failed)
}

fn patch(path: &str, content: &str) -> String {
    let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
    format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")
}

fn call(name: &str, arguments: &Value, id: u64) -> Value {
    json!({
        "type": "function_call", "id": format!("fc_{id:08}"), "status": "completed",
        "call_id": format!("call_{id:08}"), "name": name, "arguments": arguments.to_string(),
    })
}

#[cfg(test)]
#[path = "codex_tools_tests.rs"]
mod tests;
