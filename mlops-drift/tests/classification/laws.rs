//! What holds of all figures; degenerate rows; bad input.

use mlops_core::stats::Interval;
use mlops_drift::performance::{
    Classes, ClassificationMetrics, ConfusionMatrix, Figure, RocAuc, ScoreHistogram,
    average_precision, roc_auc,
};
use proptest::prelude::*;

use crate::rows::{Row, empty, of, rows};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn figures(metrics: &ClassificationMetrics) -> Vec<Option<Figure>> {
    let all = metrics.figures(0.95).unwrap();
    let mut figures = vec![
        all.accuracy,
        all.balanced_accuracy,
        all.macro_precision,
        all.macro_f1,
        all.weighted_precision,
        all.weighted_f1,
        all.matthews_correlation,
        all.cohens_kappa,
        all.log_loss,
        all.brier_score,
        all.roc_auc,
        all.average_precision,
    ];
    for class in all.classes {
        figures.extend([class.precision, class.recall, class.specificity, class.f1]);
    }
    figures
}

proptest! {
    #[test]
    fn parts_merge_into_the_whole(seed in 0_u64..1000, count in 0_usize..80, cut in 0_usize..80, classes in 2_usize..5) {
        let rows = rows(seed, count, classes);
        let (left, right) = rows.split_at(cut.min(count));
        let (mut merged, whole) = (of(left, classes), of(&rows, classes));
        merged.merge(&of(right, classes)).unwrap();
        let text = serde_json::to_string(&merged).unwrap();
        let merged: ClassificationMetrics = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(merged.confusion(), whole.confusion());
        for (a, b) in figures(&merged).into_iter().zip(figures(&whole)) {
            match (a, b) {
                (Some(a), Some(b)) => {
                    prop_assert!(close(a.value, b.value), "{a:?} {b:?}");
                    prop_assert!(close(a.interval.low, b.interval.low), "{a:?} {b:?}");
                    prop_assert!(close(a.interval.high, b.interval.high), "{a:?} {b:?}");
                }
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }

    #[test]
    fn figures_are_in_their_range_and_in_their_interval(counts in proptest::collection::vec(0_u64..6, 9)) {
        let mut metrics = empty(3);
        for (cell, count) in counts.iter().enumerate() {
            for _ in 0..*count {
                metrics.observe(Some(cell % 3), Some(cell / 3)).unwrap();
            }
        }
        let all = metrics.figures(0.95).unwrap();
        let correlations = [all.matthews_correlation, all.cohens_kappa];
        for (least, figures) in [(-1.0, &correlations[..]), (0.0, &figures(&metrics)[..6])] {
            for Figure { value, interval: Interval { low, high } } in figures.iter().flatten() {
                prop_assert!(least <= *low && low <= value && value <= high && *high <= 1.0);
                prop_assert!(low < high, "{low} {high}");
            }
        }
    }

    /// Scores that are turned about have the area turned about; and ties count half.
    #[test]
    fn areas_are_symmetric(scores in proptest::collection::vec((0_u8..12, any::<bool>()), 2..60)) {
        let positive: Vec<bool> = scores.iter().map(|(_, positive)| *positive).collect();
        prop_assume!(positive.contains(&true) && positive.contains(&false));
        let values: Vec<f64> = scores.iter().map(|(score, _)| f64::from(*score)).collect();
        let turned: Vec<f64> = values.iter().map(|score| -score).collect();
        let others: Vec<bool> = positive.iter().map(|positive| !positive).collect();
        let area = roc_auc(&values, &positive).unwrap();
        let back = roc_auc(&turned, &positive).unwrap();
        let other = roc_auc(&values, &others).unwrap();
        prop_assert!(close(area.value, 1.0 - back.value) && close(area.value, 1.0 - other.value));
        if area.positives.min(area.negatives) > 1 {
            prop_assert!(close(area.standard_error, back.standard_error));
        }
        let Figure { value, interval } = area.figure(0.9).unwrap();
        prop_assert!(0.0 <= interval.low && interval.contains(value) && interval.high <= 1.0);
        prop_assert!(interval.width() > 0.0);
    }
}

#[test]
fn nothing_is_none() {
    let metrics = empty(2);
    assert!(figures(&metrics).iter().all(Option::is_none));
    assert_eq!((metrics.rows(), metrics.accuracy()), (0, None));
    assert!(metrics.figures(0.95).unwrap().calibration_error.is_none());
    assert_eq!(ScoreHistogram::default().average_precision(), None);
}

#[test]
fn all_right_is_not_certain() {
    let mut metrics = empty(2);
    for row in 0..20 {
        let class = row % 2;
        let probabilities = if class == 0 { [0.9, 0.1] } else { [0.2, 0.8] };
        metrics.observe_probabilities(class, &probabilities, Some(class)).unwrap();
    }
    let all = metrics.figures(0.95).unwrap();
    for figure in [
        all.accuracy,
        all.balanced_accuracy,
        all.macro_precision,
        all.macro_f1,
        all.weighted_precision,
        all.weighted_f1,
        all.matthews_correlation,
        all.cohens_kappa,
        all.roc_auc,
        all.average_precision,
    ] {
        let Figure { value, interval } = figure.unwrap();
        assert_eq!((value, interval.high), (1.0, 1.0));
        assert!((0.5..0.9).contains(&interval.low), "{figure:?}");
    }
}

#[test]
fn one_class_alone_has_no_correlation() {
    let mut metrics = empty(2);
    for predicted in [0, 0, 1] {
        metrics.observe(Some(predicted), Some(0)).unwrap();
    }
    let all = metrics.figures(0.95).unwrap();
    assert_eq!(all.matthews_correlation, None);
    assert_eq!(all.cohens_kappa.unwrap().value, 0.0);
    assert_eq!(all.classes[1].recall, None);
    assert_eq!(all.classes[1].f1.unwrap().value, 0.0);
    assert_eq!(all.balanced_accuracy.unwrap().value, 2.0 / 3.0);
}

#[test]
fn unknown_classes_are_errors_and_counted_apart() {
    let mut metrics = empty(3);
    for (predicted, actual) in
        [(Some(0), Some(0)), (Some(1), Some(1)), (Some(2), None), (None, Some(1)), (None, None)]
    {
        metrics.observe(predicted, actual).unwrap();
    }
    metrics.observe_probabilities(0, &[0.5, 0.25, 0.25], None).unwrap();
    let all = metrics.figures(0.95).unwrap();
    assert_eq!((all.rows, all.accuracy.unwrap().value), (5, 0.4));
    assert_eq!((all.unknown.actual, all.unknown.predicted, all.unknown.both), (2, 1, 1));
    assert_eq!(all.balanced_accuracy.unwrap().value, 1.0);
    assert_eq!(all.log_loss, None);
    let mut merged = metrics.empty_like();
    merged.merge(&metrics).unwrap();
    assert_eq!(merged, metrics);
}

#[test]
fn bad_rows_are_refused_and_change_nothing() {
    let mut metrics = of(&rows(1, 10, 2), 2);
    let before = metrics.clone();
    for (predicted, probabilities, named) in [
        (0, &[0.5][..], "1 of 2 classes"),
        (0, &[0.5, f64::NAN], "class 1 is NaN"),
        (0, &[-0.1, 1.1], "class 0 is -0.1"),
        (0, &[0.5, 0.6], "sum is 1.1"),
        (2, &[0.5, 0.5], "2 is not below 2"),
    ] {
        let result = metrics.observe_probabilities(predicted, probabilities, Some(0));
        let error = result.unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let error = metrics.observe(Some(0), Some(2)).unwrap_err().to_string();
    assert!(error.contains("actual class"), "{error}");
    let error = metrics.observe(Some(2), None).unwrap_err().to_string();
    assert!(error.contains("predicted class"), "{error}");
    metrics.merge(&empty(3)).unwrap_err();
    metrics.merge(&ClassificationMetrics::new(before.classes().clone())).unwrap_err();
    metrics.figures(1.0).unwrap_err();
    metrics.figures(f64::NAN).unwrap_err();
    assert_eq!(metrics, before);
    let mut histogram = ScoreHistogram::default();
    for score in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        histogram.observe_positive(score).unwrap_err();
    }
    assert_eq!(histogram, ScoreHistogram::default());
}

#[test]
fn bad_samples_are_named() {
    for (scores, positive, named) in [
        (&[][..], &[][..], "0 scores"),
        (&[0.5], &[true, false], "1 scores of 2 outcomes"),
        (&[0.5, f64::NAN], &[true, false], "score 1 is NaN"),
        (&[0.5, 0.6], &[false, false], "0 are positive"),
    ] {
        for error in [
            roc_auc(scores, positive).map(|_| ()).unwrap_err(),
            average_precision(scores, positive).map(|_| ()).unwrap_err(),
        ] {
            assert!(error.to_string().contains(named), "{error}");
        }
    }
    assert!(roc_auc(&[0.5, 0.6], &[true, true]).is_err());
    assert_eq!(average_precision(&[0.5, 0.6], &[true, true]).unwrap().value, 1.0);
    // Scores need not be probabilities, and infinite ones have an order.
    let area = roc_auc(&[f64::NEG_INFINITY, 3.0, f64::INFINITY], &[false, true, true]).unwrap();
    assert_eq!(area.value, 1.0);
}

/// One row of a kind has an error and an interval.
#[test]
fn one_row_of_a_kind_is_not_certain() {
    let area: RocAuc = roc_auc(&[0.1, 0.2, 0.3, 0.4], &[false, false, true, false]).unwrap();
    assert!(area.standard_error > 0.1, "{area:?}");
    let interval = area.figure(0.95).unwrap().interval;
    assert!(interval.low < 0.3 && interval.high > 0.9, "{interval:?}");
}

#[test]
fn classes_are_checked() {
    for (names, named) in [
        (vec!["a"], "1 are not from 2"),
        (vec!["a", "b", "a"], "classes 0 and 2 are both `a`"),
        (vec![], "0 are not"),
    ] {
        let error = Classes::new(names).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    Classes::new((0..257).map(|n| n.to_string())).unwrap_err();
    let classes = Classes::new(["a", "b"]).unwrap();
    assert_eq!((classes.index("b"), classes.index("c"), classes.len()), (Some(1), None, 2));
    assert_eq!(serde_json::to_string(&classes).unwrap(), r#"["a","b"]"#);
    serde_json::from_str::<Classes>(r#"["a","a"]"#).unwrap_err();
}

#[test]
fn stored_metrics_are_checked() {
    for wrong in [
        r#"{"classes":2,"counts":[1,2,3]}"#,
        r#"{"classes":1,"counts":[1]}"#,
        r#"{"classes":2,"counts":[9007199254740992,1,0,0]}"#,
        r#"{"classes":2,"counts":[1,2,3,4],"more":1}"#,
    ] {
        serde_json::from_str::<ConfusionMatrix>(wrong).unwrap_err();
    }
    serde_json::from_str::<ScoreHistogram>(r#"{"positives":[1],"negatives":[1]}"#).unwrap_err();
    let text = serde_json::to_string(&of(&rows(1, 10, 2), 2)).unwrap();
    let three = text.replace(r#"["class 0","class 1"]"#, r#"["a","b","c"]"#);
    assert_ne!(text, three);
    serde_json::from_str::<ClassificationMetrics>(&three).unwrap_err();
}

#[test]
fn calibration_has_what_chance_gives() {
    // 1000 rows of confidence 0.7 in one bin: |right/1000 - 0.7|, and √(2/π · 0.21/1000).
    let mut metrics = empty(2);
    for row in 0..1000 {
        let actual = usize::from(row % 4 == 0);
        metrics.observe_probabilities(0, &[0.7, 0.3], Some(actual)).unwrap();
    }
    let error = metrics.figures(0.95).unwrap().calibration_error.unwrap();
    assert!(close(error.value, 0.05), "{error:?}");
    assert!(close(error.if_calibrated, (2.0 / std::f64::consts::PI * 0.21 / 1000.0).sqrt()));
}

/// A probability of 0 for what came true has a finite loss.
#[test]
fn log_loss_is_finite() {
    let mut metrics = empty(2);
    let row = Row { actual: 1, predicted: 0, probabilities: vec![1.0, 0.0] };
    metrics.observe_probabilities(row.predicted, &row.probabilities, Some(row.actual)).unwrap();
    assert!(close(metrics.log_loss().unwrap().mean, -f64::EPSILON.ln()));
    assert_eq!(metrics.brier_score().unwrap().mean, 1.0);
}
