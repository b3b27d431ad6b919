//! Laws that every test has, and what it says of rows that say nothing.

use mlops_drift::{
    multivariate::{
        Bandwidth, Standardizer,
        domain_classifier::{self, DomainClassifierOptions},
        embedding::{EmbeddingOptions, EmbeddingReference},
        lsdd::{self, LsddOptions},
        median_distance,
        mmd::{self, MmdOptions},
        pca::{PcaOptions, PcaReference},
        random_features::{RandomFeatures, RandomFeaturesOptions},
    },
    ndarray::{Array2, Axis, array},
    stats::permutation::PermutationOptions,
};
use proptest::prelude::*;

use crate::rows::SplitMix64;

fn few(seed: u64) -> PermutationOptions {
    PermutationOptions::default().with_permutations(19).with_seed(seed)
}

fn mmd(x: &Array2<f64>, y: &Array2<f64>) -> mmd::Mmd {
    mmd::test(x.view(), y.view(), &MmdOptions::default().with_permutation(few(3))).unwrap()
}

fn lsdd(x: &Array2<f64>, y: &Array2<f64>) -> lsdd::Lsdd {
    // All rows are centres, so that their order is no matter.
    let options = LsddOptions::default().with_kernels(2000).with_permutation(few(3));
    lsdd::test(x.view(), y.view(), &options).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn discrepancies_are_symmetric_and_have_no_origin_or_order(
        seed in 0..10_000_u64, n in 2..30_usize, m in 2..30_usize, d in 1..5_usize,
    ) {
        let mut random = SplitMix64(seed);
        let (x, y) = (random.rows(n, d), random.rows(m, d));
        let found = mmd(&x, &y);
        let mut backwards = x.clone();
        backwards.invert_axis(Axis(0));
        for other in [mmd(&y, &x), mmd(&(&x + 1000.0), &(&y + 1000.0)), mmd(&backwards, &y)] {
            prop_assert!((other.bandwidth / found.bandwidth - 1.0).abs() < 1e-9);
            prop_assert!((other.test.statistic - found.test.statistic).abs() < 1e-9);
        }
        prop_assert!(found.test.statistic <= 2.0);
        prop_assert!((0.05..=1.0).contains(&found.test.p_value));
    }

    #[test]
    fn differences_of_densities_are_symmetric_and_have_no_unit_or_order(
        seed in 0..10_000_u64, n in 3..30_usize, m in 3..30_usize, d in 1..5_usize,
    ) {
        let mut random = SplitMix64(seed);
        let (x, y) = (random.rows(n, d), random.rows(m, d));
        let found = lsdd(&x, &y);
        let mut backwards = x.clone();
        backwards.invert_axis(Axis(0));
        let far = |rows: &Array2<f64>| rows * 7.0 + 1000.0;
        for other in [lsdd(&y, &x), lsdd(&far(&x), &far(&y)), lsdd(&backwards, &y)] {
            // Which regularisation is chosen depends on the permutations, which are other ones.
            if other.regularization == found.regularization {
                let change = other.test.statistic / found.test.statistic - 1.0;
                prop_assert!(change.abs() < 1e-6, "{found:?} {other:?}");
            }
        }
        prop_assert!(found.test.statistic >= 0.0);
        prop_assert!((0.05..=1.0).contains(&found.test.p_value));
    }
}

#[test]
fn the_same_seed_says_the_same() {
    let mut random = SplitMix64(1);
    let (x, y) = (random.rows(30, 3), random.rows(20, 3));
    let with = |seed| {
        let permutation = few(seed).with_permutations(99);
        let mmd =
            mmd::test(x.view(), y.view(), &MmdOptions::default().with_permutation(permutation));
        let lsdd =
            lsdd::test(x.view(), y.view(), &LsddOptions::default().with_permutation(permutation));
        (mmd.unwrap(), lsdd.unwrap())
    };
    assert_eq!(with(5), with(5));
    assert_ne!(with(5).0.test.p_value, with(6).0.test.p_value);
}

#[test]
fn rows_that_are_all_equal_do_not_differ() {
    let ones = Array2::from_elem((10, 2), 3.5);
    let found = mmd(&ones, &ones);
    assert_eq!((found.test.statistic, found.test.p_value, found.bandwidth), (0.0, 1.0, 1.0));
    let found = lsdd(&ones, &ones);
    assert!(found.test.statistic.abs() < 1e-12 && found.test.p_value == 1.0, "{found:?}");
    // One constant and another.
    let found = mmd(&ones, &(&ones + 1.0));
    assert!(found.test.statistic > 0.5 && found.test.p_value == 0.05, "{found:?}");
    assert_eq!(lsdd(&ones, &(&ones + 1.0)).test.p_value, 0.05);
}

#[test]
fn ties_are_as_extreme_as_what_was_observed() {
    // All 252 divisions of ten rows in two values that keep five and five have the largest discrepancy, a
    // share 2/252 of them; every other is less.
    let x = array![[0.0], [0.0], [0.0], [0.0], [0.0]];
    let options = PermutationOptions::default().with_permutations(50_000);
    let found =
        mmd::test(x.view(), (&x + 1.0).view(), &MmdOptions::default().with_permutation(options));
    let p_value = found.unwrap().test.p_value;
    assert!((p_value - 2.0 / 252.0).abs() < 0.002, "{p_value}");
}

#[test]
fn values_of_the_largest_size_are_numbers() {
    let mut random = SplitMix64(2);
    let (x, y) = (random.rows(20, 2), random.rows(20, 2));
    for size in [1e99, 1e-40] {
        let found = mmd(&(&x * size), &(&y * size));
        let expected = mmd(&x, &y);
        assert!((found.test.statistic - expected.test.statistic).abs() < 1e-12, "{found:?}");
        assert_eq!(lsdd(&(&x * size), &(&y * size)).test.p_value, lsdd(&x, &y).test.p_value);
    }
    for sigma in [1e-50, 1e100] {
        let options =
            MmdOptions::default().with_permutation(few(1)).with_bandwidth(Bandwidth::Fixed(sigma));
        let found = mmd::test((&x * 1e99).view(), (&y * 1e99).view(), &options).unwrap();
        assert!(found.test.statistic.is_finite(), "{found:?}");
    }
}

#[test]
fn the_median_distance() {
    let rows = array![[0.0, 0.0], [3.0, 4.0], [0.0, 0.0], [6.0, 8.0]];
    // 5, 10, 5, 5, 10; equal rows do not count.
    assert_eq!(median_distance(rows.view(), 0).unwrap(), 5.0);
    assert_eq!(median_distance(Array2::ones((3, 1)).view(), 0).unwrap(), 1.0);
    // Of many rows some are drawn; one wild value takes no digits from the others.
    let mut many = SplitMix64(3).independent(3000, 4);
    let drawn = median_distance(many.view(), 0).unwrap();
    let other = median_distance(many.view(), 1).unwrap();
    assert!(drawn != other && (drawn / other - 1.0).abs() < 0.02, "{drawn} {other}");
    many[[5, 2]] = 1e15;
    let wild = median_distance(many.view(), 0).unwrap();
    assert!((drawn / wild - 1.0).abs() < 0.02, "{drawn} {wild}");
}

#[test]
fn columns_with_little_to_scale() {
    let mostly = array![[0.0, 7.0], [0.0, 7.0], [0.0, 7.0], [0.0, 7.0], [5.0, 7.0]];
    let standardizer = Standardizer::fit(mostly.view()).unwrap();
    // Half of the first column is one value: its standard deviation is 2.
    assert_eq!(standardizer.apply(array![[4.0, 8.0]].view()).unwrap(), array![[2.0, 1.0]]);
    let text = serde_json::to_string(&standardizer).unwrap();
    assert_eq!(serde_json::from_str::<Standardizer>(&text).unwrap(), standardizer);
}

/// Values at either end of those that rows may have, and next to 0.
fn extreme(count: usize) -> impl Strategy<Value = Array2<f64>> {
    let ends = [1e100, 1e78, 1.0, 2.0, 1e-78, 1e-200, 5e-324, 0.0];
    let value = (prop::sample::select(ends.to_vec()), any::<bool>());
    let value = value.prop_map(|(value, sign)| if sign { value } else { -value });
    prop::collection::vec(value, 2 * count)
        .prop_map(move |values| Array2::from_shape_vec((count, 2), values).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_a_figure_that_is_no_number(x in extreme(100), y in extreme(24)) {
        let (x, y) = (x.view(), y.view());
        let embeddings = EmbeddingOptions::default().with_simulations(19);
        let embeddings = EmbeddingReference::fit(x, &embeddings).and_then(|reference| {
            let mut mean = reference.no_rows();
            mean.observe_rows(y)?;
            Ok((reference.mahalanobis(&mean), reference.cosine(&mean).ok()))
        });
        let features = RandomFeaturesOptions::default().with_features(16);
        let features = RandomFeatures::fit(x, &features).and_then(|features| {
            let mut sums = features.no_rows();
            features.observe_rows(y, &mut sums)?;
            features.test(&sums)
        });
        let components = PcaReference::fit(x, &PcaOptions::default())
            .and_then(|reference| Ok((reference.test(y)?.p_value, reference.errors(y)?)));
        let found = [
            format!("{:?}", mmd::test(y, y, &MmdOptions::default().with_permutation(few(3))).ok()),
            format!("{:?}", lsdd::test(x, y, &LsddOptions::default().with_permutation(few(3))).ok()),
            format!("{:?}", domain_classifier::test(x, y, &DomainClassifierOptions::default()).ok()),
            format!("{:?}", embeddings.ok()),
            format!("{:?}", features.ok()),
            format!("{:?}", components.ok()),
            format!("{:?}", Standardizer::fit(x).and_then(|scales| scales.apply(y)).ok()),
        ];
        for found in found {
            prop_assert!(!found.contains("NaN") && !found.contains(" inf"), "{}", found);
        }
    }
}
