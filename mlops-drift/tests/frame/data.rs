//! Frames for the tests, and what is asked of them.

use mlops_core::{Result, progress::NoProgress};
use mlops_drift::{
    compare::{Comparison, FeatureComparison, Verdict},
    frame::{self, FrameOptions, polars::prelude::*},
};

/// Numbers that look like chance, the same for the same seed, in `[0, 1)`.
pub(crate) fn uniform(seed: u64, rows: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    std::iter::repeat_with(next).take(rows).collect()
}

/// One of the names for each number in `[0, 1)`.
pub(crate) fn named(values: &[f64], names: &[&str]) -> Vec<String> {
    values.iter().map(|value| names[(value * names.len() as f64) as usize].to_owned()).collect()
}

pub(crate) fn frame(columns: Vec<Column>) -> LazyFrame {
    let rows = columns.first().map_or(0, Column::len);
    DataFrame::new(rows, columns).unwrap().lazy()
}

pub(crate) fn compare(
    reference: &LazyFrame,
    current: &LazyFrame,
    options: &FrameOptions,
) -> Result<Comparison> {
    frame::compare(reference, current, options, &NoProgress)
}

/// The only feature of two frames of one column.
pub(crate) fn compare_column(reference: Column, current: Column) -> FeatureComparison {
    let sides = [reference, current].map(|column| frame(vec![column]));
    let comparison = compare(&sides[0], &sides[1], &FrameOptions::default()).unwrap();
    assert_eq!(comparison.features.len(), 1);
    comparison.features.into_iter().next().unwrap()
}

pub(crate) fn verdicts(comparison: &Comparison) -> Vec<(&str, Verdict)> {
    comparison.features.iter().map(|feature| (&*feature.name, feature.verdict)).collect()
}
