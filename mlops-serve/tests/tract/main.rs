//! Sessions of real models in `tract`.
#![cfg(feature = "tract")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod conformance;
#[cfg(feature = "onnxruntime")]
#[path = "../fixture/mod.rs"]
mod fixture;
mod plans;
#[cfg(feature = "onnxruntime")]
mod same_answers;
mod types;

use std::path::{Path, PathBuf};

use mlops_core::{
    inference::{InferenceSession, RunOptions},
    tensor::{NamedTensors, Tensor},
};
use mlops_serve::session::tract::{TractOptions, TractSession, TractSessionFactory};

/// Every model of `tests/models` that `tract` can load; the table in `session::tract` has the rest.
const MODELS: [&str; 19] = [
    "external",
    "fixed",
    "identity_bool",
    "identity_fp16",
    "identity_fp32",
    "identity_fp64",
    "identity_int16",
    "identity_int32",
    "identity_int64",
    "identity_int8",
    "identity_uint16",
    "identity_uint32",
    "identity_uint64",
    "identity_uint8",
    "mixed_rows",
    "row_sum",
    "scalar",
    "two_inputs",
    "unnamed",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn digits() -> PathBuf {
    let models = "../examples/data/digits/models/digits/1/model.onnx";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(models)
}

fn factory(name: &str) -> TractSessionFactory {
    TractSessionFactory::from_file(path(&format!("{name}.onnx")), TractOptions::default())
}

fn open(name: &str) -> TractSession {
    factory(name).open_session().unwrap()
}

fn run(session: &mut TractSession, inputs: &NamedTensors) -> mlops_core::Result<NamedTensors> {
    session.run(inputs, &RunOptions::default())
}

fn single(name: &str, tensor: Tensor) -> NamedTensors {
    NamedTensors::single(name, tensor)
}
