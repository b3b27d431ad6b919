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
    /// Runs it on a session that takes up to `max_rows` rows.
    pub(crate) fn run(&self, session: &mut dyn InferenceSession, max_rows: usize) -> Result<()> {
        let options = RunOptions::default();
        match self {
            Self::None => Ok(()),
            Self::Samples(samples) => {
                samples.iter().try_for_each(|sample| session.run(sample, &options).map(drop))
            }
            Self::Zeros => {
                let signature = Arc::clone(session.signature());
                for rows in [1, max_rows] {
                    let result =
                        zeros(&signature, rows).and_then(|inputs| session.run(&inputs, &options));
                    if let Err(error) = result {
                        tracing::warn!(
                            error = error.report(), %signature, rows,
                            "the model refuses zeros: it serves without warm-up"
                        );
                        return Ok(());
                    }
                }
                Ok(())
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
