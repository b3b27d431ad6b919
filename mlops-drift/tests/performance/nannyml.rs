//! Confidence-based estimates, beside those of NannyML.

use mlops_drift::performance::{Cbpe, Estimate, MulticlassCbpe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    binary: Vec<Binary>,
    multiclass: Vec<Multiclass>,
}

#[derive(Deserialize)]
struct Binary {
    seed: u64,
    accuracy: f64,
    precision: f64,
    recall: f64,
    specificity: f64,
    f1: f64,
    roc_auc: f64,
    average_precision: f64,
}

#[derive(Deserialize)]
struct Multiclass {
    seed: u64,
    accuracy: f64,
    precision: f64,
    recall: f64,
    specificity: f64,
    f1: f64,
    roc_auc: f64,
    confusion: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden_cbpe.json")).unwrap()
}

/// The rule of `make_golden_cbpe.py`.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % (1 << 30)) as f64 / f64::from(1 << 30)
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn same(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-10, "{name}: {found} {expected}");
}

/// NannyML's area under the curve, of (score, probability), all scores being different: a row is a pair
/// with itself there, half in order, and counts are rounded to five digits.
fn roc_auc(mut rows: Vec<(f64, f64)>) -> f64 {
    rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let round = |x: f64| (x * 1e5).round() / 1e5;
    let (mut sum, mut count) = (0.0, 0.0);
    let mut points = vec![(0.0, 0.0)];
    for (_, p) in rows {
        sum += p;
        count += 1.0;
        points.push((round(sum), round(count - sum)));
    }
    let (positive, negative) = points[points.len() - 1];
    let area = |two: &[(f64, f64)]| (two[1].1 - two[0].1) * (two[1].0 + two[0].0) / 2.0;
    points.windows(2).map(area).sum::<f64>() / positive / negative
}

/// The expected average precision, all scores being different, and NannyML's, in which a row that is found
/// is itself found only as often as it is positive.
fn average_precision(mut rows: Vec<(f64, f64)>) -> [f64; 2] {
    rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (mut before, mut ours, mut theirs) = (0.0, 0.0, 0.0);
    for (n, (_, p)) in (1..).zip(&rows) {
        ours += p * (before + 1.0) / f64::from(n);
        theirs += p * (before + p) / f64::from(n);
        before += p;
    }
    [ours / before, theirs / before]
}

/// The expected pairs in order by the expected pairs, going through all of them.
fn expected_auc(rows: &[(f64, f64)]) -> f64 {
    let (mut ordered, mut pairs) = (0.0, 0.0);
    for (n, (a, p)) in rows.iter().enumerate() {
        for (m, (b, q)) in rows.iter().enumerate() {
            if n != m {
                let order = if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
                pairs += p * (1.0 - q);
                ordered += order * p * (1.0 - q);
            }
        }
    }
    ordered / pairs
}

#[test]
fn two_classes() {
    let cases = golden().binary;
    assert_eq!(cases.len(), 3);
    for case in cases {
        let reference = numbers(case.seed, 900);
        let scores: Vec<_> = numbers(case.seed + 1, 400).iter().map(|n| n * n).collect();
        let draws = numbers(case.seed + 2, 900);
        let outcomes: Vec<_> =
            reference.iter().zip(draws).map(|(s, draw)| draw < 0.1 + 0.7 * s * s).collect();
        let predicted: Vec<_> = scores.iter().map(|score| *score > 0.6).collect();
        let cbpe = Cbpe::fit(&reference, &outcomes).unwrap();
        let estimate = cbpe.estimate(&scores, &predicted).unwrap();
        let value = |estimate: Option<Estimate>| estimate.unwrap().value;
        same("accuracy", estimate.accuracy.value, case.accuracy);
        same("precision", value(estimate.precision), case.precision);
        same("recall", value(estimate.recall), case.recall);
        same("specificity", value(estimate.specificity), case.specificity);
        same("f1", value(estimate.f1), case.f1);
        let rows: Vec<_> = scores.iter().map(|s| (*s, cbpe.probability(*s))).collect();
        let [ours, theirs] = average_precision(rows.clone());
        // Its counts are rounded to five digits.
        assert!((theirs - case.average_precision).abs() < 1e-6);
        same("expected average precision", value(estimate.average_precision), ours);
        same("roc_auc", roc_auc(rows.clone()), case.roc_auc);
        same("expected roc_auc", value(estimate.roc_auc), expected_auc(&rows));
        // They differ by what a row is to itself.
        assert!((value(estimate.roc_auc) - case.roc_auc).abs() < 2e-3);
        assert!((ours - theirs).abs() < 0.02);
    }
}

fn three_scores(seed: u64, rows: usize) -> Vec<f64> {
    let [a, b, c] = [seed, 31 * seed + 7, 1009 * seed + 3].map(|seed| numbers(seed, rows));
    let row = |n: usize| {
        let total = a[n] + b[n] + c[n] + 1.0 / f64::from(1 << 30);
        [a[n] / total, b[n] / total, c[n] / total]
    };
    (0..rows).flat_map(row).collect()
}

#[test]
fn three_classes() {
    let cases = golden().multiclass;
    assert_eq!(cases.len(), 3);
    for case in cases {
        let reference = three_scores(case.seed, 1200);
        let scores = three_scores(case.seed + 10, 400);
        let draws = numbers(case.seed + 20, 1200);
        let outcomes: Vec<_> = reference
            .chunks(3)
            .zip(draws)
            .map(|(row, draw)| {
                let [a, b, c] = [row[0] * row[0], row[1] * row[1], row[2] * row[2]];
                let draw = draw * (a + b + c);
                usize::from(draw >= a) + usize::from(draw >= a + b)
            })
            .collect();
        let largest =
            |row: &[f64]| (1..3).fold(0, |best, n| if row[n] > row[best] { n } else { best });
        let predicted: Vec<_> = scores.chunks(3).map(largest).collect();
        let cbpe = MulticlassCbpe::fit(3, &reference, &outcomes).unwrap();
        let estimate = cbpe.estimate(&scores, &predicted).unwrap();
        same("accuracy", estimate.accuracy.value, case.accuracy);
        same("precision", estimate.precision.value, case.precision);
        same("recall", estimate.recall.value, case.recall);
        same("specificity", estimate.specificity.value, case.specificity);
        same("f1", estimate.f1.value, case.f1);
        for (found, expected) in estimate.confusion.iter().zip(&case.confusion) {
            found.iter().zip(expected).for_each(|(found, expected)| {
                assert!((found - expected).abs() < 1e-8, "{found} {expected}");
            });
        }
        let probabilities = cbpe.probabilities(&scores).unwrap();
        let (mut theirs, mut ours) = (0.0, 0.0);
        for class in 0..3 {
            let of_class = |rows: &[f64]| rows.iter().skip(class).step_by(3).copied().collect();
            let (scores, p): (Vec<f64>, Vec<f64>) = (of_class(&scores), of_class(&probabilities));
            let rows: Vec<_> = scores.into_iter().zip(p).collect();
            ours += expected_auc(&rows) / 3.0;
            theirs += roc_auc(rows) / 3.0;
        }
        same("roc_auc", theirs, case.roc_auc);
        same("expected roc_auc", estimate.roc_auc.unwrap().value, ours);
    }
}
