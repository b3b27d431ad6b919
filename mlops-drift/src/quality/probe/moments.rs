//! [`MomentsProbe`]: mean and standard deviation.

use super::{
    Outcome,
    exact_sum::{ExactSum, scaled},
    wrong_type,
};
use crate::quality::{Range, Values};

/// Adds up values, and their squares if they are needed, exactly.
#[derive(Debug, Clone)]
pub(in crate::quality) struct MomentsProbe {
    range: Range,
    sum: ExactSum,
    squares: Option<ExactSum>,
    finite: u64,
    not_finite: u64,
}

impl MomentsProbe {
    pub(super) fn mean(range: Range) -> Self {
        Self { range, sum: ExactSum::new(), squares: None, finite: 0, not_finite: 0 }
    }

    pub(super) fn standard_deviation(range: Range) -> Self {
        Self { squares: Some(ExactSum::new()), ..Self::mean(range) }
    }

    pub(super) fn observe(&mut self, values: Values<'_>) -> Result<(), String> {
        match values {
            Values::Integers(values) => {
                for value in values.iter().copied().flatten() {
                    self.finite += 1;
                    self.sum.add_whole(value);
                    if let Some(squares) = &mut self.squares {
                        squares.add_square_of_whole(value);
                    }
                }
            }
            Values::Numbers(values) => {
                for value in values.iter().copied().flatten() {
                    if !value.is_finite() {
                        self.not_finite += 1;
                        continue;
                    }
                    self.finite += 1;
                    self.sum.add(value);
                    if let Some(squares) = &mut self.squares {
                        squares.add_square(value);
                    }
                }
            }
            other => return Err(wrong_type("numbers", other)),
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        if let (Some(mine), Some(theirs)) = (&mut self.squares, &other.squares) {
            mine.merge(theirs);
        }
        self.finite += other.finite;
        self.not_finite += other.not_finite;
    }

    pub(super) fn outcome(&self) -> Outcome {
        let (count, needed) = (self.finite, 1 + u64::from(self.squares.is_some()));
        let rows = count + self.not_finite;
        if self.not_finite > 0 {
            let reason = format!("{} values are NaN or infinite", self.not_finite);
            return Outcome::error(reason, rows);
        }
        if count < needed {
            return Outcome::insufficient(format!("{count} values are too few"), rows);
        }
        let observed = match &self.squares {
            None => mean(&self.sum, count),
            Some(squares) => standard_deviation(&self.sum, squares, count),
        };
        let (low, high) = self.range.numbers();
        Outcome::judged(low <= observed && observed <= high, observed, rows)
    }
}

fn mean(sum: &ExactSum, count: u64) -> f64 {
    let (m, e) = sum.total().divided(count).to_parts();
    scaled(m, e)
}

/// `√((n Σ x² - (Σ x)²) / (n (n - 1)))`, rounded before the root and by it.
fn standard_deviation(sum: &ExactSum, squares: &ExactSum, count: u64) -> f64 {
    let difference = squares.total().times(count).minus(&sum.total().squared());
    let (m, e) = difference.divided(count).divided(count - 1).to_parts();
    // The root of an even power of two.
    let (m, e) = if e % 2 == 0 { (m, e) } else { (2.0 * m, e - 1) };
    scaled(m.sqrt(), e / 2).min(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> (f64, f64) {
        let (mut sum, mut squares) = (ExactSum::new(), ExactSum::new());
        for value in values {
            sum.add(*value);
            squares.add_square(*value);
        }
        let count = values.len() as u64;
        (mean(&sum, count), standard_deviation(&sum, &squares, count))
    }

    const GOLDEN: &[(&[f64], f64, f64)] = &[
        (&[1.0, 2.0, 3.0, 4.0], 2.5, 1.2909944487358056),
        (&[1e15 + 0.5, 1e15 + 0.25, 1e15 + 0.75, 1e15], 1000000000000000.4, 0.3227486121839514),
        (&[1e-300, 3e-300, -2e-300], 6.666666666666668e-301, 2.5166114784235833e-300),
        (&[1e300, -1e300, 3e299], 1e299, 1.014889156509222e300),
        (&[0.1, 0.2, 0.3, 0.7, -1000000000.0], -199999999.74, 447213595.64530236),
        (&[1e16, 1.0, 1.0, 1.0, -1e16], 0.6, 7071067811865475.0),
        (&[5e-324, 0.0], 0.0, 5e-324),
    ];

    #[test]
    fn moments_are_those_of_exact_arithmetic() {
        // Python's fractions.Fraction, and decimal with 60 digits for the root: rounded once, at the end. The
        // deviation is rounded before the root as well.
        for (values, mean, deviation) in GOLDEN {
            let (m, s) = of(values);
            assert_eq!(m, *mean, "{values:?}");
            assert!(
                (s - deviation).abs() <= f64::EPSILON * deviation,
                "{values:?}: {s} {deviation}"
            );
        }
    }

    #[test]
    fn constants_have_no_spread() {
        for value in [0.1, -1e308, 5e-324, 1e15 + 0.1] {
            assert_eq!(of(&[value; 7]), (value, 0.0));
        }
    }
}
