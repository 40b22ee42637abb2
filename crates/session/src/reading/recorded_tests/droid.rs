//! Recordings of Droid.

use expect_test::expect;

use super::check;

recorded! {
    droid_approval_command: "droid", "approval-command", "run: echo hi > out.txt" => expect![[r#"
        unclear
        ready
        asks "Why this needs approval: It writes a file." ["Yes, allow", "Yes, and always allow medium impact commands (all commands that are reversible)", "No, cancel"]
        ---

    "#]];
    droid_approval: "droid", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        asks "2   two" ["Yes, allow", "Yes, and always allow low impact commands (file edits and read-only commands)", "No, cancel"]
        ---

    "#]];
    droid_approved: "droid", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        asks "2   two" ["Yes, allow", "Yes, and always allow low impact commands (file edits and read-only commands)", "No, cancel"]
        ready
        ---
           Create notes.txt
            ↳ Succeeded. File created. (+2 added)
              1 │ one
              2 │ two

        Wrote notes.txt.
    "#]];
    droid_error: "droid", "error", "error: 400" => expect![[r#"
        unclear
        ready
        ---
        BYOK Error: 400 The script asked for an error 400.

        Upstream error: The script asked for an error 400.

        Troubleshooting tips for custom models:
        1. Verify the "provider" type in your BYOK config matches your endpoint (use "openai" for
        GPT-4o/GPT-5+/o-series/Codex, "anthropic" for Claude, "generic-chat-completion-api" for other
        OpenAI-compatible APIs)
        2. Ensure your baseUrl is reachable and the API key is valid
        3. Check that the model name matches what your endpoint expects
    "#]];
    droid_exit: "droid", "exit", "say: Bye." => expect![[r#"
        unclear
        ready
        ---
        Bye.
    "#]];
    droid_interrupt: "droid", "interrupt", "hang" => expect![[r#"
        unclear
        ready
        ---
        Waiting

        Request cancelled by user
    "#]];
    droid_long: "droid", "long", "long: 40" => expect![[r#"
        unclear
        ready
        ---
        Line 1 of 40 is a heading

        Line 2 has bold, slanted and code words.

        -  Line 3 is a list item
        -  Line 4 is another, with a | in it

        sh
          > line 5 in a code block

          | line 6 | still code |
          $ echo "line 7" > out.txt | cat

         Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 40 is a heading

        Line 12 has bold, slanted and code words.

        -  Line 13 is a list item
        -  Line 14 is another, with a | in it

        sh
          > line 15 in a code block

          | line 16 | still code |
          $ echo "line 17" > out.txt | cat

         Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 40 is a heading

        Line 22 has bold, slanted and code words.

        -  Line 23 is a list item
        -  Line 24 is another, with a | in it

        sh
          > line 25 in a code block

          | line 26 | still code |
          $ echo "line 27" > out.txt | cat

         Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 40 is a heading

        Line 32 has bold, slanted and code words.

        -  Line 33 is a list item
        -  Line 34 is another, with a | in it

        sh
          > line 35 in a code block

          | line 36 | still code |
          $ echo "line 37" > out.txt | cat

         Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    droid_multiline: "droid", "multiline", "say: first line\nsecond line > with | marks\nthird line" => expect![[r#"
        unclear
        ready
        ---
        first line
        second line > with | marks
        third line
    "#]];
    droid_question: "droid", "question", "say: Hello from the test model." => expect![[r#"
        unclear
        ready
        ---
        Hello from the test model.
    "#]];
    droid_rejected: "droid", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        asks "2   two" ["Yes, allow", "Yes, and always allow low impact commands (file edits and read-only commands)", "No, cancel"]
        ready
        ---
           Create notes.txt
            ⎿ Interrupted
    "#]];
    droid_start: "droid", "start", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
    droid_trust: "droid", "trust", "" => expect![[r#"
        unclear
        asks "configuration (hooks, MCP servers) before trusting it." ["Trust this folder", "Exit without trusting"]
        ---

    "#]];
}
