//! An event of an organization's trail in words.

use berth_protocol::Timestamp;

use crate::logic::time::span;
use crate::strings::{fill, org_trail};

/// What stands for the backend itself among people.
pub const SYSTEM: &str = "system";

/// How far the two times of an event may be apart without a word about it, in milliseconds. Events are sent as they
/// happen, and clocks are set by the network.
const CLOSE: i64 = 60_000;

/// Who has done it: their name while it is known, else what stands for them.
pub fn who(actor: &str, name: Option<&str>) -> String {
    match (name, actor) {
        (Some(name), _) => name.to_owned(),
        (None, SYSTEM) => org_trail().system.to_owned(),
        (None, pseudonym) => fill(org_trail().unknown, &[&start(pseudonym, 10)]),
    }
}

/// That an event has arrived long after it happened, or before it did; nothing when both times are close. They are by
/// the clock of whoever has reported it, and by that of the backend.
pub fn apart(occurred_at: Timestamp, at: Timestamp) -> Option<String> {
    let late = at.as_millisecond() - occurred_at.as_millisecond();
    let text = match late {
        ..0 => org_trail().early,
        _ => org_trail().late,
    };
    (late.abs() > CLOSE).then(|| fill(text, &[&span(late.abs())]))
}

/// The first characters of a text.
pub fn start(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// An identifier is known by its end.
pub fn end(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(8);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_name_is_not_known_is_told_by_their_pseudonym() {
        assert_eq!(who("p_1", Some("Ada")), "Ada");
        assert_eq!(who(SYSTEM, None), "The backend itself");
        assert_eq!(who("p_0123456789", None), "Not known any more (p_01234567)");
    }

    #[test]
    fn two_times_of_an_event_are_worth_a_word_when_they_are_more_than_a_minute_apart() {
        let check = |occurred_at: i64, at: i64, told: Option<&str>| {
            let moment = |at| Timestamp::from_millisecond(at).unwrap();
            let said = apart(moment(occurred_at), moment(at));
            match told {
                None => assert_eq!(said, None),
                Some(told) => assert!(
                    said.as_ref().is_some_and(|it| it.contains(told)),
                    "{said:?}"
                ),
            }
        };
        check(0, 60_000, None);
        check(0, 60_001, Some("arrived 1 minute after"));
        check(60_000, 0, None);
        check(2 * 60 * 60_000, 0, Some("arrived 2 hours before"));
    }
}
