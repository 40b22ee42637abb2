//! What holds for any output, size and agent. `cargo xtask fuzz` checks more, for longer.

use berth_protocol::Size;
use proptest::prelude::*;

use super::*;
use crate::agents;

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        4 => "[ -~\r\n❯│●○─╭╰宽é\u{301}👩]{0,60}".prop_map(String::into_bytes),
        3 => "\x1b\\[[?>]?[0-9;:]{0,8}[@-~]".prop_map(String::into_bytes),
        1 => "\x1b\\][0-9]{1,4};[ -~]{0,20}(\x07|\x1b\\\\)?".prop_map(String::into_bytes),
        2 => prop::sample::select(vec![
            "\r\n❯ 1. Yes\r\n  2. No\r\n",
            "\r\n│  ● Allow (once)\r\n│  ○ Deny\r\n└\r\n",
            "\r\n Allow  Deny  ⇆ select\r\n",
            "\r\nCreate new file? (Y)es/(N)o [Yes]:",
            "\r\n❯ Yes\r\n  No\r\n Enter to confirm\r\n",
            "\r\n╭────────╮\r\n│ > hi   │\r\n╰────────╯\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_screen_can_be_read_by_the_rules_of_any_agent(
        pieces in pieces(),
        sizes in prop::collection::vec((0..60_u16, 0..140_u16), 1..5),
        sent in "[ -~é\u{301}宽\n]{0,12}",
    ) {
        let sizes: Vec<Size> = sizes.into_iter().map(|(rows, cols)| Size { rows, cols }).collect();
        let mut terminal = Terminal::new(sizes[0]);
        for (number, piece) in pieces.iter().enumerate() {
            terminal.feed(piece);
            if number % 7 == 6 {
                terminal.resize(sizes[number % sizes.len()]);
            }
        }
        for spec in agents::all() {
            let rules = &spec.screen;
            if let Activity::Asks(question) = read(rules, &terminal).activity {
                let places = 0..question.options.len();
                prop_assert!(places.into_iter().all(|place| !question.keys(place).is_empty()));
            }
            let reply = reply(rules, &terminal, &sent, true, 3);
            prop_assert!(!reply.contains(|c: char| c.is_control() && c != '\n'), "{reply:?}");
            messages(rules, &terminal);
            finished(rules, &terminal);
            explain(rules, &terminal, &sent);
        }
    }
}
