//! Intervals hold the true figure as often as they say.

use mlops_core::{
    random::{RandomKey, RandomStream},
    stats::{Alternative, Interval, mean::Summary, proportion::Proportion},
};
use mlops_drift::performance::{
    ClassificationFigures, Figure, PerformanceFigures, PerformanceMetrics, RegressionMetrics,
    average_precision, compare_estimates, compare_means, compare_shares, roc_auc,
};

use crate::rows::{empty, normal};

const ROUNDS: usize = 1000;

/// 95 % of the rounds, give or take four standard deviations of a binomial count, and what the
/// approximation is off by.
#[track_caller]
fn covers(name: &str, covered: usize, off: f64) {
    let share = covered as f64 / ROUNDS as f64;
    let chance = 4.0 * (0.95 * 0.05 / ROUNDS as f64).sqrt();
    assert!((share - 0.95).abs() < chance + off, "{name}: {share}");
}

/// Rows of three classes, of which so many of each kind are expected.
const CELLS: [[f64; 3]; 3] = [[0.40, 0.06, 0.04], [0.05, 0.20, 0.05], [0.02, 0.03, 0.15]];

fn of_all(figures: &ClassificationFigures) -> Vec<(&'static str, Option<Figure>)> {
    vec![
        ("accuracy", figures.accuracy),
        ("balanced accuracy", figures.balanced_accuracy),
        ("macro precision", figures.macro_precision),
        ("macro F1", figures.macro_f1),
        ("weighted precision", figures.weighted_precision),
        ("weighted F1", figures.weighted_f1),
        ("matthews", figures.matthews_correlation),
        ("kappa", figures.cohens_kappa),
        ("precision", figures.classes[2].precision),
        ("recall", figures.classes[2].recall),
        ("specificity", figures.classes[2].specificity),
        ("f1", figures.classes[2].f1),
    ]
}

#[test]
fn of_confusion_matrices() {
    let mut random = RandomKey::from_seed(1).stream(0);
    let exact = {
        let mut metrics = empty(3);
        for (cell, share) in CELLS.iter().flatten().enumerate() {
            for _ in 0..(share * 100.0).round() as usize {
                metrics.observe(Some(cell % 3), Some(cell / 3)).unwrap();
            }
        }
        metrics.figures(0.95).unwrap()
    };
    for count in [40, 400] {
        let mut covered = [0; 12];
        for _ in 0..ROUNDS {
            let mut metrics = empty(3);
            for _ in 0..count {
                let mut left = random.next_unit();
                let mut cells = CELLS.iter().flatten().enumerate();
                let place = cells.find(|(_, share)| {
                    left -= **share;
                    left < 0.0
                });
                let cell = place.map_or(0, |(cell, _)| cell);
                metrics.observe(Some(cell % 3), Some(cell / 3)).unwrap();
            }
            let figures = metrics.figures(0.95).unwrap();
            for (n, ((_, truth), (_, found))) in
                of_all(&exact).into_iter().zip(of_all(&figures)).enumerate()
            {
                // With so few rows a class may be missing, of which nothing is said.
                let holds = found.is_none_or(|found| found.interval.contains(truth.unwrap().value));
                covered[n] += usize::from(holds);
            }
        }
        for ((name, _), covered) in of_all(&exact).into_iter().zip(covered) {
            covers(&format!("{name} of {count}"), covered, if count == 40 { 0.02 } else { 0.0 });
        }
    }
}

/// Scores of which the positive ones are a standard deviation higher: the area is Φ(1/√2).
fn scores(random: &mut RandomStream, positives: usize, negatives: usize) -> (Vec<f64>, Vec<bool>) {
    let positive: Vec<bool> = (0..positives + negatives).map(|row| row < positives).collect();
    let score = |positive: &bool| normal(random) + f64::from(*positive);
    (positive.iter().map(score).collect(), positive)
}

const AREA: f64 = 0.760_249_938_906_523_5;

#[test]
fn of_areas() {
    let mut random = RandomKey::from_seed(2).stream(0);
    for (positives, negatives, off) in [(100, 300, 0.0), (12, 40, 0.02)] {
        let mut covered = 0;
        for _ in 0..ROUNDS {
            let (scores, positive) = scores(&mut random, positives, negatives);
            let area = roc_auc(&scores, &positive).unwrap();
            covered += usize::from(area.figure(0.95).unwrap().interval.contains(AREA));
        }
        covers(&format!("area of {positives} and {negatives}"), covered, off);
    }
}

/// Where few rows are in perfect order the area is still not certain.
#[test]
fn of_areas_near_one() {
    let mut random = RandomKey::from_seed(3).stream(0);
    // Two standard deviations and a half apart: Φ(2.5/√2).
    let truth = 0.961_454_0;
    let (mut covered, mut perfect) = (0, 0);
    for _ in 0..ROUNDS {
        let (mut scores, positive) = scores(&mut random, 10, 15);
        for (score, positive) in scores.iter_mut().zip(&positive) {
            *score += if *positive { 1.5 } else { 0.0 };
        }
        let area = roc_auc(&scores, &positive).unwrap();
        perfect += usize::from(area.value == 1.0);
        covered += usize::from(area.figure(0.95).unwrap().interval.contains(truth));
    }
    assert!(perfect > 100, "{perfect}");
    let share = covered as f64 / ROUNDS as f64;
    assert!(share > 0.93, "{share}");
}

#[test]
fn of_average_precision() {
    let mut random = RandomKey::from_seed(4).stream(0);
    // Of very many rows, as many of them positive.
    let (many, positive) = scores(&mut random, 100_000, 1_000_000);
    let truth = average_precision(&many, &positive).unwrap().value;
    let mut covered = 0;
    for _ in 0..ROUNDS {
        let (scores, positive) = scores(&mut random, 100, 1000);
        let area = average_precision(&scores, &positive).unwrap();
        covered += usize::from(area.figure(0.95).unwrap().interval.contains(truth));
    }
    // It is known to be approximate: Boyd, Eng and Page (2013) find up to some percent more or less.
    covers("average precision", covered, 0.03);
}

#[test]
fn of_losses() {
    let mut random = RandomKey::from_seed(5).stream(0);
    // The positive class has probability p, and the model says so: E (p - y)² = E p (1 - p) = 1/6.
    let mut covered = 0;
    for _ in 0..ROUNDS {
        let mut metrics = empty(2);
        for _ in 0..100 {
            let p = random.next_unit();
            let actual = usize::from(random.next_unit() < p);
            metrics
                .observe_probabilities(usize::from(p > 0.5), &[1.0 - p, p], Some(actual))
                .unwrap();
        }
        let Figure { interval, .. } = metrics.figures(0.95).unwrap().brier_score.unwrap();
        covered += usize::from(interval.contains(1.0 / 6.0));
    }
    covers("brier score", covered, 0.01);
}

/// Calibrated models show the error that chance is said to give.
#[test]
fn of_calibrated_models() {
    let mut random = RandomKey::from_seed(6).stream(0);
    let (mut found, mut expected) = (0.0, 0.0);
    for _ in 0..200 {
        let mut metrics = empty(2);
        for _ in 0..500 {
            let p = random.next_unit();
            let actual = usize::from(random.next_unit() < p);
            metrics
                .observe_probabilities(usize::from(p > 0.5), &[1.0 - p, p], Some(actual))
                .unwrap();
        }
        let error = metrics.figures(0.95).unwrap().calibration_error.unwrap();
        found += error.value / 200.0;
        expected += error.if_calibrated / 200.0;
    }
    assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
}

/// A test of two areas that are the same rejects as often as it says.
#[test]
fn two_equal_areas_are_told_apart_as_often_as_said() {
    let mut random = RandomKey::from_seed(7).stream(0);
    let (mut rejected, mut covered) = (0, 0);
    for _ in 0..ROUNDS {
        let mut area = || {
            let (scores, positive) = scores(&mut random, 80, 120);
            roc_auc(&scores, &positive).unwrap().estimate()
        };
        let found = compare_estimates(&area(), &area(), Alternative::Less, 0.95).unwrap();
        rejected += usize::from(found.p_value < 0.05);
        let Interval { low, high } = found.interval;
        covered += usize::from(low <= 0.0 && 0.0 <= high);
    }
    covers("difference of areas", covered, 0.0);
    let share = rejected as f64 / ROUNDS as f64;
    assert!((share - 0.05).abs() < 4.0 * (0.05 * 0.95 / ROUNDS as f64).sqrt(), "{share}");
}

/// Errors of regressions that are standard normal, about a constant.
#[test]
fn of_regressions() {
    let mut random = RandomKey::from_seed(8).stream(0);
    let mut covered = [0; 3];
    for _ in 0..ROUNDS {
        let mut metrics = RegressionMetrics::default();
        for _ in 0..100 {
            metrics.observe(normal(&mut random) + 0.5, 0.0).unwrap();
        }
        let figures = PerformanceMetrics::Regression(metrics).figures(0.95).unwrap();
        let PerformanceFigures::Regression(figures) = figures else { panic!() };
        // scipy.stats.foldnorm.mean(0.5), and the root of 1 + 0.5².
        for (n, (figure, truth)) in [
            (figures.bias, 0.5),
            (figures.mean_absolute_error, 0.895_593_114_802_612),
            (figures.root_mean_squared_error, 1.25_f64.sqrt()),
        ]
        .into_iter()
        .enumerate()
        {
            covered[n] += usize::from(figure.unwrap().interval.contains(truth));
        }
    }
    for (name, covered) in
        ["bias", "mean absolute error", "root mean squared error"].iter().zip(covered)
    {
        covers(name, covered, 0.01);
    }
}

/// Differences of shares and of means, of samples that differ in size and spread.
#[test]
fn of_differences() {
    let mut random = RandomKey::from_seed(9).stream(0);
    let mut covered = [0; 2];
    for _ in 0..ROUNDS {
        let mut share = |all: u64, p: f64| {
            let of = (0..all).filter(|_| random.next_unit() < p).count();
            Proportion::new(of as u64, all).unwrap()
        };
        let (reference, current) = (share(200, 0.9), share(60, 0.8));
        let found = compare_shares(&reference, &current, Alternative::TwoSided, 0.95).unwrap();
        covered[0] += usize::from(found.interval.contains(-0.1));
        let mut mean = |count: usize, spread: f64| {
            let values: Vec<f64> = (0..count).map(|_| spread * normal(&mut random)).collect();
            Summary::of(&values).unwrap()
        };
        let (reference, current) = (mean(50, 1.0), mean(12, 4.0));
        let found = compare_means(&reference, &current, Alternative::TwoSided, 0.95).unwrap();
        covered[1] += usize::from(found.interval.contains(0.0));
    }
    for (name, covered) in ["difference of shares", "difference of means"].iter().zip(covered) {
        covers(name, covered, 0.01);
    }
}
