use expect_test::{Expect, expect};

use super::*;

/// A tool whose arguments are texts; those with a star are required.
fn tool(name: &str, arguments: &[&str]) -> Value {
    let mut properties = json!({});
    let mut required = vec![];
    for argument in arguments {
        let own = argument.trim_end_matches('*');
        if own != *argument {
            required.push(own);
        }
        properties[own] = json!({"type": "string"});
    }
    let parameters = json!({"type": "object", "properties": properties, "required": required});
    json!({"name": name, "parameters": parameters})
}

fn read(tools: &Value) -> Vec<Tool> {
    let tools = tools.as_array().unwrap();
    tools.iter().filter_map(Tool::read).collect()
}

fn check(tools: Value, expected: Expect) {
    let tools = read(&tools);
    let answers = [
        Answer::Run {
            command: "ls".into(),
        },
        Answer::Write {
            path: "a.txt".into(),
            content: "one".into(),
        },
    ];
    let shown = answers.map(
        |answer| match Reply::new(&answer, &tools, std::iter::empty()) {
            Reply::Call(Call { name, arguments }) => format!("{name} {arguments}\n"),
            Reply::Text(text) => format!("{text}\n"),
        },
    );
    expected.assert_eq(&shown.concat());
}

#[test]
fn the_tools_of_opencode_are_called() {
    check(
        json!([
            tool("edit", &["filePath*", "oldString*", "newString*"]),
            tool("write", &["content*", "filePath*"]),
            tool("bash", &["command*", "timeout", "workdir", "description*"]),
        ]),
        expect![[r#"
            bash {"command":"ls","description":"Run the command of the test"}
            write {"content":"one","filePath":"a.txt"}
        "#]],
    );
}

#[test]
fn the_tools_of_gemini_are_called() {
    let schema = json!({
        "type": "OBJECT", "required": ["command"],
        "properties": {
            "command": {"type": "STRING"}, "description": {"type": "STRING"},
            "is_background": {"type": "BOOLEAN"},
        },
    });
    check(
        json!([
            tool("replace", &["file_path*", "old_string*", "new_string*"]),
            tool("write_file", &["file_path*", "content*"]),
            {"name": "run_shell_command", "parametersJsonSchema": schema},
        ]),
        expect![[r#"
            run_shell_command {"command":"ls","description":"Run the command of the test"}
            write_file {"file_path":"a.txt","content":"one"}
        "#]],
    );
}

#[test]
fn the_tools_of_droid_get_all_they_require() {
    let mut execute = tool("Execute", &["command*", "summary", "riskLevelReason*"]);
    let schema = &mut execute["parameters"];
    schema["properties"]["riskLevel"] = json!({"type": "string", "enum": ["low", "medium"]});
    schema["properties"]["mode"] = json!({"type": "string", "enum": ["wait", "leave"]});
    schema["properties"]["timeout"] = json!({"type": "integer", "minimum": 1});
    schema["required"] = json!(["command", "riskLevel", "riskLevelReason", "mode", "timeout"]);
    check(
        json!([execute, tool("Create", &["file_path*", "content*"])]),
        expect![[r#"
            Execute {"command":"ls","riskLevel":"medium","riskLevelReason":"Run the command of the test","mode":"wait","timeout":1,"summary":"Run the command of the test"}
            Create {"file_path":"a.txt","content":"one"}
        "#]],
    );
}

#[test]
fn the_tools_of_goose_are_called() {
    check(
        json!([
            tool(
                "developer__text_editor",
                &["command*", "path*", "file_text"]
            ),
            tool("developer__shell", &["command*"]),
        ]),
        expect![[r#"
            developer__shell {"command":"ls"}
            developer__text_editor {"command":"write","path":"a.txt","file_text":"one"}
        "#]],
    );
    check(
        json!([
            tool("shell", &["command*"]),
            tool("write", &["path*", "content*"])
        ]),
        expect![[r#"
            shell {"command":"ls"}
            write {"path":"a.txt","content":"one"}
        "#]],
    );
}

#[test]
fn a_tool_of_another_name_is_known_by_its_arguments() {
    check(
        json!([
            {"name": "think"},
            tool("notes", &["path*", "content*"]),
            tool("terminal", &["cmd*"]),
        ]),
        expect![[r#"
            terminal {"cmd":"ls"}
            notes {"path":"a.txt","content":"one"}
        "#]],
    );
}

#[test]
fn without_tools_the_answer_says_so() {
    check(
        json!([]),
        expect![[r#"
            The agent offers no tool that runs commands.
            The agent offers no tool that writes files.
        "#]],
    );
}

#[test]
fn a_file_is_written_by_its_absolute_path_where_that_is_known() {
    let tools = read(&json!([tool("write", &["path*", "content*"])]));
    let answer = Answer::Write {
        path: "a.txt".into(),
        content: "one".into(),
    };
    for told in [
        "<env>\n  Working directory: /home/dev/demo\n</env>",
        "I'm currently working in the directory: /home/dev/demo\nHere is",
        "- **Workspace Directories:**\n  - /home/dev/demo\n- **Directory Structure:**",
        "% pwd\n/home/dev/demo\n\n% ls",
    ] {
        let texts = ["Be brief.", told];
        let Reply::Call(call) = Reply::new(&answer, &tools, texts.into_iter()) else {
            panic!("a tool is called");
        };
        assert_eq!(
            call.arguments["path"], "/home/dev/demo/a.txt",
            "for {told:?}"
        );
    }
}
