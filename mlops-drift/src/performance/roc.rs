//! Areas under curves of a binary classifier: [`RocAuc`] and [`AveragePrecision`].

use mlops_core::{Error, Result, stats::Interval};
use serde::{Deserialize, Serialize};

use super::{
    estimate::Estimate,
    figure::{Confidence, Figure},
};

/// The area under the receiver operating characteristic: how often a positive row has a larger score than
/// a negative one, ties counting half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RocAuc {
    /// Rows that are positive: at least one.
    pub positives: u64,
    /// Rows that are negative: at least one.
    pub negatives: u64,
    /// The area.
    pub value: f64,
    /// Its standard error, by DeLong, DeLong and Clarke-Pearson (1988); by Hanley and McNeil (1982) where
    /// there is only one row of a kind.
    pub standard_error: f64,
    /// Where the area of the scores themselves is: a point, unless they were counted in bins.
    pub bounds: Interval,
}

/// The area under the curve of precision over recall, as a sum of steps, `Σ (Rₙ - Rₙ₋₁) Pₙ` by falling
/// score, where equal scores are one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AveragePrecision {
    /// Rows that are positive: at least one.
    pub positives: u64,
    /// The area.
    pub value: f64,
    /// Where the area of the scores themselves is: a point, unless they were counted in bins.
    pub bounds: Interval,
}

/// Rows of one score, or of one bin of scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tied {
    pub(super) positives: u64,
    pub(super) negatives: u64,
}

/// The area under the receiver operating characteristic of these scores: one sort.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are not as many scores as outcomes, a score is NaN, or there is no
/// row of one kind.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Result<RocAuc> {
    let tied = tied(scores, positive)?;
    RocAuc::of(&tied, Resolution::Exact).ok_or_else(|| one_kind(&tied))
}

/// The area under the curve of precision over recall of these scores: one sort.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are not as many scores as outcomes, a score is NaN, or no row is
/// positive.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Result<AveragePrecision> {
    let tied = tied(scores, positive)?;
    AveragePrecision::of(&tied, Resolution::Exact).ok_or_else(|| one_kind(&tied))
}

/// Whether rows that are tied are so by score, or only by bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    Exact,
    Binned,
}

impl RocAuc {
    /// The area with its error.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate { value: self.value, standard_error: self.standard_error }
    }

    /// The area with its interval: symmetric for the logit of the area (Pepe 2003), from the lower end of
    /// the [bounds](Self::bounds) to the upper. Where the rows seen are in perfect order, or in perfect
    /// disorder, by Newcombe (2006, "Confidence intervals for an effect size measure based on the
    /// Mann–Whitney statistic", part 2, method 5).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub fn figure(&self, confidence: f64) -> Result<Figure> {
        let confidence = Confidence::new(confidence)?;
        let of = |value: f64| {
            let estimate = Estimate { value, standard_error: self.standard_error };
            let enough = self.positives.min(self.negatives) > 1;
            let by_logit = if enough { confidence.logit(estimate) } else { None };
            by_logit.map_or_else(|| self.newcombe(value, confidence.z), |figure| figure.interval)
        };
        let (low, high) = (of(self.bounds.low).low, of(self.bounds.high).high);
        Ok(Figure::new(self.value, low, high))
    }

    /// Of groups by rising score; `None` without rows of both kinds.
    pub(super) fn of(groups: &[Tied], resolution: Resolution) -> Option<Self> {
        let [positives, negatives] = totals(groups);
        if positives == 0 || negatives == 0 {
            return None;
        }
        let (all_positive, all_negative) = (positives as f64, negatives as f64);
        // Halves of pairs are whole numbers, so that rows in perfect order have the area 1.
        let (mut below, mut ordered, mut within) = (0.0, 0.0, 0.0);
        for tied in groups {
            let (positives, negatives) = (tied.positives as f64, tied.negatives as f64);
            ordered += positives * (2.0 * below + negatives);
            within += positives * negatives;
            below += negatives;
        }
        let pairs = all_positive * all_negative;
        let value = 0.5 * ordered / pairs;
        // Of each row, the share of the other kind that is in order with it: how far it varies.
        let (mut below, mut of_positives, mut of_negatives) = (Tied::default(), 0.0, 0.0);
        for tied in groups {
            let lower = below.negatives as f64 + 0.5 * tied.negatives as f64;
            below.positives += tied.positives;
            below.negatives += tied.negatives;
            let higher = (positives - below.positives) as f64 + 0.5 * tied.positives as f64;
            of_positives += tied.positives as f64 * (lower / all_negative - value).powi(2);
            of_negatives += tied.negatives as f64 * (higher / all_positive - value).powi(2);
        }
        let variance = if positives > 1 && negatives > 1 {
            of_positives / (all_positive - 1.0) / all_positive
                + of_negatives / (all_negative - 1.0) / all_negative
        } else {
            hanley_mcneil(value, [all_positive - 1.0, all_negative - 1.0]) / pairs
        };
        let unsure = if resolution == Resolution::Exact { 0.0 } else { within };
        let bounds = Interval {
            low: 0.5 * (ordered - unsure) / pairs,
            high: 0.5 * (ordered + unsure) / pairs,
        };
        let Estimate { value, standard_error } = Estimate::new(value, variance);
        Some(Self { positives, negatives, value, standard_error, bounds })
    }

    /// The areas that are not too far from `value` for the error that rows would have if the area were
    /// theirs.
    fn newcombe(&self, value: f64, z: f64) -> Interval {
        let (positives, negatives) = (self.positives as f64, self.negatives as f64);
        let typical = 0.5 * (positives + negatives) - 1.0;
        let fits = |area: f64| {
            let variance = hanley_mcneil(area, [typical, typical]) / (positives * negatives);
            (value - area).powi(2) <= z * z * variance
        };
        // Halves the way from a value that fits to the end, which does not unless it is the value itself.
        let search = |end: f64| {
            let (mut inside, mut outside) = (value, end);
            for _ in 0..60 {
                let middle = 0.5 * (inside + outside);
                *(if fits(middle) { &mut inside } else { &mut outside }) = middle;
            }
            inside
        };
        Interval { low: search(0.0), high: search(1.0) }
    }
}

impl AveragePrecision {
    /// The area with its interval: symmetric for the logit, with the error of a share of the positive rows
    /// (Boyd, Eng and Page 2013, "Area under the precision-recall curve: point estimates and confidence
    /// intervals", §4), from the lower end of the [bounds](Self::bounds) to the upper; where all positive
    /// rows come first, Wilson's.
    ///
    /// It takes the negative rows as given, so it is right where they are many.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub fn figure(&self, confidence: f64) -> Result<Figure> {
        let confidence = Confidence::new(confidence)?;
        let of = |value: f64| {
            let variance = value * (1.0 - value) / self.positives as f64;
            let by_logit = confidence.logit(Estimate::new(value, variance));
            let all = || confidence.share(self.positives, self.positives);
            by_logit.or_else(|| if value > 0.0 { all() } else { None })
        };
        let low = of(self.bounds.low).map_or(0.0, |figure| figure.interval.low);
        let high = of(self.bounds.high).map_or(1.0, |figure| figure.interval.high);
        Ok(Figure::new(self.value, low, high))
    }

    /// Of groups by rising score; `None` without a positive row.
    pub(super) fn of(groups: &[Tied], resolution: Resolution) -> Option<Self> {
        let [positives, _] = totals(groups);
        if positives == 0 {
            return None;
        }
        let (mut above, mut value, mut low, mut high) = (Tied::default(), 0.0, 0.0, 0.0);
        for tied in groups.iter().rev() {
            let (hits, misses) = (above.positives as f64, above.negatives as f64);
            let (more, other) = (tied.positives as f64, tied.negatives as f64);
            if tied.positives == 0 {
                above.negatives += tied.negatives;
                continue;
            }
            value += more * ((hits + more) / (hits + more + misses + other));
            // A bin's own negative rows may lie behind its positive ones, or before them.
            high += steps(more, hits, misses).high;
            low += steps(more, hits, misses + other).low;
            above.positives += tied.positives;
            above.negatives += tied.negatives;
        }
        let all = positives as f64;
        let value = (value / all).min(1.0);
        let bounds = match resolution {
            Resolution::Exact => Interval { low: value, high: value },
            Resolution::Binned => Interval {
                low: (low / all).clamp(0.0, value),
                high: (high / all).clamp(value, 1.0),
            },
        };
        Some(Self { positives, value, bounds })
    }
}

/// Where the sum of `(hits + i) / (hits + i + misses)` for `i` of 1 to `more` is: what positive rows that
/// come one after the other add to the area.
fn steps(more: f64, hits: f64, misses: f64) -> Interval {
    if misses == 0.0 {
        return Interval { low: more, high: more };
    }
    let rows = hits + misses;
    if more <= 64.0 {
        let sum = (1..=more as u32).map(|i| (hits + f64::from(i)) / (rows + f64::from(i))).sum();
        return Interval { low: sum, high: sum };
    }
    // Of many the integrals are next to the sum: that of 1 / x lies below its steps, or above them.
    let (low, high) = (misses * (more / rows).ln_1p(), misses * (more / (rows + 1.0)).ln_1p());
    Interval { low: more - low, high: more - high }
}

/// The variance of an area, times the number of pairs, where the scores of either kind are exponential.
fn hanley_mcneil(area: f64, [positives, negatives]: [f64; 2]) -> f64 {
    let square = area * area;
    area * (1.0 - area)
        + positives * (area / (2.0 - area) - square)
        + negatives * (2.0 * square / (1.0 + area) - square)
}

fn totals(groups: &[Tied]) -> [u64; 2] {
    groups.iter().fold([0, 0], |[positives, negatives], tied| {
        [positives + tied.positives, negatives + tied.negatives]
    })
}

/// Rows of each score, by rising score.
fn tied(scores: &[f64], positive: &[bool]) -> Result<Vec<Tied>> {
    let invalid = |reason: String| Err(Error::invalid("scores", reason));
    if scores.len() != positive.len() || scores.is_empty() {
        return invalid(format!("{} scores of {} outcomes", scores.len(), positive.len()));
    }
    if let Some(index) = scores.iter().position(|score| score.is_nan()) {
        return invalid(format!("score {index} is NaN"));
    }
    let mut rows: Vec<_> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let group = |rows: &[(f64, bool)]| {
        let positives = rows.iter().filter(|(_, positive)| *positive).count();
        Tied { positives: positives as u64, negatives: (rows.len() - positives) as u64 }
    };
    Ok(rows.chunk_by(|(a, _), (b, _)| a == b).map(group).collect())
}

fn one_kind(groups: &[Tied]) -> Error {
    let [positives, negatives] = totals(groups);
    Error::invalid("outcomes", format!("{positives} are positive and {negatives} are not"))
}
