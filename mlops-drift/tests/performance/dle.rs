//! Direct loss estimation, beside scikit-learn and what labels show.

use mlops_core::{
    Error, Result,
    random::{RandomKey, RandomStream},
    stats::normal,
};
use mlops_drift::performance::{
    Concern, Dle, Features, LossModel, Ridge, RidgeOptions, Validity, ValidityOptions,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    seed: u64,
    penalty: f64,
    predicted: Vec<f64>,
}

/// The rule of `make_golden_ridge.py`.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % (1 << 30)) as f64 / f64::from(1 << 30)
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn golden_rows(seed: u64, count: usize) -> Vec<f64> {
    let [a, b, c] = [seed, 31 * seed + 7, 1009 * seed + 3].map(|seed| numbers(seed, count));
    let row = |n: usize| [1000.0 + a[n], b[n] * b[n] / 128.0, 3.0, a[n] - b[n] + c[n] / 64.0];
    (0..count).flat_map(row).collect()
}

#[test]
fn ridge_is_that_of_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden_ridge.json")).unwrap();
    assert_eq!(cases.len(), 12);
    for Case { seed, penalty, predicted } in cases {
        let reference = golden_rows(seed, 200);
        let reference = Features::new(&reference, 4).unwrap();
        let draws = numbers(seed + 70, 200);
        let losses: Vec<_> = reference
            .iter()
            .zip(draws)
            .map(|(row, draw)| draw * (row[0] - 999.5) + 16.0 * row[1])
            .collect();
        let options = RidgeOptions::default().with_penalty(penalty);
        let model = Ridge::fit(reference, &losses, &options).unwrap();
        let current = golden_rows(seed + 50, 40);
        let found = model.predict(Features::new(&current, 4).unwrap()).unwrap();
        assert_eq!(found.len(), predicted.len());
        for (found, predicted) in found.iter().zip(&predicted) {
            assert!((found - predicted).abs() < 1e-9, "{seed} {penalty}: {found} {predicted}");
        }
    }
}

/// Rows of two features, the first more or less large.
struct World {
    features: Vec<f64>,
    predicted: Vec<f64>,
    actual: Vec<f64>,
}

/// The size of the error of a row is on average `0.5 + first / 2 + second / 4`.
fn world(rows: usize, first: impl Fn(f64) -> f64, random: &mut RandomStream) -> World {
    let (mut features, mut predicted, mut actual) = (vec![], vec![], vec![]);
    for _ in 0..rows {
        let row = [first(random.next_unit()), random.next_unit()];
        let prediction = row[0] - row[1] + random.next_unit();
        // A normal error of this standard deviation.
        let size = (0.5 + row[0] / 2.0 + row[1] / 4.0) * (std::f64::consts::PI / 2.0).sqrt();
        features.extend(row);
        predicted.push(prediction);
        actual.push(prediction + size * normal::quantile(random.next_unit()));
    }
    World { features, predicted, actual }
}

impl World {
    fn features(&self) -> Features<'_> {
        Features::new(&self.features, 2).unwrap()
    }

    fn dle(&self) -> Dle {
        let options = RidgeOptions::default();
        Dle::fit(self.features(), &self.predicted, &self.actual, &options).unwrap()
    }

    fn mean(&self, loss: impl Fn(f64) -> f64) -> f64 {
        let rows = self.predicted.iter().zip(&self.actual);
        rows.map(|(p, a)| loss(p - a)).sum::<f64>() / self.actual.len() as f64
    }
}

/// Another reference each round, hardly larger than what is estimated: both parts of the error matter.
#[test]
fn labels_show_what_was_expected_as_often_as_the_errors_say() {
    const ROUNDS: usize = 300;
    let mut random = RandomKey::from_seed(51).stream(0);
    let (mut within, mut bias) = ([0; 2], [0.0; 2]);
    for _ in 0..ROUNDS {
        let dle = world(600, |unit| unit, &mut random).dle();
        // Larger features, and so larger errors.
        let current = world(400, f64::sqrt, &mut random);
        let estimate = dle.estimate(current.features(), &current.predicted).unwrap();
        let absolute = (estimate.mean_absolute_error, current.mean(f64::abs));
        let squared = (estimate.mean_squared_error, current.mean(|error| error * error));
        for (n, (estimate, realised)) in [absolute, squared].into_iter().enumerate() {
            let z = (realised - estimate.value) / estimate.standard_error;
            within[n] += usize::from(z.abs() < 1.96);
            bias[n] += z / ROUNDS as f64;
        }
        let root = estimate.root_mean_squared_error;
        assert!((root.value.powi(2) - squared.0.value).abs() < 1e-12);
        assert!((2.0 * root.value * root.standard_error - squared.0.standard_error).abs() < 1e-12);
    }
    // 95 % of 300, give or take four standard deviations of a binomial count. The square of the error is no
    // linear function of features, which costs it some.
    assert!((270..=299).contains(&within[0]), "{within:?}");
    assert!((262..=299).contains(&within[1]), "{within:?}");
    assert!(bias[0].abs() < 0.25 && bias[1].abs() < 0.4, "{bias:?}");
}

#[test]
fn it_sees_that_inputs_have_become_harder() {
    let mut random = RandomKey::from_seed(52).stream(0);
    let dle = world(20_000, |unit| unit, &mut random).dle();
    let harder = world(5000, |unit| 0.9 + 0.1 * unit, &mut random);
    let estimate = dle.estimate(harder.features(), &harder.predicted).unwrap();
    // 0.5 + 0.95 / 2 + 0.5 / 4, where the reference has 0.875.
    assert!((estimate.mean_absolute_error.value - 1.1).abs() < 0.03, "{estimate:?}");
    assert!((estimate.mean_absolute_error.value - harder.mean(f64::abs)).abs() < 0.05);
    assert!(estimate.validity.is_valid());
    let text = serde_json::to_string(&dle).unwrap();
    let read: Dle = serde_json::from_str(&text).unwrap();
    assert_eq!(read.estimate(harder.features(), &harder.predicted).unwrap(), estimate);
}

#[test]
fn what_lies_outside_the_reference_is_doubted_and_then_refused() {
    let mut random = RandomKey::from_seed(53).stream(0);
    let dle = world(5000, |unit| unit, &mut random).dle();
    let with_outside = |share: f64, random: &mut RandomStream| {
        let current = world(1000, |unit| if unit < share { 1.5 } else { unit }, random);
        dle.estimate(current.features(), &current.predicted).unwrap()
    };
    assert!(with_outside(0.0, &mut random).validity.is_valid());
    let doubtful = with_outside(0.04, &mut random);
    assert!(matches!(doubtful.validity, Validity::Doubtful { .. }), "{doubtful:?}");
    let invalid = with_outside(0.5, &mut random);
    let share = invalid.outside;
    assert!((0.4..0.6).contains(&share));
    assert_eq!(invalid.validity, Validity::Invalid { reason: Concern::OutsideReference { share } });
    // Where the line goes below zero, it is said, whatever is allowed to lie outside.
    let lax = ValidityOptions::default().with_outside(1.0, 1.0);
    let dle = dle.with_validity(lax).unwrap();
    let far = world(100, |unit| unit - 10.0, &mut random);
    let estimate = dle.estimate(far.features(), &far.predicted).unwrap();
    assert!(
        matches!(estimate.validity, Validity::Invalid { reason: Concern::NegativeLoss { .. } }),
        "{estimate:?}"
    );
    assert_eq!(estimate.mean_absolute_error.value, 0.0);
}

#[test]
fn a_concept_that_has_drifted_is_found_by_labels() {
    let mut random = RandomKey::from_seed(54).stream(0);
    let dle = world(5000, |unit| unit, &mut random).dle();
    let mut alarms = 0;
    for _ in 0..300 {
        let same = world(200, |unit| unit * unit, &mut random);
        let check = dle.check(same.features(), &same.predicted, &same.actual).unwrap();
        assert_eq!(check.rows, 200);
        assert!((check.realised - same.mean(f64::abs)).abs() < 1e-12);
        alarms += usize::from(check.p_value < 0.01);
        assert!(check.p_value < 0.01 || check.validity.is_valid());
    }
    // 1 % of 300 is 3, and four standard deviations more.
    assert!(alarms <= 10, "{alarms}");
    let mut other = world(200, |unit| unit, &mut random);
    other.actual.iter_mut().for_each(|actual| *actual += 1.5);
    let estimate = dle.estimate(other.features(), &other.predicted).unwrap();
    assert!(estimate.validity.is_valid());
    let check = dle.check(other.features(), &other.predicted, &other.actual).unwrap();
    let checked = estimate.and(&check.validity).validity;
    let Validity::Invalid { reason: Concern::LossDrift { drift, p_value } } = &checked else {
        panic!("{check:?}");
    };
    assert!(*drift > 0.2 && *p_value < 1e-6);
    assert!(checked.concern().unwrap().to_string().contains("% from the estimate"));
}

/// A model that is not linear, of another crate.
#[derive(Debug)]
struct Constant(f64);

impl LossModel for Constant {
    type Options = ();

    fn fit(features: Features<'_>, losses: &[f64], (): &()) -> Result<Self> {
        if losses.len() != features.rows() {
            return Err(Error::invalid("losses", "not as many as rows"));
        }
        Ok(Self(losses.iter().sum::<f64>() / losses.len() as f64))
    }

    fn predict(&self, features: Features<'_>) -> Result<Vec<f64>> {
        Ok(vec![self.0; features.rows()])
    }
}

#[test]
fn another_model_may_learn_the_loss() {
    let mut random = RandomKey::from_seed(55).stream(0);
    let reference = world(1000, |unit| unit, &mut random);
    let dle =
        Dle::<Constant>::fit(reference.features(), &reference.predicted, &reference.actual, &())
            .unwrap();
    let estimate = dle.estimate(reference.features(), &reference.predicted).unwrap();
    let found = estimate.mean_absolute_error;
    assert!((found.value - reference.mean(f64::abs)).abs() < 1e-12);
    // Of what labels of as many other rows will show: the variance of both means.
    let spread = reference.mean(|error| error * error) - found.value.powi(2);
    let expected = (2.0 * spread / 1000.0).sqrt();
    assert!((found.standard_error / expected - 1.0).abs() < 0.3, "{found:?} {expected}");
}

#[test]
fn columns_that_say_nothing_or_the_same_are_no_trouble() {
    let values: Vec<f64> = (0..40).flat_map(|n| [f64::from(n), 7.0, 2.0 * f64::from(n)]).collect();
    let features = Features::new(&values, 3).unwrap();
    let losses: Vec<f64> = (0..40).map(|n| 1.0 + f64::from(n)).collect();
    let model = Ridge::fit(features, &losses, &RidgeOptions::default().with_penalty(1e-3)).unwrap();
    let found = model.predict(features).unwrap();
    assert!(found.iter().zip(&losses).all(|(a, b)| (a - b).abs() < 1e-2));
    let least_squares = RidgeOptions::default().with_penalty(0.0);
    let error = Ridge::fit(features, &losses, &least_squares).unwrap_err().to_string();
    assert!(error.contains("column 2 is a combination"), "{error}");
    let constant = Features::new(&[0.1; 40], 1).unwrap();
    let model = Ridge::fit(constant, &losses, &least_squares).unwrap();
    assert!((model.predict(constant).unwrap()[0] - 20.5).abs() < 1e-12);
}

#[test]
fn bad_input_is_named() {
    let new = |values: &[f64], columns| Features::new(values, columns).unwrap_err().to_string();
    let row = Features::new(&[1.0, 2.0], 2).unwrap();
    let options = RidgeOptions::default();
    let ridge = |losses: &[f64], options| Ridge::fit(row, losses, options).unwrap_err().to_string();
    let mut random = RandomKey::from_seed(56).stream(0);
    let World { features, predicted, actual } = world(30, |unit| unit, &mut random);
    let features = Features::new(&features, 2).unwrap();
    let fit = |predicted: &[f64], actual: &[f64]| {
        Dle::<Ridge>::fit(features, predicted, actual, &options).unwrap_err().to_string()
    };
    let few = Dle::<Ridge>::fit(row, &[1.0], &[2.0], &options).unwrap_err().to_string();
    let huge = Features::new(&[1e300, -1e300], 1).unwrap();
    let huge = Ridge::fit(huge, &[1.0, 2.0], &options).unwrap_err().to_string();
    let dle: Dle = Dle::fit(features, &predicted, &actual, &options).unwrap();
    let mut infinite = predicted.clone();
    infinite[3] = f64::INFINITY;
    for (error, named) in [
        (new(&[], 1), "0 values in rows of 1"),
        (new(&[1.0], 0), "0 columns"),
        (new(&[1.0], 2000), "2000 columns"),
        (new(&[1.0, 2.0, 3.0], 2), "3 values in rows of 2"),
        (new(&[1.0, 2.0, 3.0, f64::NAN], 2), "row 1, column 1 is NaN"),
        (ridge(&[], &options), "0 for 1 rows"),
        (ridge(&[f64::NAN], &options), "that of row 0 is NaN"),
        (ridge(&[1.0], &options.with_penalty(-1.0)), "-1 is not a number from 0 on"),
        (few, "1 rows are less than 30"),
        (huge, "the squares of column 0 are more than a double holds"),
        (fit(&predicted[1..], &actual), "30 rows and 29 predictions"),
        (fit(&predicted, &actual[1..]), "29 for 30 predictions"),
        (fit(&infinite, &actual), "that of row 3 is inf"),
        (fit(&predicted, &infinite), "that of row 3 is inf"),
        (fit(&predicted, &[1e200; 30]), "row 0 is off by more than a double holds"),
        (dle.estimate(features, &[1.0]).unwrap_err().to_string(), "30 rows and 1 predictions"),
        (
            dle.estimate(Features::new(&[1.0], 1).unwrap(), &[1.0]).unwrap_err().to_string(),
            "1 columns, not 2",
        ),
        (dle.check(row, &[1.0], &[]).unwrap_err().to_string(), "0 for 1 predictions"),
    ] {
        assert!(error.contains(named), "{error}");
    }
}
