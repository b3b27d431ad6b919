//! [`Standardizer`].

use serde::{Deserialize, Serialize};

use super::{MAX_MAGNITUDE, moments::Moments};

/// Turns values into standard scores by what came before them, whatever their unit.
///
/// The score of the `(n+1)`-th value `x` is made of the mean `m` and the standard deviation `s` of the
/// `n` values before: `t = (x - m) / (s √(1 + 1/n))`. For independent normal values it has Student's
/// distribution with `n - 1` degrees of freedom and is independent of the scores before it (Hawkins
/// 1987, "Self-starting CUSUM charts for location and scale"), so that turned into the normal deviate
/// of the same probability it is standard normal *exactly*, however few values there were. That last
/// step is Wallace's approximation (1959, "Bounds on normal approximations to Student's and the
/// chi-square distributions").
///
/// Scores are limited to ±[`OUTLIER`], and a value beyond counts in mean and deviation as the one at
/// the limit: a single wild value is no change, and must not blind the detector to later ones.
/// In the warm-up nothing tells a wild value: one there leaves a large deviation until the next change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standardizer {
    moments: Moments,
}

/// About one normal value in two million is further out.
pub(super) const OUTLIER: f64 = 5.0;

/// From this many values on, two terms of a series are as good as the logarithm.
const MANY: f64 = 500.0;

impl Standardizer {
    /// Whether usable values lead to it.
    pub(super) fn is_possible(&self) -> bool {
        self.moments.is_of(-MAX_MAGNITUDE, MAX_MAGNITUDE)
    }

    /// Takes the next value; `None` for the first `warm_up` (at least two), which have no score.
    pub(super) fn score(&mut self, value: f64, warm_up: f64) -> Option<f64> {
        let count = self.moments.mean.count;
        if count < warm_up {
            self.moments.push(value);
            return None;
        }
        let deviation = value - self.moments.mean.mean;
        // What the squared deviation of a score of one is, times `count * (count - 1)`.
        let unit = self.moments.sum_of_squares * (count + 1.0);
        let pairs = count * (count - 1.0);
        if deviation * deviation * pairs > OUTLIER * OUTLIER * unit {
            return Some(self.outlier(value, deviation, unit / pairs));
        }
        self.moments.push(value);
        // Without any spread so far, only the mean itself gets here.
        let t = deviation * (pairs / unit).min(f64::MAX).sqrt();
        Some(normal_score(t, count - 1.0))
    }

    #[cold]
    fn outlier(&mut self, value: f64, deviation: f64, unit: f64) -> f64 {
        let at_limit = self.moments.mean.mean + (OUTLIER * unit.sqrt()).copysign(deviation);
        let degrees = self.moments.mean.count - 1.0;
        // Where all values were equal there is no scale yet: this one begins it.
        self.moments.push(if unit > 0.0 { at_limit } else { value });
        normal_score(OUTLIER.copysign(deviation), degrees)
    }
}

/// The normal deviate beyond which lies the probability that Student's distribution has beyond `t`.
fn normal_score(t: f64, degrees: f64) -> f64 {
    if degrees >= MANY {
        return t - t * (t * t + 1.0) * (0.25 / degrees);
    }
    let size = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0)
        * (degrees * (t * t / degrees).ln_1p()).sqrt();
    size.copysign(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_the_probability_of_students_t() {
        // scipy 1.17.1: norm.isf(t.sf(t, degrees)).
        for (t, degrees, expected) in [
            (1.0, 29.0, 0.983_051_7),
            (3.0, 29.0, 2.776_238_1),
            (-3.0, 29.0, -2.776_238_1),
            (5.0, 29.0, 4.211_515_5),
            (3.0, 9.0, 2.433_434_0),
            (3.0, 600.0, 2.987_596_9),
        ] {
            let score = normal_score(t, degrees);
            assert!((score - expected).abs() < 1e-3 * expected.abs(), "{t} {degrees}: {score}");
        }
    }

    #[test]
    fn the_unit_does_not_matter() {
        let values: Vec<f64> = (0..200_u32).map(|n| f64::from(n * n % 31)).collect();
        let scores = |scale: f64, offset: f64| -> Vec<Option<f64>> {
            let mut standardizer = Standardizer::default();
            values.iter().map(|v| standardizer.score(v * scale + offset, 30.0)).collect()
        };
        for (plain, scaled) in scores(1.0, 0.0).iter().zip(scores(1e-6, 5.0)) {
            match (plain, scaled) {
                (None, None) => {}
                (Some(plain), Some(scaled)) => assert!((plain - scaled).abs() < 1e-6),
                _ => panic!("warm-up differs"),
            }
        }
    }

    #[test]
    fn one_wild_value_does_not_blind() {
        let mut standardizer = Standardizer::default();
        let mut last = |value: f64| standardizer.score(value, 30.0);
        for n in 0..300_u32 {
            last(f64::from(n % 5));
        }
        let wild = last(1e9).unwrap();
        assert!((4.0..=5.0).contains(&wild), "{wild}");
        let shifted = last(7.0).unwrap();
        assert!(shifted > 3.0, "{shifted}");
    }

    #[test]
    fn a_constant_has_no_scale() {
        let mut standardizer = Standardizer::default();
        let scores: Vec<f64> = (0..100).filter_map(|_| standardizer.score(0.1, 30.0)).collect();
        assert_eq!(scores, [0.0; 70]);
        assert!(standardizer.score(0.2, 30.0).unwrap() > 4.0);
        assert!(standardizer.score(0.1, 30.0).unwrap().abs() < 0.2);
    }
}
