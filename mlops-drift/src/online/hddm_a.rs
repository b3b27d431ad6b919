//! [`HddmA`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ChangeDetector, Direction, Signal, check_option, check_state, is_loss, moments::Mean};

/// The drift detection method of Hoeffding's bound on averages: finds a changed error rate without
/// assuming a distribution. Best for abrupt changes.
///
/// It keeps the cut at which the mean so far was surely lowest (least upper bound
/// `x̄ + √(ln(1/α) / 2n)`), and reports a rise when the mean `z̄` of all `N` values exceeds the mean
/// `x̄` of the `n` up to the cut by `√(m/2 · ln(2/α))`, where `m = (N - n)/(nN)`: Hoeffding's bound on
/// the difference of two such means. For a fall likewise with the cut at which it was surely highest.
/// After a change it starts anew.
///
/// Source: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz and
/// Caballero-Mota (2015), "Online and non-parametric drift detection methods based on Hoeffding's
/// bounds", IEEE TKDE 27(3), 810–823, method A.
///
/// Values are in `[0, 1]`: errors or losses. All others are ignored. By default it looks for rises and
/// falls; river for rises only, which is the whole difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct HddmA {
    options: HddmAOptions,
    bounds: Bounds,
    state: State,
}

/// How an [`HddmA`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HddmAOptions {
    /// The probability `α` that bounds a false change at one value.
    pub change: f64,
    /// The probability `α` that bounds a false warning at one value.
    pub warning: f64,
    /// Which changes of the rate are looked for.
    pub direction: Direction,
}

impl Default for HddmAOptions {
    fn default() -> Self {
        Self { change: 0.001, warning: 0.005, direction: Direction::Both }
    }
}

impl HddmAOptions {
    /// As river 0.23 has it.
    #[must_use]
    pub fn river() -> Self {
        Self::default().with_direction(Direction::Up)
    }

    /// Sets [`warning`](Self::warning) and [`change`](Self::change), probabilities.
    #[must_use]
    pub fn with_probabilities(mut self, warning: f64, change: f64) -> Self {
        self.warning = warning;
        self.change = change;
        self
    }

    /// Sets [`direction`](Self::direction).
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// The detector.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) unless
    /// `0 < change <= warning <= 1`.
    pub fn build(self) -> Result<HddmA> {
        check_option("warning", self.warning, f64::MIN_POSITIVE..=1.0)?;
        check_option("change", self.change, f64::MIN_POSITIVE..=self.warning)?;
        let bounds = Bounds {
            cut: (1.0 / self.change).ln(),
            change: (2.0 / self.change).ln(),
            warning: (2.0 / self.warning).ln(),
        };
        Ok(HddmA { options: self, bounds, state: State::default() })
    }
}

/// Logarithms of the probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bounds {
    cut: f64,
    change: f64,
    warning: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    total: Mean,
    /// Up to where the mean was surely lowest.
    lowest: Mean,
    /// Up to where the mean was surely highest.
    highest: Mean,
    changed: bool,
}

impl HddmA {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &HddmAOptions {
        &self.options
    }

    /// The mean since the last change; zero before the first value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.state.total.mean
    }

    fn move_cuts(&mut self) {
        let cut = self.bounds.cut;
        let bound = |count: f64| (1.0 / (2.0 * count) * cut).sqrt();
        let State { total, lowest, highest, .. } = &mut self.state;
        let total_bound = bound(total.count);
        if lowest.count == 0.0 || lowest.mean + bound(lowest.count) >= total.mean + total_bound {
            *lowest = *total;
        }
        if highest.count == 0.0 || highest.mean - bound(highest.count) <= total.mean - total_bound {
            *highest = *total;
        }
    }

    /// Whether `gap`, between the means up to a cut and of all, is beyond chance.
    fn exceeds(&self, gap: f64, cut: &Mean, log: f64) -> bool {
        let total = &self.state.total;
        if cut.count == total.count {
            return false;
        }
        let m = (total.count - cut.count) / cut.count * (1.0 / total.count);
        gap >= (m / 2.0 * log).sqrt()
    }

    fn has_changed(&self, log: f64) -> bool {
        let State { total, lowest, highest, .. } = &self.state;
        let direction = self.options.direction;
        direction.has_up() && self.exceeds(total.mean - lowest.mean, lowest, log)
            || direction.has_down() && self.exceeds(highest.mean - total.mean, highest, log)
    }
}

impl ChangeDetector for HddmA {
    fn update(&mut self, value: f64) -> Signal {
        if !is_loss(value) {
            return Signal::Ignored;
        }
        if self.state.changed {
            self.reset();
        }
        self.state.total.push(value);
        self.move_cuts();
        // What is a change is a warning too, and most values are neither.
        if !self.has_changed(self.bounds.warning) {
            return Signal::Stable;
        }
        self.state.changed = self.has_changed(self.bounds.change);
        if self.state.changed { Signal::Change } else { Signal::Warning }
    }

    fn reset(&mut self) {
        self.state = State::default();
    }
}

#[derive(Deserialize)]
#[serde(rename = "HddmA")]
struct Unchecked {
    options: HddmAOptions,
    state: State,
}

impl TryFrom<Unchecked> for HddmA {
    type Error = Error;

    fn try_from(Unchecked { options, state }: Unchecked) -> Result<Self> {
        let State { total, lowest, highest, .. } = &state;
        check_state(
            [total, lowest, highest]
                .iter()
                .all(|mean| mean.is_of(0.0, 1.0) && mean.count <= total.count),
        )?;
        let new = options.build()?;
        Ok(Self { state, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change_at(direction: Direction, before: f64, after: f64) -> Option<u32> {
        let options = HddmAOptions::default().with_direction(direction);
        let mut detector = options.build().unwrap();
        (0..500).for_each(|_| assert_eq!(detector.update(before), Signal::Stable));
        (0..200).find(|_| detector.update(after) == Signal::Change)
    }

    #[test]
    fn finds_what_it_is_told_to_look_for() {
        for (direction, rises, falls) in [
            (Direction::Up, true, false),
            (Direction::Down, false, true),
            (Direction::Both, true, true),
        ] {
            assert_eq!(change_at(direction, 0.2, 0.9).is_some(), rises, "{direction:?}");
            assert_eq!(change_at(direction, 0.9, 0.2).is_some(), falls, "{direction:?}");
        }
    }

    #[test]
    fn refuses_options_without_meaning() {
        for (warning, change) in [(0.001, 0.005), (1.5, 0.1), (0.1, 0.0), (f64::NAN, 0.1)] {
            HddmAOptions::default().with_probabilities(warning, change).build().unwrap_err();
        }
    }
}
