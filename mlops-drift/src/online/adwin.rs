//! [`Adwin`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    ChangeDetector, Compat, Signal, check_option,
    exponential_histogram::{Cut, ExponentialHistogram},
    is_usable,
};

/// Adaptive windowing: finds a change of the mean, and keeps the longest window without one.
///
/// Every `clock` values it looks at all ways to cut its window of `n` values into an older part `W₀` of
/// `n₀` and a newer `W₁` of `n₁` (of those that its buckets allow, whose sizes are powers of two), and
/// there is a change if the means of both differ by more than
///
/// ```text
/// ε = √(2/m · σ² · δ') + 2/3 · R/m · δ'     1/m = 1/n₀ + 1/n₁,  δ' = ln(2 ln(n) / δ)
/// ```
///
/// where `σ²` is the variance in the window and `R` the range of the values. The window then becomes
/// the `W₁` of the cut whose means differ most, compared with its `ε`. The mean, the variance and the
/// width of the window are there for the asking.
///
/// Source: Bifet and Gavaldà (2007), "Learning from time-changing data with adaptive windowing", SIAM
/// International Conference on Data Mining, 443–448 (`ε` is eq. 3.1, which they derive from Bernstein's
/// inequality for values in `[0, 1]`).
///
/// With [`Compat::River`] `n₀ - 4` and `n₁ - 4` stand for `n₀` and `n₁` in `ε`, a change drops one
/// bucket after the other until no cut is left, and at the next value the whole window, `W₁` included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Adwin {
    options: AdwinOptions,
    window: ExponentialHistogram,
    /// Values since the last check, modulo the clock.
    ticks: u32,
    /// River begins anew after a change.
    ended: bool,
}

/// How an [`Adwin`] decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdwinOptions {
    /// The probability `δ` that bounds a false change at one check.
    pub delta: f64,
    /// Values from one check to the next.
    pub clock: u32,
    /// Values in each part of a cut, at least.
    pub min_window: u32,
    /// More values than this are in a window that is checked.
    pub grace_period: u32,
    /// The range `R` of the values: how far apart the largest and the smallest may be. 1 for errors,
    /// losses and probabilities.
    pub range: f64,
    /// Whose behaviour it has.
    pub compat: Compat,
}

impl Default for AdwinOptions {
    fn default() -> Self {
        Self {
            delta: 0.002,
            clock: 32,
            min_window: 5,
            grace_period: 10,
            range: 1.0,
            compat: Compat::None,
        }
    }
}

impl AdwinOptions {
    /// As river 0.23 has it.
    #[must_use]
    pub fn river() -> Self {
        Self { compat: Compat::River, ..Self::default() }
    }

    /// Sets [`delta`](Self::delta).
    #[must_use]
    pub fn with_delta(mut self, delta: f64) -> Self {
        self.delta = delta;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, values: u32) -> Self {
        self.clock = values;
        self
    }

    /// Sets [`min_window`](Self::min_window).
    #[must_use]
    pub fn with_min_window(mut self, values: u32) -> Self {
        self.min_window = values;
        self
    }

    /// Sets [`grace_period`](Self::grace_period).
    #[must_use]
    pub fn with_grace_period(mut self, values: u32) -> Self {
        self.grace_period = values;
        self
    }

    /// Sets [`range`](Self::range).
    #[must_use]
    pub fn with_range(mut self, range: f64) -> Self {
        self.range = range;
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
    /// [`Error::InvalidArgument`] unless `0 < delta < 1`, `clock` and `min_window` are positive, and
    /// `range` is positive and finite.
    pub fn build(self) -> Result<Adwin> {
        check_option("delta", self.delta, f64::MIN_POSITIVE..1.0)?;
        check_option("clock", self.clock.into(), 1.0..)?;
        check_option("min_window", self.min_window.into(), 1.0..)?;
        check_option("range", self.range, f64::MIN_POSITIVE..)?;
        Ok(Adwin { options: self, window: ExponentialHistogram::default(), ticks: 0, ended: false })
    }
}

impl Adwin {
    /// The options it was built from.
    #[must_use]
    pub fn options(&self) -> &AdwinOptions {
        &self.options
    }

    /// Values in the window.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.window.width() as u64
    }

    /// The mean of the window; zero if it is empty.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.window.width() > 0.0 { self.window.total() / self.window.width() } else { 0.0 }
    }

    /// The variance in the window, with `n` as divisor; zero if it is empty.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.window.width() > 0.0 { self.window.squares() / self.window.width() } else { 0.0 }
    }

    /// Shortens the window until no cut shows a change; whether one did.
    #[inline(never)]
    fn check(&mut self) -> bool {
        let mut changed = false;
        while let Some(buckets) = self.find_cut() {
            changed = true;
            self.window.drop_oldest(buckets);
            if self.options.compat == Compat::None {
                self.window.recount();
            }
        }
        changed
    }

    /// How many of the oldest buckets are to be dropped.
    fn find_cut(&self) -> Option<usize> {
        let bound = Bound::new(&self.options, &self.window);
        match self.options.compat {
            Compat::River => {
                let exceeds = |cut: &Cut| {
                    bound.compare(cut).is_some_and(|(difference, epsilon)| difference > epsilon)
                };
                self.window.cuts().find(exceeds).map(|_| 1)
            }
            Compat::None => {
                let mut strongest = (1.0, None);
                for cut in self.window.cuts() {
                    if let Some((difference, epsilon)) = bound.compare(&cut)
                        && difference / epsilon > strongest.0
                    {
                        strongest = (difference / epsilon, Some(cut.buckets));
                    }
                }
                strongest.1
            }
        }
    }
}

/// What `ε` is made of.
struct Bound {
    /// `δ'`.
    log: f64,
    /// `σ²`.
    variance: f64,
    /// `2/3 · R`.
    range: f64,
    min_window: f64,
    /// What is taken off the sizes of both parts.
    offset: f64,
}

impl Bound {
    fn new(options: &AdwinOptions, window: &ExponentialHistogram) -> Self {
        let min_window = f64::from(options.min_window);
        let (offset, variance) = match options.compat {
            Compat::River => (min_window - 1.0, window.squares() / window.width()),
            // A rounding error may leave less than nothing.
            Compat::None => (0.0, (window.squares() / window.width()).max(0.0)),
        };
        Self {
            log: (2.0 * window.width().ln() / options.delta).ln(),
            variance,
            range: 2.0 / 3.0 * options.range,
            min_window,
            offset,
        }
    }

    /// The difference of the means, and `ε`; `None` where it is surely below.
    fn compare(&self, cut: &Cut) -> Option<(f64, f64)> {
        let Cut { n0, n1, u0, u1, .. } = *cut;
        if n0 < self.min_window || n1 < self.min_window {
            return None;
        }
        let (m0, m1) = (n0 - self.offset, n1 - self.offset);
        // Most cuts fail by the first term of `ε` alone, which needs no division to tell.
        let gap = u0 * n1 - u1 * n0;
        let sizes = n0 * n1;
        let first_term = 2.0 * self.variance * self.log * (m0 + m1) * (sizes * sizes);
        if gap * gap * (m0 * m1) < 0.99 * first_term {
            return None;
        }
        let difference = u0 / n0 - u1 / n1;
        let reciprocal = 1.0 / m0 + 1.0 / m1;
        let epsilon = (2.0 * reciprocal * self.variance * self.log).sqrt()
            + self.range * self.log * reciprocal;
        Some((difference.abs(), epsilon))
    }
}

impl ChangeDetector for Adwin {
    fn update(&mut self, value: f64) -> Signal {
        if !is_usable(value) {
            return Signal::Ignored;
        }
        if self.ended {
            self.reset();
        }
        self.window.push(value);
        self.ticks += 1;
        if self.ticks < self.options.clock {
            return Signal::Stable;
        }
        self.ticks = 0;
        if self.window.width() > f64::from(self.options.grace_period) && self.check() {
            self.ended = self.options.compat == Compat::River;
            return Signal::Change;
        }
        Signal::Stable
    }

    fn reset(&mut self) {
        self.window.clear();
        self.ticks = 0;
        self.ended = false;
    }
}

/// An [`Adwin`] as it is read, whose options may be anything.
#[derive(Deserialize)]
#[serde(rename = "Adwin")]
struct Unchecked {
    options: AdwinOptions,
    window: ExponentialHistogram,
    ticks: u32,
    ended: bool,
}

impl TryFrom<Unchecked> for Adwin {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { options, window, ticks, ended } = read;
        let new = options.build()?;
        Ok(Self { window, ticks: ticks % new.options.clock, ended, ..new })
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::random::RandomKey;

    use super::*;

    /// Zeros and ones, about as many ones as `share` says.
    fn bits(seed: u64, share: f64) -> impl Iterator<Item = f64> {
        let mut stream = RandomKey::from_seed(seed).stream(0);
        std::iter::repeat_with(move || f64::from(u8::from(stream.next_unit() < share)))
    }

    #[test]
    fn the_window_is_what_came_after_the_change() {
        let mut detector = AdwinOptions::default().build().unwrap();
        for bit in bits(1, 0.2).take(3000) {
            assert_eq!(detector.update(bit), Signal::Stable);
        }
        assert_eq!(detector.width(), 3000);
        let after = bits(2, 0.8).take(1000).enumerate();
        let changes: Vec<usize> = after
            .filter(|(_, bit)| detector.update(*bit) == Signal::Change)
            .map(|(index, _)| index)
            .collect();
        assert!(changes.first().is_some_and(|&first| first < 64), "{changes:?}");
        assert!((900..=1100).contains(&detector.width()), "{}", detector.width());
        assert!((detector.mean() - 0.8).abs() < 0.06, "{}", detector.mean());
    }

    #[test]
    fn river_throws_the_window_away() {
        let mut detector = AdwinOptions::river().build().unwrap();
        for bit in bits(1, 0.2).take(3000) {
            assert_eq!(detector.update(bit), Signal::Stable);
        }
        while detector.update(0.9) != Signal::Change {}
        assert!(detector.width() > 1);
        assert_eq!(detector.update(0.9), Signal::Stable);
        assert_eq!(detector.width(), 1);
    }

    #[test]
    fn a_range_makes_up_for_the_unit() {
        let changes = |unit: f64| -> Vec<bool> {
            let mut detector = AdwinOptions::default().with_range(unit).build().unwrap();
            let values = bits(3, 0.5).take(500).chain(bits(4, 0.9).take(500));
            values.map(|bit| detector.update(unit * bit) == Signal::Change).collect()
        };
        assert!(changes(1.0).contains(&true));
        assert_eq!(changes(1024.0), changes(1.0));
    }

    #[test]
    fn refuses_options_without_meaning() {
        let default = AdwinOptions::default;
        for options in [
            default().with_delta(0.0),
            default().with_delta(1.0),
            default().with_delta(f64::NAN),
            default().with_clock(0),
            default().with_min_window(0),
            default().with_range(0.0),
            default().with_range(f64::INFINITY),
        ] {
            options.build().unwrap_err();
        }
    }

    #[test]
    fn what_cannot_be_a_detector_is_not_read() {
        let mut detector = AdwinOptions::default().build().unwrap();
        for n in 0..100 {
            detector.update(f64::from(n));
        }
        let written = serde_json::to_value(&detector).unwrap();
        let read = |value| serde_json::from_value::<Adwin>(value);
        assert_eq!(read(written.clone()).unwrap(), detector);
        for (path, wrong) in [
            ("/options/clock", serde_json::json!(0)),
            ("/window/width", serde_json::json!(99.0)),
            ("/window/rows/0", serde_json::json!([])),
            ("/window/rows", serde_json::json!([])),
        ] {
            let mut broken = written.clone();
            *broken.pointer_mut(path).unwrap() = wrong;
            read(broken).unwrap_err();
        }
    }
}
