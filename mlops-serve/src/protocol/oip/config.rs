//! The model configuration extension: how a model is run, in Triton's terms.

use mlops_core::{inference::ModelDescriptor, signature::TensorSpec, tensor::DataType};
use serde::Serialize;

use super::metadata::sizes;

/// The part of Triton's `ModelConfig` that has a meaning here.
#[derive(Debug, Serialize)]
pub(super) struct ModelConfig {
    pub(super) name: String,
    pub(super) platform: String,
    pub(super) backend: String,
    pub(super) version_policy: VersionPolicy,
    /// 0 for a model without a batch axis.
    pub(super) max_batch_size: i32,
    pub(super) input: Vec<TensorConfig>,
    pub(super) output: Vec<TensorConfig>,
    /// There for models with a batch axis: those are batched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dynamic_batching: Option<Empty>,
    pub(super) model_transaction_policy: TransactionPolicy,
    pub(super) response_cache: ResponseCache,
}

/// An input or output; the batch axis is left out.
#[derive(Debug, Serialize)]
pub(super) struct TensorConfig {
    pub(super) name: String,
    #[serde(serialize_with = "type_name")]
    pub(super) data_type: DataType,
    pub(super) dims: Vec<i64>,
    pub(super) is_shape_tensor: bool,
    pub(super) optional: bool,
}

/// Every version that is loaded is served.
#[derive(Debug, Default, Serialize)]
pub(super) struct VersionPolicy {
    all: Empty,
}

/// Each request has one answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct TransactionPolicy {
    pub(super) decoupled: bool,
}

/// Answers are not kept.
#[derive(Debug, Default, Serialize)]
pub(super) struct ResponseCache {
    pub(super) enable: bool,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Empty {}

impl ModelConfig {
    pub(super) fn new(model: &ModelDescriptor) -> Self {
        let batch_axes = usize::from(model.max_batch_size.is_some());
        let tensors = |specs: &[TensorSpec]| {
            specs.iter().map(|spec| TensorConfig::new(spec, batch_axes)).collect()
        };
        let max_batch_size = model.max_batch_size.unwrap_or(0);
        Self {
            name: model.id.name.to_string(),
            platform: model.platform.to_string(),
            // Triton's platforms are `BACKEND_FORMAT`.
            backend: model.platform.split('_').next().unwrap_or_default().to_owned(),
            version_policy: VersionPolicy::default(),
            max_batch_size: i32::try_from(max_batch_size).unwrap_or(i32::MAX),
            input: tensors(&model.signature.inputs),
            output: tensors(&model.signature.outputs),
            dynamic_batching: model.max_batch_size.map(|_| Empty {}),
            model_transaction_policy: TransactionPolicy::default(),
            response_cache: ResponseCache::default(),
        }
    }
}

impl TensorConfig {
    fn new(spec: &TensorSpec, batch_axes: usize) -> Self {
        let dims = spec.shape.get(batch_axes..).unwrap_or_default();
        Self {
            name: spec.name.to_string(),
            data_type: spec.data_type,
            dims: sizes(dims),
            is_shape_tensor: false,
            optional: false,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn type_name<S: serde::Serializer>(data_type: &DataType, serializer: S) -> Result<S::Ok, S::Error> {
    match data_type {
        DataType::Bytes => serializer.serialize_str("TYPE_STRING"),
        other => serializer.collect_str(&format_args!("TYPE_{other}")),
    }
}
