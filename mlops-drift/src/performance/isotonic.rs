//! [`Isotonic`]: a rising curve through points.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The rising curve that is closest to points in the sum of squares: isotonic regression by pooling
/// adjacent violators (Ayer et al. 1955; Best & Chakravarti 1990), linear between its points and constant
/// beyond them. Of scores and outcomes of 0 and 1 it makes calibrated probabilities (Zadrozny & Elkan
/// 2002).
///
/// Fitting sorts the points, once; evaluating searches among the curve's corners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isotonic {
    /// The corners, by rising `x`; values rise or stay.
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Points whose values are pooled.
#[derive(Debug, Clone, Copy)]
struct Block {
    first_x: f64,
    last_x: f64,
    sum: f64,
    weight: f64,
}

impl Block {
    fn value(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Isotonic {
    /// Fits the curve to points. Values at the same `x` count as their mean.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no points, not as many `x` as `y`, or one is not finite.
    pub fn fit(x: &[f64], y: &[f64]) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("points of a curve", reason));
        if x.len() != y.len() || x.is_empty() {
            return invalid(format!("{} x and {} y", x.len(), y.len()));
        }
        if let Some(index) = x.iter().zip(y).position(|(x, y)| !(x.is_finite() && y.is_finite())) {
            return invalid(format!("point {index} is ({}, {})", x[index], y[index]));
        }
        let mut points: Vec<_> = x.iter().copied().zip(y.iter().copied()).collect();
        points.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut blocks: Vec<Block> = Vec::new();
        for tied in points.chunk_by(|(a, _), (b, _)| a == b) {
            let sum = tied.iter().map(|(_, y)| y).sum();
            let x = tied[0].0;
            let mut block = Block { first_x: x, last_x: x, sum, weight: tied.len() as f64 };
            // Whatever lies at or above what comes after it is pooled with it.
            while let Some(before) = blocks.pop_if(|before| before.value() >= block.value()) {
                block.first_x = before.first_x;
                block.sum += before.sum;
                block.weight += before.weight;
            }
            blocks.push(block);
        }
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for block in &blocks {
            x.push(block.first_x);
            y.push(block.value());
            if block.last_x > block.first_x {
                x.push(block.last_x);
                y.push(block.value());
            }
        }
        Ok(Self { x, y })
    }

    /// The curve's value at `x`; NaN at NaN.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        let after = self.x.partition_point(|corner| *corner <= x);
        let (Some(before), Some(right)) = (after.checked_sub(1), self.x.get(after)) else {
            return self.y[after.saturating_sub(1)];
        };
        let (left, low, high) = (self.x[before], self.y[before], self.y[after]);
        low + (high - low) * ((x - left) / (right - left))
    }

    /// The range of `x` that it was fitted on.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.x[0], self.x[self.x.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn violators_are_pooled_and_the_rest_is_kept() {
        let curve = Isotonic::fit(&[4.0, 1.0, 2.0, 3.0], &[5.0, 1.0, 4.0, 2.0]).unwrap();
        for (x, y) in
            [(0.0, 1.0), (1.0, 1.0), (1.5, 2.0), (2.0, 3.0), (2.7, 3.0), (3.5, 4.0), (9.0, 5.0)]
        {
            assert!((curve.at(x) - y).abs() < 1e-15, "{x}: {}", curve.at(x));
        }
        assert!(curve.at(f64::NAN).is_nan());
        assert_eq!(curve.range(), (1.0, 4.0));
    }

    #[test]
    fn points_at_one_place_count_as_their_mean() {
        let curve = Isotonic::fit(&[1.0, 1.0, 1.0, 2.0], &[0.0, 1.0, 0.5, 0.9]).unwrap();
        assert_eq!((curve.at(1.0), curve.at(1.5), curve.at(2.0)), (0.5, 0.7, 0.9));
        let one = Isotonic::fit(&[3.0], &[0.25]).unwrap();
        assert_eq!((one.at(-1.0), one.at(3.0), one.at(5.0)), (0.25, 0.25, 0.25));
        assert_eq!(Isotonic::fit(&[0.0, -0.0], &[1.0, 0.0]).unwrap().at(0.0), 0.5);
    }

    #[test]
    fn bad_points_are_named() {
        for (x, y, named) in [
            (&[][..], &[][..], "0 x and 0 y"),
            (&[1.0], &[], "1 x and 0 y"),
            (&[1.0, f64::NAN], &[1.0, 1.0], "point 1 is (NaN, 1)"),
            (&[1.0], &[f64::INFINITY], "point 0 is (1, inf)"),
        ] {
            let error = Isotonic::fit(x, y).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    proptest! {
        /// The value of a point is the largest, over where a run may begin, of the smallest, over where it
        /// may end, of the mean of the run: another characterisation of the same curve.
        #[test]
        fn it_is_the_max_min_of_means(y in proptest::collection::vec(0..6_u8, 1..12)) {
            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            let x: Vec<f64> = (0..y.len()).map(|n| n as f64).collect();
            let curve = Isotonic::fit(&x, &y).unwrap();
            for (at, place) in x.iter().enumerate() {
                let mean = |from: usize, to: usize| {
                    y[from..=to].iter().sum::<f64>() / (to - from + 1) as f64
                };
                let smallest = |from| (at..y.len()).map(|to| mean(from, to)).fold(f64::MAX, f64::min);
                let expected = (0..=at).map(smallest).fold(f64::MIN, f64::max);
                prop_assert!((curve.at(*place) - expected).abs() < 1e-12);
            }
        }

        /// It rises, keeps the mean, and does not depend on the order of the points.
        #[test]
        fn laws(points in proptest::collection::vec((0..20_i8, -5.0..5.0_f64), 1..60)) {
            let (x, y): (Vec<_>, Vec<_>) =
                points.iter().map(|(x, y)| (f64::from(*x) / 4.0, *y)).unzip();
            let curve = Isotonic::fit(&x, &y).unwrap();
            let mut places = x.clone();
            places.sort_by(f64::total_cmp);
            prop_assert!(places.windows(2).all(|two| curve.at(two[0]) <= curve.at(two[1]) + 1e-12));
            let fitted: f64 = x.iter().map(|x| curve.at(*x)).sum();
            prop_assert!((fitted - y.iter().sum::<f64>()).abs() < 1e-9);
            let (turned_x, turned_y): (Vec<_>, Vec<_>) =
                x.iter().copied().zip(y).rev().unzip();
            let turned = Isotonic::fit(&turned_x, &turned_y).unwrap();
            prop_assert!(x.iter().all(|x| (curve.at(*x) - turned.at(*x)).abs() < 1e-12));
        }
    }
}
