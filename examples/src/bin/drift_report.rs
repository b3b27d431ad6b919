//! Says what has changed between two data sets in CSV or Parquet files of any size. Its exit status is 0 if
//! nothing has drifted, 1 if something has, 2 if it could not tell.
//!
//! `cargo run --release --features polars --bin drift_report -- --reference october.csv --current november.csv`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

use std::{error::Error, fs, path::PathBuf, process::ExitCode, time::SystemTime};

use clap::{Parser, ValueEnum};
use indicatif::ProgressBar;
use mlops_core::progress::Progress;
use mlops_drift::{
    compare::Verdict,
    frame::{
        self, FrameOptions,
        evidently::{self, EvidentlyOptions},
        polars::prelude::{LazyCsvReader, LazyFileListReader, LazyFrame},
    },
    report::{Report, Section},
};
use serde::de::DeserializeOwned;

/// Bytes from where on it shows how far it is.
const LARGE: u64 = 50 << 20;

#[derive(Parser)]
#[command(
    about = "Says what has changed between two data sets",
    after_help = "Exit status: 0 if nothing has drifted, 1 if something has, 2 if that cannot be told: bad \
                  input, columns that cannot be compared, too few rows."
)]
struct Arguments {
    /// What the current data is compared with: a .csv or .parquet file, or a pattern such as 'data/*.parquet'
    #[arg(long)]
    reference: String,
    /// What may have drifted, likewise
    #[arg(long)]
    current: String,
    /// [default: by the ending of --out, otherwise text]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The file to write [default: the terminal]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Choose tests and thresholds as another tool does, with its faults
    #[arg(long, value_parser = ["evidently"])]
    compat: Option<String>,
    /// Options, a .toml or .json file: of FrameOptions, with --compat of EvidentlyOptions
    #[arg(long)]
    config: Option<PathBuf>,
    /// The columns to compare [default: all of the reference]
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Json,
    Html,
    Text,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u8, Box<dyn Error>> {
    let ending = arguments.out.as_ref().and_then(|out| out.extension()?.to_str());
    let by_ending = ending.and_then(|ending| Format::from_str(ending, true).ok());
    let format = arguments.format.or(by_ending).unwrap_or(Format::Text);
    let (report, status) = match arguments.compat {
        None => drift(arguments, format)?,
        Some(_) => evidently(arguments, format)?,
    };
    match &arguments.out {
        None => println!("{}", report.trim_end()),
        Some(out) => fs::write(out, report)
            .map_err(|error| format!("{} cannot be written: {error}", out.display()))?,
    }
    Ok(status)
}

fn drift(arguments: &Arguments, format: Format) -> Result<(String, u8), Box<dyn Error>> {
    let mut options: FrameOptions = config(arguments)?;
    options.include.extend_from_slice(&arguments.columns);
    let [reference, current] = [scan(&arguments.reference)?, scan(&arguments.current)?];
    let comparison = frame::compare(&reference, &current, &options, &bar(arguments))
        .map_err(|error| error.report())?;
    let status = match comparison.verdict {
        Verdict::NoDrift => 0,
        Verdict::Drift => 1,
        Verdict::Insufficient | Verdict::Error => 2,
    };
    let Arguments { reference, current, .. } = arguments;
    let report = Report::new("Drift report", SystemTime::now().into(), reference, current)
        .with_section(Section::Drift(comparison));
    let report = match format {
        Format::Json => String::from_utf8(report.to_json()?)?,
        Format::Html => report.to_html()?,
        Format::Text => report.to_text(),
    };
    Ok((report, status))
}

/// What another tool says; as text, a line for each column.
fn evidently(arguments: &Arguments, format: Format) -> Result<(String, u8), Box<dyn Error>> {
    let mut options: EvidentlyOptions = config(arguments)?;
    options.columns.extend_from_slice(&arguments.columns);
    let [reference, current] = [scan(&arguments.reference)?, scan(&arguments.current)?];
    let report = evidently::report(&reference, &current, &options, &bar(arguments))
        .map_err(|error| error.report())?;
    let compared = report.columns.iter().any(|column| column.score.is_some());
    let status = if compared { u8::from(report.dataset_drift) } else { 2 };
    if format == Format::Html {
        return Err("--compat evidently has no page: use --format json".into());
    } else if format == Format::Json {
        return Ok((serde_json::to_string(&report)?, status));
    }
    let (drifted, columns) = (report.drifted_columns, report.columns.len());
    let mut text = format!("as Evidently says: {drifted} of {columns} columns have drifted\n\n");
    for column in report.columns {
        let verdict = if column.drifted { "drift" } else { "no drift" };
        let found = match (column.reason, column.method, column.score) {
            (Some(reason), ..) => reason,
            (None, Some(method), Some(score)) => format!("{verdict:10}{method:?} {score:.6}"),
            (None, ..) => format!("{verdict:10}no score"),
        };
        text.push_str(&format!("{:32}{found}\n", column.name));
    }
    Ok((text, status))
}

/// A file or files, of which no more is read than their columns.
fn scan(path: &str) -> Result<LazyFrame, Box<dyn Error>> {
    let file = fs::metadata(path);
    match &file {
        Err(error) if !path.contains('*') => return Err(format!("{path}: {error}").into()),
        Ok(file) if file.len() == 0 => return Err(format!("{path} is empty").into()),
        _ => {}
    }
    let scanned = if path.ends_with(".csv") {
        // All rows say what the types are: a column that begins with numbers may go on with texts.
        let reader = LazyCsvReader::new(path.into()).with_infer_schema_length(None);
        reader.with_try_parse_dates(true).finish()
    } else if path.ends_with(".parquet") || file.is_ok_and(|file| file.is_dir()) {
        LazyFrame::scan_parquet(path.into(), Default::default())
    } else {
        return Err(format!("{path}: a name ends in .csv or .parquet").into());
    };
    // The columns are asked for here, where the file is known that an error is about.
    scanned
        .and_then(|mut frame| frame.collect_schema().map(|_| frame))
        .map_err(|error| format!("{path} cannot be read: {error}").into())
}

/// The options in the file that is named, if one is.
fn config<O: Default + DeserializeOwned>(arguments: &Arguments) -> Result<O, Box<dyn Error>> {
    let Some(path) = &arguments.config else {
        return Ok(O::default());
    };
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let options = match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => toml::from_str(&text).map_err(|error| error.to_string()),
        Some("json") => serde_json::from_str(&text).map_err(|error| error.to_string()),
        _ => Err("a name ends in .toml or .json".to_owned()),
    };
    options.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Columns on the terminal.
#[derive(Debug)]
struct Bar(ProgressBar);

/// Shown if there is much to read.
fn bar(arguments: &Arguments) -> Bar {
    let size = |path: &String| fs::metadata(path).map_or(LARGE, |file| file.len());
    let is_small = size(&arguments.reference) + size(&arguments.current) < LARGE;
    Bar(if is_small { ProgressBar::hidden() } else { ProgressBar::new(1) })
}

impl Progress for Bar {
    fn set_total(&self, total: Option<u64>) {
        self.0.set_length(total.unwrap_or(1));
    }

    fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
