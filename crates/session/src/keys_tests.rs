//! Every key in every form that a program can ask for.

use super::*;

const DISAMBIGUATE: u8 = 1;
const ALTERNATE: u8 = 4;
const ALL: u8 = 8;
const TEXT: u8 = 16;

#[track_caller]
fn check(flags: u8, typed: &str, expected: &str) {
    let form = KeyboardModes::from_bits_truncate(flags);
    let written = press(typed.as_bytes(), form);
    let written = String::from_utf8_lossy(&written);
    assert_eq!(written, expected, "{typed:?} with flags {flags}");
}

#[test]
fn a_program_that_asked_for_nothing_gets_what_was_typed() {
    let typed = "a\r\t\x1b\x03\x7f\x1bx\x1b\r\x1bOA\x1b[Z\x1b[1;5C\0ü\x1b[200~\x03\x1b[201~\x1b";
    for flags in [0, ALTERNATE, TEXT, ALTERNATE | TEXT] {
        check(flags, typed, typed);
    }
}

#[test]
fn keys_are_told_apart_and_text_stays_text() {
    for (typed, expected) in [
        // What has no other meaning stays what it is.
        ("a", "a"),
        ("A!ü宽👩", "A!ü宽👩"),
        ("\r", "\r"),
        ("\t", "\t"),
        ("\x7f", "\x7f"),
        // Escape, and Ctrl with each of its characters.
        ("\x1b", "\x1b[27u"),
        ("\x1b\x1b", "\x1b[27u\x1b[27u"),
        ("\x03", "\x1b[99;5u"),
        ("\x01", "\x1b[97;5u"),
        ("\x1a", "\x1b[122;5u"),
        ("\x08", "\x1b[104;5u"),
        ("\n", "\x1b[106;5u"),
        ("\0", "\x1b[32;5u"),
        ("\x1c", "\x1b[92;5u"),
        ("\x1d", "\x1b[93;5u"),
        ("\x1e", "\x1b[94;5u"),
        ("\x1f", "\x1b[95;5u"),
        // Alt, with Shift, with Ctrl, and with keys that print nothing.
        ("\x1bx", "\x1b[120;3u"),
        ("\x1bX", "\x1b[120;4u"),
        ("\x1b1", "\x1b[49;3u"),
        ("\x1b\x03", "\x1b[99;7u"),
        ("\x1b\r", "\x1b[13;3u"),
        ("\x1b\t", "\x1b[9;3u"),
        ("\x1b\x7f", "\x1b[127;3u"),
        ("\x1bü", "\x1b[252;3u"),
        ("\x1bO", "\x1b[111;4u"),
        ("\x1bOz", "\x1b[111;4uz"),
        ("\x1b[\x03", "\x1b[91;3u\x1b[99;5u"),
        // Shift-Tab.
        ("\x1b[Z", "\x1b[9;2u"),
        // Arrows and others, in either of their old forms.
        ("\x1b[A\x1b[D", "\x1b[A\x1b[D"),
        ("\x1bOA\x1bOB\x1bOC\x1bOD", "\x1b[A\x1b[B\x1b[C\x1b[D"),
        ("\x1bOH\x1bOF", "\x1b[H\x1b[F"),
        ("\x1bOP\x1bOQ\x1bOR\x1bOS", "\x1b[P\x1b[Q\x1b[13~\x1b[S"),
        ("\x1b[3~\x1b[5~\x1b[15~", "\x1b[3~\x1b[5~\x1b[15~"),
        ("\x1b[1;5A\x1b[3;2~", "\x1b[1;5A\x1b[3;2~"),
        // Several keys at once.
        ("hi\r", "hi\r"),
        ("\x1b[B\r", "\x1b[B\r"),
        ("a\x1b[B\x03b", "a\x1b[B\x1b[99;5ub"),
    ] {
        check(DISAMBIGUATE, typed, expected);
    }
}

#[test]
fn what_is_exact_already_is_passed_on() {
    for sequence in [
        "\x1b[27u",
        "\x1b[99;5u",
        "\x1b[13;2u",
        "\x1b[<0;5;5M",
        "\x1b[<0;5;5m",
        "\x1b[M \x7f\x1f",
        "\x1b[I\x1b[O",
        "\x1bOM\x1bOp",
    ] {
        for flags in [DISAMBIGUATE, DISAMBIGUATE | ALTERNATE, 31] {
            check(flags, sequence, sequence);
        }
    }
}

#[test]
fn the_character_with_shift_is_told_to_those_who_want_it() {
    let flags = DISAMBIGUATE | ALTERNATE;
    for (typed, expected) in [
        ("A", "A"),
        ("\x1bX", "\x1b[120:88;4u"),
        ("\x1bx", "\x1b[120;3u"),
        ("\x1bÜ", "\x1b[252:220;4u"),
        ("\x1b[Z", "\x1b[9;2u"),
        ("\x03", "\x1b[99;5u"),
        ("\x1b", "\x1b[27u"),
    ] {
        check(flags, typed, expected);
    }
    check(ALL | ALTERNATE, "aA", "\x1b[97u\x1b[97:65;2u");
}

#[test]
fn every_key_becomes_a_sequence_when_all_are_asked_for() {
    for flags in [ALL, ALL | DISAMBIGUATE] {
        for (typed, expected) in [
            ("a", "\x1b[97u"),
            ("A", "\x1b[97;2u"),
            ("!", "\x1b[33u"),
            ("宽", "\x1b[23485u"),
            // It has no single small letter.
            ("İ", "\x1b[304u"),
            ("\r", "\x1b[13u"),
            ("\t", "\x1b[9u"),
            ("\x7f", "\x1b[127u"),
            ("\x1b", "\x1b[27u"),
            ("\x03", "\x1b[99;5u"),
            ("\x1bx", "\x1b[120;3u"),
            ("\x1b[Z", "\x1b[9;2u"),
            ("\x1bOA", "\x1b[A"),
            ("ok\r", "\x1b[111u\x1b[107u\x1b[13u"),
        ] {
            check(flags, typed, expected);
        }
    }
}

#[test]
fn the_text_of_a_key_stands_in_its_sequence() {
    for (typed, expected) in [
        ("a", "\x1b[97;;97u"),
        ("A", "\x1b[97;2;65u"),
        ("👩", "\x1b[128105;;128105u"),
        ("\r", "\x1b[13u"),
        ("\x03", "\x1b[99;5u"),
        ("\x1bx", "\x1b[120;3u"),
    ] {
        check(ALL | TEXT, typed, expected);
    }
    check(ALL | ALTERNATE | TEXT, "A", "\x1b[97:65;2;65u");
    check(DISAMBIGUATE | TEXT, "A\x1b", "A\x1b[27u");
}

#[test]
fn pasted_text_is_passed_on_wherever_it_is_cut() {
    let typed = "\x03\x1b[200~a\r\x03\t\x1b[201\x1b[20\x1b[201~\x03b";
    let expected = "\x1b[99;5u\x1b[200~a\r\x03\t\x1b[201\x1b[20\x1b[201~\x1b[99;5ub";
    for cut in 0..=typed.len() {
        // An escape character that comes alone is a key: nobody can know that more would follow.
        if cut > 0 && typed.as_bytes()[cut - 1] == ESCAPE && cut < 3 {
            continue;
        }
        let mut typing = Typing::default();
        let form = KeyboardModes::DISAMBIGUATE_ESC_CODES;
        let mut written = typing.write(&typed.as_bytes()[..cut], form);
        written.extend(typing.write(&typed.as_bytes()[cut..], form));
        let written = String::from_utf8_lossy(&written);
        assert_eq!(written, expected, "cut at {cut}");
    }
}

#[test]
fn a_sequence_that_is_cut_or_broken_swallows_no_key() {
    let form = KeyboardModes::DISAMBIGUATE_ESC_CODES;
    for (pieces, expected) in [
        (&["\x1b[", "1;5", "A\x03"][..], "\x1b[1;5A\x1b[99;5u"),
        (&["\x1b[1;", "\x03"], "\x1b[1;\x1b[99;5u"),
        (&["\x1b[1;", "2\x03"], "\x1b[1;2\x1b[99;5u"),
        (
            &["\x1b[M", " \x03", "\x03\x03"],
            "\x1b[M \x03\x03\x1b[99;5u",
        ),
        (
            &["\x1b[", "M", "\x03\x03\x03\x03"],
            "\x1b[M\x03\x03\x03\x1b[99;5u",
        ),
    ] {
        let mut typing = Typing::default();
        let written: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| typing.write(piece.as_bytes(), form))
            .collect();
        assert_eq!(String::from_utf8_lossy(&written), expected, "{pieces:?}");
    }
}

#[test]
fn a_paste_that_was_broken_off_keeps_no_keys_from_their_form() {
    let form = KeyboardModes::from_bits_truncate(DISAMBIGUATE);
    let mut typing = Typing::default();
    let start = Instant::now();
    typing.write_at(start, b"\x1b[200~half a", form);
    let soon = start + BROKEN_OFF;
    assert_eq!(typing.write_at(soon, b"\x1b", form), b"\x1b", "it goes on");
    let late = soon + BROKEN_OFF + Duration::from_millis(1);
    assert_eq!(typing.write_at(late, b"\x1b", form), b"\x1b[27u");
}

#[test]
fn bytes_that_are_no_text_are_passed_on() {
    for flags in [DISAMBIGUATE, 31] {
        let form = KeyboardModes::from_bits_truncate(flags);
        assert_eq!(press(b"\xff\xc3", form), b"\xff\xc3");
        assert_eq!(press(b"\x1b\xff", form), b"\x1b[27u\xff");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn nothing_typed_ends_it_and_without_flags_nothing_is_changed(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![
                Just(ESCAPE), Just(b'['), Just(b'M'), Just(b'~'), b'0'..=b'9', any::<u8>(),
            ], 0..12), 0..6),
            flags in 0_u8..32,
        ) {
            let (mut plain, mut exact) = (Typing::default(), Typing::default());
            for piece in &pieces {
                prop_assert_eq!(&plain.write(piece, KeyboardModes::NO_MODE), piece);
                exact.write(piece, KeyboardModes::from_bits_truncate(flags));
            }
            // Both follow the same input, whatever they make of it.
            prop_assert_eq!(plain.place, exact.place);
        }
    }
}
