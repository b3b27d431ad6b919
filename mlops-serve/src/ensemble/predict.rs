//! [`Ensemble`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{
        InferenceRequest, InferenceResponse, ModelDescriptor, Predict, RequestContext, Timings,
    },
    model::ModelId,
    tensor::{NamedTensors, TensorName},
};

use super::builder::EnsembleBuilder;

/// Models called in order, as one model.
///
/// Deadline, id, priority, parameters and trace reach every step; of each step only what later ones
/// need is asked for. Its answer's timings are the sums over the steps.
#[derive(Debug)]
pub struct Ensemble {
    descriptor: ModelDescriptor,
    /// At least one.
    steps: Vec<PlannedStep>,
}

/// A step whose names are resolved.
#[derive(Debug)]
pub(super) struct PlannedStep {
    pub(super) model: Arc<dyn Predict>,
    /// Its inputs, each with the tensor of the ensemble that it is.
    pub(super) inputs: Vec<Wire>,
    /// Its outputs that are used, likewise.
    pub(super) outputs: Vec<Wire>,
    /// Its outputs to ask for; `None` if all are used.
    pub(super) requested: Option<Vec<TensorName>>,
}

/// A model's own name for a tensor of the ensemble.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) model: TensorName,
    pub(super) ensemble: TensorName,
}

impl Ensemble {
    /// An ensemble that is known by this name and version.
    #[must_use]
    pub fn builder(id: ModelId) -> EnsembleBuilder {
        EnsembleBuilder::new(id)
    }

    pub(super) fn new(descriptor: ModelDescriptor, steps: Vec<PlannedStep>) -> Self {
        Self { descriptor, steps }
    }

    /// What the last step is asked for: what the client asked for, by the model's names.
    fn last_requested(&self, requested: &[TensorName]) -> Option<Vec<TensorName>> {
        let outputs = &self.steps.last()?.outputs;
        let own = |name: &TensorName| {
            let wire = outputs.iter().find(|wire| wire.ensemble == *name)?;
            Some(Arc::clone(&wire.model))
        };
        requested.iter().map(own).collect()
    }
}

impl PlannedStep {
    fn request(
        &self,
        tensors: &NamedTensors,
        requested: Option<Vec<TensorName>>,
        deadline: Option<Instant>,
        context: Option<&Arc<RequestContext>>,
    ) -> Result<InferenceRequest> {
        let mut inputs = NamedTensors::new();
        for wire in &self.inputs {
            inputs.insert(Arc::clone(&wire.model), tensors.require(&wire.ensemble)?.clone())?;
        }
        let mut request = InferenceRequest::new(inputs);
        request.deadline = deadline;
        request.context = context.map(Arc::clone);
        if request.requested_outputs() != requested.as_deref() {
            let context = Arc::make_mut(request.context.get_or_insert_default());
            context.requested_outputs = requested;
        }
        Ok(request)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for Ensemble {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let signature = &self.descriptor.signature;
        signature.validate_inputs(&request.inputs)?;
        let requested = request.requested_outputs();
        if let Some(requested) = requested {
            signature.validate_requested(requested)?;
        }
        let mut last_requested = requested.and_then(|requested| self.last_requested(requested));
        let InferenceRequest { inputs: mut tensors, deadline, context, .. } = request;
        let mut timings = Timings::default();
        let mut variant = None;
        let started = Instant::now();
        for (index, step) in self.steps.iter().enumerate() {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                let elapsed = if index == 0 { Duration::ZERO } else { started.elapsed() };
                return Err(Error::DeadlineExceeded { elapsed });
            }
            let is_last = index + 1 == self.steps.len();
            let requested = if is_last { last_requested.take() } else { step.requested.clone() };
            let request = step.request(&tensors, requested, deadline, context.as_ref())?;
            let response = step.model.predict(request).await?;
            add(&mut timings, &response.timings);
            variant = response.variant.or(variant);
            if is_last {
                // The order is the model's, or the client's.
                tensors = NamedTensors::new();
            }
            for (name, tensor) in response.outputs {
                if let Some(wire) = step.outputs.iter().find(|wire| wire.model == name) {
                    tensors.insert(Arc::clone(&wire.ensemble), tensor)?;
                }
            }
        }
        let mut response = InferenceResponse::new(tensors, Arc::clone(&self.descriptor.id));
        response.variant = variant;
        Ok(response.with_timings(timings))
    }
}

fn add(sum: &mut Timings, step: &Timings) {
    sum.queue += step.queue;
    sum.batching += step.batching;
    sum.inference += step.inference;
    sum.splitting += step.splitting;
    sum.rows = sum.rows.max(step.rows);
    sum.batch_rows = sum.batch_rows.max(step.batch_rows);
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ensemble(")?;
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                f.write_str(" -> ")?;
            }
            step.model.fmt(f)?;
        }
        f.write_str(")")
    }
}
