//! Estimates for several classes, beside what labels show.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::performance::{Cbpe, Estimate, MulticlassCbpe, MulticlassEstimate};

const ROUNDS: usize = 400;
const CLASSES: usize = 3;

/// Rows of three scores in steps, so that some are equal.
fn scores(rows: usize, random: &mut RandomStream) -> Vec<f64> {
    let row = |random: &mut RandomStream| {
        let draws: [f64; CLASSES] = std::array::from_fn(|_| random.next_unit().powi(2) + 0.01);
        let total: f64 = draws.iter().sum();
        draws.map(|draw| (draw / total * 40.0).round() / 40.0)
    };
    (0..rows).flat_map(|_| row(random)).collect()
}

/// A class that is as probable as its score, or by a third any of them: calibration has something to do, and
/// one class against the others depends on its own score alone.
fn outcomes(scores: &[f64], random: &mut RandomStream) -> Vec<usize> {
    scores
        .chunks(CLASSES)
        .map(|row| {
            let draw = random.next_unit() * row.iter().sum::<f64>();
            let of_score = usize::from(draw >= row[0]) + usize::from(draw >= row[0] + row[1]);
            if random.next_unit() < 1.0 / 3.0 { random.next_below(3) as usize } else { of_score }
        })
        .collect()
}

fn predicted(scores: &[f64]) -> Vec<usize> {
    let largest =
        |row: &[f64]| (1..CLASSES).fold(0, |best, n| if row[n] > row[best] { n } else { best });
    scores.chunks(CLASSES).map(largest).collect()
}

/// What `scikit-learn` says with `average="macro"`, in the order of [`figures`].
fn realised(scores: &[f64], predicted: &[usize], outcomes: &[usize]) -> [f64; 6] {
    let rows = outcomes.len();
    let count = |holds: &dyn Fn(usize) -> bool| (0..rows).filter(|row| holds(*row)).count() as f64;
    let mut sums = [0.0; 6];
    sums[0] = count(&|row| predicted[row] == outcomes[row]) / rows as f64;
    for class in 0..CLASSES {
        let tp = count(&|row| predicted[row] == class && outcomes[row] == class);
        let fp = count(&|row| predicted[row] == class && outcomes[row] != class);
        let fn_ = count(&|row| predicted[row] != class && outcomes[row] == class);
        let tn = rows as f64 - tp - fp - fn_;
        let (mut ordered, mut pairs) = (0.0, 0.0);
        for a in (0..rows).filter(|row| outcomes[*row] == class) {
            for b in (0..rows).filter(|row| outcomes[*row] != class) {
                let [a, b] = [a, b].map(|row| scores[row * CLASSES + class]);
                pairs += 1.0;
                ordered += if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
            }
        }
        let of_class = [
            tp / (tp + fp),
            tp / (tp + fn_),
            tn / (tn + fp),
            2.0 * tp / (2.0 * tp + fp + fn_),
            ordered / pairs,
        ];
        sums[1..].iter_mut().zip(of_class).for_each(|(sum, value)| *sum += value / CLASSES as f64);
    }
    sums
}

fn figures(estimate: &MulticlassEstimate) -> [Estimate; 6] {
    let MulticlassEstimate { accuracy, precision, recall, specificity, f1, roc_auc, .. } = estimate;
    [*accuracy, *precision, *recall, *specificity, *f1, roc_auc.unwrap()]
}

#[test]
fn labels_show_what_was_expected_as_often_as_the_errors_say() {
    let mut random = RandomKey::from_seed(31).stream(0);
    let reference = scores(100_000, &mut random);
    let labels = outcomes(&reference, &mut random);
    let cbpe = MulticlassCbpe::fit(CLASSES, &reference, &labels).unwrap();
    let (mut within, mut bias) = ([0; 6], [0.0; 6]);
    for _ in 0..ROUNDS {
        let scores = scores(300, &mut random);
        let predicted = predicted(&scores);
        let estimate = cbpe.estimate(&scores, &predicted).unwrap();
        assert!(estimate.validity.is_valid());
        let realised = realised(&scores, &predicted, &outcomes(&scores, &mut random));
        for (n, (figure, realised)) in figures(&estimate).iter().zip(realised).enumerate() {
            let z = (realised - figure.value) / figure.standard_error;
            within[n] += usize::from(z.abs() < 1.96);
            bias[n] += z / ROUNDS as f64;
        }
    }
    // 95 % of 400, give or take four standard deviations of a binomial count; and 4/sqrt(400).
    assert!(within.iter().all(|within| (362..=398).contains(within)), "{within:?}");
    assert!(bias.iter().all(|bias| bias.abs() < 0.2), "{bias:?}");
}

/// Of classes that are not alike, one of them rare, each term of an error matters.
#[test]
fn errors_are_how_labels_scatter() {
    const DRAWS: usize = 2000;
    let mut random = RandomKey::from_seed(33).stream(0);
    let skewed = |rows: usize, random: &mut RandomStream| -> Vec<f64> {
        let row = |random: &mut RandomStream| {
            let a = if random.next_unit() < 0.06 { 0.6 } else { 0.02 };
            let b = 0.9 * random.next_unit();
            [a, (1.0 - a) * b, (1.0 - a) * (1.0 - b)].map(|p| (p * 50.0).round() / 50.0)
        };
        (0..rows).flat_map(|_| row(random)).collect()
    };
    let reference = skewed(50_000, &mut random);
    let drawn = |probabilities: &[f64], random: &mut RandomStream| -> Vec<usize> {
        let class = |p: &[f64]| {
            let draw = random.next_unit() * p.iter().sum::<f64>();
            usize::from(draw >= p[0]) + usize::from(draw >= p[0] + p[1])
        };
        probabilities.chunks(CLASSES).map(class).collect()
    };
    let labels = drawn(&reference, &mut random);
    let cbpe = MulticlassCbpe::fit(CLASSES, &reference, &labels).unwrap();
    let scores = skewed(400, &mut random);
    let predicted: Vec<_> = scores
        .chunks(CLASSES)
        .map(|row| if row[0] > 0.5 { 0 } else { 1 + usize::from(row[2] > 0.2) })
        .collect();
    let estimate = cbpe.estimate(&scores, &predicted).unwrap();
    let probabilities = cbpe.probabilities(&scores).unwrap();
    let mut squares = [0.0; 6];
    for _ in 0..DRAWS {
        let drawn = drawn(&probabilities, &mut random);
        let realised = realised(&scores, &predicted, &drawn);
        for (sum, (figure, value)) in
            squares.iter_mut().zip(figures(&estimate).iter().zip(realised))
        {
            *sum += (value - figure.value).powi(2) / DRAWS as f64;
        }
    }
    for (figure, square) in figures(&estimate).iter().zip(squares) {
        // A standard deviation of 2000 draws is known to 1.6 %.
        let ratio = figure.standard_error / square.sqrt();
        assert!((ratio - 1.0).abs() < 0.07, "{ratio} {figure:?}");
    }
}

#[test]
fn of_two_classes_it_is_the_binary_one() {
    let mut random = RandomKey::from_seed(32).stream(0);
    let unit = |rows: usize, random: &mut RandomStream| -> Vec<f64> {
        (0..rows).map(|_| random.next_below(64) as f64 / 64.0).collect()
    };
    let both = |scores: &[f64]| scores.iter().flat_map(|s| [1.0 - s, *s]).collect::<Vec<_>>();
    let (reference, current) = (unit(2000, &mut random), unit(500, &mut random));
    let labels: Vec<_> = reference.iter().map(|s| random.next_unit() < 0.2 + 0.6 * s).collect();
    let predicted: Vec<_> = current.iter().map(|score| *score > 0.55).collect();
    let index = |labels: &[bool]| labels.iter().map(|l| usize::from(*l)).collect::<Vec<_>>();
    let one = Cbpe::fit(&reference, &labels).unwrap().estimate(&current, &predicted).unwrap();
    let two = MulticlassCbpe::fit(2, &both(&reference), &index(&labels)).unwrap();
    let two = two.estimate(&both(&current), &index(&predicted)).unwrap();
    let near = |a: Estimate, b: Estimate| {
        assert!((a.value - b.value).abs() < 1e-9, "{a:?} {b:?}");
        assert!((a.standard_error - b.standard_error).abs() < 1e-9, "{a:?} {b:?}");
    };
    near(one.accuracy, two.accuracy);
    near(one.roc_auc.unwrap(), two.roc_auc.unwrap());
    assert!((one.confusion.true_positives - two.confusion[1][1]).abs() < 1e-9);
    assert!((one.confusion.false_positives - two.confusion[0][1]).abs() < 1e-9);
    // The mean of what it is for either class, and the recall of one is the specificity of the other.
    let recalls = one.recall.unwrap().value + one.specificity.unwrap().value;
    assert!((two.recall.value - 0.5 * recalls).abs() < 1e-9);
    near(two.recall, two.specificity);
}

#[test]
fn a_class_that_is_never_predicted_counts_as_none_right() {
    let cbpe = MulticlassCbpe::fit(2, &[0.0, 1.0, 1.0, 0.0], &[1, 0]).unwrap();
    let estimate = cbpe.estimate(&[0.0, 1.0, 0.0, 1.0], &[0, 0]).unwrap();
    assert_eq!((estimate.accuracy.value, estimate.precision.value), (0.0, 0.0));
    assert_eq!((estimate.recall.value, estimate.specificity.value), (0.0, 0.0));
    assert_eq!((estimate.f1.value, estimate.roc_auc), (0.0, None));
    let text = serde_json::to_string(&cbpe).unwrap();
    assert_eq!(serde_json::from_str::<MulticlassCbpe>(&text).unwrap(), cbpe);
}

#[test]
fn a_row_that_no_class_is_likely_for_is_any_of_them() {
    let cbpe = MulticlassCbpe::fit(2, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0], &[0, 1, 0]).unwrap();
    // Zero for the first class means a half: one of each.
    let p = cbpe.probabilities(&[0.0, 0.0, 1.0, 0.0]).unwrap();
    assert_eq!(p, [1.0, 0.0, 1.0, 0.0]);
    let apart = MulticlassCbpe::fit(2, &[1.0, 0.0, 0.0, 1.0], &[0, 1]).unwrap();
    assert_eq!(apart.probabilities(&[0.0, 0.0]).unwrap(), [0.5, 0.5]);
}

#[test]
fn bad_input_is_named() {
    let fit = |classes, scores: &[f64], outcomes: &[usize]| {
        MulticlassCbpe::fit(classes, scores, outcomes).unwrap_err().to_string()
    };
    for (error, named) in [
        (fit(1, &[0.5], &[0]), "1 is not from 2"),
        (fit(2000, &[0.5], &[0]), "2000 is not from 2"),
        (fit(2, &[0.5, 0.5, 0.5], &[0, 1]), "3 scores for 2 rows of 2"),
        (fit(2, &[0.5, 0.5], &[2]), "row 0 is class 2 of 2"),
        (fit(2, &[0.5, 0.5], &[1]), "no outcome is class 0"),
        (fit(2, &[0.5, f64::NAN, 0.5, 0.5], &[0, 1]), "score 1 is NaN"),
        (fit(2, &[], &[]), "there are none"),
    ] {
        assert!(error.contains(named), "{error}");
    }
    let cbpe = MulticlassCbpe::fit(2, &[0.0, 1.0, 1.0, 0.0], &[1, 0]).unwrap();
    for (error, named) in [
        (cbpe.estimate(&[0.5], &[0]).unwrap_err(), "1 scores for 1 rows of 2"),
        (cbpe.estimate(&[0.5, 0.5], &[3]).unwrap_err(), "row 0 is class 3 of 2"),
        (cbpe.probabilities(&[0.5]).unwrap_err(), "1 scores for 2 classes"),
        (cbpe.probabilities(&[0.5, f64::INFINITY]).unwrap_err(), "score 1 is inf"),
        (cbpe.check(&[], &[]).unwrap_err(), "there are none"),
    ] {
        assert!(error.to_string().contains(named), "{error}");
    }
}
