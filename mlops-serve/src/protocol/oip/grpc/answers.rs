//! What both transports say, as messages.

use mlops_core::tensor::DataType as TensorType;

use super::generated::{
    DataType, InferBatchStatistics, InferStatistics, ModelConfig, ModelDynamicBatching, ModelInput,
    ModelMetadataResponse, ModelOutput, ModelResponseCache, ModelStatistics,
    ModelTransactionPolicy, ModelVersionPolicy, ServerMetadataResponse, StatisticDuration,
    model_config::SchedulingChoice, model_metadata_response, model_version_policy,
    repository_index_response, system_shared_memory_status_response,
};
use crate::protocol::oip::{config, metadata, repository, shared_memory::RegionStatus, statistics};

impl From<metadata::ServerMetadata> for ServerMetadataResponse {
    fn from(server: metadata::ServerMetadata) -> Self {
        let extensions = server.extensions.into_iter().map(str::to_owned).collect();
        Self { name: server.name, version: server.version, extensions }
    }
}

impl From<metadata::ModelMetadata> for ModelMetadataResponse {
    fn from(model: metadata::ModelMetadata) -> Self {
        Self {
            name: model.name,
            versions: model.versions,
            platform: model.platform,
            inputs: model.inputs.into_iter().map(Into::into).collect(),
            outputs: model.outputs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<metadata::TensorMetadata> for model_metadata_response::TensorMetadata {
    fn from(tensor: metadata::TensorMetadata) -> Self {
        Self { name: tensor.name, datatype: tensor.datatype.to_owned(), shape: tensor.shape }
    }
}

impl From<config::ModelConfig> for ModelConfig {
    fn from(model: config::ModelConfig) -> Self {
        let all = model_version_policy::All {};
        let batching = |_| SchedulingChoice::DynamicBatching(ModelDynamicBatching {});
        Self {
            name: model.name,
            platform: model.platform,
            backend: model.backend,
            version_policy: Some(ModelVersionPolicy {
                policy_choice: Some(model_version_policy::PolicyChoice::All(all)),
            }),
            max_batch_size: model.max_batch_size,
            input: model.input.into_iter().map(Into::into).collect(),
            output: model.output.into_iter().map(Into::into).collect(),
            scheduling_choice: model.dynamic_batching.map(batching),
            model_transaction_policy: Some(ModelTransactionPolicy {
                decoupled: model.model_transaction_policy.decoupled,
            }),
            response_cache: Some(ModelResponseCache { enable: model.response_cache.enable }),
        }
    }
}

impl From<config::TensorConfig> for ModelInput {
    fn from(tensor: config::TensorConfig) -> Self {
        Self {
            name: tensor.name,
            data_type: data_type(tensor.data_type).into(),
            dims: tensor.dims,
            is_shape_tensor: tensor.is_shape_tensor,
            optional: tensor.optional,
        }
    }
}

impl From<config::TensorConfig> for ModelOutput {
    fn from(tensor: config::TensorConfig) -> Self {
        Self {
            name: tensor.name,
            data_type: data_type(tensor.data_type).into(),
            dims: tensor.dims,
            is_shape_tensor: tensor.is_shape_tensor,
        }
    }
}

fn data_type(data_type: TensorType) -> DataType {
    match data_type {
        TensorType::Bool => DataType::TypeBool,
        TensorType::U8 => DataType::TypeUint8,
        TensorType::U16 => DataType::TypeUint16,
        TensorType::U32 => DataType::TypeUint32,
        TensorType::U64 => DataType::TypeUint64,
        TensorType::I8 => DataType::TypeInt8,
        TensorType::I16 => DataType::TypeInt16,
        TensorType::I32 => DataType::TypeInt32,
        TensorType::I64 => DataType::TypeInt64,
        TensorType::F16 => DataType::TypeFp16,
        TensorType::Bf16 => DataType::TypeBf16,
        TensorType::F32 => DataType::TypeFp32,
        TensorType::F64 => DataType::TypeFp64,
        TensorType::Bytes => DataType::TypeString,
    }
}

impl From<statistics::ModelStatistics> for ModelStatistics {
    fn from(model: statistics::ModelStatistics) -> Self {
        let phases = model.inference_stats;
        Self {
            name: model.name,
            version: model.version,
            last_inference: model.last_inference,
            inference_count: model.inference_count,
            execution_count: model.execution_count,
            inference_stats: Some(InferStatistics {
                success: duration(&phases.success),
                fail: duration(&phases.fail),
                queue: duration(&phases.queue),
                compute_input: duration(&phases.compute_input),
                compute_infer: duration(&phases.compute_infer),
                compute_output: duration(&phases.compute_output),
                cache_hit: duration(&phases.cache_hit),
                cache_miss: duration(&phases.cache_miss),
            }),
            batch_stats: model.batch_stats.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<statistics::BatchStatistics> for InferBatchStatistics {
    fn from(batch: statistics::BatchStatistics) -> Self {
        Self {
            batch_size: batch.batch_size,
            compute_input: duration(&batch.compute_input),
            compute_infer: duration(&batch.compute_infer),
            compute_output: duration(&batch.compute_output),
        }
    }
}

fn duration(duration: &statistics::Duration) -> Option<StatisticDuration> {
    Some(StatisticDuration { count: duration.count, ns: duration.ns })
}

impl From<RegionStatus> for system_shared_memory_status_response::RegionStatus {
    fn from(region: RegionStatus) -> Self {
        let RegionStatus { name, key, offset, byte_size } = region;
        Self { name, key, offset, byte_size }
    }
}

impl From<repository::IndexEntry> for repository_index_response::ModelIndex {
    fn from(model: repository::IndexEntry) -> Self {
        let state = model.state.to_owned();
        Self { name: model.name, version: model.version, state, reason: model.reason }
    }
}
