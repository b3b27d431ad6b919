//! [`InferenceSession`]: a loaded model that computes.

use std::{fmt::Debug, sync::Arc};

use crate::{
    Result,
    inference::CancelHandle,
    signature::ModelSignature,
    tensor::{NamedTensors, TensorName},
};

/// A model loaded into an engine, ready to run.
///
/// Synchronous, `Send` and not shared: a run needs the session for itself, because engines differ in
/// what they allow at once and this form is right for all of them. Concurrency comes from several
/// sessions, throughput from batches.
///
/// # Contract
/// 1. [`signature`](Self::signature) MUST be the same for the life of the session.
/// 2. Inputs that are not as the signature says MUST be refused with
///    [`Error::InvalidTensor`](crate::Error::InvalidTensor) naming the tensor, before the engine
///    sees them.
/// 3. Outputs MUST be as the signature says: every output, or those requested, in that order.
/// 4. A request for an unknown output MUST be refused with `InvalidTensor` naming it.
/// 5. A refused or failed run MUST leave the session usable.
/// 6. Outputs MUST stay valid and unchanged after later runs and after the session is dropped.
/// 7. The same inputs MUST give the same outputs, up to the engine's rounding.
/// 8. A run whose [`CancelHandle`] is cancelled before it starts MUST fail with
///    [`Error::Cancelled`](crate::Error::Cancelled).
/// 9. Row `i` of each output of a [batchable](ModelSignature::is_batchable) model MUST depend on row
///    `i` of its inputs only, up to the engine's rounding: that is what makes batching right.
///
/// # Implementing
/// Call [`ModelSignature::validate_inputs`] and [`validate_requested`](ModelSignature::validate_requested)
/// first. The suite is `testing::session`.
pub trait InferenceSession: Debug + Send {
    /// What it takes and gives.
    fn signature(&self) -> &Arc<ModelSignature>;

    /// Which threads may run it.
    fn affinity(&self) -> Affinity;

    /// The Open Inference Protocol's name of the engine and format, such as `onnxruntime_onnx`.
    fn platform(&self) -> &str;

    /// Computes the outputs of these inputs. Blocks for as long as that takes.
    ///
    /// # Errors
    /// As in the contract; [`Error::OutOfMemory`](crate::Error::OutOfMemory) or
    /// [`Error::Backend`](crate::Error::Backend) if the engine fails.
    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors>;
}

/// Which threads may run a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// Any thread, one at a time.
    AnyThread,
    /// Only the thread that opened it, which also must drop it.
    OneThread,
}

/// Options of one run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The outputs to compute, in this order; `None` for all.
    pub requested_outputs: Option<Vec<TensorName>>,
    /// Stops the run from another thread.
    pub cancel: Option<CancelHandle>,
}

impl RunOptions {
    /// Asks for these outputs only, in this order.
    #[must_use]
    pub fn with_requested_outputs(mut self, outputs: Vec<TensorName>) -> Self {
        self.requested_outputs = Some(outputs);
        self
    }

    /// Lets `cancel` stop the run.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelHandle) -> Self {
        self.cancel = Some(cancel);
        self
    }
}

/// Opens sessions of one model.
///
/// A batcher opens each session on the thread that will run it, so that sessions which must live and
/// die on one thread can, and a broken one can be opened again.
///
/// # Contract
/// 1. Every session it opens MUST have the same signature and platform.
/// 2. It MUST be callable from several threads at once.
pub trait SessionFactory: Debug + Send + Sync + 'static {
    /// Loads the model. Blocks for as long as that takes.
    ///
    /// # Errors
    /// What kept the model from loading, naming its file.
    fn open(&self) -> Result<Box<dyn InferenceSession>>;
}

#[deny(clippy::missing_trait_methods)]
impl<S: InferenceSession + ?Sized> InferenceSession for Box<S> {
    fn signature(&self) -> &Arc<ModelSignature> {
        (**self).signature()
    }

    fn affinity(&self) -> Affinity {
        (**self).affinity()
    }

    fn platform(&self) -> &str {
        (**self).platform()
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        (**self).run(inputs, options)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<F: SessionFactory + ?Sized> SessionFactory for Arc<F> {
    fn open(&self) -> Result<Box<dyn InferenceSession>> {
        (**self).open()
    }
}

const _: Option<&dyn InferenceSession> = None;
const _: Option<&dyn SessionFactory> = None;
