//! [`SliceReport`]: which segment got worse, and by how much.

use mlops_core::{
    Error, Result,
    stats::{
        Alternative, Interval,
        correction::Correction,
        mean::{Summary, welch_t_test},
        proportion::{Proportion, fisher_exact_test, newcombe_interval},
        student_t,
    },
};
use serde::{Deserialize, Serialize};

use super::{Segment, SlicedLosses};
use crate::performance::Estimate;

/// How losses changed, over all rows and by segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SliceReport {
    /// All rows of the reference.
    pub reference: LossRate,
    /// All current rows.
    pub current: LossRate,
    /// How much more the mean loss is now.
    pub change: Estimate,
    /// The change in parts, for each feature and pair of features by which rows are divided.
    pub features: Vec<FeatureEffects>,
    /// The segments, the one first that added most to the mean loss.
    pub segments: Vec<SegmentChange>,
    /// Segments with too few rows in the reference and now.
    pub segments_too_small: u64,
    /// Segments that are not among the first.
    pub segments_left_out: u64,
    /// Pairs of features by which rows were not divided.
    pub pairs_left_out: u64,
}

/// Rows, and their mean loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossRate {
    /// How many.
    pub rows: u64,
    /// As a share of all.
    pub share: f64,
    /// Their mean loss; 0 of no rows.
    pub loss: f64,
}

/// The change of the mean loss in two parts (Kitagawa 1955, "Components of a difference between two rates";
/// as Oaxaca and Blinder 1973 of groups). Together they are the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureEffects {
    /// By which features rows are divided: one or two.
    pub features: Vec<String>,
    /// What comes of segments being more or less frequent: `Σ (share now - share then) · mean of both losses`.
    pub mix: f64,
    /// What comes of losses being other in segments: `Σ mean of both shares · (loss now - loss then)`. A segment
    /// that has rows only then or only now is all mix.
    pub within: f64,
}

/// How the loss of one segment changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SegmentChange {
    /// Which.
    pub segment: Segment,
    /// Its rows in the reference.
    pub reference: LossRate,
    /// Its rows now.
    pub current: LossRate,
    /// What it adds to the change by being more or less frequent, with a loss other than the mean of both: a
    /// term of [`FeatureEffects::mix`] with losses measured from there, which leaves the sum as it is.
    pub mix: f64,
    /// What it adds by its loss being another: a term of [`FeatureEffects::within`].
    pub within: f64,
    /// How its loss differs, where both have enough rows.
    pub difference: Option<Difference>,
}

/// How much more a segment's mean loss is now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// The difference of means.
    pub value: f64,
    /// Where it lies, to the confidence asked for: Newcombe's interval where all losses are 0 or 1, Welch's
    /// otherwise.
    pub interval: Interval,
    /// Of no difference: by Fisher's exact test where all losses are 0 or 1, by Welch's otherwise.
    pub p_value: f64,
    /// That, adjusted for the number of segments that were tested.
    pub adjusted_p_value: f64,
}

impl SegmentChange {
    /// What it adds to the change of the mean loss over all rows.
    #[must_use]
    pub fn contribution(&self) -> f64 {
        self.mix + self.within
    }
}

/// How segments are compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SliceTestOptions {
    /// How many rows make a segment's mean worth a test; at least 2.
    pub min_rows: u64,
    /// Of intervals, between 0 and 1.
    pub confidence: f64,
    /// For the number of segments.
    pub correction: Correction,
    /// How many segments are told of.
    pub limit: usize,
}

impl Default for SliceTestOptions {
    /// 30 rows, 95 %, Benjamini and Hochberg's correction, and a hundred segments.
    fn default() -> Self {
        Self { min_rows: 30, confidence: 0.95, correction: Correction::default(), limit: 100 }
    }
}

impl SliceTestOptions {
    /// Sets [`min_rows`](Self::min_rows).
    #[must_use]
    pub fn with_min_rows(mut self, rows: u64) -> Self {
        self.min_rows = rows;
        self
    }

    /// Sets [`confidence`](Self::confidence).
    #[must_use]
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets [`correction`](Self::correction).
    #[must_use]
    pub fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl SlicedLosses {
    /// How these losses differ from those of a reference, and where.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the segments differ, either has fewer than two rows, or options are out
    /// of their range.
    pub fn compare(&self, reference: &Self, options: &SliceTestOptions) -> Result<SliceReport> {
        self.check_same(reference)?;
        if options.min_rows < 2 {
            let reason = format!("{} rows have no spread", options.min_rows);
            return Err(Error::invalid("least rows of a segment", reason));
        }
        let (then, now) = (reference.all(), self.all());
        for (name, all) in [("reference", then), ("current losses", now)] {
            if all.count < 2 {
                return Err(Error::invalid(name, format!("{} rows are less than two", all.count)));
            }
        }
        // Refuses a confidence that is none, whether there is a segment to test or not.
        now.confidence_interval(options.confidence)?;
        let test = if self.is_binary() && reference.is_binary() { of_errors } else { of_losses };
        let (mut features, mut segments) = (Vec::new(), Vec::new());
        let mut too_small = 0;
        for ((division, before), (_, after)) in reference.divisions().zip(self.divisions()) {
            let mut effects =
                FeatureEffects { features: self.slicer().names(division), mix: 0.0, within: 0.0 };
            for (cell, (before, after)) in before.iter().zip(after).enumerate() {
                let (was, is) = (rate(before, then), rate(after, now));
                let [mix, within] = effects_of(was, is, 0.5 * (then.mean + now.mean));
                effects.mix += mix;
                effects.within += within;
                let enough = [before, after].map(|losses| losses.count >= options.min_rows);
                if enough == [false, false] {
                    too_small += u64::from(before.count > 0 || after.count > 0);
                    continue;
                }
                let difference = if enough == [true, true] {
                    Some(test(before, after, options.confidence)?)
                } else {
                    None
                };
                segments.push(SegmentChange {
                    segment: self.slicer().segment(division, cell),
                    reference: was,
                    current: is,
                    mix,
                    within,
                    difference,
                });
            }
            features.push(effects);
        }
        let tested = || segments.iter().filter_map(|segment| segment.difference.as_ref());
        let p_values: Vec<_> = tested().map(|difference| difference.p_value).collect();
        let adjusted = options.correction.adjust(&p_values)?;
        let tested = segments.iter_mut().filter_map(|segment| segment.difference.as_mut());
        tested.zip(adjusted).for_each(|(difference, p)| difference.adjusted_p_value = p);
        segments.sort_by(|a, b| b.contribution().total_cmp(&a.contribution()));
        let left_out = segments.len().saturating_sub(options.limit);
        segments.truncate(options.limit);
        let variance = |all: &Summary| all.variance / all.count as f64;
        Ok(SliceReport {
            reference: rate(then, then),
            current: rate(now, now),
            change: Estimate::new(now.mean - then.mean, variance(then) + variance(now)),
            features,
            segments,
            segments_too_small: too_small,
            segments_left_out: left_out as u64,
            pairs_left_out: self.slicer().pairs_left_out(),
        })
    }
}

fn rate(losses: &Summary, of: &Summary) -> LossRate {
    let share = losses.count as f64 / of.count as f64;
    LossRate { rows: losses.count, share, loss: losses.mean }
}

/// What a segment adds by its share and by its loss, losses being measured from the middle: shares sum to 1
/// both times, so that this changes no sum.
fn effects_of(was: LossRate, is: LossRate, middle: f64) -> [f64; 2] {
    // A mean of no rows is the other one.
    let before = if was.rows > 0 { was.loss } else { is.loss };
    let after = if is.rows > 0 { is.loss } else { was.loss };
    let mix = (is.share - was.share) * (0.5 * (before + after) - middle);
    [mix, 0.5 * (was.share + is.share) * (after - before)]
}

/// Of losses of any kind: Welch's test and interval.
fn of_losses(before: &Summary, after: &Summary, confidence: f64) -> Result<Difference> {
    let p_value = welch_t_test(after, before, Alternative::TwoSided)?.p_value;
    let part = |losses: &Summary| losses.variance / losses.count as f64;
    let (ours, theirs) = (part(after), part(before));
    let variance = ours + theirs;
    let square = |part: f64, count: u64| (part / variance).powi(2) / (count - 1) as f64;
    let half = if variance > 0.0 {
        let dof = 1.0 / (square(ours, after.count) + square(theirs, before.count));
        student_t::quantile(0.5 + 0.5 * confidence, dof) * variance.sqrt()
    } else {
        0.0
    };
    let value = after.mean - before.mean;
    let interval = Interval { low: value - half, high: value + half };
    Ok(Difference { value, interval, p_value, adjusted_p_value: p_value })
}

/// Of losses of 0 and 1, which are rare in most segments, so that a test of means would not do.
fn of_errors(before: &Summary, after: &Summary, confidence: f64) -> Result<Difference> {
    let proportion = |losses: &Summary| {
        let errors = (losses.mean * losses.count as f64).round() as u64;
        Proportion::new(errors.min(losses.count), losses.count)
    };
    let (before, after) = (proportion(before)?, proportion(after)?);
    let interval = newcombe_interval(&after, &before, confidence)?;
    let table = [after, before].map(|rows| [rows.successes(), rows.failures()]);
    let p_value = fisher_exact_test(table, Alternative::TwoSided)?.p_value;
    let value = after.estimate() - before.estimate();
    Ok(Difference { value, interval, p_value, adjusted_p_value: p_value })
}
