use super::*;

fn check(message: &str, expected: Order) {
    assert_eq!(Order::read(message), expected, "for {message:?}");
}

#[test]
fn every_word_of_the_table_is_read() {
    check("say: hello", Order::Say("hello".into()));
    check(
        "write: src/a.rs: fn main() {}\\n",
        Order::Write {
            path: "src/a.rs".into(),
            content: "fn main() {}\n".into(),
        },
    );
    check("run: ls | wc -l", Order::Run("ls | wc -l".into()));
    check("long: 60", Order::Long(60));
    check(
        "slow: 250: at last",
        Order::Slow(Duration::from_millis(250), "at last".into()),
    );
    check("hang", Order::Hang);
    check("error: 429", Order::Error(429));
    check(
        "what is this?",
        Order::Say("You said: what is this?".into()),
    );
}

#[test]
fn the_first_word_counts_wherever_it_stands() {
    check(
        "From Ada: run: echo say: no",
        Order::Run("echo say: no".into()),
    );
    check("please hang, then say: no", Order::Hang);
}

#[test]
fn a_word_within_another_does_not_count() {
    check(
        "I essay: nothing",
        Order::Say("You said: I essay: nothing".into()),
    );
    check(
        "change or hangar",
        Order::Say("You said: change or hangar".into()),
    );
}

#[test]
fn an_order_with_a_wrong_argument_is_not_one() {
    check("long: many", Order::Say("You said: long: many".into()));
    check("error: 200", Order::Say("You said: error: 200".into()));
    check(
        "write: nowhere",
        Order::Say("You said: write: nowhere".into()),
    );
}

#[test]
fn arguments_are_bounded() {
    check("long: 99999999", Order::Long(MAX_LINES));
    check("slow: 99999999: x", Order::Slow(MAX_WAIT, "x".into()));
}

#[test]
fn a_said_text_may_have_several_lines() {
    check(
        "say: one\n\ntwo\\nthree",
        Order::Say("one\n\ntwo\nthree".into()),
    );
}

#[test]
fn a_long_text_numbers_every_line() {
    let text = long_text(60).to_lowercase();
    for line in 1..=60 {
        let mentions = text.lines().filter(|text| {
            text.match_indices(&format!("line {line}"))
                .any(|(at, found)| {
                    !text[at + found.len()..].starts_with(|c: char| c.is_ascii_digit())
                })
        });
        assert_eq!(mentions.count(), 1, "line {line}");
    }
    expect_test::expect![[r#"
        ## Line 1 of 6 is a heading

        Line 2 has **bold**, *slanted* and `code` words.

        - Line 3 is a list item
        - Line 4 is another, with a | in it

        ```sh
        > line 5 in a code block

        | line 6 | still code |
        ```
    "#]]
    .assert_eq(&long_text(6));
}
