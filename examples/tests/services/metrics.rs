//! Metrics, read by Prometheus' own tool.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
};

use mlops_core::{
    clock::SystemClock,
    inference::{InferenceRequest, Predict},
    model::ModelId,
    observe::Observed,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    metrics::{Format, ModelMetrics, ServeMetrics, encode, prometheus_client::registry::Registry},
    record::RequestRecorder,
};

/// The classic form of metrics that have all been touched passes Prometheus' own linter.
#[tokio::test]
async fn promtool_finds_nothing_to_say_about_the_metrics() {
    let mut registry = Registry::default();
    let metrics = ServeMetrics::register(&mut registry);
    let id = ModelId::new("a \"model\"".parse().unwrap(), "1".parse().unwrap());
    let watched = metrics.model(&id);
    let batcher =
        Batcher::builder(id, MockFactory::new(MockSession::identity(4)), BatcherOptions::default())
            .observer(Arc::<ModelMetrics>::clone(&watched))
            .start()
            .unwrap();
    let batcher = Arc::new(batcher);
    watched.watch_load(&batcher);
    let model = Observed::wrap(batcher, vec![watched], Arc::new(SystemClock));
    let x = Tensor::from_array(mlops_core::ndarray::Array2::<f32>::zeros((2, 4)));
    model.predict(InferenceRequest::new(NamedTensors::single("x", x))).await.unwrap();
    let error = model.predict(InferenceRequest::default()).await.unwrap_err();
    metrics.refused(None, &error);

    let text = encode(&registry, Format::Classic);
    assert!(
        text.contains("code=\"invalid_tensor\"") && text.contains("model=\"unknown\""),
        "{text}"
    );
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed: `cargo xtask setup --system`");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}
