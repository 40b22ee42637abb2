//! Recordings of Gemini CLI.

use expect_test::expect;

use super::check;

recorded! {
    gemini_approval_command: "gemini", "approval-command", "run: echo hi > out.txt" => expect![[r#"
        ready
        asks "Redirection detected. To auto-accept, press Shift+Tab" ["Allow once", "Allow for this session", "No, suggest changes (esc)"]
        ---

    "#]];
    gemini_approval: "gemini", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        asks "Apply this change?" ["Allow once", "Allow for this session", "Modify with external editor", "No, suggest changes (esc)"]
        ---

    "#]];
    gemini_approved: "gemini", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        asks "Apply this change?" ["Allow once", "Allow for this session", "Modify with external editor", "No, suggest changes (esc)"]
        ready
        ---
        ```
        WriteFile  notes.txt → Accepted (+2, -0)
        ```

         1 one
         2 two

        Wrote notes.txt.
    "#]];
    gemini_command: "gemini", "command", "run: echo hi; echo there" => expect![[r#"
        ready
        asks "Allow execution of [Shell]?" ["Allow once", "Allow for this session", "No, suggest changes (esc)"]
        ready
        ---
        <untrusted_context>
        Output: hi
        there
        Process Group PGID: 32175
        </untrusted_context>
    "#]];
    gemini_error: "gemini", "error", "error: 400" => expect![[r#"
        unclear
        ready
        ---
        [API Error: {"error":{"code":400,"message":"The script asked for an error
        400.","status":"INVALID_ARGUMENT"}}]

        This request failed. Press F12 for diagnostics, or run /settings and change "Error Verbosity" to full for
        full details.
    "#]];
    gemini_exit: "gemini", "exit", "say: Bye." => expect![[r#"
        ready
        unclear
        ---
        Bye.
    "#]];
    gemini_interrupt: "gemini", "interrupt", "hang" => expect![[r#"
        ready
        ---
        Waiting
    "#]];
    gemini_long: "gemini", "long", "long: 40" => expect![[r#"
        ready
        ---
        Line 1 of 40 is a heading

        Line 2 has bold, slanted and code words.

         - Line 3 is a list item
         - Line 4 is another, with a | in it

         1 > line 5 in a code block
         2
         3 | line 6 | still code |
         4 $ echo "line 7" > out.txt | cat

        > Line 8 is a quotation

         1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 40 is a heading

        Line 12 has bold, slanted and code words.

         - Line 13 is a list item
         - Line 14 is another, with a | in it

         1 > line 15 in a code block
         2
         3 | line 16 | still code |
         4 $ echo "line 17" > out.txt | cat

        > Line 18 is a quotation

         1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 40 is a heading

        Line 22 has bold, slanted and code words.

         - Line 23 is a list item
         - Line 24 is another, with a | in it

         1 > line 25 in a code block
         2
         3 | line 26 | still code |
         4 $ echo "line 27" > out.txt | cat

        > Line 28 is a quotation

         1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 40 is a heading

        Line 32 has bold, slanted and code words.

         - Line 33 is a list item
         - Line 34 is another, with a | in it

         1 > line 35 in a code block
         2
         3 | line 36 | still code |
         4 $ echo "line 37" > out.txt | cat

        > Line 38 is a quotation

         1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    gemini_multiline: "gemini", "multiline", "First line of three.\nsay: The message\nhas three lines." => expect![[r#"
        unclear
        ready
        ---
        The message
        has three lines.
    "#]];
    gemini_question: "gemini", "question", "say: Hello from the test model." => expect![[r#"
        ready
        ---
        Hello from the test model.
    "#]];
    gemini_queued: "gemini", "queued", "say: Second." => expect![[r#"
        ready
        ---
        Second.
    "#]];
    gemini_rejected: "gemini", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        asks "Apply this change?" ["Allow once", "Allow for this session", "Modify with external editor", "No, suggest changes (esc)"]
        ready
        ---
        ```
        WriteFile  notes.txt → Rejected (+2, -0)
        ```

         1 one
         2 two
    "#]];
    gemini_slow: "gemini", "slow", "slow: 1500: Done waiting." => expect![[r#"
        ready
        ---
        Done waiting.
    "#]];
    gemini_start: "gemini", "start", "" => expect![[r#"
        ready
        ---

    "#]];
    gemini_trust: "gemini", "trust", "" => expect![[r#"
        asks "change the behavior of the CLI." ["Trust folder (project)", "Trust parent folder (my-dev)", "Don't trust"]
        ---

    "#]];
}
