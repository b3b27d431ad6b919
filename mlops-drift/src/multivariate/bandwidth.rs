//! [`Bandwidth`]: at which distance rows count as alike.

use mlops_core::{Error, Result, random::RandomKey};
use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::rows;

/// The bandwidth `σ` of the Gaussian kernel `exp(-|x - y|² / (2 σ²))`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bandwidth {
    /// The median distance of two rows (Gretton et al. 2012, section 8), see [`median_distance`]: of all rows
    /// that a test is given, or of the reference where that is all there is.
    #[default]
    Median,
    /// This one: for figures that are compared over many windows, the [`median_distance`] of their
    /// reference. From 10^-50 to 10^100.
    Fixed(f64),
}

const SMALLEST: f64 = 1e-50;
const LARGEST: f64 = 1e100;

impl Bandwidth {
    pub(super) fn of(self, rows: ArrayView2<'_, f64>, seed: u64) -> Result<f64> {
        match self {
            Self::Median => Ok(median(rows, seed)),
            Self::Fixed(sigma) => check(sigma).map(|()| sigma),
        }
    }
}

/// Refuses what values of at most 10^100 cannot be divided by and squared.
pub(super) fn check(sigma: f64) -> Result<()> {
    if (SMALLEST..=LARGEST).contains(&sigma) {
        return Ok(());
    }
    let reason = format!("{sigma} is not in [{SMALLEST:e}, {LARGEST:e}]");
    Err(Error::invalid("bandwidth", reason))
}

/// The median distance of two different rows, in the unit of the columns. Of more than 1000 rows, that
/// of 1000 drawn at random by this seed. Rows that are equal do not count; if all are, it is 1. It
/// is at least 10^-50.
///
/// # Errors
/// [`Error::InvalidArgument`] for fewer than 2 rows, no columns, and values that are not finite or beyond
/// 10^100.
pub fn median_distance(rows: ArrayView2<'_, f64>, seed: u64) -> Result<f64> {
    rows::check("rows", rows, 2)?;
    Ok(median(rows, seed))
}

/// Half a million distances tell the median to about a thousandth of the width of their law.
const DRAWN: usize = 1000;

fn median(rows: ArrayView2<'_, f64>, seed: u64) -> f64 {
    let key = RandomKey::from_seed(seed).derive("median distance");
    let drawn = rows.select(Axis(0), &rows::draw(rows.nrows(), DRAWN, key));
    // Distances do not change with the origin, rounding does.
    let centre = rows::medians(drawn.view());
    let drawn = drawn - &centre;
    let squares = rows::squares(drawn.view());
    let products = drawn.dot(&drawn.t());
    let mut distances = Vec::with_capacity(squares.len() * (squares.len() - 1) / 2);
    for (i, row) in products.rows().into_iter().enumerate() {
        for j in 0..i {
            let distance = squares[i] + squares[j] - 2.0 * row[j];
            // What is left of equal rows is rounding.
            if distance > 1e-14 * (squares[i] + squares[j]) {
                distances.push(distance);
            }
        }
    }
    if distances.is_empty() {
        return 1.0;
    }
    let middle = distances.len() / 2;
    let even = distances.len() % 2 == 0;
    let (below, upper, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = upper.sqrt();
    let lower = if even { below.iter().copied().fold(0.0, f64::max).sqrt() } else { upper };
    ((lower + upper) / 2.0).max(SMALLEST)
}
