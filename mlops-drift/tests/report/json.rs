//! The JSON: what is written is read back, and nothing else is.

use mlops_core::Error;
use mlops_drift::{
    compare::Shape,
    report::{Report, Section},
};
use serde_json::{Value, json};

use crate::data::{customers, report};

fn read(json: &Value) -> Result<Report, Error> {
    Report::from_json("stored.json", json.to_string().as_bytes())
}

/// The JSON of a report, with what is at the pointer replaced.
fn edited(pointer: &str, value: Value) -> Value {
    let mut json = serde_json::to_value(customers()).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    json
}

#[test]
fn what_is_written_is_read_back_and_has_the_same_bytes() {
    let report = customers();
    let json = report.to_json().unwrap();
    let read = Report::from_json("stored.json", &json).unwrap();
    assert_eq!(read, report);
    assert_eq!(read.to_json().unwrap(), json);
    let value: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["format_version"], 1);
    assert_eq!(value["made_at"], 1_793_520_000_000_000_i64);
    assert_eq!(value["sections"][0]["drift"]["features"][0]["name"], "age");
}

#[test]
fn a_report_without_sections_is_one() {
    let mut report = customers();
    report.sections.clear();
    assert_eq!(read(&serde_json::to_value(&report).unwrap()).unwrap(), report);
}

#[test]
fn a_newer_format_is_refused_even_if_nothing_else_can_be_read() {
    let newer = json!({ "format_version": 2, "pages": "of another kind" });
    let error = read(&newer).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("report format 2 of stored.json"), "{error}");
}

#[test]
fn what_is_damaged_is_corrupt_and_the_part_is_named() {
    let feature = "/sections/0/drift/features/0";
    let at = |path: &str| format!("{feature}/{path}");
    for (json, part) in [
        (json!({}), "format_version"),
        (edited("/format_version", json!(0)), "no format 0"),
        (edited("/format_version", json!("1")), "string"),
        (edited("/title", Value::Null), "null"),
        (edited("/sections/0", json!({ "horoscope": {} })), "horoscope"),
        (edited("/sections/0/drift/options/alpha", json!(7)), "alpha"),
        (edited("/sections/0/drift/verdict", json!("perhaps")), "perhaps"),
        (edited(&at("evidence/0/p_value"), json!(-0.5)), "`age`: a p-value of -0.5"),
        (edited(&at("evidence/0/effect/threshold"), json!(0.0)), "`age`: an effect"),
        (edited(&at("reference/nulls"), json!(4_000_000)), "`age`: 4000 rows"),
        (edited(&at("shape/bars/low"), json!(1e9)), "`age`: a picture from"),
        (edited(&at("shape/bars/current"), json!([0.5])), "`age`: a picture of 1 bars"),
        (edited(&at("shape/bars/current/0"), json!(-1.0)), "`age`: a picture of more or less"),
        (edited(&at("shape/bars/current/0"), json!(2.0)), "`age`: a picture of more or less"),
    ] {
        let error = read(&json).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{part}: {error}");
        let said = error.to_string();
        assert!(said.contains("stored.json") && said.contains(part), "{part}: {said}");
    }
    let mut unknown = serde_json::to_value(customers()).unwrap();
    unknown["colour"] = json!("blue");
    assert!(matches!(read(&unknown).unwrap_err(), Error::Corrupt { .. }));
}

#[test]
fn half_a_file_is_corrupt() {
    let json = report(|_| ()).to_json().unwrap();
    for end in 0..json.len() {
        let error = Report::from_json("stored.json", &json[..end]).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{end}: {error}");
    }
}

#[test]
fn a_number_that_json_has_not_is_noticed() {
    let mut report = customers();
    let Section::Drift(comparison) = &mut report.sections[0] else { panic!() };
    comparison.features[0].shape =
        Shape::Bars { low: 0.0, high: f64::NAN, reference: vec![1.0], current: vec![1.0] };
    let error = Report::from_json("made.json", &report.to_json().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}
