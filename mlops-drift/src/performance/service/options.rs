//! [`DegradationOptions`].

use std::fmt;

use mlops_core::{Error, Result, alert::Severity};
use serde::{Deserialize, Serialize};

use crate::alert::{AlertRule, Bad, Thresholds};

/// What is compared with a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceFigure {
    /// The median latency, by its relative change.
    LatencyP50,
    /// The 95th percentile of latency, by its relative change.
    LatencyP95,
    /// The 99th percentile of latency, by its relative change.
    LatencyP99,
    /// The share of requests that fail, by its difference.
    ErrorRate,
    /// The mean confidence, by its relative change.
    Confidence,
    /// Answers a second, by its relative change.
    Throughput,
}

impl ServiceFigure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LatencyP50,
        Self::LatencyP95,
        Self::LatencyP99,
        Self::ErrorRate,
        Self::Confidence,
        Self::Throughput,
    ];

    /// The kind of its readings, such as `latency_p95_change`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::LatencyP50 => "latency_p50_change",
            Self::LatencyP95 => "latency_p95_change",
            Self::LatencyP99 => "latency_p99_change",
            Self::ErrorRate => "error_rate_change",
            Self::Confidence => "confidence_change",
            Self::Throughput => "throughput_change",
        }
    }

    /// On which side it is bad.
    pub(super) fn bad(self) -> Bad {
        match self {
            Self::Confidence | Self::Throughput => Bad::Below,
            _ => Bad::Above,
        }
    }
}

impl fmt::Display for ServiceFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().trim_end_matches("_change"))
    }
}

/// When a change from the baseline is a degradation: it is as large as a level **and** not by chance.
///
/// A figure without levels is not judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DegradationOptions {
    /// Of the relative change of the median latency; +20 % and +50 %.
    pub latency_p50: Option<Thresholds>,
    /// Of that of the 95th percentile; +20 % and +50 %.
    pub latency_p95: Option<Thresholds>,
    /// Of that of the 99th percentile; +20 % and +50 %.
    pub latency_p99: Option<Thresholds>,
    /// Of the difference of the error rate; +1 and +5 points.
    pub error_rate: Option<Thresholds>,
    /// Of the relative change of the mean confidence; −5 % and −10 %.
    pub confidence: Option<Thresholds>,
    /// Of the relative change of the throughput; none, because it follows demand, which a model has no
    /// hand in.
    pub throughput: Option<Thresholds>,
    /// How probable it may be that any of the figures is called degraded though none has changed; 5 %. Each
    /// one that has levels gets an equal part (Bonferroni).
    pub alpha: f64,
    /// With fewer requests, or rows for the confidence, of either side nothing is said; 30.
    pub min_requests: u64,
}

impl Default for DegradationOptions {
    fn default() -> Self {
        let levels = |bad, warning, critical| {
            let thresholds = Thresholds::new(bad, warning).ok()?;
            thresholds.with_critical(critical).ok()
        };
        let latency = levels(Bad::Above, 0.20, 0.50);
        Self {
            latency_p50: latency,
            latency_p95: latency,
            latency_p99: latency,
            error_rate: levels(Bad::Above, 0.01, 0.05),
            confidence: levels(Bad::Below, -0.05, -0.10),
            throughput: None,
            alpha: 0.05,
            min_requests: 30,
        }
    }
}

impl DegradationOptions {
    /// Sets the levels of a figure; `None` does not judge it.
    #[must_use]
    pub fn with_levels(mut self, figure: ServiceFigure, levels: Option<Thresholds>) -> Self {
        *match figure {
            ServiceFigure::LatencyP50 => &mut self.latency_p50,
            ServiceFigure::LatencyP95 => &mut self.latency_p95,
            ServiceFigure::LatencyP99 => &mut self.latency_p99,
            ServiceFigure::ErrorRate => &mut self.error_rate,
            ServiceFigure::Confidence => &mut self.confidence,
            ServiceFigure::Throughput => &mut self.throughput,
        } = levels;
        self
    }

    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets [`min_requests`](Self::min_requests).
    #[must_use]
    pub fn with_min_requests(mut self, min_requests: u64) -> Self {
        self.min_requests = min_requests;
        self
    }

    /// The levels of a figure.
    #[must_use]
    pub fn levels(&self, figure: ServiceFigure) -> Option<Thresholds> {
        match figure {
            ServiceFigure::LatencyP50 => self.latency_p50,
            ServiceFigure::LatencyP95 => self.latency_p95,
            ServiceFigure::LatencyP99 => self.latency_p99,
            ServiceFigure::ErrorRate => self.error_rate,
            ServiceFigure::Confidence => self.confidence,
            ServiceFigure::Throughput => self.throughput,
        }
    }

    /// A rule for the [readings](super::Degradation::readings) of each figure that has levels.
    #[must_use]
    pub fn rules(&self) -> Vec<AlertRule> {
        let rule =
            |figure: ServiceFigure| Some(AlertRule::new(figure.kind(), self.levels(figure)?));
        ServiceFigure::ALL.into_iter().filter_map(rule).collect()
    }

    /// The figures that have levels; how probable a false alarm of each may be.
    pub(super) fn judged(&self) -> Result<(Vec<(ServiceFigure, Thresholds)>, f64)> {
        let invalid = |reason: String| Err(Error::invalid("degradation options", reason));
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return invalid(format!("`alpha`, {}, is not between 0 and 1", self.alpha));
        }
        let levels = |figure| Some((figure, self.levels(figure)?));
        let judged: Vec<_> = ServiceFigure::ALL.into_iter().filter_map(levels).collect();
        for (figure, levels) in &judged {
            let warning = levels.level(Severity::Warning);
            let is_worse = match figure.bad() {
                Bad::Above => warning > 0.0,
                Bad::Below => warning < 0.0,
            };
            if levels.bad() != figure.bad() || !is_worse {
                return invalid(format!("the levels of `{figure}` are on its good side"));
            }
        }
        let alpha = self.alpha / judged.len().max(1) as f64;
        Ok((judged, alpha))
    }
}
