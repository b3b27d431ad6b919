//! [`Validity`]: whether an estimate may be believed.

use std::fmt;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::profile::{FeatureProfile, Profile};

/// Whether an estimate without labels may be believed.
///
/// Such an estimate carries what was true of the reference over to other rows. That holds while rows that
/// look the same still mean the same (covariate shift), and where the reference has such rows at all. The
/// second is seen without labels; for the first a few are needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Validity {
    /// Nothing is known that speaks against it.
    #[default]
    Valid,
    /// It may be off by more than its error says.
    Doubtful {
        /// Why.
        reason: Concern,
    },
    /// It says nothing about these rows.
    Invalid {
        /// Why.
        reason: Concern,
    },
}

/// What speaks against an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "concern", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Concern {
    /// Rows lie outside what the reference had: their scores, or one of their features.
    OutsideReference {
        /// Of all rows.
        share: f64,
    },
    /// Values of a feature lie outside what the reference had.
    FeatureOutside {
        /// Which.
        feature: String,
        /// Of all rows.
        share: f64,
    },
    /// Labels show that scores do not mean what they meant.
    CalibrationDrift {
        /// How far outcomes are from what scores say; see
        /// [`CalibrationCheck::drift`](super::CalibrationCheck::drift).
        drift: f64,
        /// How probable that is, if they still mean the same.
        p_value: f64,
    },
    /// Labels show losses that are not those estimated.
    LossDrift {
        /// How far; see [`LossCheck::drift`](super::LossCheck::drift).
        drift: f64,
        /// How probable that is, if the estimate is right.
        p_value: f64,
    },
    /// The model of the loss has left where it makes sense: it says that a loss is negative.
    NegativeLoss {
        /// What it says the mean is.
        mean: f64,
    },
}

/// When an estimate is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ValidityOptions {
    /// The share of rows outside the reference from which an estimate is doubtful. Nothing is known of
    /// those rows, so by that much a share such as the accuracy can be off.
    pub doubtful_outside: f64,
    /// The same, from which it is invalid.
    pub invalid_outside: f64,
    /// How far from their probabilities outcomes may be.
    pub max_calibration_drift: f64,
    /// How far a loss may be from its estimate, as a share of the larger of both.
    pub max_loss_drift: f64,
    /// Below which p-value a drift that labels show is not taken for chance.
    pub alpha: f64,
}

impl Default for ValidityOptions {
    /// 1 % and 10 % outside; 5 points of probability; a fifth of the loss; 1 %.
    fn default() -> Self {
        Self {
            doubtful_outside: 0.01,
            invalid_outside: 0.1,
            max_calibration_drift: 0.05,
            max_loss_drift: 0.2,
            alpha: 0.01,
        }
    }
}

impl Validity {
    /// True if nothing speaks against the estimate.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        *self == Self::Valid
    }

    /// What speaks against it.
    #[must_use]
    pub fn concern(&self) -> Option<&Concern> {
        match self {
            Self::Valid => None,
            Self::Doubtful { reason } | Self::Invalid { reason } => Some(reason),
        }
    }

    /// The worse of two; of equally bad ones the first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.badness() > self.badness() { other } else { self }
    }

    fn badness(&self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Doubtful { .. } => 1,
            Self::Invalid { .. } => 2,
        }
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| 100.0 * share;
        match self {
            Self::OutsideReference { share } => {
                write!(f, "{:.1} % of the rows lie outside the reference", percent(share))
            }
            Self::FeatureOutside { feature, share } => {
                write!(
                    f,
                    "`{feature}` lies outside the reference in {:.1} % of the rows",
                    percent(share)
                )
            }
            Self::CalibrationDrift { drift, p_value } => {
                write!(f, "outcomes are {drift:.3} from what scores meant (p-value {p_value:.1e})")
            }
            Self::LossDrift { drift, p_value } => {
                write!(
                    f,
                    "losses are {:.1} % from the estimate (p-value {p_value:.1e})",
                    percent(drift)
                )
            }
            Self::NegativeLoss { mean } => write!(f, "the model says that the mean loss is {mean}"),
        }
    }
}

impl ValidityOptions {
    /// Sets [`doubtful_outside`](Self::doubtful_outside) and [`invalid_outside`](Self::invalid_outside).
    #[must_use]
    pub fn with_outside(mut self, doubtful: f64, invalid: f64) -> Self {
        self.doubtful_outside = doubtful;
        self.invalid_outside = invalid;
        self
    }

    /// Sets [`max_calibration_drift`](Self::max_calibration_drift).
    #[must_use]
    pub fn with_max_calibration_drift(mut self, drift: f64) -> Self {
        self.max_calibration_drift = drift;
        self
    }

    /// Sets [`max_loss_drift`](Self::max_loss_drift).
    #[must_use]
    pub fn with_max_loss_drift(mut self, drift: f64) -> Self {
        self.max_loss_drift = drift;
        self
    }

    /// Sets [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// # Errors
    /// [`Error::InvalidArgument`] for a share that is not in `[0, 1]`, shares in the wrong order, or a
    /// limit that is negative or NaN.
    pub(super) fn check(&self) -> Result<()> {
        let shares = [
            ("share outside", self.doubtful_outside),
            ("share outside", self.invalid_outside),
            ("alpha", self.alpha),
        ];
        if let Some((what, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(Error::invalid(what, format!("{share} is not in [0, 1]")));
        }
        if self.doubtful_outside > self.invalid_outside {
            let reason = format!(
                "doubtful from {} on, but invalid from {} on",
                self.doubtful_outside, self.invalid_outside
            );
            return Err(Error::invalid("share outside", reason));
        }
        let limits = [
            ("calibration drift", self.max_calibration_drift),
            ("loss drift", self.max_loss_drift),
        ];
        match limits.iter().find(|(_, limit)| limit.is_nan() || *limit < 0.0) {
            Some((what, limit)) => Err(Error::invalid(what, format!("{limit} is no limit"))),
            None => Ok(()),
        }
    }

    /// Whether current features lie within what the reference had: by the feature of which most values do not.
    /// Scores may look as ever while their rows are nothing like the reference.
    ///
    /// Outside are numbers below its least and above its greatest, categories that it did not have (if all
    /// of its categories are counted), and what is null, NaN or infinite where it had nothing of the kind.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if options are out of their range, the profiles are not of the same features,
    /// or there are no current rows.
    pub fn support(&self, reference: &Profile, current: &Profile) -> Result<Validity> {
        self.check()?;
        if current.rows() == 0 {
            return Err(Error::invalid("current profile", "it has no rows"));
        }
        if reference.features().len() != current.features().len() {
            return Err(Error::invalid("current profile", "it is of another reference"));
        }
        let mut validity = Validity::Valid;
        let mut most = 0.0;
        for ((name, then), (other, now)) in reference.features().zip(current.features()) {
            let rows = outside(then, now).filter(|_| name == other).ok_or_else(|| {
                let reason = format!("feature `{name}` is another in the reference");
                Error::invalid("current profile", reason)
            })?;
            let share = rows as f64 / now.rows().max(1) as f64;
            if share > most {
                most = share;
                let reason = Concern::FeatureOutside { feature: name.to_owned(), share };
                validity = self.outside(share, reason);
            }
        }
        Ok(validity)
    }

    /// What this share of rows outside the reference means.
    pub(super) fn outside(&self, share: f64, reason: Concern) -> Validity {
        if share > 0.0 && share >= self.invalid_outside {
            Validity::Invalid { reason }
        } else if share > 0.0 && share >= self.doubtful_outside {
            Validity::Doubtful { reason }
        } else {
            Validity::Valid
        }
    }

    /// What labels mean that show a drift: evidence is needed and an effect.
    pub(super) fn labels(&self, drift: f64, limit: f64, p_value: f64, reason: Concern) -> Validity {
        if drift > limit && p_value <= self.alpha {
            Validity::Invalid { reason }
        } else {
            Validity::Valid
        }
    }
}

/// Current rows of a feature that lie outside the reference; `None` if its kind is another.
fn outside(reference: &FeatureProfile, current: &FeatureProfile) -> Option<u64> {
    // What the reference had none of.
    let new = |then: u64, now: u64| if then == 0 { now } else { 0 };
    let rows = match (reference, current) {
        (FeatureProfile::Numeric(then), FeatureProfile::Numeric(now)) => [
            now.below(),
            now.above(),
            new(then.nan(), now.nan()),
            new(then.positive_infinity(), now.positive_infinity()),
            new(then.negative_infinity(), now.negative_infinity()),
        ],
        (FeatureProfile::Categorical(_), FeatureProfile::Categorical(now)) => {
            [now.unseen(), 0, 0, 0, 0]
        }
        _ => return None,
    };
    let nulls = new(reference.nulls(), current.nulls());
    Some(rows.iter().fold(nulls, |sum, rows| sum.saturating_add(*rows)))
}
