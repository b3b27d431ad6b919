//! [`WarmUp`]: what a session runs before it serves.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Result,
    clock::Clock,
    inference::{InferenceSession, RunOptions},
    signature::ModelSignature,
    tensor::{DataType, NamedTensors, Tensor},
};

/// What a session runs before it serves, so that the first caller does not pay for what engines do
/// on their first run: allocate, choose kernels, build for a shape.
#[derive(Debug, Clone, Default)]
pub enum WarmUp {
    /// Zeros, as one row and as a full batch (or in every size that batches may have). A model that refuses zeros is not an error: that is
    /// logged, and the session serves without.
    #[default]
    Zeros,
    /// These inputs, all of which must succeed.
    Samples(Arc<[NamedTensors]>),
    /// Nothing.
    None,
}

impl WarmUp {
    /// Runs it on a session: zeros in each of these shapes, or the samples. Returns how long each takes.
    pub(crate) fn run(
        &self,
        session: &mut dyn InferenceSession,
        shapes: &[InputShapes],
        clock: &dyn Clock,
    ) -> Result<Vec<(NamedTensors, Duration)>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Samples(samples) => {
                let timed =
                    |sample: &NamedTensors| Ok((sample.clone(), time(session, sample, clock)?));
                samples.iter().map(timed).collect()
            }
            Self::Zeros => {
                let signature = Arc::clone(session.signature());
                let mut runs = Vec::new();
                for shapes in shapes {
                    let timed = zeros(&signature, shapes).and_then(|inputs| {
                        let took = time(session, &inputs, clock)?;
                        Ok((inputs, took))
                    });
                    match timed {
                        Ok(run) => runs.push(run),
                        Err(error) => {
                            tracing::warn!(
                                error = error.report(), %signature, ?shapes,
                                "the model refuses zeros: it serves without warm-up"
                            );
                            break;
                        }
                    }
                }
                Ok(runs)
            }
        }
    }

    /// How long the last of these shapes (or the longest sample) takes at best; `None` if it fails.
    pub(crate) fn time_of_a_batch(
        &self,
        session: &mut dyn InferenceSession,
        shapes: &[InputShapes],
        clock: &dyn Clock,
    ) -> Option<Duration> {
        let batches = match self {
            Self::Samples(samples) => Arc::clone(samples),
            Self::Zeros | Self::None => [zeros(session.signature(), shapes.last()?).ok()?].into(),
        };
        let options = RunOptions::default();
        let mut longest = None;
        for inputs in &*batches {
            session.run(inputs, &options).ok()?;
            let mut best = Duration::MAX;
            for _ in 0..5 {
                let started = clock.monotonic();
                session.run(inputs, &options).ok()?;
                best = best.min(clock.monotonic().saturating_duration_since(started));
            }
            longest = longest.max(Some(best));
        }
        longest
    }
}

/// How long a run takes, the first of its inputs not counted: that is the one that allocates.
fn time(
    session: &mut dyn InferenceSession,
    inputs: &NamedTensors,
    clock: &dyn Clock,
) -> Result<Duration> {
    let options = RunOptions::default();
    session.run(inputs, &options)?;
    let started = clock.monotonic();
    session.run(inputs, &options)?;
    Ok(clock.monotonic().saturating_duration_since(started))
}

/// The shape of each input, in the signature's order.
pub(crate) type InputShapes = Vec<Vec<usize>>;

/// Zeros (empty strings) in these shapes.
fn zeros(signature: &ModelSignature, shapes: &InputShapes) -> Result<NamedTensors> {
    let mut inputs = NamedTensors::new();
    for (spec, shape) in signature.inputs.iter().zip(shapes) {
        let count: usize = shape.iter().product();
        let tensor = match spec.data_type {
            DataType::Bytes => Tensor::from_strings(shape, vec![Bytes::new(); count])?,
            data_type => {
                let size_bytes = count * data_type.size_bytes().unwrap_or(0);
                Tensor::from_bytes(data_type, shape, vec![0; size_bytes].into())?.into_aligned()
            }
        };
        inputs.insert(Arc::clone(&spec.name), tensor)?;
    }
    Ok(inputs)
}
