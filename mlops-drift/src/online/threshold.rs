//! [`Threshold`], and how long a [`Cusum`](super::Cusum) runs until a false alarm.

use std::f64::consts::PI;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Direction, MAX_MAGNITUDE, check_option, standardize::OUTLIER};

/// When a cumulative sum of standard scores is a change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// When it exceeds this, in standard deviations; positive.
    Value(f64),
    /// When it exceeds what it would exceed once in so many values, on average, if they were
    /// independent and normal, and nothing changed. Values of a warm-up are not counted. At most 1e9.
    MeanTimeBetweenFalseAlarms(f64),
}

impl Default for Threshold {
    /// One false alarm in 100 000 values.
    fn default() -> Self {
        Self::MeanTimeBetweenFalseAlarms(100_000.0)
    }
}

impl Threshold {
    /// The value, for sums with this slack in this direction.
    pub(super) fn resolve(self, slack: f64, direction: Direction) -> Result<f64> {
        match self {
            Self::Value(value) => {
                check_option("threshold", value, f64::MIN_POSITIVE..)?;
                Ok(value)
            }
            Self::MeanTimeBetweenFalseAlarms(values) => solve(values, slack, direction),
        }
    }
}

/// The mean number of independent standard normal values after which a [`Cusum`](super::Cusum) with
/// this threshold and slack raises an alarm: its average run length.
///
/// For one sum it is `L(0)` of Page's integral equation
/// `L(u) = 1 + L(0) Φ(k - u) + ∫₀ʰ L(y) φ(y - u + k) dy`, solved at the nodes of Gauss and Legendre. Its
/// relative error is about `1e-13 L`, from rounding. For thresholds over 60, which need a slack near zero to be of use, it is
/// Siegmund's approximation (1985, "Sequential Analysis", eq. 2.57). Two sums alarm twice as often as
/// one (van Dobben de Bruyn 1968, "Cumulative Sum Tests", §1.9).
///
/// # Errors
/// [`Error::InvalidArgument`] if the threshold is not in `[0, 1e100]` or the slack not in `[0, 5)`.
pub fn cusum_average_run_length(threshold: f64, slack: f64, direction: Direction) -> Result<f64> {
    check_option("threshold", threshold, 0.0..=MAX_MAGNITUDE)?;
    check_option("slack", slack, 0.0..OUTLIER)?;
    Ok(one_sided(threshold, slack) / sides(direction))
}

fn sides(direction: Direction) -> f64 {
    if direction == Direction::Both { 2.0 } else { 1.0 }
}

/// Longest mean time that can be asked for.
const LONGEST: f64 = 1e9;

/// Thresholds beyond this are found by the approximation alone.
const LARGE: f64 = 60.0;

fn solve(mean_time: f64, slack: f64, direction: Direction) -> Result<f64> {
    check_option("mean time between false alarms", mean_time, 0.0..=LONGEST)?;
    let target = mean_time * sides(direction);
    let shortest = one_sided(0.0, slack);
    if target <= shortest {
        return Err(Error::invalid(
            "mean time between false alarms",
            format!(
                "with a slack of {slack} it is more than {} values, not {mean_time}",
                shortest / sides(direction)
            ),
        ));
    }
    // The logarithm of the run length is nearly straight in the threshold, with the slope of the
    // approximation: a few steps of Newton's method on it.
    let mut threshold = approximate_threshold(target, slack);
    for _ in 0..50 {
        let missing = (target / one_sided(threshold, slack)).ln();
        let ahead = siegmund(threshold + 1e-3, slack) / siegmund(threshold, slack);
        threshold = (threshold + missing / (ahead.ln() / 1e-3)).max(0.0);
        if missing.abs() < 1e-9 {
            break;
        }
    }
    Ok(threshold)
}

fn approximate_threshold(target: f64, slack: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while siegmund(high, slack) < target {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        *(if siegmund(middle, slack) < target { &mut low } else { &mut high }) = middle;
    }
    high
}

/// The run length of a Brownian motion, whose threshold is moved out by how far a sum overshoots.
fn siegmund(threshold: f64, slack: f64) -> f64 {
    let threshold = threshold + 2.0 * 0.583;
    let scaled = 2.0 * slack * threshold;
    if scaled < 1e-4 {
        return threshold * threshold * (1.0 + scaled / 3.0);
    }
    (scaled.exp_m1() - scaled) / (2.0 * slack * slack)
}

fn one_sided(threshold: f64, slack: f64) -> f64 {
    if threshold > LARGE {
        return siegmund(threshold, slack);
    }
    // The kernel is a bell of width one: two nodes for it are plenty.
    let rule = gauss_legendre(24 + (2.0 * threshold) as usize);
    let normal_cdf = |x: f64| {
        0.5 + x * rule.iter().map(|(node, weight)| weight * normal_density(node * x)).sum::<f64>()
    };
    // State 0 is a sum of zero, the others are the nodes.
    let states: Vec<f64> =
        std::iter::once(0.0).chain(rule.iter().map(|(node, _)| node * threshold)).collect();
    let mut equations: Vec<Vec<f64>> = states
        .iter()
        .enumerate()
        .map(|(row, from)| {
            let to_zero = normal_cdf(slack - from);
            let to_nodes = states[1..]
                .iter()
                .zip(&rule)
                .map(|(to, (_, weight))| weight * threshold * normal_density(to - from + slack));
            let mut equation: Vec<f64> =
                std::iter::once(to_zero).chain(to_nodes).map(|probability| -probability).collect();
            equation[row] += 1.0;
            equation.push(1.0);
            equation
        })
        .collect();
    first_unknown(&mut equations)
}

fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Nodes and weights on `[0, 1]` (Press et al., "Numerical Recipes", §4.6).
fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let node = |index: usize| {
        let mut x = (PI * (index as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        // Newton's method doubles the digits of a guess that has three.
        for _ in 0..8 {
            let (mut before, mut value) = (0.0, 1.0);
            for degree in 0..count {
                let degree = degree as f64;
                let next = ((2.0 * degree + 1.0) * x * value - degree * before) / (degree + 1.0);
                (before, value) = (value, next);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..count).map(node).collect()
}

/// Solves linear equations (coefficients, then the right side) by elimination, for the first unknown.
fn first_unknown(equations: &mut [Vec<f64>]) -> f64 {
    // From the last unknown to the first. The largest coefficient is always on the diagonal: the
    // rows are what is left of one after probabilities that sum to less than one.
    for pivot in (1..equations.len()).rev() {
        let (above, rest) = equations.split_at_mut(pivot);
        let right = rest[0].len() - 1;
        for row in above {
            let factor = row[pivot] / rest[0][pivot];
            for column in (0..pivot).chain([right]) {
                row[column] -= factor * rest[0][column];
            }
        }
    }
    let first = &equations[0];
    first[first.len() - 1] / first[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_are_those_of_tables() {
        // `xcusum.arl` of the R package spc, to its four decimals.
        for (threshold, slack, direction, expected) in
            [(4.0, 0.5, Direction::Up, 335.3676), (5.0, 0.5, Direction::Both, 465.4435)]
        {
            let actual = cusum_average_run_length(threshold, slack, direction).unwrap();
            assert!((actual - expected).abs() < 1e-4, "{threshold} {slack}: {actual}");
        }
    }

    #[test]
    fn a_threshold_has_the_mean_time_asked_for() {
        for slack in [0.0, 0.05, 0.25, 0.5, 1.0, 2.0] {
            for mean_time in [50.0, 370.0, 1e4, 1e6] {
                let time = Threshold::MeanTimeBetweenFalseAlarms(mean_time);
                let threshold = time.resolve(slack, Direction::Both).unwrap();
                let actual = cusum_average_run_length(threshold, slack, Direction::Both).unwrap();
                assert!((actual / mean_time - 1.0).abs() < 1e-8, "{slack} {mean_time}: {actual}");
            }
        }
    }

    #[test]
    fn the_approximation_takes_over_without_a_step() {
        for slack in [0.0, 0.05, 0.1] {
            let [below, above] = [LARGE, LARGE + 1e-9].map(|at| one_sided(at, slack));
            assert!((below / above - 1.0).abs() < 0.01, "{slack}: {below} {above}");
        }
    }

    #[test]
    fn refuses_times_that_no_threshold_has() {
        for (mean_time, slack) in
            [(1.2, 0.5), (1.0, 0.0), (-1.0, 0.5), (f64::NAN, 0.5), (1e10, 0.5)]
        {
            let time = Threshold::MeanTimeBetweenFalseAlarms(mean_time);
            time.resolve(slack, Direction::Both).unwrap_err();
        }
        cusum_average_run_length(f64::NAN, 0.5, Direction::Up).unwrap_err();
        cusum_average_run_length(5.0, -1.0, Direction::Up).unwrap_err();
    }
}
