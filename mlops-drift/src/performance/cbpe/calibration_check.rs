//! [`CalibrationCheck`]: whether scores still mean what they meant.

use std::collections::HashMap;

use mlops_core::stats::chi_square;
use serde::{Deserialize, Serialize};

use crate::performance::{Concern, Isotonic, Validity, ValidityOptions};

/// What a few labels say about a calibration.
///
/// Rows are put into at most ten groups by their probability, each with an expected variance of at least 5,
/// and the groups' numbers of positive rows are compared with the expected ones, as Hosmer and Lemeshow
/// (1980) do. A group's variance is that of its outcomes, `Σ p (1 - p)`, and that of probabilities which
/// were themselves learned from a sample: `k` rows whose probability is the mean of `n` of the reference
/// have `1 + k / n` times the variance.
///
/// Scores may well mean something else for rows that only look alike by their score; the figures of a
/// classifier depend on scores alone, so that this is all that has to be checked for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationCheck {
    /// Labelled rows.
    pub rows: u64,
    /// How far outcomes are from probabilities, in probability: the root mean square over the groups,
    /// less what chance alone would make of it.
    pub drift: f64,
    /// How probable deviations as large are if the calibration still holds: of groups by the chi-square
    /// distribution with as many degrees of freedom; of one group with less variance than that needs,
    /// an upper bound (Bernstein's inequality). It is meant for labels that are few beside the reference:
    /// of more than a tenth of it, the errors of the curve show in it as well.
    pub p_value: f64,
    /// Whether estimates of such rows are valid.
    pub validity: Validity,
}

/// Groups are made as long as they have this much variance: below it a sum of outcomes is far from normal.
const LEAST_VARIANCE: f64 = 5.0;
const MOST_GROUPS: f64 = 10.0;

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    rows: f64,
    /// Positive rows, more than expected.
    excess: f64,
    variance: f64,
}

/// A row whose truth is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labelled {
    pub(super) probability: f64,
    pub(super) outcome: bool,
    /// How many times as large as that of the outcome alone the variance is.
    pub(super) inflation: f64,
}

/// The [`inflation`](Labelled::inflation) of rows with these scores.
pub(super) fn inflation(calibration: &Isotonic, scores: &[f64]) -> Vec<f64> {
    let mut rows: HashMap<usize, f64> = HashMap::new();
    for score in scores {
        *rows.entry(calibration.corner(*score).0).or_default() += 1.0;
    }
    let of_row = |score: &f64| {
        let (corner, pooled) = calibration.corner(*score);
        1.0 + rows[&corner] / pooled as f64
    };
    scores.iter().map(of_row).collect()
}

impl CalibrationCheck {
    /// Of rows, at least one, against a calibration learned on so many.
    pub(super) fn of(
        mut rows: Vec<Labelled>,
        reference_rows: u64,
        options: &ValidityOptions,
    ) -> Self {
        rows.sort_unstable_by(|a, b| a.probability.total_cmp(&b.probability));
        // A calibration that says 0 or 1 has only never seen the other.
        let unseen = 1.0 / (reference_rows as f64 + 2.0);
        let variance = |row: &Labelled| {
            let p = row.probability.clamp(unseen, 1.0 - unseen);
            p * (1.0 - p) * row.inflation
        };
        let total: f64 = rows.iter().map(variance).sum();
        let enough = LEAST_VARIANCE.max(total / MOST_GROUPS);
        let mut groups = vec![Group::default()];
        let mut left = total;
        for tied in rows.chunk_by(|a, b| a.probability == b.probability) {
            // The rest is its own group only if it is enough for one.
            if groups.last().is_some_and(|group| group.variance >= enough) && left >= enough {
                groups.push(Group::default());
            }
            let positive = tied.iter().filter(|row| row.outcome).count() as f64;
            let spread: f64 = tied.iter().map(variance).sum();
            if let Some(group) = groups.last_mut() {
                group.rows += tied.len() as f64;
                group.excess += positive - tied[0].probability * tied.len() as f64;
                group.variance += spread;
            }
            left -= spread;
        }
        let squares = groups.iter().map(|group| {
            let Group { rows, excess, variance } = group;
            (excess * excess - variance) / rows
        });
        let drift = (squares.sum::<f64>() / rows.len() as f64).max(0.0).sqrt();
        let p_value = match groups.as_slice() {
            [Group { excess, variance, .. }] if *variance < LEAST_VARIANCE => {
                let exponent = excess * excess / (2.0 * (variance + excess.abs() / 3.0));
                (2.0 * (-exponent).exp()).min(1.0)
            }
            groups => {
                let sum = groups.iter().map(|group| group.excess * group.excess / group.variance);
                chi_square::sf(sum.sum(), groups.len() as f64)
            }
        };
        let reason = Concern::CalibrationDrift { drift, p_value };
        let validity = options.labels(drift, options.max_calibration_drift, p_value, reason);
        Self { rows: rows.len() as u64, drift, p_value, validity }
    }

    /// The check of the class that is off most, of checks of each class: its p-value times their number.
    pub(super) fn worst(checks: Vec<Self>, options: &ValidityOptions) -> Option<Self> {
        let count = checks.len() as f64;
        let worst = checks
            .into_iter()
            .min_by(|a, b| a.p_value.total_cmp(&b.p_value).then(b.drift.total_cmp(&a.drift)))?;
        let (drift, p_value) = (worst.drift, (worst.p_value * count).min(1.0));
        let reason = Concern::CalibrationDrift { drift, p_value };
        let validity = options.labels(drift, options.max_calibration_drift, p_value, reason);
        Some(Self { p_value, validity, ..worst })
    }
}
