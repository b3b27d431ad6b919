//! [`WarmUp`]: what a session runs before it serves.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Result,
    clock::Clock,
    inference::{InferenceSession, RunOptions},
    signature::{Dim, ModelSignature},
    tensor::{DataType, NamedTensors, Tensor},
};

/// What a session runs before it serves, so that the first caller does not pay for what engines do
/// on their first run: allocate, choose kernels, build for a shape.
#[derive(Debug, Clone, Default)]
pub enum WarmUp {
    /// Zeros, as one row and as a full batch. A model that refuses zeros is not an error: that is
    /// logged, and the session serves without.
    #[default]
    Zeros,
    /// These inputs, all of which must succeed.
    Samples(Arc<[NamedTensors]>),
    /// Nothing.
    None,
}

impl WarmUp {
    /// Runs it on a session that takes up to `max_rows` rows. Returns how long each of its inputs takes.
    pub(crate) fn run(
        &self,
        session: &mut dyn InferenceSession,
        max_rows: usize,
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
                for rows in [1, max_rows] {
                    let timed = zeros(&signature, rows).and_then(|inputs| {
                        let took = time(session, &inputs, clock)?;
                        Ok((inputs, took))
                    });
                    match timed {
                        Ok(run) => runs.push(run),
                        Err(error) => {
                            tracing::warn!(
                                error = error.report(), %signature, rows,
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

    /// How long a batch of `rows` rows (or the longest sample) takes at best; `None` if it fails.
    pub(crate) fn time_of_a_batch(
        &self,
        session: &mut dyn InferenceSession,
        rows: usize,
        clock: &dyn Clock,
    ) -> Option<Duration> {
        let batches = match self {
            Self::Samples(samples) => Arc::clone(samples),
            Self::Zeros | Self::None => [zeros(session.signature(), rows).ok()?].into(),
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

/// Zeros (empty strings) in the declared shapes: `rows` along every free axis 0, 1 along other free
/// axes.
fn zeros(signature: &ModelSignature, rows: usize) -> Result<NamedTensors> {
    let mut inputs = NamedTensors::new();
    for spec in &signature.inputs {
        let shape: Vec<usize> = spec
            .shape
            .iter()
            .enumerate()
            .map(|(axis, dim)| match dim {
                Dim::Fixed(size) => *size,
                Dim::Symbolic(_) | Dim::Unknown if axis == 0 => rows,
                Dim::Symbolic(_) | Dim::Unknown => 1,
            })
            .collect();
        let count: usize = shape.iter().product();
        let tensor = match spec.data_type {
            DataType::Bytes => Tensor::from_strings(&shape, vec![Bytes::new(); count])?,
            data_type => {
                let size_bytes = count * data_type.size_bytes().unwrap_or(0);
                Tensor::from_bytes(data_type, &shape, vec![0; size_bytes].into())?.into_aligned()
            }
        };
        inputs.insert(Arc::clone(&spec.name), tensor)?;
    }
    Ok(inputs)
}
