//! [`Ddm`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ChangeDetector, Signal, check_option, check_state, is_loss, moments::Mean};

/// The Drift Detection Method: finds an error rate that has risen.
///
/// Of the error rate `p` so far and its standard deviation `s = √(p(1 - p)/n)` it remembers the values
/// `p₀`, `s₀` for which `p + s` was least, and reports a change as soon as `p + s > p₀ + 3 s₀`, a
/// warning from `p₀ + 2 s₀` on. It then starts anew.
///
/// Source: Gama, Medas, Castillo and Rodrigues (2004), "Learning with Drift Detection", SBIA, 286–295.
///
/// Values are 1 for an error and 0 for none; losses between are taken too. All others are ignored.
///
/// The bounds hold for rates that are roughly normal, which those of a few errors are not: after a
/// hundred values without an error the first one would be a change. So nothing is remembered or
/// reported before `min_errors`; river has no such bound. In streams of 50 000 values there is a false
/// alarm in about 150 000 values with error rates from 0.02 to 0.2 (with river in 13 000 to 110 000).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Ddm {
    options: DdmOptions,
    state: State,
}

/// How a [`Ddm`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DdmOptions {
    /// More values than this come before any decision.
    pub warm_up: u32,
    /// Errors, or the sum of losses, that come before any decision.
    pub min_errors: f64,
    /// Standard deviations above the least rate from which on there is a warning.
    pub warning: f64,
    /// Standard deviations above the least rate from which on there is a change.
    pub change: f64,
}

impl Default for DdmOptions {
    fn default() -> Self {
        Self { warm_up: 30, min_errors: 10.0, warning: 2.0, change: 3.0 }
    }
}

impl DdmOptions {
    /// As river 0.23 has it.
    #[must_use]
    pub fn river() -> Self {
        Self { min_errors: 0.0, ..Self::default() }
    }

    /// Sets [`warm_up`](Self::warm_up).
    #[must_use]
    pub fn with_warm_up(mut self, values: u32) -> Self {
        self.warm_up = values;
        self
    }

    /// Sets [`min_errors`](Self::min_errors).
    #[must_use]
    pub fn with_min_errors(mut self, errors: f64) -> Self {
        self.min_errors = errors;
        self
    }

    /// Sets [`warning`](Self::warning) and [`change`](Self::change), in standard deviations.
    #[must_use]
    pub fn with_thresholds(mut self, warning: f64, change: f64) -> Self {
        self.warning = warning;
        self.change = change;
        self
    }

    /// The detector.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if a figure is negative or not
    /// finite, or `change` is below `warning`.
    pub fn build(self) -> Result<Ddm> {
        check_option("min_errors", self.min_errors, 0.0..)?;
        check_option("warning", self.warning, 0.0..)?;
        check_option("change", self.change, self.warning..)?;
        Ok(Ddm { options: self, state: State::default() })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    rate: Mean,
    errors: f64,
    least: Option<Least>,
    changed: bool,
}

/// Where `p + s` was least.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Least {
    rate: f64,
    deviation: f64,
}

impl Ddm {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &DdmOptions {
        &self.options
    }

    /// The error rate since the last change; zero before the first value.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        self.state.rate.mean
    }
}

impl ChangeDetector for Ddm {
    fn update(&mut self, value: f64) -> Signal {
        if !is_loss(value) {
            return Signal::Ignored;
        }
        if self.state.changed {
            self.reset();
        }
        let state = &mut self.state;
        state.rate.push(value);
        state.errors += value;
        let Mean { count, mean: rate } = state.rate;
        if count <= f64::from(self.options.warm_up) || state.errors < self.options.min_errors {
            return Signal::Stable;
        }
        // A mean of ones may come out a rounding error above one.
        let deviation = (rate * (1.0 - rate) / count).max(0.0).sqrt();
        let level = rate + deviation;
        let least = match state.least {
            Some(least) if level > least.rate + least.deviation => least,
            _ => *state.least.insert(Least { rate, deviation }),
        };
        if level > least.rate + self.options.change * least.deviation {
            state.changed = true;
            Signal::Change
        } else if level > least.rate + self.options.warning * least.deviation {
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
#[serde(rename = "Ddm")]
struct Unchecked {
    options: DdmOptions,
    state: State,
}

impl TryFrom<Unchecked> for Ddm {
    type Error = Error;

    fn try_from(Unchecked { options, state }: Unchecked) -> Result<Self> {
        let State { rate, errors, least, .. } = &state;
        let is_figure = |figure: f64| (0.0..=1.0 + 1e-9).contains(&figure);
        check_state(
            rate.is_of(0.0, 1.0)
                && (0.0..=rate.count).contains(errors)
                && least.is_none_or(|least| is_figure(least.rate) && is_figure(least.deviation)),
        )?;
        let new = options.build()?;
        Ok(Self { state, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_no_change() {
        let first_error = |options: DdmOptions| {
            let mut detector = options.build().unwrap();
            (0..100).for_each(|_| assert_eq!(detector.update(0.0), Signal::Stable));
            detector.update(1.0)
        };
        assert_eq!(first_error(DdmOptions::default()), Signal::Stable);
        assert_eq!(first_error(DdmOptions::river()), Signal::Change);
    }

    #[test]
    fn a_risen_rate_is_a_warning_and_then_a_change() {
        let mut detector = DdmOptions::default().build().unwrap();
        // Every tenth is an error, then every second.
        let signals: Vec<Signal> =
            (0..1000).map(|n| detector.update(f64::from(u8::from(n % 10 == 9)))).collect();
        assert!(!signals.contains(&Signal::Change));
        let after: Vec<Signal> =
            (0..200).map(|n| detector.update(f64::from(u8::from(n % 2 == 0)))).collect();
        let warning = after.iter().position(|s| *s == Signal::Warning).unwrap();
        let change = after.iter().position(|s| *s == Signal::Change).unwrap();
        assert!(warning < change && change < 150, "{warning} {change}");
        assert!(detector.error_rate() > 0.4, "it starts anew: {}", detector.error_rate());
    }

    #[test]
    fn refuses_options_without_meaning() {
        for options in [
            DdmOptions::default().with_thresholds(3.0, 2.0),
            DdmOptions::default().with_thresholds(-1.0, 2.0),
            DdmOptions::default().with_thresholds(2.0, f64::INFINITY),
            DdmOptions::default().with_min_errors(f64::NAN),
        ] {
            options.build().unwrap_err();
        }
    }
}
