//! Suites in files: what a person writes is read, and what makes no sense is refused with its place.

use mlops_core::{Error, alert::Severity};
use mlops_drift::quality::{Check, Range, Suite};
use proptest::prelude::*;

/// A suite with every check, as it is written.
const ALL: &str = include_str!("suite.json");

fn suite(expectation: &str) -> String {
    format!(
        r#"{{"format_version":1,"name":"s","expectations":[{{"expect":"row_count","min":1}},{expectation}]}}"#
    )
}

#[test]
fn the_format_does_not_change() {
    // Written by the first release.
    let read = Suite::from_json(ALL);
    if cfg!(feature = "regex") {
        let read = read.unwrap();
        assert_eq!(read.to_json().unwrap(), ALL.trim_end());
        assert_eq!(read.expectations().len(), 26);
    } else {
        let error = read.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("regex"), "{error}");
    }
}

#[cfg(all(feature = "toml", feature = "regex"))]
#[test]
fn toml_says_the_same() {
    let all = Suite::from_json(ALL).unwrap();
    let toml = all.to_toml().unwrap();
    assert_eq!(Suite::from_toml(&toml).unwrap(), all);
    assert_eq!(toml, include_str!("suite.toml"));
}

#[test]
fn defaults_are_left_out() {
    let read = Suite::from_json(&suite(r#"{"expect":"not_null","column":"x"}"#)).unwrap();
    let expectation = &read.expectations()[1];
    assert_eq!(expectation.check, Check::not_null("x"));
    assert_eq!((expectation.mostly, expectation.severity), (1.0, Severity::Critical));
    let json = serde_json::to_string(expectation).unwrap();
    assert_eq!(json, r#"{"expect":"not_null","column":"x"}"#);
}

#[test]
fn whole_bounds_are_exact_and_times_are_dates() {
    let read = |ends: &str| {
        let json = suite(&format!(r#"{{"expect":"between","column":"x",{ends}}}"#));
        Suite::from_json(&json).map(|suite| suite.expectations()[1].check.clone())
    };
    let big = read(r#""min":9007199254740993,"below":9223372036854775807"#).unwrap();
    assert_eq!(big, Check::between("x", Range::at_least((1_i64 << 53) + 1).and_below(i64::MAX)));
    let days = read(r#""above":"2026-01-01","max":"2026-01-02T00:00:00+01:00""#).unwrap();
    assert_eq!(
        days.to_string(),
        "`x` is in (2026-01-01T00:00:00.000000Z, 2026-01-01T23:00:00.000000Z]"
    );
    let error = read(r#""min":9223372036854775808"#).unwrap_err().to_string();
    assert!(error.contains("9223372036854775808 is beyond") && error.contains("line 1"), "{error}");
    assert!(read(r#""min":"soon""#).unwrap_err().to_string().contains("a date or time"));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (expectation, place, reason) in [
        (
            r#"{"expect":"between","column":"age","min":5,"max":3}"#,
            "(`between` of `age`)",
            "nothing is in [5, 3]",
        ),
        (
            r#"{"expect":"between","column":"age","above":3,"below":3}"#,
            "`age`",
            "nothing is in (3, 3)",
        ),
        (
            r#"{"expect":"between","column":"age","min":3,"above":3}"#,
            "`age`",
            "`min` and `above` exclude",
        ),
        (r#"{"expect":"between","column":"age"}"#, "`age`", "neither a lower nor an upper end"),
        (r#"{"expect":"between","min":1}"#, "(`between`)", "it needs `column`"),
        (
            r#"{"expect":"between","column":"age","min":1,"pattern":"x"}"#,
            "`age`",
            "no use for `pattern`",
        ),
        (
            r#"{"expect":"between","column":"age","min":0,"max":"2026-01-01"}"#,
            "`age`",
            "from a number to a time",
        ),
        (
            r#"{"expect":"beween","column":"age"}"#,
            "(`beween` of `age`)",
            "`beween` is nothing to expect",
        ),
        (r#"{"column":"age"}"#, "(`` of `age`)", "it needs `expect`"),
        (r#"{"expect":"not_null","column":""}"#, "", "no name"),
        (r#"{"expect":"not_null","column":"age","mostly":0}"#, "`age`", "`mostly` is 0"),
        (r#"{"expect":"not_null","column":"age","mostly":1.5}"#, "`age`", "`mostly` is 1.5"),
        (
            r#"{"expect":"mean","column":"age","min":0,"mostly":0.5}"#,
            "`age`",
            "`mostly` is for checks of rows",
        ),
        (r#"{"expect":"mean","column":"age","min":"2026-01-01"}"#, "`age`", "is of times"),
        (
            r#"{"expect":"standard_deviation","column":"age","max":-1}"#,
            "`age`",
            "no standard deviation",
        ),
        (
            r#"{"expect":"quantile","column":"age","probability":1,"min":0}"#,
            "`age`",
            "`probability` is 1",
        ),
        (r#"{"expect":"length","column":"age","max":-1}"#, "`age`", "no count is in"),
        (r#"{"expect":"length","column":"age","above":1,"below":2}"#, "`age`", "no count is in"),
        (r#"{"expect":"in_set","column":"age","values":[]}"#, "`age`", "`values` is empty"),
        (r#"{"expect":"in_set","column":"age","values":[1,"a"]}"#, "`age`", "1 and \"a\""),
        (r#"{"expect":"unique"}"#, "", "`column` or `columns`"),
        (r#"{"expect":"unique","columns":[]}"#, "", "no columns"),
        (r#"{"expect":"unique","columns":["a","a"]}"#, "", "`a` is named twice"),
        (r#"{"expect":"compare","left":"a","is":"<","right":"a"}"#, "", "`a` is named twice"),
        (
            r#"{"expect":"sum","columns":["a"],"equals":"b","tolerance":-1}"#,
            "",
            "`tolerance` is -1",
        ),
        (r#"{"expect":"sum","columns":[],"equals":"b"}"#, "", "no columns to add up"),
        (
            r#"{"expect":"ordered","column":"a","order":"same"}"#,
            "`a`",
            "`order` is not one of values",
        ),
        (
            r#"{"expect":"columns","columns":["a"],"order":"increasing"}"#,
            "",
            "`order` is not one of columns",
        ),
        (r#"{"expect":"columns","columns":[]}"#, "", "names no columns"),
        (
            r#"{"expect":"distribution","column":"a","alpha":0,"min_effect":0.1}"#,
            "`a`",
            "`alpha` is 0",
        ),
        (
            r#"{"expect":"distribution","column":"a","alpha":0.1,"min_effect":2}"#,
            "`a`",
            "`min_effect` is 2",
        ),
    ] {
        let error = Suite::from_json(&suite(expectation)).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "suite", .. }), "{error}");
        let error = error.to_string();
        let named = error.starts_with("invalid suite: expectation 2 (") && error.contains(place);
        assert!(named && error.contains(reason), "{error}");
    }
}

#[test]
fn what_is_not_a_suite_is_refused_with_its_line() {
    for (json, reason) in [
        ("", "EOF"),
        ("{}", "missing field `format_version`"),
        (r#"{"format_version":1,"expectation":[]}"#, "unknown field `expectation`"),
        (&suite(r#"{"expect":"not_null","column":"x","mosty":0.5}"#), "unknown field `mosty`"),
        (&suite(r#"{"expect":"not_null","column":"x","severity":"bad"}"#), "unknown variant `bad`"),
        (
            &suite(r#"{"expect":"compare","left":"a","is":"=<","right":"b"}"#),
            "unknown variant `=<`",
        ),
        (&suite(r#"{"expect":"fresh","column":"a","max_age_seconds":-1}"#), "max_age_seconds"),
    ] {
        let error = Suite::from_json(json).unwrap_err().to_string();
        if reason != "max_age_seconds" {
            assert!(error.contains(reason), "{error}");
        }
        assert!(error.contains("at line 1 column"), "{error}");
    }
    for version in [0, 2, 999] {
        let json = format!(r#"{{"format_version":{version},"news":[]}}"#);
        let error = Suite::from_json(&json).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(&format!("format version {version}")), "{error}");
    }
}

#[cfg(feature = "toml")]
#[test]
fn toml_names_the_line() {
    let toml = "format_version = 1\n\n[[expectations]]\nexpect = \"finite\"\ncolumn = \"x\"\nseverty = \"info\"\n";
    let error = Suite::from_toml(toml).unwrap_err().to_string();
    assert!(error.contains("line 6") && error.contains("severty"), "{error}");
    let newer = Suite::from_toml("format_version = 2\n[[news]]\n").unwrap_err();
    assert!(matches!(newer, Error::Unsupported { .. }), "{newer}");
    for number in ["nan", "inf", "-inf"] {
        let toml = format!(
            "format_version = 1\n[[expectations]]\nexpect = \"between\"\ncolumn = \"x\"\nmin = {number}\n"
        );
        let error = Suite::from_toml(&toml).unwrap_err().to_string();
        assert!(error.contains("an end is"), "{error}");
    }
}

#[cfg(feature = "regex")]
#[test]
fn a_bad_pattern_is_refused_with_its_place() {
    for (pattern, reason) in
        [("(", "unclosed group"), ("a{1000000}", "size limit"), ("(?=a)", "look")]
    {
        let json = suite(&format!(r#"{{"expect":"matches","column":"x","pattern":"{pattern}"}}"#));
        let error = Suite::from_json(&json).unwrap_err().to_string();
        assert!(error.contains("expectation 2 (`matches` of `x`)"), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

proptest! {
    #[test]
    fn no_file_panics(json: String, at in 0_usize..4000, insert in "[0-9eE.,\\-\"\\[\\]{}a-z_]{0,12}") {
        prop_assert!(Suite::from_json(&json).is_err() || json.contains("format_version"));
        let at = at.min(ALL.len());
        let mut edited = ALL.to_owned();
        edited.insert_str(at, &insert);
        if let Ok(suite) = Suite::from_json(&edited) {
            prop_assert_eq!(Suite::from_json(&suite.to_json().unwrap()).unwrap(), suite);
        }
    }
}
