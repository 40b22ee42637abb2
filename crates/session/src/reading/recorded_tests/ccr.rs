//! Recordings of Claude Code behind CCRouter.

use expect_test::expect;

use super::check;

recorded! {
    ccr_approval: "ccr", "approval", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        busy
        asks "Do you want to create notes.txt?" ["Yes", "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)", "No"]
        ---
        ```
        Write(notes.txt)
        ```
    "#]];
    ccr_approved: "ccr", "approved", "write: notes.txt: one\\ntwo" => expect![[r#"
        ready
        busy
        asks "Do you want to create notes.txt?" ["Yes", "Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)", "No"]
        ready
        ---
        ```
        Write(notes.txt)
        ⎿  Wrote 2 lines to notes.txt
            1 one
            2 two
        ```

        Wrote notes.txt.
    "#]];
    ccr_error: "ccr", "error", "error: 400" => expect![[r#"
        unclear
        ready
        ---
        API Error: 400 Error from provider(main,model-1: 400):
        {"type":"error","error":{"type":"invalid_request_error","message":"The script asked for an error 400."}}Error:
        Error from provider(main,model-1: 400):
        {"type":"error","error":{"type":"invalid_request_error","message":"The script asked for an error 400."}}
            at nt (/srv/dev/tester/.cache/berth/router/node_modules/ccr-v1/dist/cli.js:79940:11)
            at p0 (/srv/dev/tester/.cache/berth/router/node_modules/ccr-v1/dist/cli.js:80000:114)
            at process.processTicksAndRejections (node:internal/process/task_queues:103:5)
            at async f0 (/srv/dev/tester/.cache/berth/router/node_modules/ccr-v1/dist/cli.js:79965:96)
    "#]];
    ccr_exit: "ccr", "exit", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
    ccr_long: "ccr", "long", "long: 60" => expect![[r#"
        unclear
        ready
        busy
        ready
        ---
        Line 1 of 60 is a heading

        Line 2 has bold, slanted and code words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        > line 5 in a code block

        | line 6 | still code |
        $ echo "line 7" > out.txt | cat

        ▎ Line 8 is a quotation

        1. Line 9 is numbered

        Line 10 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 11 of 60 is a heading

        Line 12 has bold, slanted and code words.

        - Line 13 is a list item
        - Line 14 is another, with a | in it

        > line 15 in a code block

        | line 16 | still code |
        $ echo "line 17" > out.txt | cat

        ▎ Line 18 is a quotation

        1. Line 19 is numbered

        Line 20 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 21 of 60 is a heading

        Line 22 has bold, slanted and code words.

        - Line 23 is a list item
        - Line 24 is another, with a | in it

        > line 25 in a code block

        | line 26 | still code |
        $ echo "line 27" > out.txt | cat

        ▎ Line 28 is a quotation

        1. Line 29 is numbered

        Line 30 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 31 of 60 is a heading

        Line 32 has bold, slanted and code words.

        - Line 33 is a list item
        - Line 34 is another, with a | in it

        > line 35 in a code block

        | line 36 | still code |
        $ echo "line 37" > out.txt | cat

        ▎ Line 38 is a quotation

        1. Line 39 is numbered

        Line 40 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 41 of 60 is a heading

        Line 42 has bold, slanted and code words.

        - Line 43 is a list item
        - Line 44 is another, with a | in it

        > line 45 in a code block

        | line 46 | still code |
        $ echo "line 47" > out.txt | cat

        ▎ Line 48 is a quotation

        1. Line 49 is numbered

        Line 50 ends a block of ten; › ❯ ● ╭─╮ are only letters here.

        Line 51 of 60 is a heading

        Line 52 has bold, slanted and code words.

        - Line 53 is a list item
        - Line 54 is another, with a | in it

        > line 55 in a code block

        | line 56 | still code |
        $ echo "line 57" > out.txt | cat

        ▎ Line 58 is a quotation

        1. Line 59 is numbered

        Line 60 ends a block of ten; › ❯ ● ╭─╮ are only letters here.
    "#]];
    ccr_question: "ccr", "question", "say: Hello from the test model." => expect![[r#"
        ready
        ---
        Hello from the test model.
    "#]];
    ccr_start: "ccr", "start", "" => expect![[r#"
        unclear
        ready
        ---

    "#]];
}
