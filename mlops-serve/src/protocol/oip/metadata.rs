//! What a server and its models say of themselves.

use mlops_core::{
    inference::ModelDescriptor,
    signature::{Dim, TensorSpec},
};
use serde::Serialize;

/// Server metadata.
#[derive(Debug, Serialize)]
pub(super) struct ServerMetadata {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) extensions: Vec<&'static str>,
}

/// Model metadata.
#[derive(Debug, Serialize)]
pub(super) struct ModelMetadata {
    pub(super) name: String,
    pub(super) versions: Vec<String>,
    pub(super) platform: String,
    pub(super) inputs: Vec<TensorMetadata>,
    pub(super) outputs: Vec<TensorMetadata>,
}

/// An input or output; sizes that vary are -1, the batch axis included.
#[derive(Debug, Serialize)]
pub(super) struct TensorMetadata {
    pub(super) name: String,
    pub(super) datatype: &'static str,
    pub(super) shape: Vec<i64>,
}

impl ModelMetadata {
    pub(super) fn new(versions: Vec<String>, model: &ModelDescriptor) -> Self {
        let tensors = |specs: &[TensorSpec]| specs.iter().map(TensorMetadata::new).collect();
        Self {
            name: model.id.name.to_string(),
            versions,
            platform: model.platform.to_string(),
            inputs: tensors(&model.signature.inputs),
            outputs: tensors(&model.signature.outputs),
        }
    }
}

impl TensorMetadata {
    fn new(spec: &TensorSpec) -> Self {
        Self {
            name: spec.name.to_string(),
            datatype: spec.data_type.name(),
            shape: sizes(&spec.shape),
        }
    }
}

/// Sizes on the wire: -1 for those that vary.
pub(super) fn sizes(shape: &[Dim]) -> Vec<i64> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        Dim::Symbolic(_) | Dim::Unknown => -1,
    };
    shape.iter().map(size).collect()
}
