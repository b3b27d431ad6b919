//! [`QuantileProbe`]: is a quantile in a range?

use super::{Outcome, wrong_type};
use crate::quality::{Range, Values};

/// Counts values below a range and in it. The `p` quantile, the least value `x` with `F(x) ≥ p`, is not below
/// the range if `F` before it is less than `p`, and not above it if `F` at its end is at least `p`. So
/// neither values nor a sketch of them are needed, and the answer is exact.
#[derive(Debug, Clone)]
pub(in crate::quality) struct QuantileProbe {
    probability: f64,
    of_times: bool,
    whole: (i64, i64),
    double: (f64, f64),
    rows: u64,
    nan: u64,
    below: u64,
    above: u64,
}

impl QuantileProbe {
    pub(super) fn new(probability: f64, range: Range) -> Self {
        let (of_times, whole, double) = (range.is_of_times(), range.integers(), range.numbers());
        Self { probability, of_times, whole, double, rows: 0, nan: 0, below: 0, above: 0 }
    }

    pub(super) fn observe(&mut self, values: Values<'_>) -> Result<(), String> {
        let (low, high) = self.whole;
        match (values, self.of_times) {
            (Values::Integers(values), false) => {
                self.count(values.iter().copied().flatten(), |v| v < low, |v| v > high);
            }
            (Values::Times(times), true) => {
                let micros = times.iter().flatten().map(|time| time.as_micros());
                self.count(micros, |v| v < low, |v| v > high);
            }
            (Values::Numbers(values), false) => {
                let (low, high) = self.double;
                let nan = values.iter().flatten().filter(|value| value.is_nan()).count();
                self.nan += nan as u64;
                self.count(values.iter().copied().flatten(), |v| v < low, |v| v > high);
            }
            (values, true) => return Err(wrong_type("times", values)),
            (values, false) => return Err(wrong_type("numbers", values)),
        }
        Ok(())
    }

    fn count<T: Copy>(
        &mut self,
        values: impl Iterator<Item = T>,
        is_below: impl Fn(T) -> bool,
        is_above: impl Fn(T) -> bool,
    ) {
        for value in values {
            self.rows += 1;
            self.below += u64::from(is_below(value));
            self.above += u64::from(is_above(value));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.nan += other.nan;
        self.below += other.below;
        self.above += other.above;
    }

    pub(super) fn outcome(&self) -> Outcome {
        let rows = self.rows;
        if self.nan > 0 {
            return Outcome::error(format!("{} values are NaN", self.nan), rows);
        }
        if rows == 0 {
            return Outcome::insufficient("there are no values", 0);
        }
        let share = |count: u64| count as f64 / rows as f64;
        let (below, up_to) = (share(self.below), share(rows - self.above));
        let holds = below < self.probability && self.probability <= up_to;
        // The share on the side where it is wrong.
        let observed = if below < self.probability { up_to } else { below };
        let detail =
            format!("a share of {below} is below the range, and of {} above it", share(self.above));
        Outcome { detail: Some(detail), ..Outcome::judged(holds, observed, rows) }
    }
}
