//! Confidence-based estimates, beside what labels show.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::performance::{Cbpe, CbpeEstimate, Estimate};

const ROUNDS: usize = 400;

/// Scores between 0 and 1, more of them small, in steps so that many are equal.
fn scores(count: usize, steps: f64, random: &mut RandomStream) -> Vec<f64> {
    (0..count).map(|_| (random.next_unit().powi(2) * steps).floor() / steps).collect()
}

/// What a score means: not what it says.
fn probability(score: f64) -> f64 {
    0.1 + 0.7 * score * score
}

fn outcomes(scores: &[f64], random: &mut RandomStream) -> Vec<bool> {
    scores.iter().map(|score| random.next_unit() < probability(*score)).collect()
}

/// The figures of rows whose truth is known, in the order of [`figures`].
fn realised(scores: &[f64], predicted: &[bool], outcomes: &[bool]) -> [f64; 7] {
    let count = |p: bool, o: bool| {
        predicted.iter().zip(outcomes).filter(|(a, b)| (**a, **b) == (p, o)).count() as f64
    };
    let [tp, fp, tn, fn_] =
        [count(true, true), count(true, false), count(false, false), count(false, true)];
    let (mut pairs, mut ordered) = (0.0, 0.0);
    for (positive, _) in scores.iter().zip(outcomes).filter(|(_, outcome)| **outcome) {
        for (negative, _) in scores.iter().zip(outcomes).filter(|(_, outcome)| !**outcome) {
            pairs += 1.0;
            ordered += match positive.total_cmp(negative) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 1.0,
            };
        }
    }
    [
        (tp + tn) / scores.len() as f64,
        tp / (tp + fp),
        tp / (tp + fn_),
        tn / (tn + fp),
        2.0 * tp / (2.0 * tp + fp + fn_),
        ordered / pairs,
        average_precision(scores, outcomes),
    ]
}

/// `average_precision_score` of scikit-learn.
fn average_precision(scores: &[f64], outcomes: &[bool]) -> f64 {
    let mut places = scores.to_vec();
    places.sort_by(|a, b| b.total_cmp(a));
    places.dedup();
    let positive = outcomes.iter().filter(|outcome| **outcome).count() as f64;
    let (mut sum, mut before) = (0.0, 0.0);
    for place in places {
        let found = || scores.iter().zip(outcomes).filter(|(score, _)| **score >= place);
        let right = found().filter(|(_, outcome)| **outcome).count() as f64;
        sum += (right - before) / positive * right / found().count() as f64;
        before = right;
    }
    sum
}

fn figures(estimate: &CbpeEstimate) -> [Estimate; 7] {
    [
        estimate.accuracy,
        estimate.precision.unwrap(),
        estimate.recall.unwrap(),
        estimate.specificity.unwrap(),
        estimate.f1.unwrap(),
        estimate.roc_auc.unwrap(),
        estimate.average_precision.unwrap(),
    ]
}

const NAMES: [&str; 7] =
    ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"];

fn fitted(random: &mut RandomStream) -> Cbpe {
    let reference = scores(200_000, 50.0, random);
    Cbpe::fit(&reference, &outcomes(&reference, random)).unwrap()
}

#[test]
fn labels_show_what_was_expected_as_often_as_the_errors_say() {
    let mut random = RandomKey::from_seed(7).stream(0);
    let cbpe = fitted(&mut random);
    let mut within = [0; 7];
    let mut bias = [0.0; 7];
    for _ in 0..ROUNDS {
        let scores = scores(400, 50.0, &mut random);
        let predicted: Vec<_> = scores.iter().map(|score| *score > 0.6).collect();
        let estimate = cbpe.estimate(&scores, &predicted).unwrap();
        let outcomes = outcomes(&scores, &mut random);
        let realised = realised(&scores, &predicted, &outcomes);
        for (n, (figure, realised)) in figures(&estimate).iter().zip(realised).enumerate() {
            let z = (realised - figure.value) / figure.standard_error;
            within[n] += usize::from(z.abs() < 1.96);
            bias[n] += z / ROUNDS as f64;
        }
    }
    for (name, (within, bias)) in NAMES.iter().zip(within.into_iter().zip(bias)) {
        // 95 % of 400, give or take four standard deviations of a binomial count; and 4/sqrt(400).
        assert!((362..=398).contains(&within), "{name}: {within} of {ROUNDS}");
        assert!(bias.abs() < 0.2, "{name}: {bias}");
    }
}

#[test]
fn scores_that_are_not_calibrated_are_put_right() {
    let mut random = RandomKey::from_seed(8).stream(0);
    let cbpe = fitted(&mut random);
    for score in [0.0, 0.1, 0.5, 0.9, 0.98] {
        let error = cbpe.probability(score) - probability(score);
        assert!(error.abs() < 0.03, "{score}: {error}");
    }
    assert_eq!(cbpe.probability(7.0), cbpe.probability(0.98));
}

#[test]
fn what_lies_outside_the_reference_is_counted() {
    let cbpe = Cbpe::fit(&[0.2, 0.4, 0.6], &[false, true, true]).unwrap();
    let estimate = cbpe.estimate(&[0.1, 0.2, 0.6, 0.7], &[false; 4]).unwrap();
    assert_eq!((estimate.rows, estimate.outside), (4, 0.5));
    let text = serde_json::to_string(&cbpe).unwrap();
    assert_eq!(serde_json::from_str::<Cbpe>(&text).unwrap(), cbpe);
}

#[test]
fn certainty_has_no_error_and_figures_that_are_not_defined_are_none() {
    let cbpe = Cbpe::fit(&[0.0, 1.0], &[false, true]).unwrap();
    let scores = [0.0, 0.0, 1.0, 1.0];
    let estimate = cbpe.estimate(&scores, &[false, true, true, true]).unwrap();
    let certain = |value| Some(Estimate { value, standard_error: 0.0 });
    assert_eq!(Some(estimate.accuracy), certain(0.75));
    assert_eq!((estimate.recall, estimate.specificity), (certain(1.0), certain(0.5)));
    assert_eq!((estimate.f1, estimate.roc_auc), (certain(0.8), certain(1.0)));
    let none = cbpe.estimate(&scores, &[false; 4]).unwrap();
    assert_eq!((none.precision, none.recall), (None, certain(0.0)));
    let negative = cbpe.estimate(&[0.0, 0.0], &[false; 2]).unwrap();
    assert_eq!((negative.recall, negative.f1, negative.roc_auc), (None, None, None));
    assert_eq!(negative.specificity, certain(1.0));
}

#[test]
fn bad_input_is_named() {
    for (scores, outcomes, named) in [
        (&[][..], &[][..], "0 of 0"),
        (&[0.5, 0.6], &[true, true], "2 of 2 outcomes"),
        (&[0.5], &[true, false], "1 x and 2 y"),
        (&[0.5, f64::NAN], &[true, false], "point 1"),
    ] {
        let error = Cbpe::fit(scores, outcomes).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let cbpe = Cbpe::fit(&[0.0, 1.0], &[false, true]).unwrap();
    for (scores, predicted, named) in [
        (&[][..], &[][..], "there are none"),
        (&[0.5], &[true, false], "1 scores and 2 predictions"),
        (&[0.5, f64::INFINITY], &[true, false], "score 1 is inf"),
    ] {
        let error = cbpe.estimate(scores, predicted).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
