//! [`TuneReport`].

use super::{
    bottleneck::{Bottleneck, bottleneck},
    options::TuneOptions,
    search,
    setting::Measurement,
};

/// What a tuner found.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneReport {
    options: TuneOptions,
    measurements: Vec<Measurement>,
    complete: bool,
}

impl TuneReport {
    pub(super) fn new(
        options: TuneOptions,
        measurements: Vec<Measurement>,
        complete: bool,
    ) -> Self {
        Self { options, measurements, complete }
    }

    /// Every setting that was tried, in order.
    #[must_use]
    pub fn measurements(&self) -> &[Measurement] {
        &self.measurements
    }

    /// The setting with the most throughput within the bound on latency; of those that are as good as
    /// one another, the cheapest. `None` if no setting stays within it.
    #[must_use]
    pub fn best(&self) -> Option<&Measurement> {
        search::best(&self.options, &self.measurements)
    }

    /// What keeps the best from being better. Its `Display` is a sentence.
    #[must_use]
    pub fn bottleneck(&self) -> Bottleneck {
        bottleneck(&self.options, &self.measurements)
    }

    /// Whether the search came to its end, instead of out of time or settings: no setting one step beside
    /// the best is better.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}
