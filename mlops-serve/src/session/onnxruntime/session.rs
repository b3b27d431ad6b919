//! [`OnnxSession`].

use std::{fmt, path::PathBuf, sync::Arc};

use mlops_core::{
    Error, Result,
    inference::{Affinity, CancelHandle, InferenceSession, RunOptions},
    signature::{ModelSignature, TensorSpec},
    tensor::{NamedTensors, TensorName},
};
use ort::session::{
    NoSelectedOutputs, OutputSelector, RunOptions as OrtRunOptions, Session, SessionInputValue,
    SessionOutputs,
};
use smallvec::SmallVec;

use super::{
    convert::{to_tensor, to_value},
    error::run_error,
    weights::SharedWeights,
};

/// A model loaded into ONNX Runtime.
pub struct OnnxSession {
    session: Session,
    signature: Arc<ModelSignature>,
    providers: Vec<&'static str>,
    affinity: Affinity,
    /// The arenas to shrink after each run, in ONNX Runtime's words.
    shrink: Option<String>,
    /// Options of runs that can be cancelled, until one was: termination sticks to them.
    cancellable: Option<Arc<OrtRunOptions<NoSelectedOutputs>>>,
    /// What other sessions of the model, opened while this one lives, use too.
    _weights: Option<Arc<SharedWeights>>,
}

type Values<'a> = SmallVec<[SessionInputValue<'a>; 4]>;

impl OnnxSession {
    pub(super) fn new(
        session: Session,
        signature: Arc<ModelSignature>,
        providers: Vec<&'static str>,
        affinity: Affinity,
        shrink: Option<String>,
        weights: Option<Arc<SharedWeights>>,
    ) -> Self {
        Self {
            session,
            signature,
            providers,
            affinity,
            shrink,
            cancellable: None,
            _weights: weights,
        }
    }

    /// The execution providers that took part in opening the model, most preferred first, by ONNX
    /// Runtime's names. Each of them was registered without error; operators that none of the
    /// others takes run on the last, the CPU.
    #[must_use]
    pub fn providers(&self) -> &[&'static str] {
        &self.providers
    }

    /// Completes the profile asked for in
    /// [`SessionOptions::profile`](super::SessionOptions::profile) and returns its file.
    ///
    /// # Errors
    /// [`Error::Backend`] if no profile was asked for, or it cannot be written.
    pub fn end_profiling(&mut self) -> Result<PathBuf> {
        self.session.end_profiling().map(PathBuf::from).map_err(run_error)
    }

    /// The session without the wrapper, so that benchmarks can tell what the wrapper costs.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    pub fn bare(&mut self) -> &mut Session {
        &mut self.session
    }

    fn run_plain(&mut self, values: &Values<'_>) -> Result<NamedTensors> {
        let outputs = self.session.run::<0>(&values[..]).map_err(run_error)?;
        take_outputs(&self.signature.outputs, outputs)
    }

    fn run_requested(
        &mut self,
        values: &Values<'_>,
        requested: &[TensorName],
    ) -> Result<NamedTensors> {
        let selector = requested
            .iter()
            .fold(OutputSelector::no_default(), |selector, name| selector.with(&**name));
        let options = self.run_options()?.with_outputs(selector);
        let outputs =
            self.session.run_with_options::<_, 0>(&values[..], &options).map_err(run_error)?;
        let signature = &self.signature;
        take_outputs(requested.iter().filter_map(|name| signature.output(name)), outputs)
    }

    /// Runs with options that another thread can terminate. They are shared with that thread, which
    /// `ort` allows only without a selection of outputs.
    fn run_cancellable(
        &mut self,
        values: &Values<'_>,
        cancel: &CancelHandle,
    ) -> Result<NamedTensors> {
        let options = match &self.cancellable {
            Some(options) => Arc::clone(options),
            None => Arc::clone(self.cancellable.insert(Arc::new(self.run_options()?))),
        };
        let shared = Arc::clone(&options);
        let guard = cancel.on_cancel(move || {
            if let Err(error) = shared.terminate() {
                tracing::warn!(error = error.message(), "a run could not be terminated");
            }
        });
        let result = match self.session.run_with_options::<_, 0>(&values[..], &options) {
            Ok(outputs) => take_outputs(&self.signature.outputs, outputs),
            Err(_) if cancel.is_cancelled() => Err(Error::Cancelled),
            Err(error) => Err(run_error(error)),
        };
        // From here on nobody can cancel any more; whoever did has said so before.
        drop(guard);
        if cancel.is_cancelled() {
            self.cancellable = None;
        }
        result
    }

    fn run_options(&self) -> Result<OrtRunOptions<NoSelectedOutputs>> {
        let mut options = OrtRunOptions::new().map_err(run_error)?;
        if let Some(arenas) = &self.shrink {
            options.set("memory.enable_memory_arena_shrinkage", arenas).map_err(run_error)?;
        }
        Ok(options)
    }
}

impl InferenceSession for OnnxSession {
    fn signature(&self) -> &Arc<ModelSignature> {
        &self.signature
    }

    fn affinity(&self) -> Affinity {
        self.affinity
    }

    fn platform(&self) -> &str {
        // Triton's word for it, which clients know.
        "onnxruntime_onnx"
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        self.signature.validate_inputs(inputs)?;
        let requested = options.requested_outputs.as_deref();
        if let Some(requested) = requested {
            self.signature.validate_requested(requested)?;
        }
        if options.cancel.as_ref().is_some_and(CancelHandle::is_cancelled) {
            return Err(Error::Cancelled);
        }
        let moved;
        let inputs = if inputs.iter().all(|(_, tensor)| tensor.is_aligned()) {
            inputs
        } else {
            moved = align(inputs)?;
            &moved
        };
        let mut values = Values::new();
        for spec in &self.signature.inputs {
            values.push(to_value(inputs.require(&spec.name)?)?);
        }
        match (&options.cancel, requested) {
            (Some(cancel), None) => self.run_cancellable(&values, cancel),
            (Some(cancel), Some(requested)) => {
                select(&self.run_cancellable(&values, cancel)?, requested)
            }
            (None, Some(requested)) => self.run_requested(&values, requested),
            (None, None) if self.shrink.is_some() => {
                let options = self.run_options()?;
                let outputs = self.session.run_with_options::<_, 0>(&values[..], &options);
                take_outputs(&self.signature.outputs, outputs.map_err(run_error)?)
            }
            (None, None) => self.run_plain(&values),
        }
    }
}

impl fmt::Debug for OnnxSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxSession")
            .field("signature", &self.signature.to_string())
            .field("providers", &self.providers)
            .finish_non_exhaustive()
    }
}

/// The inputs at addresses they can be read from.
fn align(inputs: &NamedTensors) -> Result<NamedTensors> {
    let mut moved = NamedTensors::new();
    for (name, tensor) in inputs {
        moved.insert(Arc::clone(name), tensor.clone().into_aligned())?;
    }
    Ok(moved)
}

/// Takes the outputs, which are those of these specs in their order, out of the session, and checks
/// each.
fn take_outputs<'a>(
    specs: impl IntoIterator<Item = &'a TensorSpec>,
    outputs: SessionOutputs<'_>,
) -> Result<NamedTensors> {
    let mut named = NamedTensors::new();
    for (spec, (_, value)) in specs.into_iter().zip(outputs) {
        let tensor = to_tensor(value)?;
        spec.check(tensor.data_type(), tensor.shape())?;
        named.insert(Arc::clone(&spec.name), tensor)?;
    }
    Ok(named)
}

fn select(outputs: &NamedTensors, requested: &[TensorName]) -> Result<NamedTensors> {
    let mut selected = NamedTensors::new();
    for name in requested {
        selected.insert(Arc::clone(name), outputs.require(name)?.clone())?;
    }
    Ok(selected)
}
