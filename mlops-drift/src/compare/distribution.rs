//! How distributions are tested: of numbers and of categories.

use mlops_core::{
    Result,
    stats::{TestResult, chi_square as chi_square_law},
};

use super::{
    categories,
    evidence::{Aspect, Effect, Measure, Method},
    finding::Finding,
};
use crate::{
    profile::{FeatureProfile, NumericProfile},
    stats::{
        Sample,
        counts::{ContingencyOptions, SparseCells, balanced_cramers_v, chi_square, ks_test},
        ks::{self, KsOptions},
    },
};

/// Tests the finite values or categories of two profiles; `None` if either has none. `least` is what is known
/// of the rows that a category among the others can have.
pub(super) fn of_profiles(
    reference: &FeatureProfile,
    current: &FeatureProfile,
    least: Option<u64>,
    threshold: f64,
) -> Result<Option<Finding>> {
    let is_empty = |profile: &FeatureProfile| profile.counts().iter().all(|count| *count == 0);
    if is_empty(reference) || is_empty(current) {
        return Ok(None);
    }
    let (x, y) = (reference.counts(), current.counts());
    match reference {
        FeatureProfile::Numeric(numbers) if numbers.is_discrete() => {
            of_cells(x, y, reference.sparse_cells(), threshold).map(Some)
        }
        FeatureProfile::Numeric(_) => {
            let rows = [x, y].map(|counts| counts.iter().sum());
            Ok(Some(of_ks(Method::BinnedKs, ks_test(x, y)?, rows, threshold)))
        }
        FeatureProfile::Categorical(categories) => {
            let complete = categories.categories().is_complete();
            // The others are not more frequent than what was kept, if there is no more to know.
            let kept = || categories.counts().iter().rev().skip(1).min().copied();
            let least = if complete { Some(0) } else { least.or_else(kept) };
            let cells = categories::testable(x, y, least.unwrap_or(0));
            let test = |(x, y): (Vec<u64>, Vec<u64>)| {
                of_cells(&x, &y, SparseCells::JoinCategories, threshold)
            };
            cells.map(test).transpose()
        }
    }
}

/// Tests categories of which all are known on both sides; `None` if either has no rows, or if most rows of
/// the reference are alone in their category: names and numbers of things are always others.
pub(super) fn of_categories(cells: &[(&str, [u64; 2])], threshold: f64) -> Result<Option<Finding>> {
    let [x, y] =
        [0, 1].map(|side| -> Vec<u64> { cells.iter().map(|(_, rows)| rows[side]).collect() });
    let alone = x.iter().filter(|rows| **rows == 1).count() as u64;
    let is_empty = |side: &[u64]| side.iter().all(|rows| *rows == 0);
    if is_empty(&x) || is_empty(&y) || 2 * alone > x.iter().sum() {
        return Ok(None);
    }
    of_cells(&x, &y, SparseCells::JoinCategories, threshold).map(Some)
}

/// Tests finite values: by the values themselves, unless the reference has so few different ones that they
/// are rather categories.
pub(super) fn of_samples(
    reference: (&Sample, &NumericProfile),
    current: (&Sample, &NumericProfile),
    threshold: f64,
) -> Result<Finding> {
    if reference.1.is_discrete() {
        let [x, y] = [reference.1, current.1].map(NumericProfile::counts);
        return of_cells(x, y, SparseCells::JoinQuantiles, threshold);
    }
    let (reference, current) = (reference.0, current.0);
    let test = ks::test(reference, current, KsOptions::default())?;
    let rows = [reference, current].map(|sample| sample.len() as u64);
    Ok(of_ks(Method::Ks, test.into(), rows, threshold))
}

fn of_ks(method: Method, test: TestResult, rows: [u64; 2], threshold: f64) -> Finding {
    Finding {
        aspect: Aspect::Distribution,
        method,
        statistic: test.statistic,
        p_value: test.p_value,
        effect: Effect { measure: Measure::KsDistance, value: test.statistic, threshold },
        p_at_threshold: ks::p_value(rows[0], rows[1], threshold),
    }
}

fn of_cells(x: &[u64], y: &[u64], sparse: SparseCells, threshold: f64) -> Result<Finding> {
    let options = ContingencyOptions::default().with_sparse_cells(sparse);
    let test = chi_square(x, y, &options)?;
    let value = balanced_cramers_v(x, y, sparse)?;
    // Around equal shares Pearson's statistic is 4 V² nm / (n + m).
    let [n, m] = [x, y].map(|counts| counts.iter().map(|count| *count as f64).sum::<f64>());
    let at_threshold = 4.0 * threshold * threshold / (n.recip() + m.recip());
    let cells = x.iter().zip(y).filter(|(x, y)| **x > 0 || **y > 0).count();
    let freedom = cells.saturating_sub(1).max(1) as f64;
    Ok(Finding {
        aspect: Aspect::Distribution,
        method: Method::ChiSquare,
        statistic: test.statistic,
        p_value: test.p_value,
        effect: Effect { measure: Measure::CramersV, value, threshold },
        p_at_threshold: chi_square_law::sf(at_threshold, freedom),
    })
}
