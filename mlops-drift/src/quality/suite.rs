//! [`Suite`]: expectations, and the file that they are in.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Check, Expectation, Range, SetValue, pattern::Pattern, stored::Stored};

const FORMAT_VERSION: u32 = 1;

/// What is expected of a data set: a list that a person can write.
///
/// ```
/// use mlops_drift::quality::Suite;
///
/// # fn main() -> mlops_core::Result<()> {
/// let suite = Suite::from_json(r#"{
///     "format_version": 1,
///     "name": "customers",
///     "expectations": [
///         { "expect": "between", "column": "age", "min": 0, "below": 120, "mostly": 0.99, "severity": "warning" },
///         { "expect": "unique", "columns": ["tenant", "id"] },
///         { "expect": "compare", "left": "created", "is": "<=", "right": "paid" }
///     ]
/// }"#)?;
/// assert_eq!(suite.expectations().len(), 3);
/// # Ok(())
/// # }
/// ```
///
/// Without `mostly` every row must pass, and without `severity` it is critical if that does not hold. With the
/// cargo feature `toml`, the same as TOML:
///
/// ```toml
/// format_version = 1
/// name = "customers"
///
/// [[expectations]]
/// expect = "between"
/// column = "age"
/// min = 0
/// below = 120
/// mostly = 0.99
/// severity = "warning"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredSuite", into = "StoredSuite")]
pub struct Suite {
    name: String,
    expectations: Vec<Expectation>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSuite {
    format_version: u32,
    #[serde(default)]
    name: String,
    #[serde(default)]
    expectations: Vec<Stored>,
}

impl Suite {
    /// These expectations, under a name for reports.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the expectation, for one that cannot hold or makes no sense;
    /// [`Error::Unsupported`] for a pattern without the cargo feature `regex`.
    pub fn new(name: impl Into<String>, expectations: Vec<Expectation>) -> Result<Self> {
        for (index, expectation) in expectations.iter().enumerate() {
            let called = Stored::from(expectation).name();
            check(expectation).map_err(|error| about(index, &called, error))?;
        }
        Ok(Self { name: name.into(), expectations })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is expected, in the order of the file.
    #[must_use]
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// Reads a suite from JSON.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that names the place, for what is not a suite, an unknown key, or an
    /// expectation that [`new`](Self::new) refuses; [`Error::Unsupported`] for a file of another format
    /// version.
    pub fn from_json(json: &str) -> Result<Self> {
        check_version(serde_json::from_str(json).map_err(not_a_suite)?)?;
        serde_json::from_str::<StoredSuite>(json).map_err(not_a_suite)?.try_into()
    }

    /// The suite as JSON, indented.
    ///
    /// # Errors
    /// None that is known: every number in a suite is finite.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::backend("json", error))
    }

    /// Reads a suite from TOML.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    #[cfg(feature = "toml")]
    pub fn from_toml(toml: &str) -> Result<Self> {
        check_version(toml::from_str(toml).map_err(not_a_suite)?)?;
        toml::from_str::<StoredSuite>(toml).map_err(not_a_suite)?.try_into()
    }

    /// The suite as TOML.
    ///
    /// # Errors
    /// None that is known.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::backend("toml", error))
    }
}

/// The part of a file that says how to read the rest.
#[derive(Deserialize)]
pub(super) struct Version {
    format_version: u32,
}

/// Whether this release knows the format, so that a newer one is not mistaken for a mistake.
pub(super) fn check_version(Version { format_version }: Version) -> Result<()> {
    if format_version == FORMAT_VERSION {
        return Ok(());
    }
    let feature = format!("format version {format_version} of a suite or schema");
    Err(Error::unsupported("this release", feature))
}

fn not_a_suite(error: impl std::fmt::Display) -> Error {
    Error::invalid("suite", error.to_string().trim_end())
}

/// The same error, with the expectation's place and name in front.
fn about(index: usize, called: &str, error: Error) -> Error {
    let place = format!("expectation {} ({called})", index + 1);
    match error {
        Error::InvalidArgument { what: "expectation", reason } => {
            Error::invalid("suite", format!("{place}: {reason}"))
        }
        Error::InvalidArgument { what, reason } => {
            Error::invalid("suite", format!("{place}: invalid {what}: {reason}"))
        }
        Error::Unsupported { what, feature } => {
            Error::unsupported(what, format!("{feature}, in {place}"))
        }
        other => other,
    }
}

impl From<Suite> for StoredSuite {
    fn from(suite: Suite) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: suite.name,
            expectations: suite.expectations.iter().map(Stored::from).collect(),
        }
    }
}

impl TryFrom<StoredSuite> for Suite {
    type Error = Error;

    fn try_from(stored: StoredSuite) -> Result<Self> {
        check_version(Version { format_version: stored.format_version })?;
        let expectations = stored.expectations.into_iter().enumerate();
        let expectations = expectations.map(|(index, stored)| {
            let called = stored.name();
            Expectation::try_from(stored).map_err(|error| about(index, &called, error))
        });
        Self::new(stored.name, expectations.collect::<Result<_>>()?)
    }
}

/// Whether an expectation can hold at all, and can be checked.
fn check(expectation: &Expectation) -> Result<()> {
    let invalid = |reason: String| Err(Error::invalid("expectation", reason));
    let Expectation { check, mostly, .. } = expectation;
    if !(*mostly > 0.0 && *mostly <= 1.0) {
        return invalid(format!("`mostly` is {mostly}, which is not a share above 0"));
    }
    if *mostly < 1.0 && !check.is_of_rows() {
        return invalid("`mostly` is for checks of rows".to_owned());
    }
    let names = match check {
        Check::Columns { names, .. } => names.iter().map(String::as_str).collect(),
        check => check.columns(),
    };
    check_names(&names)?;
    match check {
        Check::Between { range, .. } => range.check(),
        Check::Quantile { probability, range, .. } => {
            if !(*probability > 0.0 && *probability < 1.0) {
                return invalid(format!("`probability` is {probability}, not between 0 and 1"));
            }
            range.check()
        }
        Check::Mean { range, .. } => check_numbers(range),
        Check::StandardDeviation { range, .. } => {
            check_numbers(range)?;
            if range.numbers().1 < 0.0 {
                return invalid(format!("no standard deviation is in {range}"));
            }
            Ok(())
        }
        Check::Length { range, .. } | Check::Distinct { range, .. } | Check::RowCount { range } => {
            check_numbers(range)?;
            let (low, high) = range.integers();
            if low > high || high < 0 {
                return invalid(format!("no count is in {range}"));
            }
            Ok(())
        }
        Check::InSet { values, .. } => check_set(values),
        Check::Matches { pattern, .. } => Pattern::new(pattern).map(|_| ()),
        Check::Unique { columns } if columns.is_empty() => invalid("it has no columns".to_owned()),
        Check::Columns { names, .. } if names.is_empty() => {
            invalid("it names no columns".to_owned())
        }
        Check::Sum { columns, tolerance, .. } => {
            if columns.is_empty() {
                return invalid("it has no columns to add up".to_owned());
            }
            if !(tolerance.is_finite() && *tolerance >= 0.0) {
                return invalid(format!("`tolerance` is {tolerance}"));
            }
            Ok(())
        }
        Check::Distribution { alpha, min_effect, .. } => {
            if !(*alpha > 0.0 && *alpha < 1.0) {
                return invalid(format!("`alpha` is {alpha}, not between 0 and 1"));
            }
            if !(0.0..=1.0).contains(min_effect) {
                return invalid(format!("`min_effect` is {min_effect}, not from 0 to 1"));
            }
            Ok(())
        }
        Check::Fresh { max_age, .. } if max_age.subsec_nanos() > 0 => {
            invalid(format!("{max_age:?} is not whole seconds"))
        }
        Check::Type { .. }
        | Check::NotNull { .. }
        | Check::Finite { .. }
        | Check::Ordered { .. }
        | Check::Unique { .. }
        | Check::NoDuplicateRows
        | Check::Compare { .. }
        | Check::Fresh { .. }
        | Check::Columns { .. } => Ok(()),
    }
}

fn check_names(names: &[&str]) -> Result<()> {
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::invalid("expectation", "a column has no name"));
        }
        if names[..index].contains(name) {
            return Err(Error::invalid("expectation", format!("`{name}` is named twice")));
        }
    }
    Ok(())
}

fn check_numbers(range: &Range) -> Result<()> {
    range.check()?;
    if range.is_of_times() {
        return Err(Error::invalid("range", format!("{range} is of times, not of numbers")));
    }
    Ok(())
}

fn check_set(values: &[SetValue]) -> Result<()> {
    let invalid = |reason: String| Err(Error::invalid("expectation", reason));
    let Some(first) = values.first() else { return invalid("`values` is empty".to_owned()) };
    let kind = |value: &SetValue| match value {
        SetValue::Boolean(_) => 0,
        SetValue::Integer(_) | SetValue::Number(_) => 1,
        SetValue::Text(_) => 2,
    };
    if let Some(other) = values.iter().find(|value| kind(value) != kind(first)) {
        return invalid(format!("`values` has {first} and {other}, which no column holds both"));
    }
    for value in values {
        if let SetValue::Number(number) = value
            && !number.is_finite()
        {
            return invalid(format!("`values` has {number}"));
        }
    }
    Ok(())
}
