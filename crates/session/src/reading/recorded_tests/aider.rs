//! Recordings of aider.

use expect_test::expect;

use super::check;

recorded! {
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
