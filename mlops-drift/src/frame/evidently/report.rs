//! [`report`] and what it finds.

use mlops_core::{Error, Result, progress::Progress};
use polars::prelude::{LazyFrame, PlSmallStr};
use serde::{Deserialize, Serialize};

use super::{
    EvidentlyMethod, EvidentlyOptions, EvidentlyType,
    column::{Both, column_type},
};
use crate::frame::source::{Source, collected};

/// What has drifted, as Evidently's data drift preset says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvidentlyReport {
    /// Each column that is looked at, in the order of the current data.
    pub columns: Vec<EvidentlyColumn>,
    /// How many have drifted.
    pub drifted_columns: u64,
    /// Their share of those that have a score.
    pub share_of_drifted_columns: f64,
    /// Whether that share is at least [`EvidentlyOptions::drift_share`].
    pub dataset_drift: bool,
}

/// What was found of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvidentlyColumn {
    /// Its name.
    pub name: String,
    /// What it was taken for.
    pub column_type: EvidentlyType,
    /// How it was compared.
    pub method: Option<EvidentlyMethod>,
    /// From where on it has drifted.
    pub threshold: Option<f64>,
    /// The p-value or the distance; `None` if it is not a number.
    pub score: Option<f64>,
    /// Whether it has drifted.
    pub drifted: bool,
    /// Why there is no score, for people. Where Evidently would refuse the whole report, only the column is.
    pub reason: Option<String>,
}

/// Reports as Evidently 0.7.23 does; see [the module](super) for what that is worth.
///
/// Columns are read whole, a few at a time. Texts are not compared: that takes a classifier of Evidently's own. They
/// are in the report with the reason, and not in its shares.
///
/// # Errors
/// [`Error::InvalidArgument`] for a frame without columns, a column asked for that the current data lacks, and
/// shares and thresholds that are no numbers; otherwise as [`frame::compare`](crate::frame::compare()).
pub fn report(
    reference: &LazyFrame,
    current: &LazyFrame,
    options: &EvidentlyOptions,
    progress: &dyn Progress,
) -> Result<EvidentlyReport> {
    let reference = Source::open("reference", reference)?;
    let current = Source::open("current", current)?;
    let names = wanted(&current, options)?;
    progress.set_total(Some(names.len() as u64));
    let (known, missing): (Vec<_>, Vec<_>) =
        names.iter().cloned().partition(|name| reference.schema.contains(name));
    let mut columns = Vec::new();
    for some in collected(&missing, current.rows) {
        let frame = current.collect(some)?;
        for (name, column) in some.iter().zip(frame.columns()) {
            if let Some(column_type) = column_type(column)? {
                columns.push(without(name, column_type, "the reference does not have it"));
            }
            progress.advance(1);
        }
    }
    for some in collected(&known, reference.rows + current.rows) {
        let frames = [reference.collect(some)?, current.collect(some)?];
        let pairs = frames[0].columns().iter().zip(frames[1].columns());
        for (name, (reference, current)) in some.iter().zip(pairs) {
            if let Some(column_type) = column_type(current)? {
                let both = match column_type {
                    EvidentlyType::Text => None,
                    _ => Both::new(reference, current)?,
                };
                columns.push(column(name, column_type, both.as_ref(), options)?);
            }
            progress.advance(1);
        }
    }
    progress.finish();
    columns.sort_by_cached_key(|column| names.iter().position(|name| *name == column.name));
    let count = |is: fn(&EvidentlyColumn) -> bool| columns.iter().filter(|c| is(c)).count() as u64;
    let drifted_columns = count(|column| column.drifted);
    let compared = count(|column| column.reason.is_none());
    let share_of_drifted_columns = drifted_columns as f64 / compared.max(1) as f64;
    Ok(EvidentlyReport {
        columns,
        drifted_columns,
        share_of_drifted_columns,
        dataset_drift: share_of_drifted_columns >= options.drift_share,
    })
}

/// The columns that are asked for.
fn wanted(current: &Source, options: &EvidentlyOptions) -> Result<Vec<PlSmallStr>> {
    for (what, figure) in [
        ("numeric_threshold", options.numeric_threshold),
        ("categorical_threshold", options.categorical_threshold),
        ("drift_share", Some(options.drift_share)),
    ] {
        if let Some(figure) = figure.filter(|figure| !figure.is_finite()) {
            return Err(Error::invalid(what, format!("{figure} is not finite")));
        }
    }
    if let Some(name) = options.columns.iter().find(|name| !current.schema.contains(name)) {
        return Err(Error::invalid("columns", format!("the current data has no `{name}`")));
    }
    let is_wanted = |name: &PlSmallStr| {
        options.columns.is_empty() || options.columns.iter().any(|each| *each == **name)
    };
    Ok(current.schema.iter_names().filter(|name| is_wanted(name)).cloned().collect())
}

fn without(name: &str, column_type: EvidentlyType, reason: &str) -> EvidentlyColumn {
    EvidentlyColumn {
        name: name.to_owned(),
        column_type,
        method: None,
        threshold: None,
        score: None,
        drifted: false,
        reason: Some(reason.to_owned()),
    }
}

fn column(
    name: &str,
    column_type: EvidentlyType,
    both: Option<&Both>,
    options: &EvidentlyOptions,
) -> Result<EvidentlyColumn> {
    let (method, threshold) = match column_type {
        EvidentlyType::Numerical => (options.numeric_method, options.numeric_threshold),
        EvidentlyType::Categorical => (options.categorical_method, options.categorical_threshold),
        EvidentlyType::Text => return Ok(without(name, column_type, "texts are not compared")),
    };
    let Some(both) = both else {
        return Ok(without(name, column_type, "texts on one side and numbers on the other"));
    };
    match both.rows {
        [0, _] => return Ok(without(name, column_type, "the reference has no values")),
        [_, 0] => return Ok(without(name, column_type, "the current data has no values")),
        _ => {}
    }
    let method = method.unwrap_or_else(|| EvidentlyMethod::chosen(column_type, both));
    let threshold = threshold.unwrap_or_else(|| method.default_threshold());
    let score = method.score(column_type, both)?;
    let is_for_numbers = matches!(method, EvidentlyMethod::Ks | EvidentlyMethod::Wasserstein);
    if is_for_numbers && both.numbers.is_none() {
        return Ok(without(name, column_type, "the method is for numbers"));
    }
    Ok(EvidentlyColumn {
        name: name.to_owned(),
        column_type,
        method: Some(method),
        threshold: Some(threshold),
        score,
        drifted: score.is_some_and(|score| method.is_drift(score, threshold)),
        reason: None,
    })
}
