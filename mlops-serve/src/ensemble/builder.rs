//! [`EnsembleBuilder`]: the steps of an ensemble, checked against each other.

use std::{collections::BTreeMap, fmt, sync::Arc};

use mlops_core::{
    Error, Result,
    inference::{ModelDescriptor, Predict},
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::TensorName,
};

use super::predict::{Ensemble, PlannedStep, Wire};

/// A model in an ensemble, and what its tensors are called there.
#[derive(Debug, Clone)]
pub struct Step {
    model: Arc<dyn Predict>,
    /// The model's name of an input to the ensemble's.
    inputs: BTreeMap<TensorName, TensorName>,
    outputs: BTreeMap<TensorName, TensorName>,
}

impl Step {
    /// A model whose tensors have their own names in the ensemble.
    #[must_use]
    pub fn new(model: Arc<dyn Predict>) -> Self {
        Self { model, inputs: BTreeMap::new(), outputs: BTreeMap::new() }
    }

    /// Feeds the model's `input` from the ensemble's tensor of this name.
    #[must_use]
    pub fn map_input(
        mut self,
        input: impl Into<TensorName>,
        tensor: impl Into<TensorName>,
    ) -> Self {
        self.inputs.insert(input.into(), tensor.into());
        self
    }

    /// Calls the model's `output` by this name in the ensemble.
    #[must_use]
    pub fn map_output(
        mut self,
        output: impl Into<TensorName>,
        tensor: impl Into<TensorName>,
    ) -> Self {
        self.outputs.insert(output.into(), tensor.into());
        self
    }
}

/// Makes an [`Ensemble`].
#[derive(Debug)]
pub struct EnsembleBuilder {
    id: ModelId,
    steps: Vec<Step>,
}

/// A tensor that steps can take.
struct Available {
    /// By the ensemble's name.
    spec: TensorSpec,
    /// Where it comes from; `None` for the client.
    from: Option<usize>,
    used: bool,
}

impl EnsembleBuilder {
    pub(super) fn new(id: ModelId) -> Self {
        Self { id, steps: Vec::new() }
    }

    /// Adds a step behind those there are.
    ///
    /// The client sends what the first step takes and gets what the last step gives. Every other
    /// input is a tensor that the client sends or an earlier step gives, by its name in the ensemble.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Checks the steps against each other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no step; if a mapping names a tensor that its model
    /// does not have; if a step takes what nobody gives, or in another type, rank or fixed size than
    /// it is given (the error names both sides); if two tensors share a name; if nothing that a step
    /// gives is used.
    pub fn build(self) -> Result<Ensemble> {
        let Self { id, steps } = self;
        let Some(first) = steps.first() else {
            return Err(invalid("it has no steps"));
        };
        let mut tensors: Vec<Available> = Vec::new();
        for spec in &first.model.descriptor().signature.inputs {
            let spec = renamed(spec, &first.inputs);
            tensors.push(Available { spec, from: None, used: false });
        }
        let mut wires = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let signature = &step.model.descriptor().signature;
            check_mapping(step, "input", &step.inputs, &signature.inputs)?;
            check_mapping(step, "output", &step.outputs, &signature.outputs)?;
            for spec in &signature.inputs {
                take(&steps, step, spec, &mut tensors)?;
            }
            for spec in &signature.outputs {
                let spec = renamed(spec, &step.outputs);
                if let Some(other) = tensors.iter().find(|other| other.spec.name == spec.name) {
                    return Err(invalid(format_args!(
                        "{} gives `{}`, which {} gives too: map one of them to another name",
                        Named(step),
                        spec.name,
                        Giver(&steps, other)
                    )));
                }
                let used = index + 1 == steps.len();
                tensors.push(Available { spec, from: Some(index), used });
            }
            wires.push(all_wires(&signature.inputs, &step.inputs));
        }
        let descriptor = describe(id, &steps, &tensors);
        descriptor.signature.check()?;
        let planned = steps.iter().zip(wires).enumerate();
        let planned = planned.map(|(index, (step, inputs))| plan(index, step, inputs, &tensors));
        Ok(Ensemble::new(descriptor, planned.collect::<Result<_>>()?))
    }
}

/// Finds what feeds an input of a step, and checks that it fits.
fn take(steps: &[Step], step: &Step, spec: &TensorSpec, tensors: &mut [Available]) -> Result<()> {
    let name = step.inputs.get(&spec.name).unwrap_or(&spec.name);
    let Some(index) = tensors.iter().position(|tensor| tensor.spec.name == *name) else {
        let known: Vec<_> = tensors.iter().map(|tensor| &*tensor.spec.name).collect();
        return Err(invalid(format_args!(
            "{} takes `{}` from `{name}`, which neither the client nor a step before it gives \
             (there are {})",
            Named(step),
            spec.name,
            known.join(", ")
        )));
    };
    if !fits(&tensors[index].spec, spec) {
        return Err(invalid(format_args!(
            "{} gives `{}`, but {} takes it as `{spec}`",
            Giver(steps, &tensors[index]),
            tensors[index].spec,
            Named(step)
        )));
    }
    tensors[index].used = true;
    Ok(())
}

/// True if what is given can be what is taken: type, rank, and sizes where both are fixed.
fn fits(given: &TensorSpec, taken: &TensorSpec) -> bool {
    let equal =
        |(given, taken): (&Dim, &Dim)| !given.is_fixed() || !taken.is_fixed() || given == taken;
    given.data_type == taken.data_type
        && given.shape.len() == taken.shape.len()
        && given.shape.iter().zip(&taken.shape).all(equal)
}

fn plan(
    index: usize,
    step: &Step,
    inputs: Vec<Wire>,
    tensors: &[Available],
) -> Result<PlannedStep> {
    let outputs = all_wires(&step.model.descriptor().signature.outputs, &step.outputs);
    let count = outputs.len();
    let is_used = |wire: &Wire| {
        tensors.iter().any(|tensor| {
            tensor.from == Some(index) && tensor.used && tensor.spec.name == wire.ensemble
        })
    };
    let outputs: Vec<Wire> = outputs.into_iter().filter(is_used).collect();
    if outputs.is_empty() {
        return Err(invalid(format_args!("nothing that {} gives is used", Named(step))));
    }
    let requested = (outputs.len() < count)
        .then(|| outputs.iter().map(|wire| Arc::clone(&wire.model)).collect());
    Ok(PlannedStep { model: Arc::clone(&step.model), inputs, outputs, requested })
}

/// What clients see of it.
fn describe(id: ModelId, steps: &[Step], tensors: &[Available]) -> ModelDescriptor {
    let last = steps.len() - 1;
    let from = |from: Option<usize>| {
        tensors.iter().filter(move |tensor| tensor.from == from).map(|tensor| tensor.spec.clone())
    };
    let inputs: Vec<_> = from(None).collect();
    let sizes = || steps.iter().map(|step| step.model.descriptor().max_batch_size);
    let max_batch_size =
        sizes().collect::<Option<Vec<_>>>().and_then(|sizes| sizes.into_iter().min());
    let rows = max_batch_size.and_then(|_| inputs.first()?.shape.first().cloned());
    let output = |mut spec: TensorSpec| {
        if last > 0 {
            // A symbol of the last model says nothing about one of the first, of the same name or not.
            // All that is known is that rows stay rows.
            spec.shape.iter_mut().filter(|dim| !dim.is_fixed()).for_each(|dim| *dim = Dim::Unknown);
            if let (Some(axis), Some(rows)) = (spec.shape.first_mut(), &rows) {
                *axis = rows.clone();
            }
        }
        spec
    };
    let outputs = from(Some(last)).map(output).collect();
    let signature = Arc::new(ModelSignature { inputs, outputs });
    let mut descriptor = ModelDescriptor::new(Arc::new(id), signature, "ensemble");
    descriptor.max_batch_size = max_batch_size;
    for (output, labels) in &steps[last].model.descriptor().labels {
        let name = steps[last].outputs.get(output).unwrap_or(output);
        descriptor.labels.insert(Arc::clone(name), Arc::clone(labels));
    }
    descriptor
}

fn check_mapping(
    step: &Step,
    what: &str,
    mapping: &BTreeMap<TensorName, TensorName>,
    specs: &[TensorSpec],
) -> Result<()> {
    match mapping.keys().find(|name| specs.iter().all(|spec| spec.name != **name)) {
        None => Ok(()),
        Some(unknown) => {
            let known: Vec<_> = specs.iter().map(|spec| &*spec.name).collect();
            let known = known.join(", ");
            let step = Named(step);
            Err(invalid(format_args!("{step} has no {what} `{unknown}`, but {known}")))
        }
    }
}

fn renamed(spec: &TensorSpec, mapping: &BTreeMap<TensorName, TensorName>) -> TensorSpec {
    let name = mapping.get(&spec.name).unwrap_or(&spec.name);
    TensorSpec { name: Arc::clone(name), ..spec.clone() }
}

fn all_wires(specs: &[TensorSpec], mapping: &BTreeMap<TensorName, TensorName>) -> Vec<Wire> {
    let wire = |spec: &TensorSpec| Wire {
        model: Arc::clone(&spec.name),
        ensemble: renamed(spec, mapping).name,
    };
    specs.iter().map(wire).collect()
}

fn invalid(reason: impl fmt::Display) -> Error {
    Error::invalid("ensemble", reason)
}

/// A step by its model's name.
struct Named<'a>(&'a Step);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.model.descriptor().id)
    }
}

/// Who gives a tensor.
struct Giver<'a>(&'a [Step], &'a Available);

impl fmt::Display for Giver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.from {
            None => f.write_str("the client"),
            Some(index) => Named(&self.0[index]).fmt(f),
        }
    }
}
