//! Figures and pictures beside the decision.

use mlops_core::stats::correction::Correction;
use mlops_drift::{
    compare::{CompareOptions, Comparer, Comparison, FeatureKind, Numbers, Shape, Verdict},
    profile::Column,
    stats::{Sample, ks, wasserstein},
};

use crate::data::{Random, by_profiles, by_values, texts};

fn numbers(values: &[f64]) -> Numbers {
    Numbers::new(values.to_vec(), 0).unwrap()
}

#[test]
fn values_are_tested_as_the_functions_do_and_the_family_is_corrected_as_a_whole() {
    let mut random = Random::new(1);
    let columns: Vec<[Vec<f64>; 2]> = (0..4)
        .map(|index| {
            let shift = 0.08 * f64::from(index);
            [random.normals(900, 0.0, 1.0), random.normals(700, shift, 1.0)]
        })
        .collect();
    for correction in [Correction::BenjaminiHochberg, Correction::Holm] {
        let options = CompareOptions::default().with_correction(correction);
        let mut comparer = Comparer::new(&options, 900, 700).unwrap();
        for (index, [reference, current]) in columns.iter().enumerate() {
            comparer.numbers(&format!("x{index}"), &numbers(reference), &numbers(current)).unwrap();
        }
        let comparison = comparer.finish().unwrap();
        let expected: Vec<f64> = columns
            .iter()
            .map(|sides| {
                let [first, second] =
                    [0, 1].map(|side| Sample::from_slice("side", &sides[side]).unwrap());
                ks::test(&first, &second, ks::KsOptions::default()).unwrap().p_value
            })
            .collect();
        let found = comparison.features.iter().map(|feature| feature.evidence[0]);
        let (found, adjusted): (Vec<f64>, Vec<f64>) =
            found.map(|found| (found.p_value, found.adjusted_p_value)).unzip();
        assert_eq!(found, expected);
        assert_eq!(adjusted, correction.adjust(&expected).unwrap());
    }
}

#[test]
fn the_wasserstein_distance_is_in_standard_deviations() {
    let mut random = Random::new(2);
    let reference = random.normals(3000, 100.0, 5.0);
    let current: Vec<f64> = reference.iter().map(|value| value + 2.5).collect();
    let exact = by_values(&reference, &current, &CompareOptions::default());
    let expected = wasserstein::normed_distance(
        &Sample::from_slice("reference", &reference).unwrap(),
        &Sample::from_slice("current", &current).unwrap(),
    );
    let found = exact.features[0].distances.wasserstein.unwrap();
    assert!((found - expected).abs() < 1e-12 && (found - 0.5).abs() < 0.02, "{found}");
    let binned = by_profiles(
        Column::numeric(&reference),
        Column::numeric(&current),
        &CompareOptions::default(),
    );
    let found = binned.features[0].distances.wasserstein.unwrap();
    assert!((found - expected).abs() < 0.01, "{found} {expected}");
    // Of a constant there is none.
    let constant = by_values(&[3.0; 50], &[4.0; 50], &CompareOptions::default());
    assert_eq!(constant.features[0].distances.wasserstein, None);
}

#[test]
fn summaries_are_of_the_values() {
    let reference: Vec<f64> = (0..=100).map(f64::from).collect();
    let current: Vec<f64> = (0..=100).map(|row| f64::from(row) * 2.0).collect();
    for comparison in [
        by_values(&reference, &current, &CompareOptions::default()),
        by_profiles(
            Column::numeric(&reference),
            Column::numeric(&current),
            &CompareOptions::default(),
        ),
    ] {
        let feature = &comparison.features[0];
        assert_eq!((feature.kind, feature.reference.rows), (FeatureKind::Numeric, 101));
        let means = [&feature.reference, &feature.current].map(|side| side.mean.unwrap());
        assert!((means[0] - 50.0).abs() < 1e-12 && (means[1] - 100.0).abs() < 1e-12, "{means:?}");
        let quartiles = feature.reference.quartiles.unwrap();
        for (found, expected) in quartiles.iter().zip([0.0, 25.0, 50.0, 75.0, 100.0]) {
            assert!((found - expected).abs() <= 1.0, "{quartiles:?}");
        }
        assert_eq!(feature.current.unseen, 50);
    }
}

#[test]
fn pictures_hold_all_but_the_ends() {
    let mut random = Random::new(3);
    let (reference, mut current) = (random.normals(5000, 0.0, 1.0), random.normals(5000, 3.0, 1.0));
    current[0] = 1e12;
    for comparison in [
        by_values(&reference, &current, &CompareOptions::default()),
        by_profiles(
            Column::numeric(&reference),
            Column::numeric(&current),
            &CompareOptions::default(),
        ),
    ] {
        let Shape::Bars { low, high, reference, current } = &comparison.features[0].shape else {
            panic!("{:?}", comparison.features[0].shape);
        };
        assert!(*low > -4.0 && *low < -2.0, "{low}");
        assert!(reference.len() == 30 && current.len() == 30);
        assert!(reference.iter().sum::<f64>() > 0.98, "{reference:?}");
        if comparison.features[0].evidence[0].method == mlops_drift::compare::Method::Ks {
            assert!(*high < 8.0 && current.iter().sum::<f64>() > 0.98, "{high} {current:?}");
        }
    }
}

#[test]
fn bars_of_whole_numbers_hold_equally_many_of_them() {
    // 1 to 100, each as often: cut into 30 bars of equal width, some would hold four and others three.
    let reference: Vec<f64> = (0..10_000).map(|n| f64::from(n % 100 + 1)).collect();
    let comparison = by_values(&reference, &reference, &CompareOptions::default());
    let Shape::Bars { low, high, reference, current } = &comparison.features[0].shape else {
        panic!("{:?}", comparison.features[0].shape);
    };
    assert_eq!((*low, *high, reference.len(), current.len()), (0.5, 100.5, 25, 25));
    assert!(reference.iter().all(|share| (share - 0.04).abs() < 1e-12), "{reference:?}");

    // Too large to cut between them.
    let large: Vec<f64> = (0..100).map(|n| 4e18 + 1024.0 * f64::from(n)).collect();
    let comparison = by_values(&large, &large, &CompareOptions::default());
    let Shape::Bars { reference, .. } = &comparison.features[0].shape else {
        panic!("{:?}", comparison.features[0].shape);
    };
    assert_eq!(reference.len(), 30);
    assert!(reference.iter().sum::<f64>() > 0.95, "{reference:?}");
}

#[test]
fn pictures_of_categories_have_the_most_frequent_of_either_side_and_the_rest() {
    let mut random = Random::new(4);
    let (reference, current) = (random.categories(4000, 30), vec!["c29".to_owned(); 1000]);
    let comparison = by_profiles(
        Column::categorical(&texts(&reference)),
        Column::categorical(&texts(&current)),
        &CompareOptions::default(),
    );
    let Shape::Categories { names, reference, current } = &comparison.features[0].shape else {
        panic!("{:?}", comparison.features[0].shape);
    };
    assert_eq!((names.len(), names[0].as_str(), current[0]), (20, "c29", 1.0));
    for side in [reference, current] {
        assert_eq!(side.len(), 21);
        assert!((side.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn it_is_json_and_back_and_has_no_figure_that_json_has_not() {
    let odd = [
        vec![],
        vec![f64::NAN; 5],
        vec![1.0],
        vec![7.0; 40],
        vec![f64::MAX; 40],
        vec![f64::MAX; 3],
        vec![f64::MIN; 40],
        vec![f64::MAX, f64::MIN, 0.0],
        [[f64::MIN; 2], [0.0; 2], [f64::MAX; 2]].map(|pair| pair.repeat(5)).concat(),
    ];
    for reference in &odd {
        for current in &odd {
            let comparison = by_values(reference, current, &CompareOptions::default());
            let json = serde_json::to_string(&comparison).unwrap();
            let read: Comparison = serde_json::from_str(&json).unwrap();
            // Infinity and NaN would have become null, which is no number to read.
            assert_eq!(read, comparison, "{reference:?} {current:?}");
        }
    }
}

#[test]
fn two_constants_are_compared() {
    let comparison = by_values(&[3.0; 500], &[3.0; 400], &CompareOptions::default());
    assert_eq!(comparison.verdict, Verdict::NoDrift);
    let comparison = by_values(&[3.0; 500], &[4.0; 400], &CompareOptions::default());
    assert_eq!(comparison.verdict, Verdict::Drift);
}
