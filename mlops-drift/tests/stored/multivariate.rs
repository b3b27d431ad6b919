//! References of whole rows and of embeddings.

use mlops_core::random::RandomKey;
use mlops_drift::{
    multivariate::{
        Moments, Standardizer,
        embedding::{EmbeddingOptions, EmbeddingReference},
        pca::{PcaOptions, PcaReference},
        random_features::{RandomFeatures, RandomFeaturesOptions},
    },
    ndarray::Array2,
};
use serde_json::json;

use crate::damage::{refused, survives};

fn rows(count: usize) -> Array2<f64> {
    let mut random = RandomKey::from_seed(1).stream(0);
    Array2::from_shape_simple_fn((count, 3), || 3.0 + random.next_unit() + random.next_unit())
}

#[test]
fn moments_work() {
    let mut moments = Moments::new(3);
    moments.observe_rows(rows(100).view()).unwrap();
    survives(&moments, |mut moments| {
        let again = moments.clone();
        moments.merge(&again).unwrap();
        moments.observe_rows(rows(20).view()).ok();
        let options = EmbeddingOptions::default().with_simulations(20);
        let reference = EmbeddingReference::from_halves(&moments, &again, &options);
        let shift = reference.ok().map(|reference| {
            let mut mean = reference.no_rows();
            mean.observe_rows(rows(10).view()).ok();
            (reference.mahalanobis(&mean).ok(), reference.cosine(&mean).ok())
        });
        (shift, moments.covariance(), moments.shrunk_covariance())
    });
}

#[test]
fn references_of_embeddings_work() {
    let options = EmbeddingOptions::default().with_simulations(20);
    let reference = EmbeddingReference::fit(rows(200).view(), &options).unwrap();
    survives(&reference, |reference| {
        let mut mean = reference.no_rows();
        mean.observe_rows(rows(10).view()).ok();
        let thresholds = (
            reference.mahalanobis_threshold(10, 0.1).ok(),
            reference.cosine_threshold(10, 0.1).ok(),
        );
        (reference.mahalanobis(&mean).ok(), reference.cosine(&mean).ok(), thresholds)
    });
}

#[test]
fn means_of_rows_work() {
    let options = EmbeddingOptions::default().with_simulations(20);
    let reference = EmbeddingReference::fit(rows(200).view(), &options).unwrap();
    let mut mean = reference.no_rows();
    mean.observe_rows(rows(10).view()).unwrap();
    survives(&mean, |mut mean| {
        mean.observe_rows(rows(10).view()).ok();
        (reference.mahalanobis(&mean).ok(), reference.cosine(&mean).ok())
    });
}

#[test]
fn a_row_far_beyond_a_reference_is_an_error_or_a_figure() {
    let mut narrow = rows(200);
    narrow.mapv_inplace(|value| 1e-140 * value);
    let options = EmbeddingOptions::default().with_simulations(20);
    let reference = EmbeddingReference::fit(narrow.view(), &options).unwrap();
    let mut mean = reference.no_rows();
    mean.observe(&[1e100, -1e100, 1e100]).unwrap();
    let found = format!("{:?}", reference.mahalanobis(&mean));
    assert!(found.starts_with("Err(InvalidArgument"), "{found}");
}

#[test]
fn principal_components_work() {
    let reference = PcaReference::fit(rows(60).view(), &PcaOptions::default()).unwrap();
    survives(&reference, |reference| {
        // The statistic of samples that are apart is infinite.
        let test = reference.test(rows(30).view()).map(|test| test.p_value);
        (test.ok(), reference.errors(rows(3).view()).ok())
    });
}

#[test]
fn scales_work() {
    let standardizer = Standardizer::fit(rows(60).view()).unwrap();
    survives(&standardizer, |standardizer| standardizer.apply(rows(3).view()).ok());
    refused(
        &standardizer,
        &[("/scales", json!([1.0])), ("/scales/1", json!(0.0)), ("/medians/1", json!(1e101))],
    );
}

#[test]
fn random_features_and_their_sums_work() {
    let options = RandomFeaturesOptions::default().with_features(4);
    let features = RandomFeatures::fit(rows(120).view(), &options).unwrap();
    let mut sums = features.no_rows();
    features.observe_rows(rows(20).view(), &mut sums).unwrap();
    survives(&features, |features| {
        let mut sums = features.no_rows();
        features.observe_rows(rows(20).view(), &mut sums).ok();
        features.test(&sums).ok()
    });
    survives(&sums, |mut sums| {
        let read = sums.clone();
        let observed = features.observe_rows(rows(20).view(), &mut sums).is_ok();
        (features.test(&sums).ok(), sums.merge(&read).is_ok(), observed)
    });
}

#[test]
fn a_small_file_does_not_fill_the_memory() {
    let options = RandomFeaturesOptions::default().with_features(4096);
    let features = RandomFeatures::fit(rows(120).view(), &options).unwrap();
    let mut written = serde_json::to_value(&features).unwrap();
    // Half a megabyte, which would be 4 GB of frequencies.
    written["drawn"]["origin"] = json!(vec![0; 1 << 18]);
    let error = serde_json::from_value::<RandomFeatures>(written).unwrap_err();
    assert!(error.to_string().contains("over the limit"), "{error}");
}
