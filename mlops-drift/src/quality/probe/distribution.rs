//! [`DistributionProbe`]: do values come from the distribution of a reference?

use std::sync::Arc;

use mlops_core::{Result, stats::TestResult};

use super::{Outcome, wrong_type};
use crate::{
    profile::{FeatureProfile, Profile, Value},
    quality::Values,
    stats::{
        counts::{ContingencyOptions, balanced_cramers_v, chi_square, ks_test},
        ks,
    },
};

/// Counts values into the cells of a reference.
#[derive(Debug, Clone)]
pub(in crate::quality) struct DistributionProbe {
    column: Box<str>,
    alpha: f64,
    min_effect: f64,
    /// The profile that has the reference, and what came after it.
    samples: Option<(Arc<Profile>, FeatureProfile)>,
}

impl DistributionProbe {
    pub(super) fn new(column: &str, alpha: f64, min_effect: f64) -> Self {
        Self { column: column.into(), alpha, min_effect, samples: None }
    }

    pub(super) fn set_reference(&mut self, reference: &Arc<Profile>) {
        self.samples = reference
            .feature(&self.column)
            .map(|feature| (Arc::clone(reference), feature.empty_like()));
    }

    pub(super) fn observe(&mut self, values: Values<'_>) -> Result<(), String> {
        let Some((_, current)) = &mut self.samples else {
            return Err("there is no reference of this name".to_owned());
        };
        let numeric = matches!(current, FeatureProfile::Numeric(_));
        let result = match values {
            Values::Numbers(values) if numeric => values
                .iter()
                .try_for_each(|value| current.observe(value.map_or(Value::Null, Value::Number))),
            Values::Integers(values) if numeric => values.iter().try_for_each(|value| {
                current.observe(value.map_or(Value::Null, |value| Value::Number(value as f64)))
            }),
            Values::Texts(values) if !numeric => values
                .iter()
                .try_for_each(|value| current.observe(value.map_or(Value::Null, Value::Category))),
            Values::Booleans(values) if !numeric => values.iter().try_for_each(|value| {
                let category = |value| Value::Category(if value { "true" } else { "false" });
                current.observe(value.map_or(Value::Null, category))
            }),
            values if numeric => return Err(wrong_type("numbers, as the reference is", values)),
            values => return Err(wrong_type("categories, as the reference is", values)),
        };
        result.map_err(|error| error.to_string())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if let (Some((_, mine)), Some((_, theirs))) = (&mut self.samples, &other.samples) {
            // Checkers with different references do not merge.
            let merged = mine.merge(theirs);
            debug_assert!(merged.is_ok(), "{merged:?}");
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let samples = self.samples.as_ref();
        let Some((reference, current)) =
            samples.and_then(|(profile, current)| Some((profile.feature(&self.column)?, current)))
        else {
            return Outcome::error("there is no reference of this name", 0);
        };
        let rows = |counts: &[u64]| counts.iter().sum::<u64>();
        let (n, m) = (rows(reference.counts()), rows(current.counts()));
        // What the p-value would be, if the samples had nothing in common.
        if n == 0 || m == 0 || ks::p_value(n, m, 1.0) > self.alpha {
            return Outcome::insufficient(
                format!("{m} values are too few to tell, with {n} in the reference"),
                m,
            );
        }
        match compare(reference, current) {
            Err(error) => Outcome::error(error.to_string(), m),
            Ok((test, effect)) => {
                let drifted = test.p_value <= self.alpha && effect >= self.min_effect;
                let detail = format!("p = {}, effect = {effect}", test.p_value);
                Outcome { detail: Some(detail), ..Outcome::judged(!drifted, effect, m) }
            }
        }
    }
}

/// A test, and an effect that does not grow with the number of rows.
fn compare(reference: &FeatureProfile, current: &FeatureProfile) -> Result<(TestResult, f64)> {
    let (x, y) = (reference.counts(), current.counts());
    match reference {
        FeatureProfile::Numeric(_) => {
            let test = ks_test(x, y)?;
            Ok((test, test.statistic))
        }
        FeatureProfile::Categorical(_) => {
            let sparse = reference.sparse_cells();
            let test = chi_square(x, y, &ContingencyOptions::default().with_sparse_cells(sparse))?;
            Ok((test, balanced_cramers_v(x, y, sparse)?))
        }
    }
}
