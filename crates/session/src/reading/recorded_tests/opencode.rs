//! Recordings of opencode.

use expect_test::expect;

use super::check;

recorded! {
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
}
