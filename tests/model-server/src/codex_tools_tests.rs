use expect_test::{Expect, expect};

use super::*;

fn check(tools: Value, instructions: &str, expected: Expect) {
    let request = json!({
        "tools": tools, "input": [{"type": "message", "role": "developer", "content": instructions}],
    });
    let tools = CodexTools::offered(&request);
    let calls = [tools.run("ls", 1), tools.write("a.txt", "one\ntwo", 2)];
    let shown = calls.map(|call| {
        let what = ["arguments", "input", "content"].map(|field| call[field].to_string());
        let what = what
            .into_iter()
            .find(|what| what != "null")
            .unwrap_or_default();
        format!("{} {} {what}\n", call["type"], call["name"])
    });
    expected.assert_eq(&shown.concat());
}

#[test]
fn the_tools_of_a_known_model_are_used() {
    check(
        json!([
            {"type": "function", "name": "exec_command"},
            {"type": "custom", "name": "apply_patch"},
        ]),
        "# Escalation Requests",
        expect![[r#"
            "function_call" "exec_command" "{\"cmd\":\"ls\",\"sandbox_permissions\":\"require_escalated\",\"justification\":\"May the command of the test run?\"}"
            "custom_tool_call" "apply_patch" "*** Begin Patch\n*** Add File: a.txt\n+one\n+two\n*** End Patch\n"
        "#]],
    );
}

#[test]
fn without_a_patch_tool_the_shell_patches() {
    check(
        json!([{"type": "function", "name": "shell"}]),
        NO_APPROVALS,
        expect![[r#"
            "function_call" "shell" "{\"command\":[\"bash\",\"-lc\",\"ls\"]}"
            "function_call" "shell" "{\"command\":[\"bash\",\"-lc\",\"apply_patch <<'PATCH'\\n*** Begin Patch\\n*** Add File: a.txt\\n+one\\n+two\\n*** End Patch\\nPATCH\\n\"]}"
        "#]],
    );
}

#[test]
fn without_tools_the_answer_says_so() {
    check(
        json!([]),
        "",
        expect![[r#"
            "message" null [{"type":"output_text","text":"The agent offers no tool that runs commands.","annotations":[]}]
            "message" null [{"type":"output_text","text":"The agent offers no tool that runs commands.","annotations":[]}]
        "#]],
    );
}

#[test]
fn a_report_is_read_without_its_head() {
    let check = |report: &str, expected: (&str, bool)| {
        assert_eq!(
            output(report),
            (expected.0.to_owned(), expected.1),
            "for {report:?}"
        );
    };
    check(
        "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nhi\n",
        ("hi", false),
    );
    check(
        "Process exited with code 2\nOutput:\nno such file\n",
        ("no such file", true),
    );
    check(
        "Exit code: 0\nWall time: 0.2 seconds\nOutput:\nSuccess.\n",
        ("Success.", false),
    );
    check(
        "exec_command failed: rejected by user",
        ("exec_command failed: rejected by user", true),
    );
}
