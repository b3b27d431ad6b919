//! [`EvidentlyMethod`]: how a column is compared.

use std::fmt;

use mlops_core::{
    Result,
    stats::{chi_square, normal},
};
use serde::{Deserialize, Serialize};

use super::{column::Both, column::EvidentlyType, histogram::sturges};
use crate::stats::{
    Sample,
    counts::{JensenShannonOptions, jensen_shannon},
    ks::{self, KsOptions},
    wasserstein,
};

/// A test or distance of Evidently's that it chooses by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EvidentlyMethod {
    /// The Kolmogorov–Smirnov test: drift if `p ≤ 0.05`.
    Ks,
    /// The z test of the share of rows that are not the least value: drift if `p < 0.05`.
    Z,
    /// Pearson's test that the current rows have the reference's shares, which are taken as known: drift if
    /// `p < 0.05`.
    ChiSquare,
    /// The Wasserstein distance over the larger of the reference's standard deviation and 0.001: drift if
    /// `≥ 0.1`.
    Wasserstein,
    /// The Jensen–Shannon distance, in nats: drift if `≥ 0.1`. Numbers of which the reference has more
    /// than 20 are counted in equal bins.
    JensenShannon,
}

/// Values of the reference from which on numbers are counted in bins.
const MAX_CELLS: usize = 20;
/// Rows of the reference up to which a test is chosen, and a distance with more.
const MAX_TEST_ROWS: u64 = 1000;

impl EvidentlyMethod {
    /// The choice for a column.
    pub(super) fn chosen(column_type: EvidentlyType, both: &Both) -> Self {
        let (is_number, values) = (column_type == EvidentlyType::Numerical, both.values());
        match (both.rows[0] <= MAX_TEST_ROWS, is_number && values > 5) {
            (true, true) => Self::Ks,
            (true, false) if values > 2 => Self::ChiSquare,
            (true, false) => Self::Z,
            (false, true) => Self::Wasserstein,
            (false, false) => Self::JensenShannon,
        }
    }

    /// From where on it is a drift.
    #[must_use]
    pub fn default_threshold(self) -> f64 {
        match self {
            Self::Ks | Self::Z | Self::ChiSquare => 0.05,
            Self::Wasserstein | Self::JensenShannon => 0.1,
        }
    }

    /// The p-value or the distance. `None` where there is none: of categories by a method for numbers, and
    /// where it is not a number.
    pub(super) fn score(self, column_type: EvidentlyType, both: &Both) -> Result<Option<f64>> {
        let samples = || -> Result<Option<[Sample; 2]>> {
            let Some([reference, current]) = &both.numbers else { return Ok(None) };
            let reference = Sample::from_slice("reference", reference)?;
            Ok(Some([reference, Sample::from_slice("current", current)?]))
        };
        let score = match self {
            Self::Z => z(both),
            Self::ChiSquare => one_sample_chi_square(both),
            Self::Ks => match samples()? {
                Some([x, y]) => ks::test(&x, &y, KsOptions::default())?.p_value,
                None => return Ok(None),
            },
            Self::Wasserstein => match samples()? {
                Some([x, y]) => wasserstein::distance(&x, &y) / x.standard_deviation().max(0.001),
                None => return Ok(None),
            },
            Self::JensenShannon => {
                let has = both.cells.iter().filter(|cell| cell[0] > 0).count();
                let binned = match &both.numbers {
                    Some(sides) if column_type == EvidentlyType::Numerical && has > MAX_CELLS => {
                        Some(sturges(sides, both.is_integer))
                    }
                    _ => None,
                };
                let cells = binned.as_ref().unwrap_or(&both.cells);
                let [x, y] = [0, 1]
                    .map(|side| -> Vec<u64> { cells.iter().map(|cell| cell[side]).collect() });
                jensen_shannon(&x, &y, &JensenShannonOptions::default())?
            }
        };
        Ok((!score.is_nan()).then_some(score))
    }

    /// Whether that is a drift.
    pub(super) fn is_drift(self, score: f64, threshold: f64) -> bool {
        match self {
            Self::Ks => score <= threshold,
            Self::Z | Self::ChiSquare => score < threshold,
            Self::Wasserstein | Self::JensenShannon => score >= threshold,
        }
    }
}

/// The z test of the share of rows that do not have the first value.
fn z(both: &Both) -> f64 {
    if both.values() == 1 {
        return 1.0;
    }
    let [n, m] = both.rows.map(|rows| rows as f64);
    let first = both.cells[0];
    let [p, q] = [1.0 - first[0] as f64 / n, 1.0 - first[1] as f64 / m];
    let pooled = (p * n + q * m) / (n + m);
    let z = (p - q) / (pooled * (1.0 - pooled) * (n.recip() + m.recip())).sqrt();
    2.0 * normal::sf(z.abs())
}

/// Pearson's test of the current rows against the reference's shares.
fn one_sample_chi_square(both: &Both) -> f64 {
    if both.values() == 1 {
        // No degree of freedom is left.
        return f64::NAN;
    }
    let scale = both.rows[1] as f64 / both.rows[0] as f64;
    let cells = both.cells.iter().map(|[x, y]| {
        let expected = *x as f64 * scale;
        (*y as f64 - expected).powi(2) / expected
    });
    let statistic: f64 = cells.sum();
    if statistic.is_infinite() {
        return 0.0;
    }
    chi_square::sf(statistic, (both.values() - 1) as f64)
}

impl fmt::Display for EvidentlyMethod {
    /// As Evidently calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ks => "K-S p_value",
            Self::Z => "Z-test p_value",
            Self::ChiSquare => "chi-square p_value",
            Self::Wasserstein => "Wasserstein distance (normed)",
            Self::JensenShannon => "Jensen-Shannon distance",
        })
    }
}
