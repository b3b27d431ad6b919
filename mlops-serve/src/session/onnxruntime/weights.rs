//! Weights that the sessions of one model share.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use half::{bf16, f16};
use mlops_core::{
    Digest, Error, Result,
    tensor::{DataType, Element, Tensor},
};
use ort::{
    session::builder::{PrepackedWeights, SessionBuilder},
    value::{DynValue, PrimitiveTensorElementType, Value},
};
use parking_lot::Mutex;
use prost::Message as _;

use super::error::run_error;

/// Weights below this are not worth sharing: shapes, scales, biases.
const SHARED_FROM_BYTES: usize = 4096;

/// One copy of a model's weights, as stored and as kernels pack them.
///
/// ONNX Runtime packs once what is both given to the session from outside and listed in a container:
/// either of the two alone shares nothing that kernels pack. `ort`'s sessions hold on to both, so that
/// the last session to go frees them.
pub(super) struct SharedWeights {
    model: Digest,
    initializers: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
}

/// Where a factory finds the weights of the sessions it has open; it does not keep them alive itself.
#[derive(Debug, Default)]
pub(super) struct WeightsInUse(Mutex<Weak<SharedWeights>>);

impl WeightsInUse {
    /// The weights of the model with this digest, which `read` reads: those in use, if they are its.
    pub(super) fn of(
        &self,
        name: &dyn std::fmt::Display,
        digest: &Digest,
        read: impl FnOnce() -> Result<Bytes>,
    ) -> Result<Arc<SharedWeights>> {
        let mut in_use = self.0.lock();
        if let Some(weights) = in_use.upgrade()
            && weights.model == *digest
        {
            return Ok(weights);
        }
        let weights = Arc::new(SharedWeights::read(name, &read()?)?);
        *in_use = Arc::downgrade(&weights);
        Ok(weights)
    }
}

impl SharedWeights {
    fn read(name: &dyn std::fmt::Display, model: &Bytes) -> Result<Self> {
        let graph = graph(name, model.clone())?;
        let mut initializers = Vec::new();
        for initializer in graph.initializers {
            if initializer.raw_data.len() >= SHARED_FROM_BYTES
                && let Some(value) = initializer.value()?
            {
                initializers.push((initializer.name, Arc::new(value)));
            }
        }
        Ok(Self { model: Digest::of(model), initializers, packed: PrepackedWeights::new() })
    }

    /// Has a session use them.
    pub(super) fn give_to(&self, mut builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        for (name, value) in &self.initializers {
            builder = builder.with_initializer(name, Arc::clone(value))?;
        }
        Ok(builder.with_prepacked_weights(&self.packed)?)
    }
}

/// The part of an ONNX file that holds the weights (`onnx.proto`, `ModelProto`).
#[derive(prost::Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

/// `GraphProto`.
#[derive(prost::Message)]
struct Graph {
    #[prost(message, repeated, tag = "5")]
    initializers: Vec<Initializer>,
}

/// `TensorProto`. Data outside of `raw_data`, in typed fields or other files, is not read: ONNX Runtime
/// maps the latter, which shares it already.
#[derive(prost::Message)]
struct Initializer {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", tag = "9")]
    raw_data: Bytes,
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<Entry>,
}

/// `StringStringEntryProto`.
#[derive(prost::Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The files, relative to the model's own, that hold weights of this model.
pub(super) fn external_files(
    name: &dyn std::fmt::Display,
    model: Bytes,
) -> Result<BTreeSet<PathBuf>> {
    let entries = graph(name, model)?.initializers.into_iter().flat_map(|it| it.external_data);
    Ok(entries.filter(|entry| entry.key == "location").map(|entry| entry.value.into()).collect())
}

fn graph(name: &dyn std::fmt::Display, model: Bytes) -> Result<Graph> {
    let model = Model::decode(model).map_err(|error| Error::corrupt("model", name, error))?;
    Ok(model.graph.unwrap_or_default())
}

impl Initializer {
    /// A copy as a value; `None` for a type that weights seldom have.
    fn value(&self) -> Result<Option<DynValue>> {
        // `TensorProto.DataType`.
        Ok(Some(match self.data_type {
            1 => self.dense::<f32>(DataType::F32)?,
            2 => self.dense::<u8>(DataType::U8)?,
            3 => self.dense::<i8>(DataType::I8)?,
            10 => self.dense::<f16>(DataType::F16)?,
            11 => self.dense::<f64>(DataType::F64)?,
            16 => self.dense::<bf16>(DataType::Bf16)?,
            _ => return Ok(None),
        }))
    }

    fn dense<T>(&self, data_type: DataType) -> Result<DynValue>
    where
        T: Element + PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
    {
        let invalid = |reason: String| Error::corrupt("weight", &self.name, reason);
        let shape = self
            .dims
            .iter()
            .map(|size| usize::try_from(*size).map_err(|error| invalid(error.to_string())))
            .collect::<Result<Vec<_>>>()?;
        let tensor = Tensor::from_bytes(data_type, &shape, self.raw_data.clone())
            .map_err(|error| invalid(error.to_string()))?
            .into_aligned();
        let elements = tensor.as_slice::<T>()?.to_vec();
        Ok(Value::from_array((shape, elements)).map_err(run_error)?.into_dyn())
    }
}

impl std::fmt::Debug for SharedWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.initializers.iter().map(|(name, _)| name).collect();
        f.debug_struct("SharedWeights").field("initializers", &names).finish_non_exhaustive()
    }
}
