//! [`Eddm`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ChangeDetector, Compat, Signal, check_option, check_state, moments::Moments};

/// The Early Drift Detection Method: finds errors that come closer together.
///
/// Of the distances between errors, in values, it follows the mean `p` and the standard deviation `s`
/// (with `n - 1` as divisor), and remembers the largest `p + 2s`. When `p + 2s` falls below 0.95 of it,
/// there is a warning; below 0.9, a change, and it starts anew. More sensitive than [`Ddm`](super::Ddm)
/// to slow changes, and to chance: in streams of 50 000 values with an error rate of 0.2 there is a
/// false alarm in about 7000 values, most of them early (with river in 2000). See
/// [`calibrate()`](super::calibrate()).
///
/// Source: Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà and Morales-Bueno (2006), "Early
/// Drift Detection Method", 4th International Workshop on Knowledge Discovery from Data Streams.
///
/// Values are 1 for an error and 0 for none. All others are ignored.
///
/// As in the paper the maximum is sought from `min_errors` on, when `p` and `s` mean something. river
/// seeks it from so many *values* on, counts the way to the first error as a distance between errors,
/// and lets a warning stand when a new maximum is reached: [`Compat::River`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Eddm {
    options: EddmOptions,
    state: State,
}

/// How an [`Eddm`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EddmOptions {
    /// More errors than this come before any decision.
    pub min_errors: u32,
    /// The part of the maximum below which there is a warning.
    pub warning: f64,
    /// The part of the maximum below which there is a change.
    pub change: f64,
    /// Whose behaviour it has.
    pub compat: Compat,
}

impl Default for EddmOptions {
    fn default() -> Self {
        Self { min_errors: 30, warning: 0.95, change: 0.9, compat: Compat::None }
    }
}

impl EddmOptions {
    /// As river 0.23 has it.
    #[must_use]
    pub fn river() -> Self {
        Self { compat: Compat::River, ..Self::default() }
    }

    /// Sets [`min_errors`](Self::min_errors).
    #[must_use]
    pub fn with_min_errors(mut self, errors: u32) -> Self {
        self.min_errors = errors;
        self
    }

    /// Sets [`warning`](Self::warning) and [`change`](Self::change), parts of the maximum.
    #[must_use]
    pub fn with_thresholds(mut self, warning: f64, change: f64) -> Self {
        self.warning = warning;
        self.change = change;
        self
    }

    /// Sets [`compat`](Self::compat).
    #[must_use]
    pub fn with_compat(mut self, compat: Compat) -> Self {
        self.compat = compat;
        self
    }

    /// The detector.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) unless
    /// `0 < change <= warning <= 1`.
    pub fn build(self) -> Result<Eddm> {
        check_option("warning", self.warning, f64::MIN_POSITIVE..=1.0)?;
        check_option("change", self.change, f64::MIN_POSITIVE..=self.warning)?;
        Ok(Eddm { options: self, state: State::default() })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    /// Of the distances between errors.
    distances: Moments,
    values: u64,
    errors: u64,
    /// The number of the value that was the last error.
    last_error: u64,
    /// The largest `p + 2s`; zero before there was any.
    largest: f64,
    warning: bool,
    changed: bool,
}

impl Eddm {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &EddmOptions {
        &self.options
    }

    /// The mean distance between errors since the last change, in values; zero before there was any.
    #[must_use]
    pub fn mean_distance(&self) -> f64 {
        self.state.distances.mean.mean
    }

    fn error(&mut self) {
        let Self { options, state } = self;
        let river = options.compat == Compat::River;
        state.errors += 1;
        if river || state.errors > 1 {
            state.distances.push((state.values - state.last_error) as f64);
        }
        state.last_error = state.values;

        let enough = u64::from(options.min_errors);
        if (if river { state.values } else { state.errors }) <= enough {
            return;
        }
        let spread = state.distances.mean.mean + 2.0 * state.distances.variance().sqrt();
        if spread > state.largest {
            state.largest = spread;
            state.warning &= river;
        } else if state.errors > enough {
            let level = spread / state.largest;
            if level < options.change {
                state.changed = true;
            } else {
                state.warning = level < options.warning;
            }
        }
    }
}

impl ChangeDetector for Eddm {
    fn update(&mut self, value: f64) -> Signal {
        if value != 0.0 && value != 1.0 {
            return Signal::Ignored;
        }
        if self.state.changed {
            self.reset();
        }
        self.state.values += 1;
        if value == 1.0 {
            self.error();
        }
        if self.state.changed {
            Signal::Change
        } else if self.state.warning {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }

    fn reset(&mut self) {
        self.state = State::default();
    }
}

#[derive(Deserialize)]
#[serde(rename = "Eddm")]
struct Unchecked {
    options: EddmOptions,
    state: State,
}

impl TryFrom<Unchecked> for Eddm {
    type Error = Error;

    fn try_from(Unchecked { options, state }: Unchecked) -> Result<Self> {
        let State { distances, values, errors, last_error, largest, .. } = &state;
        check_state(
            *values <= 1 << 53
                && errors.max(last_error) <= values
                && distances.is_of(0.0, *values as f64)
                && distances.mean.count <= *errors as f64
                && largest.is_finite(),
        )?;
        let new = options.build()?;
        Ok(Self { state, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_come_closer_are_a_warning_and_then_a_change() {
        let mut detector = EddmOptions::default().build().unwrap();
        for n in 0..1000 {
            let signal = detector.update(f64::from(u8::from(n % 20 == 0)));
            assert_eq!(signal, Signal::Stable, "{n}");
        }
        assert_eq!(detector.mean_distance(), 20.0);
        let signals: Vec<Signal> =
            (0..200).map(|n| detector.update(f64::from(u8::from(n % 2 == 0)))).collect();
        let first = |wanted| signals.iter().position(|signal| *signal == wanted);
        // The spread of the distances grows before their mean falls.
        assert!(first(Signal::Warning) < first(Signal::Change) && first(Signal::Change).is_some());
    }

    #[test]
    fn refuses_options_without_meaning() {
        for (warning, change) in [(0.9, 0.95), (1.1, 0.9), (0.9, 0.0), (f64::NAN, 0.9)] {
            EddmOptions::default().with_thresholds(warning, change).build().unwrap_err();
        }
    }
}
