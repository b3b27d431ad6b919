//! Rows to count.

use mlops_core::random::RandomStream;
use mlops_drift::performance::{Classes, ClassificationMetrics};

/// The rule of `make_golden.py`.
pub(crate) fn numbers(seed: u64, count: usize, steps: u64) -> Vec<f64> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % steps
    };
    std::iter::repeat_with(next).take(count).map(|n| n as f64 / steps as f64).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) actual: usize,
    pub(crate) predicted: usize,
    pub(crate) probabilities: Vec<f64>,
}

pub(crate) fn rows(seed: u64, count: usize, classes: usize) -> Vec<Row> {
    let actual = numbers(seed, count, 1 << 16);
    let weights = numbers(seed + 1000, count * classes, 1 << 16);
    let more = numbers(seed + 2000, count, 1 << 16);
    let row = |n: usize| {
        let actual = (actual[n] * actual[n] * classes as f64) as usize;
        let mut weights: Vec<f64> =
            weights[n * classes..][..classes].iter().map(|weight| 0.01 + weight).collect();
        weights[actual] += more[n];
        let sum: f64 = weights.iter().sum();
        let probabilities: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        let mut predicted = 0;
        for class in 1..classes {
            if probabilities[class] > probabilities[predicted] {
                predicted = class;
            }
        }
        Row { actual, predicted, probabilities }
    };
    (0..count).map(row).collect()
}

pub(crate) fn empty(classes: usize) -> ClassificationMetrics {
    let names = (0..classes).map(|class| format!("class {class}"));
    ClassificationMetrics::new(Classes::new(names).unwrap()).with_probabilities()
}

pub(crate) fn of(rows: &[Row], classes: usize) -> ClassificationMetrics {
    let mut metrics = empty(classes);
    for Row { actual, predicted, probabilities } in rows {
        metrics.observe_probabilities(*predicted, probabilities, Some(*actual)).unwrap();
    }
    metrics
}

/// A standard normal number (Box and Muller 1958).
pub(crate) fn normal(random: &mut RandomStream) -> f64 {
    let (u, v) = (1.0 - random.next_unit(), random.next_unit());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
