//! Change detectors: they see one value at a time and say when the stream has changed.
//!
//! | detector | finds | input | cost of a value |
//! | --- | --- | --- | --- |
//! | [`Adwin`] | a change of the mean, and keeps the window since | numbers of a known range | O(log n) every 32nd value |
//! | [`PageHinkley`] | a lasting shift of the mean from what it was so far | any numbers | O(1) |
//! | [`Cusum`] | a lasting shift of the mean from a reference | any numbers | O(1) |
//! | [`Kswin`] | any change of the distribution | any numbers | O(window) |
//! | [`Ddm`] | a higher error rate | errors: 0 or 1 | O(1) |
//! | [`Eddm`] | errors that come closer together | errors: 0 or 1 | O(1) |
//! | [`HddmA`] | a change of the error rate, abrupt ones best | errors, or losses in `[0, 1]` | O(1) |
//! | [`HddmW`] | a change of the error rate, gradual ones best | errors, or losses in `[0, 1]` | O(1) |
//!
//! Each is built from its options:
//!
//! ```
//! use mlops_drift::online::{ChangeDetector, PageHinkleyOptions, Signal, Threshold};
//!
//! let mut detector = PageHinkleyOptions::default()
//!     .with_threshold(Threshold::MeanTimeBetweenFalseAlarms(10_000.0))
//!     .build()?;
//! let latency = |n: u32| f64::from(n % 7) + if n < 500 { 20.0 } else { 40.0 };
//! let changed = (0..600).find(|&n| detector.update(latency(n)) == Signal::Change);
//! assert_eq!(changed, Some(503));
//! # Ok::<(), mlops_core::Error>(())
//! ```
//!
//! How often a detector raises a false alarm can be asked for: [`Cusum`] and [`PageHinkley`] take a
//! [`Threshold`] as a mean time between false alarms, and [`calibrate()`] finds one for any detector
//! by simulation on reference values.
//!
//! The defaults are what is statistically right. The `river()` constructors of the options
//! reproduce river 0.23 instead, its quirks included; where that is more than other figures, the
//! options have a field [`Compat`].

mod adwin;
mod calibrate;
mod compat;
mod cusum;
mod ddm;
mod direction;
mod eddm;
mod exponential_histogram;
mod hddm_a;
mod hddm_w;
mod kswin;
mod kswin_distance;
mod moments;
mod page_hinkley;
mod standardize;
mod threshold;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

pub use self::{
    adwin::{Adwin, AdwinOptions},
    calibrate::{CalibrateOptions, Calibration, calibrate},
    compat::Compat,
    cusum::{Cusum, CusumOptions, Reference},
    ddm::{Ddm, DdmOptions},
    direction::Direction,
    eddm::{Eddm, EddmOptions},
    hddm_a::{HddmA, HddmAOptions},
    hddm_w::{HddmW, HddmWOptions},
    kswin::{Kswin, KswinOptions},
    page_hinkley::{PageHinkley, PageHinkleyOptions},
    threshold::{Threshold, cusum_average_run_length},
};

/// Watches a stream, one value at a time, for a change of what it is drawn from.
///
/// # Contract
/// 1. [`update`](Self::update) MUST NOT panic, whatever the value.
/// 2. A value it cannot use MUST leave it as it was and be answered with [`Signal::Ignored`]. NaN,
///    infinities and values beyond ±[`MAX_MAGNITUDE`] are such values; so are those that are no
///    errors or losses for a detector of error rates. No other value is ignored.
/// 3. After [`Signal::Change`] it MUST go on by itself: what came before the change no longer
///    counts, or only as much as its documentation says.
/// 4. After [`reset`](Self::reset) it MUST behave as when it was built.
/// 5. Equal detectors that see equal values MUST give equal signals. One that is serialized and read
///    back at any time is equal to the original.
/// 6. Its memory MUST be bounded, for a window of unknown length by the logarithm of the length.
///    `update` MUST NOT allocate once that memory is in use.
pub trait ChangeDetector: Debug + Send {
    /// Takes the next value of the stream.
    fn update(&mut self, value: f64) -> Signal;

    /// Forgets every value.
    fn reset(&mut self);
}

/// The largest magnitude of values that detectors take: beyond it, sums of squares would overflow.
pub const MAX_MAGNITUDE: f64 = 1e100;

/// What a [`ChangeDetector`] says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Nothing suggests a change.
    Stable,
    /// There may be a change: the time to start keeping data for a new model.
    Warning,
    /// There was a change.
    Change,
    /// The value was not finite, or otherwise not one the detector can use, and counts for nothing.
    Ignored,
}

#[deny(clippy::missing_trait_methods)]
impl<D: ChangeDetector + ?Sized> ChangeDetector for Box<D> {
    fn update(&mut self, value: f64) -> Signal {
        (**self).update(value)
    }

    fn reset(&mut self) {
        (**self).reset();
    }
}

const _: Option<&dyn ChangeDetector> = None;

/// False for NaN too.
fn is_usable(value: f64) -> bool {
    value.abs() <= MAX_MAGNITUDE
}

/// Whether it can be an error (1), none (0), or a loss between: what detectors of error rates take.
fn is_loss(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

/// What was read from a file may be a state that no values lead to.
fn check_state(is_possible: bool) -> mlops_core::Result<()> {
    if is_possible {
        return Ok(());
    }
    Err(mlops_core::Error::invalid("detector", "its state is not one that values lead to"))
}

/// Refuses an option that is not in a range of finite numbers.
fn check_option(
    what: &'static str,
    value: f64,
    range: impl std::ops::RangeBounds<f64> + Debug,
) -> mlops_core::Result<()> {
    if value.is_finite() && range.contains(&value) {
        return Ok(());
    }
    Err(mlops_core::Error::invalid(what, format!("{value} is not in {range:?}")))
}
