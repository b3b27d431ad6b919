//! [`Degradation`]: current service figures beside those of a baseline.

use mlops_core::{
    Result,
    alert::Severity,
    model::ModelId,
    stats::{Alternative, binomial, mean::welch_t_test, proportion::two_proportion_test},
};
use serde::{Deserialize, Serialize};

use super::{
    options::{DegradationOptions, ServiceFigure},
    stats::ServiceStats,
};
use crate::alert::{Judgement, Reading, Thresholds};

/// How a service does beside a baseline.
///
/// ```
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::performance::{Degradation, DegradationOptions, ServiceObserver, ServiceVerdict};
///
/// # fn main() -> mlops_core::Result<()> {
/// let observer = ServiceObserver::new(Timestamp::EPOCH);
/// // Show it predictions, and every few minutes:
/// let (baseline, current) = (observer.take(Timestamp::EPOCH), observer.take(Timestamp::EPOCH));
/// let found = Degradation::of(&baseline, &current, &DegradationOptions::default())?;
/// assert_eq!(found.verdict(), ServiceVerdict::Insufficient); // there was nothing to see
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Degradation {
    /// Each figure that has levels.
    pub figures: Vec<FigureChange>,
}

/// A figure beside that of the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FigureChange {
    /// Which one.
    pub figure: ServiceFigure,
    /// That of the baseline, latencies in seconds; `None` if it has none.
    pub baseline: Option<f64>,
    /// The current one.
    pub current: Option<f64>,
    /// What is judged: `current / baseline - 1`, or `current - baseline` of the error rate.
    pub change: Option<f64>,
    /// How probable a figure so much worse is if nothing has changed: by the z test or Fisher's of the error
    /// rate, Welch's of the confidence; of the throughput by the binomial distribution of one count among
    /// both (Przyborowski and Wilenski 1940), for requests that come independently. Quantiles have none:
    /// they are worse if the lower end of the current one's interval is above the upper end of the
    /// baseline's.
    pub p_value: Option<f64>,
    /// What is said of it.
    pub verdict: ServiceVerdict,
}

/// What is said of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceVerdict {
    /// It is not worse by as much as a level.
    Ok,
    /// There is too little data, or it looks worse and that may be chance.
    Insufficient,
    /// It is worse by the level of a warning.
    Warning,
    /// It is worse by the critical level.
    Critical,
}

impl Degradation {
    /// Compares the figures that have levels.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if `alpha` is not between 0 and 1, or
    /// levels are on the good side of their figure.
    pub fn of(
        baseline: &ServiceStats,
        current: &ServiceStats,
        options: &DegradationOptions,
    ) -> Result<Self> {
        let (judged, alpha) = options.judged()?;
        let both = Both { baseline, current, alpha };
        let change = |(figure, levels): (ServiceFigure, Thresholds)| {
            let (change, evident) = both.change(figure)?;
            let enough = both.requests(figure) >= options.min_requests;
            let verdict = match change.change.map(|change| levels.judge(change)) {
                None => ServiceVerdict::Insufficient,
                Some(_) if !enough => ServiceVerdict::Insufficient,
                Some(Judgement::Good | Judgement::Between) => ServiceVerdict::Ok,
                Some(Judgement::Bad(_)) if !evident => ServiceVerdict::Insufficient,
                Some(Judgement::Bad(Severity::Critical)) => ServiceVerdict::Critical,
                Some(Judgement::Bad(Severity::Warning | Severity::Info)) => ServiceVerdict::Warning,
            };
            Ok(FigureChange { verdict, ..change })
        };
        Ok(Self { figures: judged.into_iter().map(change).collect::<Result<_>>()? })
    }

    /// The worst that is said of a figure; [`Ok`](ServiceVerdict::Ok) of none.
    #[must_use]
    pub fn verdict(&self) -> ServiceVerdict {
        self.figures.iter().map(|figure| figure.verdict).max().unwrap_or(ServiceVerdict::Ok)
    }

    /// The changes as readings of the kinds of [`ServiceFigure::kind`], which
    /// [`DegradationOptions::rules`] judge; without a value where the verdict is
    /// [`Insufficient`](ServiceVerdict::Insufficient), so that no alert begins or ends by chance.
    #[must_use]
    pub fn readings(&self, model: Option<&ModelId>) -> Vec<Reading> {
        let reading = |change: &FigureChange| {
            let is_known = change.verdict != ServiceVerdict::Insufficient;
            let mut reading =
                Reading::new(change.figure.kind(), change.change.filter(|_| is_known));
            reading.model = model.cloned();
            reading
        };
        self.figures.iter().map(reading).collect()
    }
}

/// Two sides, and how probable a false alarm may be.
struct Both<'a> {
    baseline: &'a ServiceStats,
    current: &'a ServiceStats,
    alpha: f64,
}

impl Both<'_> {
    /// What a figure has to go by, of the side that has less.
    fn requests(&self, figure: ServiceFigure) -> u64 {
        let of = |stats: &ServiceStats| match figure {
            ServiceFigure::Confidence => stats.rows,
            ServiceFigure::ErrorRate => stats.answered().saturating_add(stats.failed),
            _ => stats.answered(),
        };
        match figure {
            // That there are few now is what is looked for.
            ServiceFigure::Throughput => of(self.baseline),
            _ => of(self.baseline).min(of(self.current)),
        }
    }

    /// A figure of both sides, and whether it is worse by more than chance.
    fn change(&self, figure: ServiceFigure) -> Result<(FigureChange, bool)> {
        let quantile = |p: f64| self.quantile(p);
        let (baseline, current, evidence) = match figure {
            ServiceFigure::LatencyP50 => quantile(0.50)?,
            ServiceFigure::LatencyP95 => quantile(0.95)?,
            ServiceFigure::LatencyP99 => quantile(0.99)?,
            ServiceFigure::ErrorRate => self.error_rate()?,
            ServiceFigure::Confidence => self.confidence()?,
            ServiceFigure::Throughput => self.throughput(),
        };
        let change = match (baseline, current) {
            (Some(baseline), Some(current)) if figure == ServiceFigure::ErrorRate => {
                Some(current - baseline)
            }
            (Some(baseline), Some(current)) if baseline > 0.0 => Some(current / baseline - 1.0),
            _ => None,
        };
        let (p_value, evident) = match evidence {
            Evidence::PValue(p) => (Some(p), p <= self.alpha),
            Evidence::Apart(apart) => (None, apart),
            Evidence::None => (None, false),
        };
        let verdict = ServiceVerdict::Insufficient;
        Ok((FigureChange { figure, baseline, current, change, p_value, verdict }, evident))
    }

    fn quantile(&self, p: f64) -> Result<(Option<f64>, Option<f64>, Evidence)> {
        let [baseline, current] = [&self.baseline.latency, &self.current.latency];
        // Either end misses with a probability of half of alpha, so both together with alpha at most.
        let confidence = 1.0 - self.alpha;
        let (_, highest) = baseline.quantile_bounds(p, confidence)?;
        let (lowest, _) = current.quantile_bounds(p, confidence)?;
        let evidence = match (highest, lowest) {
            (Some(highest), Some(lowest)) => Evidence::Apart(lowest > highest),
            _ => Evidence::None,
        };
        Ok((baseline.quantile(p)?, current.quantile(p)?, evidence))
    }

    fn error_rate(&self) -> Result<(Option<f64>, Option<f64>, Evidence)> {
        let [baseline, current] = [self.baseline, self.current].map(ServiceStats::error_rate);
        let evidence = match (&baseline, &current) {
            (Some(baseline), Some(current)) => Evidence::PValue(
                two_proportion_test(current, baseline, Alternative::Greater)?.p_value,
            ),
            _ => Evidence::None,
        };
        Ok((baseline.map(|rate| rate.estimate()), current.map(|rate| rate.estimate()), evidence))
    }

    fn confidence(&self) -> Result<(Option<f64>, Option<f64>, Evidence)> {
        let [baseline, current] = [self.baseline, self.current].map(ServiceStats::confidence);
        let evidence = match (&baseline, &current) {
            (Some(baseline), Some(current)) if baseline.count.min(current.count) > 1 => {
                Evidence::PValue(welch_t_test(current, baseline, Alternative::Less)?.p_value)
            }
            _ => Evidence::None,
        };
        Ok((baseline.map(|rows| rows.mean), current.map(|rows| rows.mean), evidence))
    }

    fn throughput(&self) -> (Option<f64>, Option<f64>, Evidence) {
        let [baseline, current] = [self.baseline, self.current].map(ServiceStats::throughput);
        let evidence = if baseline.is_some() && current.is_some() {
            let [theirs, ours] =
                [self.baseline, self.current].map(|stats| stats.observed.as_secs_f64());
            let all = self.baseline.answered().saturating_add(self.current.answered());
            Evidence::PValue(binomial::cdf(self.current.answered(), all, ours / (ours + theirs)))
        } else {
            Evidence::None
        };
        (baseline, current, evidence)
    }
}

/// Whether a figure is worse by more than chance.
enum Evidence {
    PValue(f64),
    /// Its interval lies beyond that of the baseline.
    Apart(bool),
    None,
}
