//! [`Figure`].

use mlops_core::{
    Error, Result,
    stats::{Interval, normal, proportion::Proportion},
};
use serde::{Deserialize, Serialize};

use super::estimate::Estimate;

/// A figure, and where the true one is to the confidence that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure of the rows that were seen.
    pub value: f64,
    /// Where the figure of all rows is that might have been seen instead; it holds the value.
    pub interval: Interval,
}

/// How sure an interval is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confidence {
    pub(super) level: f64,
    /// The standard errors to either side.
    pub(super) z: f64,
}

impl Confidence {
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub(super) fn new(level: f64) -> Result<Self> {
        if level > 0.0 && level < 1.0 {
            return Ok(Self { level, z: -normal::quantile(0.5 * (1.0 - level)) });
        }
        Err(Error::invalid("confidence", format_args!("{level} is not between 0 and 1")))
    }

    /// A share with Wilson's interval; `None` of nothing.
    pub(super) fn share(&self, of: u64, all: u64) -> Option<Figure> {
        let share = Proportion::new(of, all).ok()?;
        let interval = share.wilson_interval(self.level).ok()?;
        Some(Figure::new(share.estimate(), interval.low, interval.high))
    }

    /// A figure in `(0, 1)` with a symmetric interval of its logit, so that the interval stays in there
    /// too; `None` where the logit or the error says nothing.
    pub(super) fn logit(&self, Estimate { value, standard_error }: Estimate) -> Option<Figure> {
        let slope = value * (1.0 - value);
        let half = self.z * standard_error / slope;
        if slope <= 0.0 || standard_error <= 0.0 || !half.is_finite() {
            return None;
        }
        let odds = value / (1.0 - value);
        let at = |shift: f64| {
            let odds = odds * shift.exp();
            // Of odds beyond all bounds the share is 1.
            if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
        };
        Some(Figure::new(value, at(-half), at(half)))
    }

    /// A correlation in `(-1, 1)` with a symmetric interval of Fisher's z, `artanh`; `None` as for
    /// [`logit`](Self::logit).
    pub(super) fn fisher_z(&self, Estimate { value, standard_error }: Estimate) -> Option<Figure> {
        let slope = 1.0 - value * value;
        let half = self.z * standard_error / slope;
        if slope <= 0.0 || standard_error <= 0.0 || !half.is_finite() {
            return None;
        }
        let at = |shift: f64| (value.atanh() + shift).tanh();
        Some(Figure::new(value, at(-half), at(half)))
    }
}

impl Figure {
    /// The interval takes in the value, whatever rounding did.
    pub(super) fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, interval: Interval { low: low.min(value), high: high.max(value) } }
    }

    /// The figure of another scale that rises with this one.
    pub(super) fn map(self, to: impl Fn(f64) -> f64) -> Self {
        Self::new(to(self.value), to(self.interval.low), to(self.interval.high))
    }
}
