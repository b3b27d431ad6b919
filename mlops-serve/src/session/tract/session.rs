//! [`TractSession`].

use std::sync::Arc;

use mlops_core::{
    Error, Result,
    inference::{Affinity, CancelHandle, InferenceSession, RunOptions},
    signature::ModelSignature,
    tensor::{NamedTensors, TensorName},
};
use tract_onnx::{
    prelude::{TValue, TVec, TractError},
    tract_core::plan::{SimpleState, eval},
    tract_hir::internal::{TypedFact, TypedOp},
};

use super::{
    convert::{to_tensor, to_value},
    error::guarded,
    plan::{Plans, Shapes},
};

type State = SimpleState<TypedFact, Box<dyn TypedOp>>;

/// A model loaded into `tract`.
#[derive(Debug)]
pub struct TractSession {
    model: Arc<Model>,
    /// Memory of the last run, for the next one with the same plan.
    state: Option<(Shapes, State)>,
}

/// What the sessions of a model share, weights included.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) signature: Arc<ModelSignature>,
    pub(super) plans: Plans,
}

impl TractSession {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self { model, state: None }
    }

    /// True if one plan serves all sizes of open dimensions; false if each combination of input
    /// shapes is planned when it first comes.
    #[must_use]
    pub fn has_symbolic_plan(&self) -> bool {
        self.model.plans.is_symbolic()
    }

    /// State to run inputs of these shapes with.
    fn state_for(&mut self, shapes: &Shapes) -> Result<State> {
        if let Some((planned, state)) = self.state.take()
            && (self.model.plans.is_symbolic() || planned == *shapes)
        {
            return Ok(state);
        }
        let plan = self.model.plans.plan_for(shapes)?;
        guarded(|| plan.spawn())
    }

    /// Runs until `is_cancelled`, which is asked before each operator.
    fn run_plan(
        &mut self,
        inputs: &NamedTensors,
        is_cancelled: impl Fn() -> bool,
    ) -> Result<Vec<TValue>> {
        let mut shapes = Shapes::new();
        let mut values = TVec::new();
        for spec in &self.model.signature.inputs {
            let tensor = inputs.require(&spec.name)?;
            shapes.push(tensor.shape().into());
            values.push(to_value(tensor)?);
        }
        let mut state = self.state_for(&shapes)?;
        let outputs = guarded(|| {
            state.run_plan_with_eval(values, |context, operator_state, node, inputs| {
                if is_cancelled() {
                    return Err(TractError::msg("cancelled"));
                }
                eval(context, operator_state, node, inputs)
            })
        });
        // A state that failed holds half a run.
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(_) if is_cancelled() => return Err(Error::Cancelled),
            Err(error) => return Err(error),
        };
        // Operators with a state of their own, such as recurrent ones, carry it from run to run, as
        // streams need it: they get a fresh one.
        if state.op_states.iter().all(Option::is_none) {
            self.state = Some((shapes, state));
        }
        Ok(outputs.into_vec())
    }
}

impl InferenceSession for TractSession {
    fn signature(&self) -> &Arc<ModelSignature> {
        &self.model.signature
    }

    fn affinity(&self) -> Affinity {
        Affinity::AnyThread
    }

    fn platform(&self) -> &str {
        "tract_onnx"
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        let signature = Arc::clone(&self.model.signature);
        signature.validate_inputs(inputs)?;
        let requested = options.requested_outputs.as_deref();
        if let Some(requested) = requested {
            signature.validate_requested(requested)?;
        }
        let is_cancelled = || options.cancel.as_ref().is_some_and(CancelHandle::is_cancelled);
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let values = self.run_plan(inputs, is_cancelled)?;
        let mut outputs = NamedTensors::new();
        for (spec, value) in signature.outputs.iter().zip(values) {
            if requested.is_none_or(|requested| requested.contains(&spec.name)) {
                outputs.insert(Arc::clone(&spec.name), to_tensor(value, spec)?)?;
            }
        }
        match requested {
            None => Ok(outputs),
            Some(requested) => in_order(&outputs, requested),
        }
    }
}

fn in_order(outputs: &NamedTensors, requested: &[TensorName]) -> Result<NamedTensors> {
    let mut ordered = NamedTensors::new();
    for name in requested {
        ordered.insert(Arc::clone(name), outputs.require(name)?.clone())?;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use mlops_core::testing::{approx_eq, sample_inputs};
    use tract_onnx::pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        TensorShapeProto, TypeProto, ValueInfoProto,
        attribute_proto::AttributeType,
        tensor_proto::DataType as Element,
        tensor_shape_proto::{Dimension, dimension::Value as Size},
        type_proto,
    };

    use super::{
        super::{TractOptions, TractSessionFactory, graph},
        *,
    };

    /// `x[3, 1, 2] -> h[1, 1, 2]`, the last state of a recurrent layer.
    fn recurrent() -> ModelProto {
        let info = |name: &str, sizes: [i64; 3]| {
            let dim = |size| Dimension { value: Some(Size::DimValue(size)), ..Default::default() };
            let shape = Some(TensorShapeProto { dim: sizes.into_iter().map(dim).collect() });
            let tensor = type_proto::Tensor { elem_type: Element::Float as i32, shape };
            let value = Some(type_proto::Value::TensorType(tensor));
            let r#type = Some(TypeProto { value, ..Default::default() });
            ValueInfoProto { name: name.into(), r#type, ..Default::default() }
        };
        let weight = |name: &str| TensorProto {
            name: name.into(),
            dims: vec![1, 2, 2],
            data_type: Element::Float as i32,
            float_data: vec![0.5; 4],
            ..Default::default()
        };
        let hidden_size = AttributeProto {
            name: "hidden_size".into(),
            r#type: AttributeType::Int as i32,
            i: 2,
            ..Default::default()
        };
        let layer = NodeProto {
            op_type: "RNN".into(),
            input: ["x", "w", "r"].map(Into::into).into(),
            output: ["", "h"].map(Into::into).into(),
            attribute: vec![hidden_size],
            ..Default::default()
        };
        let graph = GraphProto {
            node: vec![layer],
            initializer: vec![weight("w"), weight("r")],
            input: vec![info("x", [3, 1, 2])],
            output: vec![info("h", [1, 1, 2])],
            ..Default::default()
        };
        let opset = OperatorSetIdProto { version: 14, ..Default::default() };
        ModelProto { graph: Some(graph), opset_import: vec![opset], ..Default::default() }
    }

    #[test]
    fn recurrent_state_does_not_leak_from_run_to_run() {
        let mut proto = recurrent();
        let signature = graph::signature(&mut proto).unwrap();
        let parsed = graph::parse(&tract_onnx::onnx(), &proto, None).unwrap();
        let plans = Plans::new(parsed, &signature, &TractOptions::default()).unwrap();
        let model = Model { signature: Arc::new(signature), plans };
        let mut session = TractSession::new(Arc::new(model));
        let samples = [1, 2].map(|seed| sample_inputs(session.signature(), 3, seed).unwrap());
        let options = RunOptions::default();
        let first = session.run(&samples[0], &options).unwrap();
        assert!(session.state.is_none(), "it has a state that would be kept");
        let other = session.run(&samples[1], &options).unwrap();
        assert!(!approx_eq(&first, &other, 1e-3));
        assert!(approx_eq(&first, &session.run(&samples[0], &options).unwrap(), 0.0));
    }

    #[test]
    fn a_run_is_cancelled_between_operators_and_survived() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/mixed_rows.onnx");
        let factory = TractSessionFactory::from_file(models, TractOptions::default());
        let mut session = factory.open_session().unwrap();
        let inputs = sample_inputs(session.signature(), 3, 1).unwrap();
        let options = RunOptions::default();
        let before = session.run(&inputs, &options).unwrap();
        let asked = Cell::new(0);
        session.run_plan(&inputs, || asked.replace(asked.get() + 1) < 0).unwrap();
        let operators = asked.get();
        assert!(operators > 2, "{operators}");
        for stop_before in 1..=operators {
            asked.set(0);
            let result = session.run_plan(&inputs, || {
                asked.set(asked.get() + 1);
                asked.get() >= stop_before
            });
            assert!(matches!(result, Err(Error::Cancelled)), "{stop_before}: {result:?}");
            let after = session.run(&inputs, &options).unwrap();
            assert!(approx_eq(&before, &after, 0.0));
        }
    }
}
