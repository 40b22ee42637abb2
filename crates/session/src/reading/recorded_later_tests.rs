//! Replays real sessions of the agents that came after the first two; see `recorded_tests`.

use expect_test::expect;

use super::recorded_tests::{check, recorded};

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
    opencode_approval_command: "opencode", "approval-command", "run: echo hi > out.txt" => expect![[r#"
        unclear
        ready
        busy
        asks "$ echo hi > out.txt" ["Allow once", "Allow always", "Reject"]
        ---
        $ echo hi > out.txt
    "#]];
    opencode_approval: "opencode", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "2 + two" ["Allow once", "Allow always", "Reject"]
        ---

    "#]];
    opencode_approved: "opencode", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "2 + two" ["Allow once", "Allow always", "Reject"]
        ready
        ---
        # Wrote notes.txt

          1 one
          2 two

        Wrote notes.txt.
    "#]];
    opencode_command: "opencode", "command", "run: sleep 1; echo hi; echo there" => expect![[r#"
        unclear
        ready
        busy
        asks "$ sleep 1; echo hi; echo there" ["Allow once", "Allow always", "Reject"]
        ready
        ---
        $ sleep 1; echo hi; echo there

        hi
        there

        hi
        there
    "#]];
    opencode_error: "opencode", "error", "error: 400" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        The script asked for an error 400.

        The script asked for an error 400.
    "#]];
    opencode_exit: "opencode", "exit", "say: Bye." => expect![[r#"
        unclear
        ready
        busy
        ready
        unclear
        ---
        Bye.

        █▀▀█  Session  Test session
        █  █  Continue opencode --mini -s ses_df11ea847ffeFRRJkfwbNjgBRT
        ▀▀▀▀
    "#]];
    opencode_interrupt: "opencode", "interrupt", "hang" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Waiting

        Aborted
    "#]];
    opencode_long: "opencode", "long", "long: 40" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Line 1 of 40 is a heading

        Line 2 has bold, slanted and code words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat

        │ Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 40 is a heading

        Line 12 has bold, slanted and code words.

        - Line 13 is a list item
        - Line 14 is another, with a | in it

        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat

        │ Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 40 is a heading

        Line 22 has bold, slanted and code words.

        - Line 23 is a list item
        - Line 24 is another, with a | in it

        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat

        │ Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 40 is a heading

        Line 32 has bold, slanted and code words.

        - Line 33 is a list item
        - Line 34 is another, with a | in it

        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat

        │ Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    opencode_multiline: "opencode", "multiline", "First line of three.\nsay: The message\nhas three lines." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        The message
        has three lines.
    "#]];
    opencode_question: "opencode", "question", "say: Hello from the test model." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Hello from the test model.
    "#]];
    opencode_queued: "opencode", "queued", "say: Second." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Second.
    "#]];
    opencode_rejected: "opencode", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "2 + two" ["Allow once", "Allow always", "Reject"]
        unclear
        ready
        ---
        ✖ write failed: The user rejected permission to use this specific tool call.
    "#]];
    opencode_slow: "opencode", "slow", "slow: 4000: Done waiting." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Done waiting.
    "#]];
    opencode_start: "opencode", "start", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
    goose_approval_command: "goose", "approval-command", "run: echo hi > out.txt" => expect![[r#"
        ready
        asks "◆  Goose would like to call the above tool, do you allow?" ["Allow", "Always Allow", "Deny", "Cancel"]
        ---

    "#]];
    goose_approval: "goose", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        asks "◆  Goose would like to call the above tool, do you allow?" ["Allow", "Always Allow", "Deny", "Cancel"]
        ---

    "#]];
    goose_approved: "goose", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        asks "◆  Goose would like to call the above tool, do you allow?" ["Allow", "Always Allow", "Deny", "Cancel"]
        ready
        ---
          ▸ write
            path notes.txt
            content: one
        two

          Tool approval request
            {
              "tool_name": "write",
              "arguments": {
                "path": "notes.txt",
                "content": "one\ntwo"
              }
            }

        ◇  Goose would like to call the above tool, do you allow?
        │  Allow
        │
            Created notes.txt (2 lines)
        Wrote notes.txt.
    "#]];
    goose_error: "goose", "error", "error: 500" => expect![[r#"
        ready
        ---
        Ran into this error: Server error: Server error (500 Internal Server Error) at http://127.0.0.1:18473/v1/chat/completions: The script asked for an error 500..

        Please retry if you think this is a transient or recoverable error.
    "#]];
    goose_exit: "goose", "exit", "say: Bye." => expect![[r#"
        ready
        busy
        ---
        Bye.
    "#]];
    goose_first_run: "goose", "first-run", "" => expect![[r#"
        unclear
        ---

    "#]];
    goose_interrupt: "goose", "interrupt", "hang" => expect![[r#"
        ready
        busy
        ready
        ---
        Waiting^C
    "#]];
    goose_long: "goose", "long", "long: 40" => expect![[r#"
        ready
        ---
        ## Line 1 of 40 is a heading

        Line 2 has **bold**, *slanted* and `code` words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        ```sh
        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat
        ```

        > Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 11 of 40 is a heading

        Line 12 has **bold**, *slanted* and `code` words.

        - Line 13 is a list item
        - Line 14 is another, with a | in it

        ```sh
        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat
        ```

        > Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 21 of 40 is a heading

        Line 22 has **bold**, *slanted* and `code` words.

        - Line 23 is a list item
        - Line 24 is another, with a | in it

        ```sh
        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat
        ```

        > Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        ## Line 31 of 40 is a heading

        Line 32 has **bold**, *slanted* and `code` words.

        - Line 33 is a list item
        - Line 34 is another, with a | in it

        ```sh
        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat
        ```

        > Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    goose_multiline: "goose", "multiline", "say: first line\nsecond line > with | marks\nthird line" => expect![[r#"
        ready
        ---
        first line
        second line > with | marks
        third line
    "#]];
    goose_question: "goose", "question", "say: Hello from the test model." => expect![[r#"
        ready
        ---
        Hello from the test model.
    "#]];
    goose_rejected: "goose", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        asks "◆  Goose would like to call the above tool, do you allow?" ["Allow", "Always Allow", "Deny", "Cancel"]
        ready
        ---
          ▸ write
            path notes.txt
            content: one
        two

          Tool approval request
            {
              "tool_name": "write",
              "arguments": {
                "path": "notes.txt",
                "content": "one\ntwo"
              }
            }

        ◇  Goose would like to call the above tool, do you allow?
        │  Deny
        │
        Wrote notes.txt.
    "#]];
    goose_slow: "goose", "slow", "slow: 3000: Done waiting." => expect![[r#"
        ready
        ---
        Done waiting.
    "#]];
    goose_start: "goose", "start", "" => expect![[r#"
        ready
        ---

    "#]];
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
    aider_approval_command: "aider", "approval-command", "run: echo hi > out.txt" => expect![[r#"
        unclear
        ready
        busy
        asks "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:" ["Yes", "No", "Don't ask again"]
        ---

    "#]];
    aider_approval: "aider", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Create new file? (Y)es/(N)o [Yes]:" ["Yes", "No"]
        ---

    "#]];
    aider_approved: "aider", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Create new file? (Y)es/(N)o [Yes]:" ["Yes", "No"]
        ready
        ---
        notes.txt

        <<<<<<< SEARCH
        =======
        one
        two
        >>>>>>> REPLACE

        notes.txt
        Create new file? (Y)es/(N)o [Yes]: y
        Applied edit to notes.txt
        Commit cfa53a3 notes.txt
        ```
        <<<<<<< SEARCH
        =======
        one
        two

        ASSISTANT: notes.txt
        ```
        >>>>>>> REPLACE
        ```
        notes.txt
    "#]];
    aider_error: "aider", "error", "error: 400" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        litellm.BadRequestError: OpenAIException - The script asked for an error 400.
    "#]];
    aider_exit: "aider", "exit", "say: Bye." => expect![[r#"
        unclear
        ready
        busy
        ready
        busy
        ---
        Bye.
    "#]];
    aider_interrupt: "aider", "interrupt", "hang" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Waiting

        Waiting
    "#]];
    aider_long: "aider", "long", "long: 40" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Line 1 of 40 is a heading

        Line 2 has bold, slanted and code words.

         • Line 3 is a list item
         • Line 4 is another, with a | in it

        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat

        ▌ Line 8 is a quotation

         1 Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 40 is a heading

        Line 12 has bold, slanted and code words.

         • Line 13 is a list item
         • Line 14 is another, with a | in it

        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat

        ▌ Line 18 is a quotation

         1 Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 40 is a heading

        Line 22 has bold, slanted and code words.

         • Line 23 is a list item
         • Line 24 is another, with a | in it

        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat

        ▌ Line 28 is a quotation

         1 Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 40 is a heading

        Line 32 has bold, slanted and code words.

         • Line 33 is a list item
         • Line 34 is another, with a | in it

        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat

        ▌ Line 38 is a quotation

         1 Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    aider_multiline: "aider", "multiline", "say: first line\nsecond line > with | marks\nthird line" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        first line second line > with | marks third line
    "#]];
    aider_question: "aider", "question", "say: Hello from the test model." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Hello from the test model.
    "#]];
    aider_rejected: "aider", "rejected", "write: notes.txt: one\\ntwo" => expect![[r#"
        unclear
        ready
        busy
        asks "Create new file? (Y)es/(N)o [Yes]:" ["Yes", "No"]
        ready
        ---
        notes.txt

        <<<<<<< SEARCH
        =======
        one
        two
        >>>>>>> REPLACE

        notes.txt
        Create new file? (Y)es/(N)o [Yes]: n
        Skipping edits to notes.txt
    "#]];
    aider_slow: "aider", "slow", "slow: 3000: Done waiting." => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Done waiting.
    "#]];
    aider_start: "aider", "start", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
}
