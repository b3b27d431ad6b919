//! Transforms, and models behind one another.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod build;
mod conformance;
mod run;

use std::sync::Arc;

use mlops_core::{
    inference::Predict,
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::MockSession,
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    ensemble::{Ensemble, Step, Transform},
};
use ndarray::Array2;

fn id(name: &str) -> ModelId {
    ModelId::new(name.parse().unwrap(), "1".parse().unwrap())
}

/// `[batch, 4]` of this type.
fn spec(name: &str, data_type: DataType) -> TensorSpec {
    TensorSpec::new(name, data_type, [Dim::Symbolic("batch".into()), Dim::Fixed(4)])
}

/// `bytes: UINT8` to `halves: FP32`.
fn halve() -> Transform {
    let (bytes, halves) = (spec("bytes", DataType::U8), spec("halves", DataType::F32));
    Transform::array(bytes, halves, |bytes: ndarray::ArrayViewD<'_, u8>| {
        Ok(bytes.mapv(|byte| f32::from(byte) / 2.0))
    })
    .unwrap()
}

/// `y: FP32` to `whole: INT64` and `sum: FP32[batch, 1]`.
fn summarise() -> Transform {
    let column = [Dim::Symbolic("batch".into()), Dim::Fixed(1)];
    let signature = ModelSignature {
        inputs: vec![spec("y", DataType::F32)],
        outputs: vec![spec("whole", DataType::I64), TensorSpec::new("sum", DataType::F32, column)],
    };
    Transform::new(signature, |inputs| {
        let y = inputs.require("y")?.clone().into_aligned();
        let y = y.view::<f32>()?;
        let sum = y.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
        let mut outputs = NamedTensors::single("sum", Tensor::from_array(sum));
        outputs.insert("whole", Tensor::from_array(y.mapv(|value| value.round() as i64)))?;
        Ok(outputs)
    })
    .unwrap()
}

/// The identity `x` to `y`, behind a batcher.
fn model(session: &MockSession) -> Arc<dyn Predict> {
    let options =
        BatcherOptions::default().with_max_batch_size(8).with_placement(Placement::Thread);
    let factory = mlops_core::testing::session::MockFactory::new(session.clone());
    let builder = Batcher::builder(id("model"), factory, options);
    Arc::new(builder.warm_up(WarmUp::None).start().unwrap())
}

fn inline(name: &str, transform: Transform) -> Arc<dyn Predict> {
    Arc::new(transform.inline(id(name)))
}

/// Function, model, function.
fn stack(session: &MockSession) -> Ensemble {
    Ensemble::builder(id("stack"))
        .step(Step::new(inline("halve", halve())))
        .step(Step::new(model(session)).map_input("x", "halves"))
        .step(Step::new(inline("summarise", summarise())).map_output("sum", "total"))
        .build()
        .unwrap()
}

fn bytes(rows: usize, value: u8) -> NamedTensors {
    NamedTensors::single("bytes", Tensor::from_array(Array2::from_elem((rows, 4), value)))
}
