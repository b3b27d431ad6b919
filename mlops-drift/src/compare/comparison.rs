//! [`Comparison`]: what was found.

use serde::{Deserialize, Serialize};

use super::{
    evidence::Evidence,
    options::CompareOptions,
    shape::Shape,
    summary::{Distances, FeatureKind, FeatureSummary},
    verdict::Verdict,
};

/// What has changed between two data sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// `Drift` if any feature has drifted; otherwise `Error` if one could not be compared; otherwise
    /// `NoDrift`, unless no feature has enough rows.
    pub verdict: Verdict,
    /// What counted as drift.
    pub options: CompareOptions,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// Rows of the current data.
    pub current_rows: u64,
    /// Each feature, in the order of the reference.
    pub features: Vec<FeatureComparison>,
    /// Features of the current data that the reference does not have.
    pub unexpected: Vec<String>,
}

/// What has changed in one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FeatureComparison {
    /// Its name.
    pub name: String,
    /// What it is in the reference.
    pub kind: FeatureKind,
    /// `Drift` if any aspect has drifted; otherwise `Error`, or `Insufficient`, if that is true of any.
    pub verdict: Verdict,
    /// Why nothing can be said, for people.
    pub reason: Option<String>,
    /// What was tested. An aspect that both data sets have none of, or nothing else, is not: it says nothing.
    pub evidence: Vec<Evidence>,
    /// Further distances, which decide nothing.
    pub distances: Distances,
    /// The reference.
    pub reference: FeatureSummary,
    /// The current data.
    pub current: FeatureSummary,
    /// Both, for a picture.
    pub shape: Shape,
}

impl Comparison {
    /// The feature of this name.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<&FeatureComparison> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// Features with this verdict.
    pub fn with_verdict(&self, verdict: Verdict) -> impl Iterator<Item = &FeatureComparison> {
        self.features.iter().filter(move |feature| feature.verdict == verdict)
    }

    /// The share of features that have drifted.
    #[must_use]
    pub fn drifted_share(&self) -> f64 {
        self.with_verdict(Verdict::Drift).count() as f64 / self.features.len().max(1) as f64
    }
}

impl FeatureComparison {
    /// The largest [ratio](super::Effect::ratio) of effect to threshold among what chance does not explain;
    /// 0 if it explains everything. `None` where nothing can be said.
    #[must_use]
    pub fn severity(&self, alpha: f64) -> Option<f64> {
        if matches!(self.verdict, Verdict::Error | Verdict::Insufficient) {
            return None;
        }
        let proven = self.evidence.iter().filter(|found| found.adjusted_p_value <= alpha);
        Some(proven.map(|found| found.effect.ratio()).fold(0.0, f64::max))
    }
}
