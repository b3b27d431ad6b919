//! [`HddmW`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ChangeDetector, Compat, Direction, Signal, check_option, check_state, is_loss};

/// The drift detection method of McDiarmid's bound on weighted averages: finds a changed error rate
/// without assuming a distribution, with more weight on recent values. Best for gradual changes.
///
/// It follows the exponentially weighted mean `x̂` of all values since the start, with weight `λ` for
/// the newest, and `v`, the sum of the squares of all weights. At the value with the least
/// `x̂ + √(v ln(1/α) / 2)` it cuts: `x̂₁`, `v₁` are those at the cut, `x̂₂`, `v₂` those of the values
/// after it alone. A rise is reported when `x̂₂ - x̂₁ > √((v₁ + v₂) ln(1/α) / 2)`. For a fall likewise.
/// After a change it starts anew.
///
/// Source: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz and
/// Caballero-Mota (2015), "Online and non-parametric drift detection methods based on Hoeffding's
/// bounds", IEEE TKDE 27(3), 810–823, method W.
///
/// The bound is one for a single look, and there is one at every value: with the default figures there are
/// about 10 000 values between false alarms at an error rate of 0.2, and 1000 at 0.5 (a `change` of 1e-5
/// makes that 13 000). See [`calibrate()`](super::calibrate()).
///
/// Values are in `[0, 1]`: errors or losses. All others are ignored. By default it looks for rises and
/// falls; river for rises only. [`Compat::River`] also begins anew with the value after a mean of zero,
/// so that the first error after many values without one has all the weight, and has
/// `v = λ² + (1 - λ)²` for one value, whose weight is 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct HddmW {
    options: HddmWOptions,
    bounds: Bounds,
    state: State,
}

/// How an [`HddmW`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HddmWOptions {
    /// The probability `α` that bounds a false change at one value.
    pub change: f64,
    /// The probability `α` that bounds a false warning at one value.
    pub warning: f64,
    /// The weight `λ` of the newest value in the mean.
    pub weight: f64,
    /// Which changes of the rate are looked for.
    pub direction: Direction,
    /// Whose behaviour it has.
    pub compat: Compat,
}

impl Default for HddmWOptions {
    fn default() -> Self {
        Self {
            change: 0.001,
            warning: 0.005,
            weight: 0.05,
            direction: Direction::Both,
            compat: Compat::None,
        }
    }
}

impl HddmWOptions {
    /// As river 0.23 has it.
    #[must_use]
    pub fn river() -> Self {
        Self { compat: Compat::River, direction: Direction::Up, ..Self::default() }
    }

    /// Sets [`warning`](Self::warning) and [`change`](Self::change), probabilities.
    #[must_use]
    pub fn with_probabilities(mut self, warning: f64, change: f64) -> Self {
        self.warning = warning;
        self.change = change;
        self
    }

    /// Sets [`weight`](Self::weight).
    #[must_use]
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = weight;
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
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) unless
    /// `0 < change <= warning <= 1` and `0 < weight <= 1`.
    pub fn build(self) -> Result<HddmW> {
        check_option("warning", self.warning, f64::MIN_POSITIVE..=1.0)?;
        check_option("change", self.change, f64::MIN_POSITIVE..=self.warning)?;
        check_option("weight", self.weight, f64::MIN_POSITIVE..=1.0)?;
        let bounds =
            Bounds { change: (1.0 / self.change).ln(), warning: (1.0 / self.warning).ln() };
        Ok(HddmW { options: self, bounds, state: State::default() })
    }
}

/// Logarithms of the probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bounds {
    change: f64,
    warning: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    total: WeightedMean,
    rise: Cut,
    fall: Cut,
    changed: bool,
}

/// An exponentially weighted mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct WeightedMean {
    mean: f64,
    /// The sum of the squares of the weights.
    squares: f64,
    empty: bool,
}

impl Default for WeightedMean {
    fn default() -> Self {
        Self { mean: 0.0, squares: 1.0, empty: true }
    }
}

impl WeightedMean {
    /// Whether losses lead to it.
    fn is_possible(&self) -> bool {
        // Rounding may take it a little beyond.
        (-1e-9..=1.0 + 1e-9).contains(&self.mean) && (0.0..=1.0).contains(&self.squares)
    }

    fn push(&mut self, value: f64, options: &HddmWOptions) {
        let weight = options.weight;
        let rest = 1.0 - weight;
        // river takes a mean of zero, as after nothing but zeros, for none.
        let river = options.compat == Compat::River;
        let first = self.empty || river && self.mean == 0.0;
        self.mean = if first { value } else { weight * value + rest * self.mean };
        if !self.empty || river {
            self.squares = weight * weight + rest * rest * self.squares;
        }
        self.empty = false;
    }

    fn bound(squares: f64, log: f64) -> f64 {
        (squares * log / 2.0).sqrt()
    }
}

/// The means before and after the value at which the first was surely most extreme.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    /// The bound on the mean before.
    extreme: Option<f64>,
    before: WeightedMean,
    after: WeightedMean,
}

impl Cut {
    /// `bound` is one on `total`; `further` whether it is more extreme than the one at the cut.
    fn push(
        &mut self,
        value: f64,
        total: WeightedMean,
        bound: f64,
        further: fn(&f64, &f64) -> bool,
        options: &HddmWOptions,
    ) {
        if self.extreme.is_none_or(|extreme| further(&bound, &extreme)) {
            *self = Self { extreme: Some(bound), before: total, after: WeightedMean::default() };
        } else {
            self.after.push(value, options);
        }
    }

    /// Whether the means differ, in the direction of `sign`, by more than chance.
    fn has_changed(&self, sign: f64, log: f64) -> bool {
        !self.before.empty
            && !self.after.empty
            && sign * (self.after.mean - self.before.mean)
                > WeightedMean::bound(self.before.squares + self.after.squares, log)
    }
}

impl HddmW {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &HddmWOptions {
        &self.options
    }

    /// The weighted mean since the last change; zero before the first value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.state.total.mean
    }

    fn has_changed(&self, log: f64) -> bool {
        let direction = self.options.direction;
        direction.has_up() && self.state.rise.has_changed(1.0, log)
            || direction.has_down() && self.state.fall.has_changed(-1.0, log)
    }
}

impl ChangeDetector for HddmW {
    fn update(&mut self, value: f64) -> Signal {
        if !is_loss(value) {
            return Signal::Ignored;
        }
        if self.state.changed {
            self.reset();
        }
        let Self { options, bounds, state } = self;
        state.total.push(value, options);
        let total = state.total;
        let bound = WeightedMean::bound(total.squares, bounds.change);
        if options.direction.has_up() {
            state.rise.push(value, total, total.mean + bound, f64::lt, options);
        }
        if options.direction.has_down() {
            state.fall.push(value, total, total.mean - bound, f64::gt, options);
        }
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
#[serde(rename = "HddmW")]
struct Unchecked {
    options: HddmWOptions,
    state: State,
}

impl TryFrom<Unchecked> for HddmW {
    type Error = Error;

    fn try_from(Unchecked { options, state }: Unchecked) -> Result<Self> {
        let State { total, rise, fall, .. } = &state;
        let is_cut = |cut: &Cut| {
            cut.before.is_possible()
                && cut.after.is_possible()
                && cut.extreme.is_none_or(f64::is_finite)
        };
        check_state(total.is_possible() && is_cut(rise) && is_cut(fall))?;
        let new = options.build()?;
        Ok(Self { state, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change_at(direction: Direction, before: f64, after: f64) -> Option<u32> {
        let options = HddmWOptions::default().with_direction(direction);
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
            assert_eq!(change_at(direction, 0.1, 0.9).is_some(), rises, "{direction:?}");
            assert_eq!(change_at(direction, 0.9, 0.1).is_some(), falls, "{direction:?}");
        }
    }

    #[test]
    fn the_first_error_is_no_change() {
        let mut detector = HddmWOptions::default().build().unwrap();
        (0..100).for_each(|_| assert_eq!(detector.update(0.0), Signal::Stable));
        assert_eq!(detector.update(1.0), Signal::Stable);
    }

    #[test]
    fn refuses_options_without_meaning() {
        for (warning, change) in [(0.001, 0.005), (1.5, 0.1), (0.1, 0.0), (f64::NAN, 0.1)] {
            HddmWOptions::default().with_probabilities(warning, change).build().unwrap_err();
        }
        for weight in [0.0, 1.5, f64::NAN] {
            HddmWOptions::default().with_weight(weight).build().unwrap_err();
        }
    }
}
