//! [`ContinuousComparison`]: what has changed since the start, looked at any time.

use mlops_core::Result;

use crate::{
    alert::Reading,
    compare::{CompareOptions, Comparison, FeatureComparison, Verdict, compare},
    profile::{FeatureProfile, Profile},
    stats::counts::SequentialTest,
};

/// What has changed since the start, by tests that may be looked at any time.
///
/// The rule is that of a [`Comparison`], but for its p-values: a feature has drifted if the
/// [sequential](SequentialTest) p-value of its distribution, rows without a value included, adjusted for the
/// number of features, is at most `alpha`, and one of its effects reaches its threshold. The probability
/// that any feature *ever* drifts while nothing changes is at most `alpha` (with a correction for the
/// family-wise error; with Benjamini and Hochberg's it is the rate of false discoveries).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ContinuousComparison {
    /// `Drift` if any feature has drifted; otherwise as of a [`Comparison`].
    pub verdict: Verdict,
    /// Each feature, in the order of the reference.
    pub features: Vec<ContinuousFeature>,
    /// The same rows as one window. Its effects are those of the verdicts above; its p-values are for one look
    /// and decide nothing here.
    pub comparison: Comparison,
}

/// What a [`ContinuousComparison`] says of a feature.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ContinuousFeature {
    /// Its name.
    pub name: String,
    /// `Insufficient` also where a test of one look would speak of drift, and this one does not yet.
    pub verdict: Verdict,
    /// The least p-value since the start.
    pub p_value: f64,
    /// The same, adjusted for the number of features.
    pub adjusted_p_value: f64,
    /// The largest [ratio](crate::compare::Effect::ratio) of an effect to its threshold: 1 and more matters.
    pub effect: f64,
    /// Rows since the start.
    pub rows: u64,
}

impl ContinuousComparison {
    /// What [`AlertRule`](crate::alert::AlertRule)s judge: `continuous_drift` with the label `feature`, the ratio
    /// of effect to threshold, 0 where chance explains it; none where nothing can be said.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let features = self.features.iter();
        features
            .map(|feature| {
                let figure = match feature.verdict {
                    Verdict::Error | Verdict::Insufficient => None,
                    _ if feature.adjusted_p_value <= self.comparison.options.alpha => {
                        Some(feature.effect)
                    }
                    _ => Some(0.0),
                };
                Reading::new("continuous_drift", figure).with_label("feature", &feature.name)
            })
            .collect()
    }
}

/// The tests of a monitor, which remember the least p-value.
#[derive(Debug)]
pub(super) struct SequentialTests(Vec<SequentialTest>);

impl SequentialTests {
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) if a feature of the reference has no rows.
    pub(super) fn new(reference: &Profile) -> Result<Self> {
        let tests = reference.features().map(|(_, feature)| match feature {
            FeatureProfile::Numeric(numeric) => {
                SequentialTest::of_bins(numeric.counts(), missing(feature))
            }
            FeatureProfile::Categorical(categories) => SequentialTest::of_categories(
                categories.counts(),
                missing(feature),
                categories.distinct().ceil() as u64,
            ),
        });
        tests.collect::<Result<_>>().map(Self)
    }

    pub(super) fn look(
        &mut self,
        reference: &Profile,
        since_start: &Profile,
        options: &CompareOptions,
    ) -> Result<ContinuousComparison> {
        let comparison = compare(reference, since_start, options)?;
        let mut p_values = Vec::with_capacity(self.0.len());
        for (test, (_, feature)) in self.0.iter_mut().zip(since_start.features()) {
            p_values.push(test.update(feature.counts(), missing(feature))?);
        }
        let adjusted = options.correction.adjust(&p_values)?;
        let features: Vec<_> = comparison
            .features
            .iter()
            .zip(p_values.iter().zip(adjusted))
            .map(|(feature, (p_value, adjusted_p_value))| {
                let ratios = feature.evidence.iter().map(|evidence| evidence.effect.ratio());
                let effect = ratios.fold(0.0, f64::max);
                let is_proven = adjusted_p_value <= options.alpha && effect >= 1.0;
                ContinuousFeature {
                    name: feature.name.clone(),
                    verdict: verdict(feature, is_proven),
                    p_value: *p_value,
                    adjusted_p_value,
                    effect,
                    rows: feature.current.rows,
                }
            })
            .collect();
        let any = |verdict| features.iter().any(|feature| feature.verdict == verdict);
        let verdict =
            [Verdict::Drift, Verdict::Error, Verdict::NoDrift].into_iter().find(|each| any(*each));
        let verdict = verdict.unwrap_or(Verdict::Insufficient);
        Ok(ContinuousComparison { verdict, features, comparison })
    }
}

fn verdict(feature: &FeatureComparison, is_proven: bool) -> Verdict {
    match feature.verdict {
        Verdict::Error => Verdict::Error,
        _ if is_proven => Verdict::Drift,
        // Not so clear that it may be said while looking all the time.
        Verdict::Drift => Verdict::Insufficient,
        other => other,
    }
}

/// Rows without a value that can be counted in a cell.
fn missing(feature: &FeatureProfile) -> u64 {
    let cells = feature.counts().iter().fold(0_u64, |sum, rows| sum.saturating_add(*rows));
    feature.rows().saturating_sub(cells)
}
