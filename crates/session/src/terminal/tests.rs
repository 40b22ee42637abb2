use super::*;

fn terminal(rows: u16, cols: u16, output: &str) -> Terminal {
    let mut terminal = Terminal::new(Size { rows, cols });
    terminal.feed(output.as_bytes());
    terminal
}

/// Draws the snapshot on a fresh terminal and compares everything a viewer can see.
fn check_repaint(rows: u16, cols: u16, output: &str) {
    let original = terminal(rows, cols, output);
    let mut copy = Terminal::new(Size { rows, cols });
    let replies = copy.feed(&original.snapshot());
    assert!(
        replies.is_empty(),
        "a snapshot must not ask the viewer anything"
    );
    assert_eq!(copy.all_lines(1000), original.all_lines(1000));
    assert_eq!(copy.cursor(), original.cursor());
    assert_eq!(copy.screen().title, original.screen().title);
    assert_eq!(copy.bracketed_paste(), original.bracketed_paste());
    assert_eq!(copy.alternate_screen(), original.alternate_screen());
    assert_eq!(
        copy.snapshot(),
        original.snapshot(),
        "colours and attributes survive"
    );
}

#[test]
fn a_snapshot_repaints_what_was_on_the_screen() {
    check_repaint(
        4,
        20,
        "plain\r\n\x1b[1;31mred\x1b[0m and \x1b[48;2;1;2;3mtrue colour\x1b[0m",
    );
    check_repaint(
        3,
        10,
        &(0..50).map(|n| format!("line {n}\r\n")).collect::<String>(),
    );
    check_repaint(3, 10, "a line that is much longer than the screen is wide");
    check_repaint(3, 10, "宽字符 and 👩‍👧 e\u{301}");
    check_repaint(5, 20, "\x1b[?1049h\x1b[2J\x1b[3;4Hvim\x1b[?2004h\x1b[?25l");
    check_repaint(
        5,
        20,
        "\x1b]2;a title\x07\x1b[4:3munder\x1b[0m \x1b]8;;http://x.y/\x07link\x1b]8;;\x07",
    );
}

#[test]
fn a_snapshot_keeps_rows_and_columns_where_they_are() {
    // A blank row that another was wrapped into.
    check_repaint(4, 9, "          \r\nbelow");
    // Rows in colour that scroll the screen by being wrapped.
    check_repaint(2, 4, "\x1b[40mabcdefghij\x1b[0m");
    // Halves of wide characters.
    check_repaint(2, 10, "宽字\x1b[1;1H\x1b[Px");
    check_repaint(2, 10, "ab\u{301}宽字\x1b[1;4H\x1b[1X\x1b[1;1H");
    // Half of one that did not fit into the row before.
    check_repaint(2, 3, "ab宽\x1b[2;2H\x1b[K");
    // An accent on a blank cell.
    check_repaint(2, 10, " \u{301}");
}

#[test]
fn a_full_scrollback_becomes_narrow_as_if_step_by_step() {
    let mut terminal = Terminal::new(Size { rows: 4, cols: 200 });
    terminal.feed("0123456789".repeat(200).as_bytes());
    terminal.resize(Size { rows: 4, cols: 10 });
    let lines = terminal.all_lines(1000);
    assert_eq!(lines.len(), 200);
    assert!(lines.iter().all(|line| line.text == "0123456789"));
}

#[test]
fn what_a_cell_keeps_is_bounded() {
    let mut terminal = terminal(4, 20, "e");
    terminal.feed("\u{301}".repeat(1000).as_bytes());
    assert_eq!(
        terminal.screen().text.chars().count(),
        1 + guard::MOST_MARKS
    );
    let address = "x".repeat(guard::LONGEST_LINK);
    terminal.feed(format!("\x1b]8;;http://{address}\x07link\x1b]8;;\x07").as_bytes());
    assert!(!String::from_utf8_lossy(&terminal.snapshot()).contains("http"));
}

#[test]
fn a_command_without_end_reaches_the_parser_in_part() {
    let mut terminal = terminal(4, 20, "\x1b]2;");
    let piece = [b'x'; 4096];
    let mut reached = 0;
    for _ in 0..1000 {
        reached += terminal.watch.without_rest_of_string(&piece).len();
        terminal.take(&piece);
    }
    assert!(reached < 200 * 1024, "{reached}");
    terminal.feed(b"\x07text");
    assert_eq!(terminal.screen().text, "text");
    assert_eq!(terminal.screen().title.len(), guard::LONGEST_TITLE);
}

#[test]
fn the_terminal_answers_queries_of_the_program() {
    let mut terminal = Terminal::new(Size { rows: 4, cols: 20 });
    assert_eq!(
        terminal.feed(b"\x1b[c"),
        b"\x1b[?6c",
        "primary device attributes"
    );
    assert_eq!(terminal.feed(b"ab\x1b[6n"), b"\x1b[1;3R", "cursor position");
    assert_eq!(terminal.feed(b"\x1b[5n"), b"\x1b[0n", "status");
    let background = String::from_utf8(terminal.feed(b"\x1b]11;?\x07")).unwrap();
    assert!(background.starts_with("\x1b]11;rgb:1212"), "{background:?}");
}

/// The flags that the terminal reports after this output, step by step; the same hold for keys.
#[track_caller]
fn check_flags(steps: &[(&str, u8)]) {
    let mut terminal = terminal(4, 20, "abc");
    for (output, flags) in steps {
        terminal.feed(output.as_bytes());
        let answer = String::from_utf8(terminal.feed(b"\x1b[?u")).unwrap();
        assert_eq!(answer, format!("\x1b[?{flags}u"), "after {output:?}");
        assert_eq!(terminal.key_form().bits(), *flags, "after {output:?}");
    }
    assert_eq!(terminal.screen().text, "abc", "it draws nothing");
    assert_eq!(terminal.cursor().col, 3, "it moves nothing");
}

#[test]
fn flags_of_the_kitty_keyboard_are_pushed_popped_and_reported() {
    check_flags(&[
        ("", 0),
        ("\x1b[>1u", 1),
        ("\x1b[>u", 0),
        ("\x1b[>13u", 13),
        ("\x1b[<u", 0),
        ("\x1b[<u", 1),
        ("\x1b[>5u\x1b[>8u\x1b[<2u", 1),
        ("\x1b[<99u", 0),
        ("\x1b[<u", 0),
    ]);
}

#[test]
fn flags_of_the_kitty_keyboard_are_set_with_or_without_any_pushed() {
    check_flags(&[
        ("\x1b[=5u", 5),
        ("\x1b[=8;2u", 13),
        ("\x1b[=4;3u", 9),
        ("\x1b[=1;1u", 1),
        ("\x1b[>8u\x1b[=16;2u", 24),
        ("\x1b[<u", 1),
        ("\x1b[=0u", 0),
    ]);
}

#[test]
fn what_cannot_be_told_of_keys_is_not_reported_as_switched_on() {
    check_flags(&[
        ("\x1b[>7u", 5),
        ("\x1b[=2;2u", 5),
        ("\x1b[=31u", 29),
        ("\x1b[=255u", 29),
    ]);
}

#[test]
fn each_screen_has_its_own_flags_and_a_reset_takes_both() {
    check_flags(&[
        ("\x1b[=5u", 5),
        ("\x1b[?1049h", 0),
        ("\x1b[>1u\x1b[>9u", 9),
        ("\x1b[?1049l", 5),
        ("\x1b[?1049h", 9),
        ("\x1b[<u", 1),
        ("\x1b[?1049l", 5),
    ]);
    let mut terminal = terminal(4, 20, "\x1b[>1u\x1b[?1049h\x1b[>5u\x1bc");
    assert_eq!(terminal.feed(b"\x1b[?u"), b"\x1b[?0u");
    assert_eq!(terminal.feed(b"\x1b[?1049h\x1b[?u"), b"\x1b[?0u");
}

#[test]
fn flags_without_end_are_forgotten_from_the_oldest_on() {
    let mut terminal = terminal(4, 20, "\x1b[>8u");
    for _ in 0..100_000 {
        terminal.feed(b"\x1b[>1u");
    }
    terminal.feed(b"\x1b[<15u");
    assert_eq!(terminal.key_form().bits(), 1);
    terminal.feed(b"\x1b[<u");
    assert_eq!(terminal.key_form().bits(), 0);
}

#[test]
fn the_answer_about_the_keyboard_comes_in_the_order_of_the_questions() {
    let mut terminal = Terminal::new(Size { rows: 4, cols: 20 });
    assert_eq!(
        terminal.feed(b"\x1b[5n\x1b[?u\x1b[c"),
        b"\x1b[0n\x1b[?0u\x1b[?6c",
        "a program takes device attributes that come first for a terminal that knows no flags"
    );
}

#[test]
fn a_repaint_leaves_the_viewer_s_keyboard_alone() {
    for output in ["\x1b[>5u\x1b[=1u", "\x1b[?1049h\x1b[>5u"] {
        let plain = output.split("\x1b[>").next().unwrap_or_default();
        let (shown, expected) = (terminal(4, 20, output), terminal(4, 20, plain));
        assert_eq!(shown.snapshot(), expected.snapshot());
    }
}

#[test]
fn an_unfinished_synchronized_update_is_shown_in_the_end() {
    let mut terminal = terminal(4, 20, "\x1b[?2026hhalf");
    assert_eq!(terminal.screen().text, "");
    assert!(terminal.synchronized_until().is_some());
    terminal.end_synchronized_update();
    assert_eq!(terminal.screen().text, "half");
    assert!(terminal.synchronized_until().is_none());
}

#[test]
fn a_resize_rewraps_and_invalid_bytes_do_no_harm() {
    let mut terminal = terminal(4, 20, "0123456789012345");
    terminal.resize(Size { rows: 4, cols: 10 });
    let lines = terminal.all_lines(10);
    assert_eq!(
        lines[0],
        Line {
            text: "0123456789".to_owned(),
            wrapped: true,
            looks: Vec::new(),
        }
    );
    assert_eq!(lines[1].text, "012345");
    terminal.feed(b"\xff\xfe\x1b[999999999999m\x1b]8;;\x80\x07ok");
    assert!(terminal.screen().text.contains("ok"));
    terminal.resize(Size { rows: 0, cols: 0 });
    assert_eq!(terminal.size(), Size { rows: 2, cols: 2 });
}

#[test]
fn a_character_that_comes_in_two_parts_takes_nothing_with_it() {
    let text = "é\né 宽\n👩x\n";
    for cut in 0..text.len() {
        let mut terminal = Terminal::new(Size { rows: 6, cols: 20 });
        terminal.feed(&text.as_bytes()[..cut]);
        terminal.feed(&text.as_bytes()[cut..]);
        assert_eq!(terminal.cursor().row, 3, "cut at {cut}");
    }
}

#[test]
fn scrollback_is_bounded() {
    let mut terminal = Terminal::new(Size { rows: 4, cols: 20 });
    for n in 0..SCROLLBACK_LINES + 500 {
        terminal.feed(format!("{n}\r\n").as_bytes());
    }
    assert_eq!(
        terminal.all_lines(usize::MAX >> 1).len(),
        SCROLLBACK_LINES + 4
    );
}

mod floods {
    use proptest::prelude::*;

    use super::*;

    const SCROLLBACK: usize = 40;

    /// Draws every byte at once.
    fn draw_all(terminal: &mut Terminal, bytes: &[u8]) {
        terminal.advance(bytes);
    }

    fn output() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            8 => "[a-z ]{0,30}",
            2 => "\\x1b\\[[0-9]{0,2}m[a-z]{0,5}",
            1 => "\\x1b\\[3[0-7];4[0-7]m[a-z]{0,5}\\x1b\\[K",
            1 => "[宽é\u{301}©👩]{0,12}",
            1 => "\\t[a-z]{0,3}\\t\\r[a-z]",
        ];
        let lines = (
            prop::collection::vec(line, 1..6),
            1..40_usize,
            prop::bool::ANY,
        )
            .prop_map(|(lines, times, returns)| {
                let end = if returns { "\r\n" } else { "\n" };
                (lines.join(end) + end).repeat(times).into_bytes()
            });
        let other = prop::sample::select(vec![
            &b"\x1b[2;5r"[..],
            b"\x1b[r",
            b"\x1b[1;6r",
            b"\x1b[?1049h",
            b"\x1b[?1049l",
            b"\x1b[2J\x1b[H",
            b"\x1b[3;4H",
            b"\x1bM",
            b"\x1b[5A",
            b"\x1b[2L",
            b"\x1bc",
            b"\x1b]0;title",
            b"\x07",
            b"\x1b\\",
            b"\x1b[",
            b"31",
            b"\xf0\x9f",
            b"\x1b[?2026h",
            b"\x1b[?2026l",
            b"\x1b[?7l",
            b"\x1bH",
            b"\x1b(0",
            b"\x0f",
            b"\x18",
        ])
        .prop_map(<[u8]>::to_vec);
        let pieces = prop_oneof![6 => lines, 3 => other];
        prop::collection::vec(pieces, 1..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_held_back_and_left_out_makes_no_difference(
            output in output(),
            pieces in 1..400_usize,
            reads in 1..60_usize,
        ) {
            let size = Size { rows: 6, cols: 16 };
            let mut lazy = Terminal::with_scrollback(size, SCROLLBACK);
            let mut eager = Terminal::with_scrollback(size, SCROLLBACK);
            for (number, piece) in output.chunks(pieces).enumerate() {
                lazy.take(piece);
                draw_all(&mut eager, piece);
                if number % reads == reads - 1 {
                    lazy.draw();
                    prop_assert_eq!(lazy.snapshot(), eager.snapshot());
                }
            }
            lazy.end_synchronized_update();
            eager.end_synchronized_update();
            prop_assert_eq!(lazy.snapshot(), eager.snapshot());
            lazy.feed("\x1b[?1049lx\ny".as_bytes());
            draw_all(&mut eager, "\x1b[?1049lx\ny".as_bytes());
            prop_assert_eq!(lazy.snapshot(), eager.snapshot());
        }
    }

    #[test]
    fn below_the_margins_lines_are_drawn_over_each_other() {
        let size = Size { rows: 6, cols: 16 };
        let mut lazy = Terminal::with_scrollback(size, SCROLLBACK);
        lazy.take(b"\x1b[1;3r\x1b[6;1H");
        lazy.take(b"x\r\na long line\r\n");
        lazy.take(&b"x\r\n".repeat(200));
        lazy.draw();
        assert!(lazy.screen().text.ends_with("x long line"));
    }

    #[test]
    fn a_flood_is_left_out_where_nobody_can_see_it() {
        let mut terminal = Terminal::new(Size { rows: 24, cols: 80 });
        let line = b"\x1b[32m   Compiling\x1b[0m something that is long enough to count\r\n";
        for _ in 0..20_000 {
            terminal.take(line);
        }
        let (from, to) =
            flood::unseen(&terminal.held, SCROLLBACK_LINES + 48).expect("most is unseen");
        assert!(to - from > 14_000 * line.len(), "{from} {to}");
        terminal.draw();
        assert_eq!(
            terminal.all_lines(usize::MAX >> 1).len(),
            SCROLLBACK_LINES + 24
        );
    }
}
