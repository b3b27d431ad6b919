//! Figures and names as people read them.

use mlops_core::timestamp::Timestamp;

use crate::compare::Verdict;

/// Below this a p-value is only said to be small: how small depends on what no data has, exact tails.
const LEAST_P: f64 = 1e-12;

/// A share of rows: `0%`, `< 0.01%`, `0.25%`, `12.3%`.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if share > 0.0 && percent < 0.005 {
        "< 0.01%".to_owned()
    } else if share < 1.0 && percent > 99.95 {
        "> 99.9%".to_owned()
    } else {
        let decimals = if percent < 1.0 { 2 } else { 1 };
        format!("{}%", trimmed(format!("{percent:.decimals$}")))
    }
}

/// A share of a count: `of` may be 0.
pub(super) fn share(count: u64, of: u64) -> f64 {
    count as f64 / of.max(1) as f64
}

/// A p-value: `0.42`, `0.013`, `3.1e-7`, `< 1e-12`.
pub(super) fn p_value(p: f64) -> String {
    if p < LEAST_P {
        "< 1e-12".to_owned()
    } else if p < 1e-3 {
        format!("{p:.1e}")
    } else if p < 0.0995 {
        format!("{p:.*}", if p < 0.00995 { 4 } else { 3 })
    } else {
        format!("{p:.2}")
    }
}

/// Any number, to about four digits: `0.01234`, `12.35`, `54,322`, `1.235e9`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e7).contains(&size) {
        let scientific = format!("{value:.3e}");
        match scientific.split_once('e') {
            Some((digits, exponent)) => format!("{}e{exponent}", trimmed(digits.to_owned())),
            None => scientific,
        }
    } else if size >= 999.5 {
        let whole = grouped(&format!("{size:.0}"));
        if value < 0.0 { format!("-{whole}") } else { whole }
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        trimmed(format!("{value:.decimals$}"))
    }
}

/// A number of rows: `1,000,000`.
pub(super) fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// A number of things: `1 row`, `2,000 rows`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A name that may be anything: without control characters, and at most `longest` characters of its
/// beginning and end.
pub(super) fn shortened(name: &str, longest: usize) -> String {
    if name.is_empty() {
        return "(empty)".to_owned();
    }
    let clean = |character: char| {
        // Direction overrides and isolates could turn around what stands beside the name.
        let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns { '\u{fffd}' } else { character }
    };
    if name.char_indices().nth(longest).is_none() {
        return name.chars().map(clean).collect();
    }
    let tail = longest / 3;
    let head = longest - tail - 1;
    let mut end: Vec<char> = name.chars().rev().take(tail).map(clean).collect();
    end.reverse();
    name.chars().take(head).map(clean).chain(['…']).chain(end).collect()
}

/// A time to the minute: `2026-11-21 08:30 UTC`.
pub(super) fn minute(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.chars().take(5).collect::<String>()),
        None => text,
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How verdicts are ordered: what needs somebody first.
pub(super) fn urgency(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Drift => 0,
        Verdict::Error => 1,
        Verdict::Insufficient => 2,
        Verdict::NoDrift => 3,
    }
}

/// Without zeros at the end of its decimals.
fn trimmed(number: String) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number
    }
}

/// Digits with a comma before each three.
fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_nothing_or_to_all() {
        for (share, text) in [
            (0.0, "0%"),
            (1e-9, "< 0.01%"),
            (0.0025, "0.25%"),
            (0.01, "1%"),
            (0.123_45, "12.3%"),
            (0.5, "50%"),
            (0.9999, "> 99.9%"),
            (1.0, "100%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn p_values_have_two_digits() {
        for (p, text) in [
            (0.0, "< 1e-12"),
            (1e-300, "< 1e-12"),
            (3.14e-7, "3.1e-7"),
            (0.001_25, "0.0013"),
            (0.012_5, "0.013"),
            (0.0996, "0.10"),
            (0.42, "0.42"),
            (1.0, "1.00"),
        ] {
            assert_eq!(p_value(p), text);
        }
    }

    #[test]
    fn numbers_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.012_344, "0.01234"),
            (-12.345_6, "-12.35"),
            (999.96, "1,000"),
            (54_321.7, "54,322"),
            (-1_234_567.0, "-1,234,567"),
            (1.234_56e9, "1.235e9"),
            (-1e-9, "-1e-9"),
            (f64::MAX, "1.798e308"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(
            (counted(1, "row"), counted(1200, "row")),
            ("1 row".into(), "1,200 rows".into())
        );
    }

    #[test]
    fn names_keep_both_ends_and_lose_what_is_not_text() {
        assert_eq!(shortened("age", 3), "age");
        assert_eq!(shortened("", 3), "(empty)");
        assert_eq!(shortened("a\u{1b}[31m\n\u{202e}b", 20), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        let long = format!("first{}last", "x".repeat(10_000));
        let short = shortened(&long, 30);
        assert_eq!(short.chars().count(), 30);
        assert!(short.starts_with("firstx") && short.contains('…') && short.ends_with("xlast"));
        assert_eq!(shortened("äöüäöü", 4), "äö…ü");
    }

    #[test]
    fn lists_are_sentences() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&names), "a, b and c");
        assert_eq!(listed(&names[..2]), "a and b");
        assert_eq!(listed(&names[..1]), "a");
        assert_eq!(listed(&[]), "");
    }
}
