//! Figures beside those of scikit-learn, statsmodels and scipy.

use mlops_drift::performance::{Figure, ScoreHistogram, average_precision, roc_auc};
use serde::Deserialize;

use crate::rows::{Row, numbers, of, rows};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    /// Positive and negative rows, pairs that are in order, and an interval.
    orders: Vec<(u64, u64, u64, f64, f64)>,
}

/// A figure and its interval are three numbers, one that is not defined none.
#[derive(Deserialize)]
struct Case {
    seed: u64,
    count: usize,
    classes: usize,
    confusion: Vec<u64>,
    accuracy: Vec<f64>,
    balanced_accuracy: f64,
    macro_precision: f64,
    macro_f1: f64,
    weighted_precision: f64,
    weighted_f1: f64,
    matthews_correlation: f64,
    cohens_kappa: f64,
    kappa_error: f64,
    log_loss: Vec<f64>,
    brier_score: Vec<f64>,
    calibration_error: f64,
    per_class: Vec<[Vec<f64>; 4]>,
    area: Option<[f64; 3]>,
    area_of_steps: Option<[f64; 3]>,
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10 * a.abs().max(b.abs()).max(1.0)
}

#[track_caller]
fn same(figure: Option<Figure>, expected: &[f64]) {
    match (figure, expected) {
        (None, []) => {}
        (Some(Figure { value, interval }), [golden, low, high]) => {
            for (a, b) in [(value, *golden), (interval.low, *low), (interval.high, *high)] {
                assert!(close(a, b), "{a} {b}");
            }
        }
        _ => panic!("{figure:?} {expected:?}"),
    }
}

#[track_caller]
fn same_value(figure: Option<Figure>, expected: f64) {
    let found = figure.unwrap().value;
    assert!(close(found, expected), "{found} {expected}");
}

#[test]
fn figures_are_those_of_the_others() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(golden.cases.len(), 6);
    for case in golden.cases {
        let metrics = of(&rows(case.seed, case.count, case.classes), case.classes);
        let confusion: Vec<u64> = metrics.confusion().iter().flatten().copied().collect();
        assert_eq!(confusion, case.confusion);
        let figures = metrics.figures(0.95).unwrap();
        assert_eq!(figures.rows, case.count as u64);
        same(figures.accuracy, &case.accuracy);
        same_value(figures.balanced_accuracy, case.balanced_accuracy);
        same_value(figures.macro_precision, case.macro_precision);
        same_value(figures.macro_f1, case.macro_f1);
        same_value(figures.weighted_precision, case.weighted_precision);
        same_value(figures.weighted_f1, case.weighted_f1);
        same_value(figures.matthews_correlation, case.matthews_correlation);
        same_value(figures.cohens_kappa, case.cohens_kappa);
        same(figures.log_loss, &case.log_loss);
        same(figures.brier_score, &case.brier_score);
        let calibration = figures.calibration_error.unwrap();
        assert!(close(calibration.value, case.calibration_error), "{calibration:?}");
        for (found, [precision, recall, specificity, f1]) in
            figures.classes.iter().zip(&case.per_class)
        {
            same(found.precision, precision);
            same(found.recall, recall);
            same(found.specificity, specificity);
            same(found.f1, f1);
        }
        // The interval is symmetric in Fisher's z, with the error of statsmodels.
        let kappa = figures.cohens_kappa.unwrap();
        let half = 0.5 * (kappa.interval.high.atanh() - kappa.interval.low.atanh());
        let error = half * (1.0 - kappa.value * kappa.value) / 1.959_963_984_540_054;
        assert!(close(error, case.kappa_error), "{error} {}", case.kappa_error);
    }
}

#[test]
fn areas_are_those_of_scikit_learn_with_the_error_of_delong() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    let mut seen = 0;
    for case in golden.cases.iter().filter(|case| case.classes == 2) {
        let rows = rows(case.seed, case.count, 2);
        let positive: Vec<bool> = rows.iter().map(|row| row.actual == 1).collect();
        let scores: Vec<f64> = rows.iter().map(|row| row.probabilities[1]).collect();
        let steps = scores.iter().map(|score| (score * 20.0).floor() / 20.0).collect();
        for (scores, expected) in [(scores, case.area), (steps, case.area_of_steps)] {
            let [value, error, precision] = expected.unwrap();
            let area = roc_auc(&scores, &positive).unwrap();
            assert!(close(area.value, value) && close(area.standard_error, error), "{area:?}");
            assert_eq!((area.bounds.low, area.bounds.high), (area.value, area.value));
            let area = average_precision(&scores, &positive).unwrap();
            assert!(close(area.value, precision), "{area:?} {precision}");
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}

/// Rows in perfect order or disorder, and a single row of a kind: Newcombe's method, solved by scipy.
#[test]
fn areas_without_a_spread_have_newcombes_interval() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(golden.orders.len(), 5);
    for (positives, negatives, ordered, low, high) in golden.orders {
        // All positive rows but one are above the negative ones, or below; one is where the pairs say.
        let mut left = ordered;
        let (mut scores, mut positive) = (Vec::new(), Vec::new());
        for _ in 0..positives {
            let below = left.min(negatives);
            left -= below;
            scores.push(below as f64 - 0.5);
            positive.push(true);
        }
        for negative in 0..negatives {
            scores.push(negative as f64);
            positive.push(false);
        }
        let area = roc_auc(&scores, &positive).unwrap();
        assert!(close(area.value, ordered as f64 / (positives * negatives) as f64));
        let interval = area.figure(0.95).unwrap().interval;
        assert!((interval.low - low).abs() < 1e-9, "{interval:?} {low}");
        assert!((interval.high - high).abs() < 1e-9, "{interval:?} {high}");
    }
}

/// The areas of a histogram hold those of its scores in their bounds, which are narrow.
#[test]
fn areas_of_bins_hold_those_of_the_scores() {
    for (seed, count) in [(1, 40), (2, 300), (6, 3000)] {
        let rows: Vec<Row> = rows(seed, count, 2);
        let positive: Vec<bool> = rows.iter().map(|row| row.actual == 1).collect();
        // As they are, and crowded near 0, as those of rare things are.
        for power in [1, 5] {
            let scores: Vec<f64> =
                rows.iter().map(|row| row.probabilities[1].powi(power)).collect();
            let mut histogram = ScoreHistogram::default();
            for (score, positive) in scores.iter().zip(&positive) {
                if *positive {
                    histogram.observe_positive(*score).unwrap();
                } else {
                    histogram.observe_negative(*score).unwrap();
                }
            }
            let (exact, binned) =
                (roc_auc(&scores, &positive).unwrap(), histogram.roc_auc().unwrap());
            assert!(binned.bounds.contains(exact.value), "{exact:?} {binned:?}");
            assert!(binned.bounds.width() < 0.005, "{binned:?}");
            assert!((binned.standard_error / exact.standard_error - 1.0).abs() < 0.02);
            let exact = average_precision(&scores, &positive).unwrap();
            let binned = histogram.average_precision().unwrap();
            assert!(binned.bounds.contains(exact.value), "{exact:?} {binned:?}");
            let width = if count == 40 { 0.05 } else { 0.01 };
            assert!(binned.bounds.width() < width, "{binned:?}");
            let figure = binned.figure(0.95).unwrap();
            assert!(figure.interval.low < binned.bounds.low);
            assert!(figure.interval.high > binned.bounds.high);
        }
    }
}

/// Bins of many rows, whose steps are not added up one by one.
#[test]
fn bounds_hold_for_full_bins_too() {
    let scores = numbers(11, 20_000, 40);
    let positive: Vec<bool> =
        numbers(12, 20_000, 1 << 16).iter().zip(&scores).map(|(u, score)| u < score).collect();
    let mut histogram = ScoreHistogram::default();
    // Scores of a bin in every order: the first few digits are the bin's, the rest tell its rows apart.
    let shaken: Vec<f64> =
        scores.iter().zip(numbers(13, 20_000, 1 << 16)).map(|(s, u)| s + 1e-7 * u).collect();
    for (score, positive) in shaken.iter().zip(&positive) {
        if *positive {
            histogram.observe_positive(*score).unwrap();
        } else {
            histogram.observe_negative(*score).unwrap();
        }
    }
    for (exact, binned) in [
        (roc_auc(&shaken, &positive).unwrap().value, histogram.roc_auc().unwrap().bounds),
        (
            average_precision(&shaken, &positive).unwrap().value,
            histogram.average_precision().unwrap().bounds,
        ),
    ] {
        assert!(binned.contains(exact), "{exact} {binned:?}");
        assert!((0.001..0.05).contains(&binned.width()), "{binned:?}");
    }
}
