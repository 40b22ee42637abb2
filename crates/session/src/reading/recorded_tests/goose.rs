//! Recordings of goose.

use expect_test::expect;

use super::check;

recorded! {
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
        asks "◆  Share anonymous usage data to help improve goose?" ["Yes", "No"]
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
}
