//! Columns to compare.

use mlops_core::{
    random::{RandomKey, RandomStream},
    timestamp::Timestamp,
};
use mlops_drift::{
    compare::{CompareOptions, Comparer, Comparison, Numbers, compare},
    profile::{Column, Origin, Profile, ProfileOptions},
};

/// Random numbers of a test.
pub(crate) struct Random(RandomStream);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(RandomKey::from_seed(seed).stream(0))
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.next_unit()
    }

    /// Box and Muller's normal numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn normals(&mut self, rows: usize, mean: f64, deviation: f64) -> Vec<f64> {
        (0..rows).map(|_| mean + deviation * self.normal()).collect()
    }

    /// Categories named by their number, all equally frequent.
    pub(crate) fn categories(&mut self, rows: usize, of: usize) -> Vec<String> {
        (0..rows).map(|_| format!("c{}", (self.uniform() * of as f64) as usize)).collect()
    }
}

pub(crate) fn texts(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// Compares columns of one feature by their profiles.
pub(crate) fn by_profiles(
    reference: Column<'_>,
    current: Column<'_>,
    options: &CompareOptions,
) -> Comparison {
    let origin = Origin::new("test", Timestamp::EPOCH);
    let fitted = Profile::fit(&[("x", reference)], origin, &ProfileOptions::default()).unwrap();
    let mut counted = fitted.empty_like();
    counted.observe_columns(&[("x", current)]).unwrap();
    compare(&fitted, &counted, options).unwrap()
}

/// Compares numbers by their values.
pub(crate) fn by_values(
    reference: &[f64],
    current: &[f64],
    options: &CompareOptions,
) -> Comparison {
    let [reference, current] =
        [reference, current].map(|values| Numbers::new(values.to_vec(), 0).unwrap());
    let mut comparer = Comparer::new(options, reference.rows(), current.rows()).unwrap();
    comparer.numbers("x", &reference, &current).unwrap();
    comparer.finish().unwrap()
}
