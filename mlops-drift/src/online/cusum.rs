//! [`Cusum`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    ChangeDetector, Direction, Signal, Threshold, check_option, check_state, is_usable,
    standardize::{OUTLIER, Standardizer},
};

/// The cumulative sum chart: finds a lasting shift of the mean, even a small one.
///
/// Of the standard scores `z` of the values it keeps two sums, `S⁺ = max(0, S⁺ + z - k)` and
/// `S⁻ = max(0, S⁻ - z - k)`, and reports a change when one exceeds the threshold `h`. The slack `k` is
/// half the shift, in standard deviations, that is to be found soonest. Both sums then start at zero.
///
/// Source: Page (1954), "Continuous inspection schemes", Biometrika 41, 100–115. What the scores are
/// relative to is the [`Reference`]. Scores are limited to ±5, so that no single value is a change.
///
/// As scores have no unit, neither have `k` and `h`; and for independent normal values the mean time
/// between false alarms can be [asked for](Threshold). Heavier tails make it shorter, correlated values
/// much shorter: [`calibrate()`](super::calibrate()) finds the threshold for those from a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Cusum {
    options: CusumOptions,
    threshold: f64,
    standardizer: Standardizer,
    sums: Sums,
    changed: bool,
}

/// How a [`Cusum`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CusumOptions {
    /// What values are compared with.
    pub reference: Reference,
    /// The part `k` of each score that is taken for chance, in standard deviations; below 5, which no score
    /// exceeds.
    pub slack: f64,
    /// When a sum is a change.
    pub threshold: Threshold,
    /// Which shifts are looked for.
    pub direction: Direction,
}

/// What a [`Cusum`] compares values with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The values since the last change (Hawkins 1987, "Self-starting CUSUM charts for location and
    /// scale"). After a change it is learned anew.
    Running {
        /// Values that are only learned from; at least 3.
        warm_up: u32,
    },
    /// A mean and a standard deviation known from elsewhere, such as a reference data set. As long as
    /// the stream is elsewhere, there is one change after another.
    Known {
        /// The mean of values without a change.
        mean: f64,
        /// Their standard deviation, positive.
        scale: f64,
    },
}

impl Default for CusumOptions {
    fn default() -> Self {
        Self {
            reference: Reference::Running { warm_up: 30 },
            slack: 0.5,
            threshold: Threshold::default(),
            direction: Direction::Both,
        }
    }
}

impl CusumOptions {
    /// Sets [`reference`](Self::reference).
    #[must_use]
    pub fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// Sets [`slack`](Self::slack), in standard deviations.
    #[must_use]
    pub fn with_slack(mut self, slack: f64) -> Self {
        self.slack = slack;
        self
    }

    /// Sets [`threshold`](Self::threshold).
    #[must_use]
    pub fn with_threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = threshold;
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
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if `slack` is not in `[0, 5)`, `warm_up`
    /// below 3, `scale` not positive, a figure not finite, or no threshold has the mean time asked for.
    pub fn build(self) -> Result<Cusum> {
        check_option("slack", self.slack, 0.0..OUTLIER)?;
        match self.reference {
            Reference::Running { warm_up } => check_option("warm_up", warm_up.into(), 3.0..)?,
            Reference::Known { mean, scale } => {
                check_option("mean", mean, ..)?;
                check_option("scale", scale, f64::MIN_POSITIVE..)?;
            }
        }
        let threshold = self.threshold.resolve(self.slack, self.direction)?;
        Ok(Cusum {
            options: self,
            threshold,
            standardizer: Standardizer::default(),
            sums: Sums::default(),
            changed: false,
        })
    }
}

/// `S⁺` and `S⁻`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) up: f64,
    pub(super) down: f64,
}

impl Sums {
    /// Whether scores lead to them.
    pub(super) fn is_possible(&self) -> bool {
        [self.up, self.down].iter().all(|sum| (0.0..f64::INFINITY).contains(sum))
    }

    pub(super) fn push(&mut self, score: f64, slack: f64, forgetting: f64) {
        self.up = positive_part(forgetting * self.up + (score - slack));
        self.down = positive_part(forgetting * self.down - (score + slack));
    }

    pub(super) fn exceed(&self, threshold: f64, direction: Direction) -> bool {
        direction.has_up() && self.up > threshold || direction.has_down() && self.down > threshold
    }
}

/// `max` of the standard library looks for NaN, which takes as long as all the rest of a sum.
fn positive_part(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

impl Cusum {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &CusumOptions {
        &self.options
    }

    /// The threshold `h`, in standard deviations.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The sum `S⁺` for shifts up, in standard deviations.
    #[must_use]
    pub fn sum_up(&self) -> f64 {
        self.sums.up
    }

    /// The sum `S⁻` for shifts down, in standard deviations.
    #[must_use]
    pub fn sum_down(&self) -> f64 {
        self.sums.down
    }
}

impl ChangeDetector for Cusum {
    fn update(&mut self, value: f64) -> Signal {
        if !is_usable(value) {
            return Signal::Ignored;
        }
        if self.changed {
            self.reset();
        }
        let score = match self.options.reference {
            Reference::Running { warm_up } => self.standardizer.score(value, warm_up.into()),
            Reference::Known { mean, scale } => {
                Some(((value - mean) / scale).clamp(-OUTLIER, OUTLIER))
            }
        };
        let Some(score) = score else { return Signal::Stable };
        self.sums.push(score, self.options.slack, 1.0);
        self.changed = self.sums.exceed(self.threshold, self.options.direction);
        if self.changed { Signal::Change } else { Signal::Stable }
    }

    fn reset(&mut self) {
        self.standardizer = Standardizer::default();
        self.sums = Sums::default();
        self.changed = false;
    }
}

#[derive(Deserialize)]
#[serde(rename = "Cusum")]
struct Unchecked {
    options: CusumOptions,
    standardizer: Standardizer,
    sums: Sums,
    changed: bool,
}

impl TryFrom<Unchecked> for Cusum {
    type Error = Error;

    fn try_from(Unchecked { options, standardizer, sums, changed }: Unchecked) -> Result<Self> {
        check_state(standardizer.is_possible() && sums.is_possible())?;
        let new = options.build()?;
        Ok(Self { standardizer, sums, changed, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_what_page_defines() {
        let reference = Reference::Known { mean: 10.0, scale: 2.0 };
        let options =
            CusumOptions::default().with_reference(reference).with_threshold(Threshold::Value(4.0));
        let mut detector = options.build().unwrap();
        for (value, up, down) in
            [(12.0, 0.5, 0.0), (14.0, 2.0, 0.0), (6.0, 0.0, 1.5), (1e9, 4.5, 0.0)]
        {
            detector.update(value);
            assert_eq!((detector.sum_up(), detector.sum_down()), (up, down), "{value}");
        }
    }

    #[test]
    fn finds_what_it_is_told_to_look_for() {
        for (direction, rises, falls) in [
            (Direction::Up, true, false),
            (Direction::Down, false, true),
            (Direction::Both, true, true),
        ] {
            for (shift, found) in [(4.0, rises), (-4.0, falls)] {
                let mut detector =
                    CusumOptions::default().with_direction(direction).build().unwrap();
                let noise = |n: u32| f64::from(n % 5) - 2.0;
                (0..300).for_each(|n| assert_eq!(detector.update(noise(n)), Signal::Stable));
                let change =
                    (300..330).find(|&n| detector.update(noise(n) + shift) == Signal::Change);
                assert_eq!(change.is_some(), found, "{direction:?} {shift}");
            }
        }
    }

    #[test]
    fn refuses_options_without_meaning() {
        let default = CusumOptions::default;
        let known = |mean, scale| Reference::Known { mean, scale };
        for options in [
            default().with_slack(-0.1),
            default().with_slack(f64::NAN),
            default().with_reference(Reference::Running { warm_up: 2 }),
            default().with_reference(known(f64::NAN, 1.0)),
            default().with_reference(known(0.0, 0.0)),
            default().with_reference(known(0.0, f64::INFINITY)),
            default().with_threshold(Threshold::Value(0.0)),
            default().with_threshold(Threshold::Value(f64::NAN)),
            default().with_threshold(Threshold::MeanTimeBetweenFalseAlarms(1.0)),
            default().with_threshold(Threshold::MeanTimeBetweenFalseAlarms(f64::INFINITY)),
        ] {
            options.build().unwrap_err();
        }
    }
}
