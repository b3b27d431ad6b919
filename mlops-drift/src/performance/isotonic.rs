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
#[serde(try_from = "Corners")]
pub struct Isotonic {
    /// The corners, by rising `x`; values rise or stay.
    x: Vec<f64>,
    y: Vec<f64>,
    /// How many points were pooled to each corner's value.
    pooled: Vec<u64>,
}

/// A curve as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corners {
    x: Vec<f64>,
    y: Vec<f64>,
    pooled: Vec<u64>,
}

impl TryFrom<Corners> for Isotonic {
    type Error = Error;

    fn try_from(Corners { x, y, pooled }: Corners) -> Result<Self> {
        let finite = x.iter().chain(&y).all(|value| value.is_finite());
        let rises = x.is_sorted_by(|a, b| a < b) && y.is_sorted();
        let complete = !x.is_empty() && y.len() == x.len() && pooled.len() == x.len();
        if !complete || !finite || !rises || pooled.contains(&0) {
            return Err(Error::invalid("curve", "its corners do not rise, or there are none"));
        }
        Ok(Self { x, y, pooled })
    }
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
        let (mut x, mut y, mut pooled) = (Vec::new(), Vec::new(), Vec::new());
        for block in &blocks {
            let corners = if block.last_x > block.first_x { 2 } else { 1 };
            x.extend(&[block.first_x, block.last_x][..corners]);
            y.extend(std::iter::repeat_n(block.value(), corners));
            pooled.extend(std::iter::repeat_n(block.weight as u64, corners));
        }
        Ok(Self { x, y, pooled })
    }

    /// The curve's value at `x`; NaN at NaN.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        self.between(self.x.partition_point(|corner| *corner <= x), x)
    }

    /// [`at`](Self::at) for places that come by rising `x`, none of them NaN: it walks along the corners
    /// instead of searching for each.
    pub(super) fn ascending(&self) -> impl FnMut(f64) -> f64 {
        let mut after = 0;
        move |x| {
            while self.x.get(after).is_some_and(|corner| *corner <= x) {
                after += 1;
            }
            self.between(after, x)
        }
    }

    /// The value at `x`, of which this many corners are at or below.
    fn between(&self, after: usize, x: f64) -> f64 {
        let (Some(before), Some(right)) = (after.checked_sub(1), self.x.get(after)) else {
            return self.y[after.saturating_sub(1)];
        };
        let (left, low, high) = (self.x[before], self.y[before], self.y[after]);
        let width = right - left;
        let share = if width.is_finite() {
            (x - left) / width
        } else {
            // Halves, so that the widest step does not overflow.
            (x / 2.0 - left / 2.0) / (right / 2.0 - left / 2.0)
        };
        low + (high - low) * share
    }

    /// Which corner the value at `x` is that of, or the nearest below if it lies between two values, and how
    /// many points were pooled to it. Of two corners with one value it is the first.
    pub(super) fn corner(&self, x: f64) -> (usize, u64) {
        let at = self.x.partition_point(|corner| *corner <= x).saturating_sub(1);
        let first = if at > 0 && self.y[at - 1] == self.y[at] { at - 1 } else { at };
        (first, self.pooled[first])
    }

    /// Whether it is a curve of probabilities.
    pub(super) fn is_of_probabilities(&self) -> bool {
        self.y.iter().all(|y| (0.0..=1.0).contains(y))
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
        let corners = [0.0, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 9.0].map(|x| curve.corner(x));
        assert_eq!(corners, [(0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (1, 2), (3, 1), (3, 1)]);
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
            places.extend([-30.0, 0.125, 30.0]);
            places.sort_by(f64::total_cmp);
            let mut walk = curve.ascending();
            prop_assert!(places.iter().all(|x| walk(*x) == curve.at(*x)));
            let (turned_x, turned_y): (Vec<_>, Vec<_>) =
                x.iter().copied().zip(y).rev().unzip();
            let turned = Isotonic::fit(&turned_x, &turned_y).unwrap();
            prop_assert!(x.iter().all(|x| (curve.at(*x) - turned.at(*x)).abs() < 1e-12));
        }
    }
}
