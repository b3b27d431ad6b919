//! Embeddings: moments that merge, distances, and thresholds that are the inverse of probabilities.

use mlops_drift::{
    multivariate::{
        Moments, RowMean,
        embedding::{EmbeddingOptions, EmbeddingReference},
    },
    ndarray::{Array1, Array2, Axis, s},
};
use proptest::prelude::*;

use crate::rows::SplitMix64;

fn mean_of(rows: &Array2<f64>) -> RowMean {
    let mut mean = RowMean::new(rows.ncols());
    mean.observe_rows(rows.view()).unwrap();
    mean
}

fn moments_of(rows: &Array2<f64>) -> Moments {
    let mut moments = Moments::new(rows.ncols());
    moments.observe_rows(rows.view()).unwrap();
    moments
}

fn reference() -> EmbeddingReference {
    let rows = SplitMix64(1).rows(400, 5) + 2.0;
    EmbeddingReference::fit(rows.view(), &EmbeddingOptions::default()).unwrap()
}

#[test]
fn moments_are_those_of_the_rows() {
    let rows = SplitMix64(2).rows(30, 3) + 5.0;
    let moments = moments_of(&rows);
    let mean = rows.mean_axis(Axis(0)).unwrap();
    let centred = &rows - &mean;
    let covariance = centred.t().dot(&centred) / 29.0;
    assert!((&moments.mean() - &mean).iter().all(|error| error.abs() < 1e-13));
    assert!((&moments.covariance().unwrap() - &covariance).iter().all(|error| error.abs() < 1e-12));
    assert_eq!((moments.rows(), moments.columns()), (30, 3));
    let text = serde_json::to_string(&moments).unwrap();
    assert_eq!(serde_json::from_str::<Moments>(&text).unwrap(), moments);
    serde_json::from_str::<Moments>(&text.replace("\"cubes\":[", "\"cubes\":[1.0,")).unwrap_err();
    let none = Moments::new(2);
    assert!(none.covariance().is_none() && none.shrunk_covariance().is_none());
    assert!(RowMean::new(2).mean().is_none());
}

proptest! {
    /// However rows are divided, in whatever order, the parts merge into the whole, far from 0 too.
    #[test]
    fn parts_merge_into_the_whole(
        seed in 0..1000_u64,
        cuts in prop::array::uniform2(0..30_usize),
        origin in prop_oneof![Just(0.0), Just(1e6)],
    ) {
        let rows = SplitMix64(seed).rows(30, 3) + origin;
        let (a, b) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
        let parts = [(b, 30), (0, a), (0, 0), (a, b)].map(|(from, to)| rows.slice(s![from..to, ..]).to_owned());
        let (mut merged, whole) = (Moments::new(3), moments_of(&rows));
        let mut mean = RowMean::new(3);
        for part in &parts {
            merged.merge(&moments_of(part)).unwrap();
            mean.merge(&mean_of(part)).unwrap();
        }
        prop_assert_eq!((merged.rows(), mean.rows()), (30, 30));
        let near = |a: &Array1<f64>, b: &Array1<f64>, tolerance: f64| {
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
        };
        let rounding = 1e-14 * (1.0 + origin);
        prop_assert!(near(&merged.mean().to_owned(), &whole.mean().to_owned(), rounding));
        prop_assert!(near(&Array1::from(mean.mean().unwrap()), &whole.mean().to_owned(), 10.0 * rounding));
        let (a, b) = (merged.shrunk_covariance().unwrap(), whole.shrunk_covariance().unwrap());
        prop_assert!((a.intensity - b.intensity).abs() < 1e-6, "{} {}", a.intensity, b.intensity);
        prop_assert!(near(&a.matrix.flatten().to_owned(), &b.matrix.flatten().to_owned(), 1e-6));
    }
}

#[test]
fn distances_are_as_defined() {
    let rows = SplitMix64(3).rows(4000, 3) + 2.0;
    let reference = EmbeddingReference::fit(rows.view(), &EmbeddingOptions::default()).unwrap();
    let shift = Array1::from(vec![0.3, -0.6, 0.9]);
    let current = mean_of(&(&rows + &shift));
    // Of 4000 rows the covariance of a half, hardly shrunk, is that of all within a few percent.
    let covariance = moments_of(&rows).covariance().unwrap();
    let found = reference.mahalanobis(&current).unwrap();
    let expected = mahalanobis(&covariance, &shift);
    assert!((found.test.statistic / expected - 1.0).abs() < 0.05, "{found:?} {expected}");
    assert!(found.effect < found.test.statistic && found.effect > 0.99 * found.test.statistic);

    let (x, y) = (reference.centroid().to_owned(), Array1::from(current.mean().unwrap()));
    let expected = 1.0 - x.dot(&y) / (x.dot(&x) * y.dot(&y)).sqrt();
    let found = reference.cosine(&current).unwrap();
    assert!((found.test.statistic - expected).abs() < 1e-13, "{found:?} {expected}");
    assert!(found.test.p_value == 0.001 && found.effect < found.test.statistic);

    let opposite = mean_of(&(-&rows));
    let found = reference.cosine(&opposite).unwrap().test;
    assert!((found.statistic - 2.0).abs() < 1e-12 && found.p_value == 0.001, "{found:?}");
}

/// By Cramer's rule, in three columns.
fn mahalanobis(covariance: &Array2<f64>, shift: &Array1<f64>) -> f64 {
    let determinant = |m: &Array2<f64>| {
        (0..3)
            .map(|i| {
                let (j, k) = ((i + 1) % 3, (i + 2) % 3);
                m[[0, i]] * (m[[1, j]] * m[[2, k]] - m[[1, k]] * m[[2, j]])
            })
            .sum::<f64>()
    };
    let replaced = |i: usize| {
        let mut matrix = covariance.clone();
        matrix.column_mut(i).assign(shift);
        determinant(&matrix)
    };
    let solution: Array1<f64> = (0..3).map(|i| replaced(i) / determinant(covariance)).collect();
    shift.dot(&solution).sqrt()
}

#[test]
fn thresholds_are_the_distances_of_a_probability() {
    let reference = reference();
    let mut random = SplitMix64(4);
    for rows in [10, 40, 1000] {
        let current = mean_of(&(random.rows(rows, 5) + 2.1));
        let distance = reference.mahalanobis(&current).unwrap().test;
        let threshold = reference.mahalanobis_threshold(rows as u64, distance.p_value).unwrap();
        assert!((threshold / distance.statistic - 1.0).abs() < 1e-9, "{distance:?} {threshold}");
        let distance = reference.cosine(&current).unwrap().test;
        for p in [0.5, 0.1, 0.05, 0.01] {
            let threshold = reference.cosine_threshold(rows as u64, p).unwrap();
            assert_eq!(distance.statistic >= threshold, distance.p_value <= p, "{distance:?} {p}");
        }
    }
    // More rows move less.
    for threshold in
        [EmbeddingReference::mahalanobis_threshold, EmbeddingReference::cosine_threshold]
    {
        let at = |rows| threshold(&reference, rows, 0.05).unwrap();
        assert!(at(10) > at(100) && at(100) > at(1000));
    }
}

#[test]
fn what_is_written_is_read_the_same() {
    let reference = reference();
    let text = serde_json::to_string(&reference).unwrap();
    let read: EmbeddingReference = serde_json::from_str(&text).unwrap();
    assert_eq!(read, reference);
    for (from, to) in [
        ("\"centroid\":[", "\"centroid\":[0.0,"),
        ("\"rows\":400", "\"rows\":0"),
        ("\"law\":[", "\"law\":[-"),
        ("\"square\":", "\"square\":-"),
    ] {
        assert!(text.contains(from));
        serde_json::from_str::<EmbeddingReference>(&text.replace(from, to)).unwrap_err();
    }
}

#[test]
fn a_mean_without_direction_has_no_cosine() {
    let rows = SplitMix64(5).rows(400, 5);
    let reference = EmbeddingReference::fit(rows.view(), &EmbeddingOptions::default()).unwrap();
    let error = reference.cosine(&mean_of(&rows)).unwrap_err().to_string();
    assert!(error.contains("too near to 0"), "{error}");
    reference.cosine_threshold(10, 0.05).unwrap_err();
    assert!(reference.mahalanobis(&mean_of(&rows)).unwrap().test.p_value > 0.99);
}
