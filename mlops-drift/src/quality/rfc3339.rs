//! Times as people write them.

use mlops_core::timestamp::Timestamp;

const DAY: i64 = 86_400;
const SECOND: i64 = 1_000_000;

/// Reads a date, or a date and time of RFC 3339, such as `2026-11-21`, `2026-11-21T08:30:00Z` and
/// `2026-11-21 08:30:00.25+01:00`. A date is its midnight, UTC. Digits after the sixth of a second are cut off.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let bytes = date.as_bytes();
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let [year, month, day] = [number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY;
    if rest.is_empty() {
        return Some(Timestamp::from_micros(midnight * SECOND));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    // A character of several bytes may be anywhere.
    let (minutes, second) = time.split_at_checked(5)?;
    let second = number(second.strip_prefix(':')?)?;
    if second > 59 {
        return None;
    }
    let seconds = clock(minutes)? * 60 + second;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    if rest.starts_with('.') && fraction.is_empty() {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = digits.fold(0, |sum, digit| 10 * sum + i64::from(digit - b'0'));
    let east = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", offset) => clock(offset)? * 60,
        ("-", offset) => -clock(offset)? * 60,
        _ => return None,
    };
    Some(Timestamp::from_micros((midnight + seconds - east) * SECOND + micros))
}

/// Minutes since midnight of `hh:mm`.
fn clock(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn number(digits: &str) -> Option<i64> {
    let all = digits.bytes().all(|digit| digit.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

/// Days since the epoch of a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil`): a year is made to start in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read() {
        // Python: int(datetime.fromisoformat(text).timestamp() * 1e6)
        for (text, micros) in [
            ("1970-01-01", 0),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29", 951_782_400_000_000),
            ("2024-02-29T23:59:59.123456Z", 1_709_251_199_123_456),
            ("2024-02-29 23:59:59.1234567z", 1_709_251_199_123_456),
            ("2026-11-21T08:30:00.5+01:00", 1_795_246_200_500_000),
            ("1969-12-31T19:00:00-05:30", 1_800_000_000),
        ] {
            assert_eq!(parse(text), Some(Timestamp::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-01-32",
            "2026-1-01T0",
            "2026-01-01T",
            "2026-01-01T00:00",
            "2026-01-01T00:00:00",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00Zz",
            "2026-01-01T00:00:0äZ",
            "2026-01-01T00:0ä:00Z",
            "2026-01-01Tä0:00:00Z",
            "2026-01-01T00:00ä00Z",
            "２０２６",
            "+026-01-01",
            "2026-01-01T00:00:0Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(parse(&time.to_string()), Some(time));
        }

        #[test]
        fn nothing_panics(
            text in "[0-9TZ:.+ ä-]{0,32}",
            start in prop::sample::select(vec!["", "2026-01-01", "2026-01-01T", "2026-01-01T00:"]),
        ) {
            parse(&format!("{start}{text}"));
        }
    }
}
