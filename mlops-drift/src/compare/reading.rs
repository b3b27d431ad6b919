//! A [`Comparison`] as figures that alerts are judged by.

use super::Comparison;
use crate::alert::Reading;

impl Comparison {
    /// What [`AlertRule`](crate::alert::AlertRule)s judge.
    ///
    /// | kind | labels | figure |
    /// | --- | --- | --- |
    /// | `feature_drift` | `feature` | how often the threshold goes into the effect, 0 where chance explains it: bad from 1 on, and the worse the larger |
    /// | `drifted_features` | | the share of features that have drifted |
    ///
    /// Where nothing can be said there is no figure.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let features = self.features.iter().map(|feature| {
            Reading::new("feature_drift", feature.severity(self.options.alpha))
                .with_label("feature", feature.name.clone())
        });
        let judged = self.features.iter().any(|feature| feature.severity(1.0).is_some());
        let share = Reading::new("drifted_features", judged.then(|| self.drifted_share()));
        features.chain([share]).collect()
    }
}
