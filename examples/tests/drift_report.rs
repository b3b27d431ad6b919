//! The drift report as users run it: as a process, on files.
#![cfg(feature = "polars")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs::{self, File},
    process::{Command, Output},
};

use mlops_drift::{
    frame::polars::prelude::{ParquetWriter, df},
    report::{Report, Section},
};
use serde_json::Value;
use tempfile::TempDir;

const CUSTOMERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/customers");

fn october() -> String {
    format!("{CUSTOMERS}/october.csv")
}

fn november() -> String {
    format!("{CUSTOMERS}/november.csv")
}

fn drift_report(reference: &str, current: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drift_report"))
        .args(["--reference", reference, "--current", current])
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed, and its exit status.
fn printed(arguments: &[&str]) -> (String, Option<i32>) {
    let output = drift_report(&october(), &november(), arguments);
    (text(&output.stdout), output.status.code())
}

#[test]
fn it_says_what_has_drifted_in_each_format() {
    let (said, status) = printed(&[]);
    assert_eq!(status, Some(1));
    let headline = "3 of 6 features have drifted: days_since_login, ";
    assert!(said.contains(headline), "{said}");

    let (json, status) = printed(&["--format", "json"]);
    assert_eq!(status, Some(1));
    let report = Report::from_json("printed", json.as_bytes()).unwrap();
    let Section::Drift(comparison) = &report.sections[0] else { panic!() };
    assert_eq!((comparison.reference_rows, comparison.features.len()), (1500, 6));

    let folder = TempDir::new().unwrap();
    let page = folder.path().join("report.html");
    let (said, status) = printed(&["--out", page.to_str().unwrap()]);
    assert_eq!((said.as_str(), status), ("", Some(1)));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("3 of 6 features have drifted"));
    let file = folder.path().join("report");
    printed(&["--out", file.to_str().unwrap(), "--format", "json"]);
    assert!(serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap().is_object());
}

#[test]
fn the_exit_status_is_the_verdict() {
    let same = drift_report(&october(), &october(), &[]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(text(&same.stdout).contains("None of 6 features has drifted"));
    assert_eq!(printed(&["--columns", "age,visits"]).1, Some(0));
    assert_eq!(printed(&["--columns", "age,income"]).1, Some(1));

    let files = Files::new();
    let (few, fewer) =
        (files.write("few.csv", "x\n1\n2\n3\n"), files.write("fewer.csv", "x\n1\n5\n"));
    let output = drift_report(&few, &fewer, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stdout).contains("Too few rows to tell"), "{output:?}");
}

#[test]
fn options_come_from_a_file() {
    let files = Files::new();
    let strict =
        files.write("strict.toml", "include = [\"income\"]\n[compare]\nmin_effect = 0.9\n");
    let (said, status) = printed(&["--config", &strict]);
    assert_eq!(status, Some(0), "{said}");
    let lax = files.write("lax.json", r#"{ "exclude": ["income", "plan", "days_since_login"] }"#);
    let (said, status) = printed(&["--config", &lax]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("None of 3 features"), "{said}");
}

#[test]
fn parquet_is_read_as_csv_is() {
    let files = Files::new();
    let ages: Vec<i64> = (0..2000).map(|row| 20 + row % 50).collect();
    let older: Vec<i64> = ages.iter().map(|age| age + 10).collect();
    let reference = files.parquet("reference.parquet", &ages);
    let current = files.parquet("current.parquet", &older);
    assert_eq!(drift_report(&reference, &current, &[]).status.code(), Some(1));
    assert_eq!(drift_report(&reference, &reference, &[]).status.code(), Some(0));
    let pattern = files.path("reference*.parquet");
    let output = drift_report(&pattern, &reference, &["--columns", "age"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines: String = ages.iter().map(|age| format!("{age}\n")).collect();
    let csv = files.write("reference.csv", &format!("age\n{lines}"));
    assert_eq!(drift_report(&reference, &csv, &[]).status.code(), Some(0));
}

#[test]
fn another_tools_choices_can_be_asked_for() {
    let compat = ["--compat", "evidently", "--columns", "age,income,plan"];
    let (json, status) = printed(&[&compat[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&report["drifted_columns"], status), (&Value::from(2), Some(1)), "{report}");
    let (said, _) = printed(&compat);
    assert!(said.starts_with("as Evidently says: 2 of 3 columns have drifted"), "{said}");
    let output =
        drift_report(&october(), &november(), &[&compat[..], &["--format", "html"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("use --format json"));
    // It does not compare texts: where there is nothing else, it cannot tell.
    let files = Files::new();
    let lines: String = (0..500).map(|n| format!("what customer {n} wrote to us\n")).collect();
    let letters = files.write("letters.csv", &format!("letter\n{lines}"));
    let output = drift_report(&letters, &letters, &compat[..2]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn columns_that_differ_are_named() {
    let files = Files::new();
    let rows = |head: &str, row: &str| format!("{head}\n{}", format!("{row}\n").repeat(500));
    let reference = files.write("reference.csv", &rows("a,b,c", "1,x,2"));
    let current = files.write("current.csv", &rows("a,c,d", "1,text,3"));
    let output = drift_report(&reference, &current, &[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("2 of 3 features could not be compared, no other has drifted: b and c"),
        "{said}"
    );
    assert!(said.contains("Not in the reference, and so not compared: d."), "{said}");
}

#[test]
fn bad_input_is_status_2_and_says_what_to_mend() {
    let files = Files::new();
    let empty = files.write("empty.csv", "");
    let garbage = files.write("garbage.parquet", "this is no Parquet file");
    let sheet = files.write("table.xlsx", "text");
    let nothing = files.path("*.nothing.parquet");
    let unknown = files.write("unknown.toml", "[compare]\nalfa = 0.1\n");
    let broken = files.write("broken.json", "{");
    let wild = files.write("wild.toml", "[compare]\nalpha = 7.0\n");
    let (october, november) = (october(), november());
    let missing = files.path("missing.csv");
    for (reference, arguments, said) in [
        (&missing, &[][..], "missing.csv: No such file"),
        (&empty, &[], "empty.csv is empty"),
        (&garbage, &[], "garbage.parquet cannot be read: parquet"),
        (&nothing, &[], "*.nothing.parquet cannot be read"),
        (&sheet, &[], "table.xlsx: a name ends in .csv or .parquet"),
        (&october, &["--config", &unknown], "unknown field `alfa`"),
        (&october, &["--config", &broken], "broken.json"),
        (&october, &["--config", &wild], "alpha"),
        (&october, &["--config", &empty], "a name ends in .toml or .json"),
        (&october, &["--config", &missing], "missing.csv"),
        (&october, &["--columns", "height"], "height"),
        (&october, &["--format", "pdf"], "json, html, text"),
        (
            &october,
            &["--out", "/there/is/no/such/folder/report.html"],
            "report.html cannot be written",
        ),
    ] {
        let output = drift_report(reference, &november, arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("panicked"), "{said}: {stderr}");
    }
}

/// Files of a test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn parquet(&self, name: &str, ages: &[i64]) -> String {
        let mut frame = df!("age" => ages).unwrap();
        ParquetWriter::new(File::create(self.path(name)).unwrap()).finish(&mut frame).unwrap();
        self.path(name)
    }
}
