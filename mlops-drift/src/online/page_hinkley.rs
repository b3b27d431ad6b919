//! [`PageHinkley`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    ChangeDetector, Compat, Direction, MAX_MAGNITUDE, Signal, Threshold, check_option, check_state,
    cusum::Sums,
    is_usable,
    moments::Mean,
    standardize::{OUTLIER, Standardizer},
};

/// The Page–Hinkley test: finds a lasting shift of the mean from the mean so far.
///
/// The test sums how far values are from their mean so far, less a tolerance `δ`, and reports a change
/// when the sum exceeds its minimum by more than the threshold `λ`; for falls likewise, with the signs
/// turned. It then starts anew. Here the distances are in standard deviations so far, so that `δ`, `λ`
/// and the rate of false alarms do not depend on the unit of the values. With a
/// [`forgetting`](PageHinkleyOptions::forgetting) factor of 1 that is a [`Cusum`](super::Cusum) with a
/// running reference, slack `δ` and threshold `λ`: the excess of a sum over its minimum is a sum that
/// starts again at zero.
///
/// Sources: Page (1954), "Continuous inspection schemes", Biometrika 41, 100–115; Hinkley (1971),
/// "Inference about the change-point from cumulative sum tests", Biometrika 58, 509–523.
///
/// [`Compat::River`] has the distances in the unit of the values, which makes its figures right for one
/// scale only; and it multiplies the sum with the forgetting factor but not its minimum, which by
/// itself leads to an alarm in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct PageHinkley {
    options: PageHinkleyOptions,
    threshold: f64,
    state: State,
    changed: bool,
}

/// How a [`PageHinkley`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PageHinkleyOptions {
    /// Values before any decision; at least 3. By default nothing is summed of them.
    pub warm_up: u32,
    /// The distance `δ` from the mean that is tolerated, in standard deviations; below 5, which no score
    /// exceeds.
    pub tolerance: f64,
    /// When a sum is a change.
    pub threshold: Threshold,
    /// What is left of a sum at the next value, in `(0, 1]`. Less than 1 makes small shifts invisible,
    /// and the mean time between false alarms longer than the one asked for.
    pub forgetting: f64,
    /// Which shifts are looked for.
    pub direction: Direction,
    /// Whose behaviour it has.
    pub compat: Compat,
}

impl Default for PageHinkleyOptions {
    fn default() -> Self {
        Self {
            warm_up: 30,
            tolerance: 0.25,
            threshold: Threshold::default(),
            forgetting: 1.0,
            direction: Direction::Both,
            compat: Compat::None,
        }
    }
}

impl PageHinkleyOptions {
    /// As river 0.23 has it, with distances in the unit of the values.
    #[must_use]
    pub fn river() -> Self {
        Self {
            warm_up: 30,
            tolerance: 0.005,
            threshold: Threshold::Value(50.0),
            forgetting: 1.0 - 0.0001,
            direction: Direction::Both,
            compat: Compat::River,
        }
    }

    /// Sets [`warm_up`](Self::warm_up).
    #[must_use]
    pub fn with_warm_up(mut self, values: u32) -> Self {
        self.warm_up = values;
        self
    }

    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets [`forgetting`](Self::forgetting).
    #[must_use]
    pub fn with_forgetting(mut self, factor: f64) -> Self {
        self.forgetting = factor;
        self
    }

    /// Sets [`direction`](Self::direction).
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
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
    /// [`Error::InvalidArgument`] if `tolerance` is not in `[0, 5)`, `forgetting` not in `(0, 1]`, `warm_up`
    /// below 3, a figure not finite, or no threshold has the mean time asked for. With
    /// [`Compat::River`] a mean time cannot be asked for: it would depend on the unit of the values.
    pub fn build(self) -> Result<PageHinkley> {
        match self.compat {
            Compat::None => check_option("tolerance", self.tolerance, 0.0..OUTLIER)?,
            // In the unit of the values.
            Compat::River => check_option("tolerance", self.tolerance, 0.0..)?,
        }
        check_option("forgetting", self.forgetting, f64::MIN_POSITIVE..=1.0)?;
        match (self.compat, self.threshold) {
            (Compat::River, Threshold::MeanTimeBetweenFalseAlarms(_)) => {
                return Err(Error::invalid(
                    "threshold",
                    "a mean time between false alarms needs standard scores, which river has not",
                ));
            }
            (Compat::River, Threshold::Value(_)) => {}
            (Compat::None, _) => check_option("warm_up", self.warm_up.into(), 3.0..)?,
        }
        let threshold = self.threshold.resolve(self.tolerance, self.direction)?;
        let state = State::new(self.compat);
        Ok(PageHinkley { options: self, threshold, state, changed: false })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Standard { standardizer: Standardizer, sums: Sums },
    River(River),
}

impl State {
    fn new(compat: Compat) -> Self {
        match compat {
            Compat::None => {
                Self::Standard { standardizer: Standardizer::default(), sums: Sums::default() }
            }
            Compat::River => Self::River(River {
                mean: Mean::default(),
                up: 0.0,
                least_up: f64::MAX,
                down: 0.0,
                most_down: f64::MIN,
            }),
        }
    }
}

/// The sums of river's test, and their extremes, which the first value sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct River {
    mean: Mean,
    up: f64,
    least_up: f64,
    down: f64,
    most_down: f64,
}

impl River {
    /// Whether usable values lead to it.
    fn is_possible(&self) -> bool {
        // Of as many values as can be counted.
        let furthest = 1e20 * MAX_MAGNITUDE;
        let is_sum = |sum: f64| sum.abs() <= furthest;
        self.mean.is_of(-MAX_MAGNITUDE, MAX_MAGNITUDE)
            && is_sum(self.up)
            && is_sum(self.down)
            && (is_sum(self.least_up) || self.least_up == f64::MAX)
            && (is_sum(self.most_down) || self.most_down == f64::MIN)
    }

    /// How far the sums are from their extremes.
    fn push(&mut self, value: f64, options: &PageHinkleyOptions) -> Sums {
        self.mean.push(value);
        let distance = value - self.mean.mean;
        self.up = options.forgetting * self.up + distance - options.tolerance;
        self.down = options.forgetting * self.down + distance + options.tolerance;
        self.least_up = self.least_up.min(self.up);
        self.most_down = self.most_down.max(self.down);
        Sums { up: self.up - self.least_up, down: self.most_down - self.down }
    }
}

impl PageHinkley {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &PageHinkleyOptions {
        &self.options
    }

    /// The threshold `λ`: in standard deviations, with [`Compat::River`] in the unit of the values.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }
}

impl ChangeDetector for PageHinkley {
    fn update(&mut self, value: f64) -> Signal {
        if !is_usable(value) {
            return Signal::Ignored;
        }
        if self.changed {
            self.reset();
        }
        let options = &self.options;
        let warm_up = f64::from(options.warm_up);
        let sums = match &mut self.state {
            State::Standard { standardizer, sums } => {
                let Some(score) = standardizer.score(value, warm_up) else {
                    return Signal::Stable;
                };
                sums.push(score, options.tolerance, options.forgetting);
                *sums
            }
            State::River(river) => {
                let sums = river.push(value, options);
                if river.mean.count < warm_up {
                    return Signal::Stable;
                }
                sums
            }
        };
        self.changed = sums.exceed(self.threshold, options.direction);
        if self.changed { Signal::Change } else { Signal::Stable }
    }

    fn reset(&mut self) {
        self.state = State::new(self.options.compat);
        self.changed = false;
    }
}

#[derive(Deserialize)]
#[serde(rename = "PageHinkley")]
struct Unchecked {
    options: PageHinkleyOptions,
    state: State,
    changed: bool,
}

impl TryFrom<Unchecked> for PageHinkley {
    type Error = Error;

    fn try_from(Unchecked { options, state, changed }: Unchecked) -> Result<Self> {
        check_state(match (&state, options.compat) {
            (State::Standard { standardizer, sums }, Compat::None) => {
                standardizer.is_possible() && sums.is_possible()
            }
            (State::River(river), Compat::River) => river.is_possible(),
            _ => false,
        })?;
        let new = options.build()?;
        Ok(Self { state, changed, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_does_not_matter() {
        let change_at = |options: PageHinkleyOptions, unit: f64| {
            let mut detector = options.build().unwrap();
            let value = |n: u32| f64::from(n * n % 11) + if n < 400 { 0.0 } else { 9.0 };
            (0..500).find(|&n| detector.update(unit * value(n)) == Signal::Change)
        };
        let default = change_at(PageHinkleyOptions::default(), 1.0);
        assert!(default.is_some_and(|at| at >= 400), "{default:?}");
        for unit in [1e-6, 1e6] {
            assert_eq!(change_at(PageHinkleyOptions::default(), unit), default, "{unit}");
            assert_ne!(
                change_at(PageHinkleyOptions::river(), unit),
                change_at(PageHinkleyOptions::river(), 1.0),
            );
        }
    }

    #[test]
    fn refuses_options_without_meaning() {
        let default = PageHinkleyOptions::default;
        for options in [
            default().with_tolerance(-0.1),
            default().with_forgetting(0.0),
            default().with_forgetting(1.1),
            default().with_warm_up(2),
            default().with_threshold(Threshold::Value(-1.0)),
            PageHinkleyOptions::river().with_threshold(Threshold::default()),
        ] {
            options.build().unwrap_err();
        }
    }
}
