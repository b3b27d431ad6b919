//! Columns as slices of numbers, or as texts.

use mlops_core::Result;
use polars::prelude::{Column, DataType, Series, TimeUnit};

use super::error::polars;

/// Calls `take` with the values that are not null, slice by slice, and returns how many rows are null.
///
/// Dates are days since 1970-01-01, points in time and durations seconds (since 1970-01-01T00:00 of their
/// zone's clock or of UTC), times of day seconds since midnight, booleans 0 and 1. What is a slice without nulls already is not copied.
pub(super) fn numbers(column: &Column, mut take: impl FnMut(&[f64])) -> Result<u64> {
    let series = column.as_materialized_series();
    let unit = unit(series.dtype());
    let physical = series.to_physical_repr();
    // A decimal's physical type has no point.
    let series: &Series = if series.dtype().is_decimal() { series } else { &physical };
    let floats = polars(|| series.cast(&DataType::Float64))?;
    for chunk in polars(|| floats.f64())?.downcast_iter() {
        let has_nulls = chunk.validity().is_some_and(|validity| validity.unset_bits() > 0);
        if !has_nulls && unit == 1.0 {
            take(chunk.values());
        } else {
            let values: Vec<f64> = chunk.non_null_values_iter().map(|value| value / unit).collect();
            take(&values);
        }
    }
    Ok(floats.null_count() as u64)
}

/// How many of a physical type's units make one of ours.
fn unit(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Datetime(unit, _) | DataType::Duration(unit) => match unit {
            TimeUnit::Nanoseconds => 1e9,
            TimeUnit::Microseconds => 1e6,
            TimeUnit::Milliseconds => 1e3,
        },
        DataType::Time => 1e9,
        _ => 1.0,
    }
}

/// Calls `take` with each value that is not null, as it is written, and returns how many rows are null.
pub(super) fn texts(column: &Column, mut take: impl FnMut(&str)) -> Result<u64> {
    let texts = polars(|| column.as_materialized_series().cast(&DataType::String))?;
    for chunk in polars(|| texts.str())?.downcast_iter() {
        chunk.iter().flatten().for_each(&mut take);
    }
    Ok(texts.null_count() as u64)
}
