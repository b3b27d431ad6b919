//! What is refused, and how that is said.

use mlops_core::{Error, Result};
use mlops_drift::{
    multivariate::{
        Bandwidth, Moments, RowMean, Standardizer,
        domain_classifier::{self, DomainClassifierOptions, Terms},
        embedding::{EmbeddingOptions, EmbeddingReference},
        lsdd::{self, LsddOptions},
        median_distance,
        mmd::{self, MmdOptions},
        random_features::{RandomFeatures, RandomFeaturesOptions},
    },
    ndarray::{Array2, ArrayView2, array},
    stats::permutation::PermutationOptions,
};

use crate::rows::SplitMix64;

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, message: &str) {
    let error = result.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.to_string(), message);
}

type Test = fn(ArrayView2<'_, f64>, ArrayView2<'_, f64>) -> Result<()>;

/// The tests of two samples of rows, as one.
const TESTS: [Test; 3] = [
    |x, y| mmd::test(x, y, &MmdOptions::default()).map(drop),
    |x, y| lsdd::test(x, y, &LsddOptions::default()).map(drop),
    |x, y| domain_classifier::test(x, y, &DomainClassifierOptions::default()).map(drop),
];

#[test]
fn rows_that_cannot_be_tested() {
    let good = array![[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]];
    let one = array![[1.0, 2.0]];
    let narrow = array![[1.0], [2.0]];
    let nothing = Array2::zeros((2, 0));
    for test in TESTS {
        let test = |x: &Array2<f64>, y: &Array2<f64>| test(x.view(), y.view());
        test(&good, &good).unwrap();
        refused(test(&one, &good), "invalid reference: 1 rows; at least 2 are needed");
        refused(test(&good, &one), "invalid current: 1 rows; at least 2 are needed");
        refused(test(&good, &narrow), "invalid current: 1 columns, where the reference has 2");
        refused(test(&nothing, &nothing), "invalid reference: no columns; at least one is needed");
        for (value, said) in [
            (f64::NAN, "NaN; values must be finite"),
            (f64::INFINITY, "inf; values must be finite"),
            (-1e101, "-1e101; values must not be beyond 1e100"),
        ] {
            let mut bad = good.clone();
            bad[[2, 1]] = value;
            let said =
                format!("row 2, column 1 is {}", said.replace("-1e101", &(-1e101).to_string()));
            refused(test(&bad, &good), &format!("invalid reference: {said}"));
            refused(test(&good, &bad), &format!("invalid current: {said}"));
        }
    }
}

#[test]
fn options_that_say_nothing() {
    let rows = array![[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]];
    let x = rows.view();
    let none = PermutationOptions::default().with_permutations(0);
    let no_permutations = "invalid permutations: 0; at least one is needed";
    refused(mmd::test(x, x, &MmdOptions::default().with_permutation(none)), no_permutations);
    refused(lsdd::test(x, x, &LsddOptions::default().with_permutation(none)), no_permutations);
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let bandwidth = Bandwidth::Fixed(sigma);
        let said = format!("invalid bandwidth: {sigma} is not in [1e-50, 1e100]");
        refused(mmd::test(x, x, &MmdOptions::default().with_bandwidth(bandwidth)), &said);
        refused(lsdd::test(x, x, &LsddOptions::default().with_bandwidth(bandwidth)), &said);
    }
    for kernels in [0, 2001] {
        let options = LsddOptions::default().with_kernels(kernels);
        refused(
            lsdd::test(x, x, &options),
            &format!("invalid kernels: {kernels} is not 1 to 2000"),
        );
    }
    let options = DomainClassifierOptions::default();
    refused(
        domain_classifier::test(x, x, &options.with_folds(1)),
        "invalid folds: 1; at least 2 are needed",
    );
    for l2 in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(
            domain_classifier::test(x, x, &options.with_l2(l2)),
            &format!("invalid l2: {l2} is not positive and finite"),
        );
    }
}

#[test]
fn samples_that_are_too_large() {
    let rows = Array2::zeros((6, 62));
    let x = rows.view();
    let limit = |result: Result<()>| match result {
        Err(Error::TooLarge { actual, limit, .. }) => (actual, limit),
        other => panic!("{other:?}"),
    };
    let options = MmdOptions::default().with_max_rows(11);
    let result = mmd::test(x, x, &options);
    assert!(result.as_ref().unwrap_err().to_string().contains("random features"));
    assert_eq!(limit(result.map(drop)), (12, 11));
    let options = LsddOptions::default().with_max_rows(11);
    assert_eq!(limit(lsdd::test(x, x, &options).map(drop)), (12, 11));
    let permutation = PermutationOptions::default().with_permutations(1 << 24);
    let many = (12 * ((1 << 24) + 1), 1 << 27);
    let options = MmdOptions::default().with_permutation(permutation);
    assert_eq!(limit(mmd::test(x, x, &options).map(drop)), many);
    let options = LsddOptions::default().with_permutation(permutation);
    assert_eq!(limit(lsdd::test(x, x, &options).map(drop)), many);
    let options = DomainClassifierOptions::default().with_terms(Terms::Quadratic);
    assert_eq!(limit(domain_classifier::test(x, x, &options).map(drop)), (2015, 2000));
}

#[test]
fn references_that_are_not_one() {
    let mut random = SplitMix64(1);
    let (few, enough) = (random.rows(99, 2), random.rows(100, 2));
    let features = |rows: &Array2<f64>| RandomFeatures::fit(rows.view(), &Default::default());
    let embeddings = |rows: &Array2<f64>| EmbeddingReference::fit(rows.view(), &Default::default());
    let said = "invalid reference: 99 rows; at least 100 are needed";
    refused(features(&few), said);
    refused(embeddings(&few), said);
    for count in [0, 7, 4098] {
        let options = RandomFeaturesOptions::default().with_features(count);
        refused(
            RandomFeatures::fit(enough.view(), &options),
            &format!("invalid features: {count} is not an even number from 2 to 4096"),
        );
    }
    let error = embeddings(&Array2::ones((100, 2))).unwrap_err().to_string();
    assert!(error.starts_with("invalid covariance of the reference: not positive"), "{error}");
    refused(
        EmbeddingReference::fit(enough.view(), &EmbeddingOptions::default().with_simulations(0)),
        "invalid simulations: 0 is not 1 to 1000000",
    );
    refused(
        EmbeddingReference::from_halves(&Moments::new(2), &Moments::new(2), &Default::default()),
        "invalid reference: a half of 0 rows; at least 50 are needed",
    );
    let narrow = array![[1.0]];
    let none = narrow.slice(mlops_drift::ndarray::s![..0, ..]);
    refused(Standardizer::fit(none), "invalid reference: 0 rows; at least 1 are needed");
    refused(median_distance(narrow.view(), 0), "invalid rows: 1 rows; at least 2 are needed");
}

#[test]
fn rows_that_do_not_fit_a_reference() {
    let reference = SplitMix64(2).rows(100, 2) + 3.0;
    let features = RandomFeatures::fit(reference.view(), &Default::default()).unwrap();
    let embeddings = EmbeddingReference::fit(reference.view(), &Default::default()).unwrap();
    let mut sums = features.no_rows();
    let mut mean = embeddings.no_rows();
    let three = [1.0, 2.0, 3.0];
    refused(
        features.observe(&three, &mut sums),
        "invalid rows: 3 columns, where the reference has 2",
    );
    refused(mean.observe(&three), "invalid row: 3 columns, where the reference has 2");
    let nan = [1.0, f64::NAN];
    let said = "invalid rows: row 0, column 1 is NaN; values must be finite";
    refused(features.observe(&nan, &mut sums), said);
    refused(mean.observe(&nan), "invalid row: column 1 is NaN; values must be finite");
    refused(mean.observe_rows(array![nan].view()), said);
    refused(Moments::new(2).observe_rows(array![nan].view()), said);
    assert_eq!((sums.rows(), mean.rows()), (0, 0));

    refused(features.test(&sums), "invalid current: 0 rows; at least 5 are needed");
    refused(embeddings.mahalanobis(&mean), "invalid current: 0 rows; at least 1 are needed");
    refused(embeddings.cosine(&mean), "invalid current: 0 rows; at least 1 are needed");
    refused(
        embeddings.mahalanobis(&RowMean::new(3)),
        "invalid current: 3 columns, where the reference has 2",
    );
    refused(mean.merge(&RowMean::new(3)), "invalid mean: 3 columns, where the reference has 2");
    mean.observe(&[0.0, 0.0]).unwrap();
    refused(embeddings.cosine(&mean), "invalid current: its mean is 0, which has no direction");
    for p in [0.0, 1.0, f64::NAN] {
        let said = format!("invalid probability: {p} is not between 0 and 1");
        refused(embeddings.mahalanobis_threshold(5, p), &said);
        refused(embeddings.cosine_threshold(5, p), &said);
    }
    refused(embeddings.mahalanobis_threshold(0, 0.05), "invalid rows: 0; at least one is needed");
    refused(
        embeddings.cosine_threshold(5, 0.0009),
        "invalid probability: 0.0009 is less than 999 simulations can tell",
    );
}
