//! Times as people say them. Exact local times are the browser's business.

/// Milliseconds.
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago a moment is, in as few characters as a list row has for it. Both in milliseconds
/// since 1970; a moment in the future counts as now, because clocks differ.
pub fn age(now: i64, then: i64) -> String {
    let past = (now - then).max(0);
    match past {
        _ if past < MINUTE => "now".to_owned(),
        _ if past < HOUR => format!("{}m", past / MINUTE),
        _ if past < DAY => format!("{}h", past / HOUR),
        _ if past < 7 * DAY => format!("{}d", past / DAY),
        _ if past < 365 * DAY => format!("{}w", past / (7 * DAY)),
        _ => format!("{}y", past / (365 * DAY)),
    }
}

/// How long ago a moment is, as part of a sentence.
pub fn ago(now: i64, then: i64) -> String {
    let past = (now - then).max(0);
    if past < MINUTE {
        return "just now".to_owned();
    }
    format!("{} ago", span(past))
}

/// How long a time is, as part of a sentence: one of at least a minute, in milliseconds.
pub fn span(time: i64) -> String {
    let (count, unit) = match time {
        _ if time < HOUR => (time / MINUTE, "minute"),
        _ if time < DAY => (time / HOUR, "hour"),
        _ if time < 30 * DAY => (time / DAY, "day"),
        _ if time < 365 * DAY => (time / (30 * DAY), "month"),
        _ => (time / (365 * DAY), "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short_and_sentences_are_whole() {
        let check = |past, short, long| {
            assert_eq!(
                (age(past, 0).as_str(), ago(past, 0).as_str()),
                (short, long)
            );
        };
        check(-5 * HOUR, "now", "just now");
        check(59 * SECOND, "now", "just now");
        check(MINUTE, "1m", "1 minute ago");
        check(59 * MINUTE, "59m", "59 minutes ago");
        check(23 * HOUR, "23h", "23 hours ago");
        check(6 * DAY, "6d", "6 days ago");
        check(40 * DAY, "5w", "1 month ago");
        check(800 * DAY, "2y", "2 years ago");
    }
}
