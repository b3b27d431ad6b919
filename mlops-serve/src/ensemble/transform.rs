//! [`Transform`].

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use mlops_core::{
    Error, Result,
    inference::{Affinity, CancelHandle, InferenceSession, RunOptions, SessionFactory},
    model::ModelId,
    signature::{ModelSignature, TensorSpec},
    tensor::{Element, NamedTensors, Tensor, TensorName},
};
use ndarray::{ArrayD, ArrayViewD};

use super::inline::InlineTransform;

type Compute = dyn Fn(&NamedTensors) -> Result<NamedTensors> + Send + Sync;

/// A Rust function that takes and gives named tensors, with what it takes and gives declared.
///
/// Inputs are checked before the function sees them, outputs before anybody else does. If its
/// signature is [batchable](ModelSignature::is_batchable), row `i` of what it gives must depend on
/// row `i` of what it takes only: a batcher relies on that.
#[derive(Clone)]
pub struct Transform {
    signature: Arc<ModelSignature>,
    compute: Arc<Compute>,
}

impl Transform {
    /// A function of all tensors together.
    ///
    /// # Errors
    /// Those of [`ModelSignature::check`].
    pub fn new(
        signature: ModelSignature,
        compute: impl Fn(&NamedTensors) -> Result<NamedTensors> + Send + Sync + 'static,
    ) -> Result<Self> {
        signature.check()?;
        Ok(Self { signature: Arc::new(signature), compute: Arc::new(compute) })
    }

    /// A function of one array.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a declared type is not the function's.
    pub fn array<T: Element, U: Element>(
        input: TensorSpec,
        output: TensorSpec,
        function: impl Fn(ArrayViewD<'_, T>) -> Result<ArrayD<U>> + Send + Sync + 'static,
    ) -> Result<Self> {
        for (spec, data_type) in [(&input, T::DATA_TYPE), (&output, U::DATA_TYPE)] {
            if spec.data_type != data_type {
                let reason =
                    format!("`{spec}` is declared, but the function's type is {data_type}");
                return Err(Error::invalid("transform", reason));
            }
        }
        let (takes, gives) = (Arc::clone(&input.name), Arc::clone(&output.name));
        let signature = ModelSignature { inputs: vec![input], outputs: vec![output] };
        Self::new(signature, move |inputs| {
            let tensor = inputs.require(&takes)?.clone().into_aligned();
            let array = function(tensor.view::<T>()?)?;
            Ok(NamedTensors::single(Arc::clone(&gives), Tensor::from_array(array)))
        })
    }

    /// This function as a model of its own that runs on the caller's thread: for microseconds.
    #[must_use]
    pub fn inline(self, id: ModelId) -> InlineTransform {
        InlineTransform::new(id, self)
    }

    pub(super) fn signature(&self) -> &Arc<ModelSignature> {
        &self.signature
    }

    /// Computes all outputs, or those requested, of inputs that are checked first.
    pub(super) fn run(
        &self,
        inputs: &NamedTensors,
        requested: Option<&[TensorName]>,
    ) -> Result<NamedTensors> {
        self.signature.validate_inputs(inputs)?;
        if let Some(requested) = requested {
            self.signature.validate_requested(requested)?;
        }
        let computed = catch_unwind(AssertUnwindSafe(|| (self.compute)(inputs)));
        let outputs = computed.map_err(|panic| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            fault(format_args!("it panicked: {}", text.unwrap_or("no message")))
        })??;
        self.signature.validate_outputs(&outputs, None).map_err(|error| fault(&error))?;
        self.check_rows(inputs, &outputs)?;
        let mut ordered = NamedTensors::new();
        let declared = || self.signature.outputs.iter().map(|spec| &spec.name);
        let mut add =
            |name: &TensorName| ordered.insert(Arc::clone(name), outputs.require(name)?.clone());
        match requested {
            None => declared().try_for_each(&mut add)?,
            Some(requested) => requested.iter().try_for_each(&mut add)?,
        }
        Ok(ordered)
    }

    fn check_rows(&self, inputs: &NamedTensors, outputs: &NamedTensors) -> Result<()> {
        if !self.signature.is_batchable() {
            return Ok(());
        }
        let rows = inputs.iter().next().and_then(|(_, tensor)| tensor.row_count());
        match outputs.iter().find(|(_, tensor)| tensor.row_count() != rows) {
            None => Ok(()),
            Some((name, tensor)) => Err(fault(format_args!(
                "{} rows were taken, but `{name}` has {}",
                rows.unwrap_or(0),
                tensor.row_count().unwrap_or(0)
            ))),
        }
    }
}

/// What the function did wrong, which is not the request's fault.
fn fault(reason: impl fmt::Display) -> Error {
    Error::backend("transform", reason.to_string())
}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transform")
            .field("signature", &self.signature.to_string())
            .finish_non_exhaustive()
    }
}

impl SessionFactory for Transform {
    fn open(&self) -> Result<Box<dyn InferenceSession>> {
        Ok(Box::new(TransformSession(self.clone())))
    }
}

/// A [`Transform`] as a session, for batchers.
#[derive(Debug)]
pub struct TransformSession(Transform);

impl InferenceSession for TransformSession {
    fn signature(&self) -> &Arc<ModelSignature> {
        &self.0.signature
    }

    fn affinity(&self) -> Affinity {
        Affinity::AnyThread
    }

    fn platform(&self) -> &str {
        PLATFORM
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        if options.cancel.as_ref().is_some_and(CancelHandle::is_cancelled) {
            return Err(Error::Cancelled);
        }
        self.0.run(inputs, options.requested_outputs.as_deref())
    }
}

/// The platform of transforms in a model's metadata.
pub(super) const PLATFORM: &str = "rust_function";
