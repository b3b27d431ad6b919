//! What metrics say of batches, and that versions can be forgotten.
#![cfg(feature = "prometheus")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mlops_core::{
    Error,
    clock::SystemClock,
    inference::{InferenceRequest, Predict},
    model::ModelId,
    observe::Observed,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    metrics::{Format, ModelMetrics, ServeMetrics, encode, prometheus_client::registry::Registry},
    record::RequestRecorder,
};
use ndarray::Array2;

fn id(version: &str) -> ModelId {
    ModelId::new("m".parse().unwrap(), version.parse().unwrap())
}

fn request(rows: usize) -> InferenceRequest {
    let x = Tensor::from_array(Array2::<f32>::zeros((rows, 4)));
    InferenceRequest::new(NamedTensors::single("x", x))
}

/// The samples whose name and labels contain this, by name and labels.
fn samples(registry: &Registry, part: &str) -> BTreeMap<String, f64> {
    encode(registry, Format::Classic)
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(part))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn watched(metrics: &ServeMetrics, version: &str, options: BatcherOptions) -> Arc<dyn Predict> {
    let watched = metrics.model(&id(version));
    let session = MockFactory::new(MockSession::identity(4));
    let batcher = Batcher::builder(id(version), session, options)
        .observer(Arc::<ModelMetrics>::clone(&watched))
        .start()
        .unwrap();
    let batcher = Arc::new(batcher);
    watched.watch_load(&batcher);
    Observed::wrap(batcher, vec![watched], Arc::new(SystemClock))
}

#[tokio::test]
async fn batches_say_why_they_ran_and_what_was_padding() {
    let mut registry = Registry::default();
    let metrics = ServeMetrics::register(&mut registry);
    let options = BatcherOptions::default()
        .with_placement(Placement::Thread)
        .with_max_batch_size(8)
        .with_max_queue_delay(Duration::from_millis(1))
        .with_waiting(mlops_serve::batch::Waiting::Fixed)
        .with_allowed_batch_sizes([4, 8]);
    let model = watched(&metrics, "1", options);
    // A full one, and two that nobody joins; one of them is filled up from three rows to four.
    for rows in [8, 4, 3] {
        model.predict(request(rows)).await.unwrap();
    }
    let batches = samples(&registry, "mlops_batches_total");
    let of = |reason: &str| -> f64 {
        let label = format!("reason=\"{reason}\"");
        batches.iter().filter(|(name, _)| name.contains(&label)).map(|(_, count)| count).sum()
    };
    assert_eq!(batches.len(), 6, "every reason is there from the start: {batches:?}");
    assert_eq!((of("full"), of("delay")), (1.0, 2.0), "{batches:?}");
    assert_eq!(batches.values().sum::<f64>(), 3.0);
    let bytes = |name: &str| samples(&registry, name).into_values().sum::<f64>();
    assert_eq!(bytes("mlops_batch_input_bytes_total"), 16.0 * 16.0);
    assert_eq!(bytes("mlops_batch_padding_bytes_total"), 16.0);
}

#[tokio::test]
async fn a_batch_that_is_not_waited_for_ran_because_a_session_was_free() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let mut registry = Registry::default();
        let metrics = ServeMetrics::register(&mut registry);
        let options = BatcherOptions::default().with_placement(placement).with_max_batch_size(8);
        let model = watched(&metrics, "1", options);
        model.predict(request(2)).await.unwrap();
        model.predict(request(8)).await.unwrap();
        for reason in ["session_free", "full"] {
            let count = samples(&registry, &format!("reason=\"{reason}\""));
            assert_eq!(count.values().sum::<f64>(), 1.0, "{placement:?} {count:?}");
        }
    }
}

#[tokio::test]
async fn a_version_that_is_forgotten_leaves_nothing_behind() {
    let mut registry = Registry::default();
    let metrics = ServeMetrics::register(&mut registry);
    for version in ["1", "2"] {
        let model = watched(&metrics, version, BatcherOptions::default());
        model.predict(request(1)).await.unwrap();
        model.predict(InferenceRequest::default()).await.unwrap_err();
        metrics.refused(Some(&Arc::new(id(version))), &Error::Cancelled);
        assert!(samples(&registry, &format!("version=\"{version}\"")).len() > 60);
    }
    metrics.forget(&id("1"));
    assert_eq!(samples(&registry, "version=\"1\""), BTreeMap::new());
    assert!(samples(&registry, "version=\"2\"").len() > 60);
}
