//! The live monitor, as a host uses it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod checks;
mod feature_map;
mod records;
mod seasons;
mod threads;
mod windows;
mod worker;

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    bytes::Bytes,
    inference::InferenceResponse,
    model::ModelId,
    ndarray::Array2,
    observe::{PredictionObserver, PredictionRecord},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    timestamp::Timestamp,
};
use mlops_drift::{
    monitor::{FeatureMap, FeatureSource, Monitor, MonitorOptions, Window},
    profile::{Column, FeatureProfile, Origin, Profile, ProfileOptions, Value},
};

fn second(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn minute() -> MonitorOptions {
    MonitorOptions::default().with_window(Window::tumbling(Duration::from_secs(60)))
}

fn batch() -> Dim {
    Dim::Symbolic("batch".into())
}

/// Two numbers and a string in; probabilities of three classes out.
fn signature() -> ModelSignature {
    ModelSignature {
        inputs: vec![
            TensorSpec::new("x", DataType::F32, [batch(), Dim::Fixed(2)]),
            TensorSpec::new("city", DataType::Bytes, [batch(), Dim::Fixed(1)]),
        ],
        outputs: vec![TensorSpec::new("y", DataType::F32, [batch(), Dim::Fixed(3)])],
    }
}

fn fit(columns: &[(&str, Column<'_>)]) -> Profile {
    let origin = Origin::new("test", Timestamp::EPOCH);
    Profile::fit(columns, origin, &ProfileOptions::default()).unwrap()
}

/// A reference of one number, `n`, from 0 to 99.
fn numbers() -> Profile {
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    fit(&[("n", Column::numeric(&values))])
}

fn monitor_of_rows(options: &MonitorOptions) -> Monitor {
    let reference = numbers();
    let map = FeatureMap::nowhere(&reference);
    Monitor::new(&reference, map, options).unwrap()
}

/// A reference of everything that [`signature`] has.
fn reference() -> Profile {
    let numbers = [0.1, 0.2, 0.5, 0.9];
    let cities = ["Bern", "Bern", "Oslo", "Rome"];
    let classes = ["cat", "cat", "dog", "cow"];
    let flags = ["false", "false", "false", "true"];
    fit(&[
        ("x[0]", Column::numeric(&numbers)),
        ("age", Column::numeric(&numbers)),
        ("city", Column::categorical(&cities)),
        ("y[2]", Column::numeric(&numbers)),
        ("y.class", Column::categorical(&classes)),
        ("y.confidence", Column::numeric(&numbers)),
        ("latency", Column::numeric(&numbers)),
        ("error", Column::categorical(&flags)),
    ])
}

fn sources() -> [(&'static str, FeatureSource); 2] {
    [
        ("age", FeatureSource::input("x", 1)),
        ("y.class", FeatureSource::named_class("y", ["cat", "dog", "cow"])),
    ]
}

fn watched() -> Monitor {
    let reference = reference();
    let map = FeatureMap::new(&reference, &signature(), sources()).unwrap();
    Monitor::new(&reference, map, &minute()).unwrap()
}

fn model() -> Arc<ModelId> {
    Arc::new(ModelId::new("m".parse().unwrap(), "1".parse().unwrap()))
}

fn f32s<const N: usize>(rows: &[[f32; N]]) -> Tensor {
    Tensor::from_array(Array2::from(rows.to_vec()))
}

fn strings(values: &[&[u8]]) -> Tensor {
    let strings = values.iter().map(|value| Bytes::copy_from_slice(value)).collect();
    Tensor::from_strings(&[values.len(), 1], strings).unwrap()
}

fn tensors<const N: usize>(tensors: [(&str, Tensor); N]) -> NamedTensors {
    let mut named = NamedTensors::new();
    for (name, tensor) in tensors {
        named.insert(name, tensor).unwrap();
    }
    named
}

/// Shows a prediction to the monitor.
fn observe(
    monitor: &Monitor,
    inputs: &NamedTensors,
    outputs: Result<NamedTensors, Error>,
    at: Timestamp,
) {
    let model = model();
    let response = outputs.map(|outputs| InferenceResponse::new(outputs, Arc::clone(&model)));
    let record = PredictionRecord::new(&model, response.as_ref(), Duration::from_millis(250), at);
    monitor.observe(&record.with_inputs(inputs));
}

fn numeric<'a>(profile: &'a Profile, name: &str) -> &'a mlops_drift::profile::NumericProfile {
    match profile.feature(name).unwrap() {
        FeatureProfile::Numeric(numeric) => numeric,
        other => panic!("{other:?}"),
    }
}

/// Rows of a category; of all others, if it is not one of the reference.
fn rows_of(profile: &Profile, name: &str, category: &str) -> u64 {
    match profile.feature(name).unwrap() {
        FeatureProfile::Categorical(feature) => {
            feature.counts()[feature.categories().cell(category)]
        }
        other => panic!("{other:?}"),
    }
}

fn send(monitor: &Monitor, value: f64, at: Timestamp) {
    monitor.observe_row(&[Value::Number(value)], at).unwrap();
}
