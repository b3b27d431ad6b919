//! What every test asks of its rows, and what they do to them first.

use mlops_core::{Error, Result, random::RandomKey};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate};

/// The largest size of a value: its square, and a sum of very many, are still numbers.
const LARGEST: f64 = 1e100;

/// Refuses fewer rows than `least`, no columns, and values that are not finite or cannot be squared.
pub(super) fn check(name: &'static str, rows: ArrayView2<'_, f64>, least: usize) -> Result<()> {
    if rows.nrows() < least {
        let reason = format!("{} rows; at least {least} are needed", rows.nrows());
        return Err(Error::invalid(name, reason));
    }
    if rows.ncols() == 0 {
        return Err(Error::invalid(name, "no columns; at least one is needed"));
    }
    for (index, row) in rows.rows().into_iter().enumerate() {
        for (column, value) in row.iter().enumerate() {
            check_value(*value).map_err(|fault| {
                Error::invalid(name, format!("row {index}, column {column} is {fault}"))
            })?;
        }
    }
    Ok(())
}

/// Says what is wrong with a value.
pub(super) fn check_value(value: f64) -> std::result::Result<(), String> {
    if !value.is_finite() {
        return Err(format!("{value}; values must be finite"));
    }
    if value.abs() > LARGEST {
        return Err(format!("{value}; values must not be beyond {LARGEST:e}"));
    }
    Ok(())
}

/// Refuses other columns than there should be.
pub(super) fn check_columns(name: &'static str, found: usize, expected: usize) -> Result<()> {
    if found != expected {
        let reason = format!("{found} columns, where the reference has {expected}");
        return Err(Error::invalid(name, reason));
    }
    Ok(())
}

/// Checks both samples, of at least `least` rows, and puts the current one below the reference.
pub(super) fn pool(
    reference: ArrayView2<'_, f64>,
    current: ArrayView2<'_, f64>,
    least: usize,
) -> Result<Array2<f64>> {
    check("reference", reference, least)?;
    check_columns("current", current.ncols(), reference.ncols())?;
    check("current", current, least)?;
    Ok(concatenate(Axis(0), &[reference, current]).expect("the columns are equally many"))
}

/// So many different numbers below `of`, in random order: all of them if there are not more.
pub(super) fn draw(of: usize, wanted: usize, key: RandomKey) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..of).collect();
    let mut random = key.stream(0);
    let wanted = wanted.min(of);
    // The beginning of a shuffle (Fisher & Yates).
    for place in 0..wanted {
        let other = place + random.next_below((of - place) as u64) as usize;
        indices.swap(place, other);
    }
    indices.truncate(wanted);
    indices
}

/// The median of each column: of an even number of values, the upper one in the middle. An origin near
/// most rows, wherever some are.
pub(super) fn medians(rows: ArrayView2<'_, f64>) -> Array1<f64> {
    let median = |column: ArrayView1<'_, f64>| {
        let mut values = column.to_vec();
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    rows.columns().into_iter().map(median).collect()
}

/// The squared length of each row.
pub(super) fn squares(rows: ArrayView2<'_, f64>) -> Vec<f64> {
    rows.rows().into_iter().map(|row| row.dot(&row)).collect()
}
