//! [`ScoreHistogram`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    confusion::check_counts,
    roc::{AveragePrecision, Resolution, RocAuc, Tied},
};

/// How many rows of either kind have which score, in constant memory: what the areas under curves need.
///
/// Scores are probabilities, and are counted in 2048 bins that are equally wide in the logit,
/// `ln(s / (1 - s))`, from −16 to 16: 1.6 % wide near 0 and 1, where scores of rare things crowd, and
/// 0.004 in the middle; what lies beyond is in the first and last. Two histograms
/// [merge](Self::merge) by adding counts. How far an area of bins may be from that of the scores is known,
/// and part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct ScoreHistogram {
    positives: Box<[u64]>,
    negatives: Box<[u64]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    positives: Box<[u64]>,
    negatives: Box<[u64]>,
}

/// Logits of the outermost bins.
const REACH: f64 = 16.0;
/// Bins for each unit of the logit.
const RESOLUTION: f64 = 64.0;
const BINS: usize = (2.0 * REACH * RESOLUTION) as usize;

impl Default for ScoreHistogram {
    fn default() -> Self {
        Self { positives: vec![0; BINS].into(), negatives: vec![0; BINS].into() }
    }
}

impl ScoreHistogram {
    /// Counts a row that turned out positive.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the score is not in `[0, 1]`.
    pub fn observe_positive(&mut self, score: f64) -> Result<()> {
        count(&mut self.positives, score)
    }

    /// Counts a row that turned out negative.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the score is not in `[0, 1]`.
    pub fn observe_negative(&mut self, score: f64) -> Result<()> {
        count(&mut self.negatives, score)
    }

    /// Adds the rows of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.positives, &other.positives), (&mut self.negatives, &other.negatives)]
        {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = mine.saturating_add(*theirs);
            }
        }
    }

    /// The area under the receiver operating characteristic; `None` without rows of both kinds.
    #[must_use]
    pub fn roc_auc(&self) -> Option<RocAuc> {
        RocAuc::of(&self.bins(), Resolution::Binned)
    }

    /// The area under the curve of precision over recall; `None` without a positive row.
    #[must_use]
    pub fn average_precision(&self) -> Option<AveragePrecision> {
        AveragePrecision::of(&self.bins(), Resolution::Binned)
    }

    /// Rows, positive or not.
    pub(super) fn rows(&self) -> u64 {
        let counts = self.positives.iter().chain(&self.negatives);
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn bins(&self) -> Vec<Tied> {
        let bins = self.positives.iter().zip(&self.negatives);
        bins.map(|(positives, negatives)| Tied { positives: *positives, negatives: *negatives })
            .collect()
    }
}

fn count(counts: &mut [u64], score: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&score) {
        return Err(Error::invalid("score", format_args!("{score} is not in [0, 1]")));
    }
    // Of 0 and 1 the logit is infinite, which the conversion takes to the ends.
    let logit = (score / (1.0 - score)).ln();
    let bin = (((logit + REACH) * RESOLUTION) as usize).min(BINS - 1);
    counts[bin] = counts[bin].saturating_add(1);
    Ok(())
}

impl TryFrom<Unchecked> for ScoreHistogram {
    type Error = Error;

    fn try_from(Unchecked { positives, negatives }: Unchecked) -> Result<Self> {
        for counts in [&positives, &negatives] {
            if counts.len() != BINS {
                let reason = format!("{} bins instead of {BINS}", counts.len());
                return Err(Error::invalid("score histogram", reason));
            }
            check_counts("score histogram", counts)?;
        }
        Ok(Self { positives, negatives })
    }
}
