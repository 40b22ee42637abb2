//! Reads a moment as PostgreSQL writes it in JSON.

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The milliseconds since 1970-01-01T00:00:00Z of a moment as PostgreSQL writes it in JSON, such as
/// `2026-11-28T12:00:00.126+00:00`; nothing for what is no such moment.
///
/// The database knows years up to 294276 and those before Christ, and takes such a moment from a member's device too:
/// it must not keep an admin from reading the trail. What is finer than a millisecond is cut off.
///
/// ```
/// assert_eq!(berth_trail::milliseconds("1970-01-02T00:00:00.5+01:00"), Some(82_800_500));
/// assert_eq!(berth_trail::milliseconds("20000-01-01T00:00:00+00:00"), Some(568_971_820_800_000));
/// assert_eq!(berth_trail::milliseconds("infinity"), None);
/// ```
pub fn milliseconds(text: &str) -> Option<i64> {
    let (text, is_before_christ) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, time) = text.split_once('T')?;
    let mut parts = date.split('-');
    let year = number(parts.next()?, 1..=6)?;
    let month = number(parts.next()?, 2..=2)?;
    let day = number(parts.next()?, 2..=2)?;
    let is_date = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || year == 0 {
        return None;
    }
    // There is no year 0: the one before 1 is 1 before Christ.
    let year = if is_before_christ { 1 - year } else { year };

    let (time, offset) = match time.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => {
            let at = time.find(['+', '-'])?;
            let (time, offset) = time.split_at(at);
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            (time, sign * clock(&offset[1..])?)
        }
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let milliseconds = match fraction {
        "" => 0,
        digits => {
            number(digits, 1..=9)?;
            let three: String = digits.chars().chain("000".chars()).take(3).collect();
            number(&three, 3..=3)?
        }
    };
    Some(days(year, month, day) * DAY + clock(whole)? + milliseconds - offset)
}

/// `HH`, `HH:MM` or `HH:MM:SS` in milliseconds.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours = number(parts.next()?, 2..=2)?;
    let mut part = || parts.next().map_or(Some(0), |text| number(text, 2..=2));
    let (minutes, seconds) = (part()?, part()?);
    let is_clock = hours < 25 && minutes < 60 && seconds < 61 && parts.next().is_none();
    is_clock.then_some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Days from 1970-01-01 in the Gregorian calendar, which the database uses for all times.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the day that leap years have is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn moments_of_the_database_are_read_in_every_form_that_it_writes() {
        for (text, at) in [
            ("1970-01-01T00:00:00+00:00", Some(0)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2025-11-28T12:00:00.126+00:00", Some(1_764_331_200_126)),
            ("2025-11-28T17:30:00.126+05:30", Some(1_764_331_200_126)),
            ("2025-11-28T12:00:00.1269+00:00", Some(1_764_331_200_126)),
            ("2024-02-29T23:59:59+00:00", Some(1_709_251_199_000)),
            ("1969-12-31T23:59:59.999+00:00", Some(-1)),
            ("0001-12-31T00:00:00+00:00 BC", Some(-62_135_683_200_000)),
            ("0001-01-01T00:00:00+00:00", Some(-62_135_596_800_000)),
            ("294276-12-31T23:59:59+00:00", Some(9_224_318_015_999_000)),
            ("2025-11-28T12:53:28+00:53:28", Some(1_764_331_200_000)),
            ("-infinity", None),
            ("2025-11-28", None),
            ("2025-13-28T12:00:00+00:00", None),
            ("2025-11-28T12:00:00", None),
            ("2025-11-28T12:00:00.x+00:00", None),
            ("", None),
        ] {
            assert_eq!(milliseconds(text), at, "{text}");
        }
    }
}
