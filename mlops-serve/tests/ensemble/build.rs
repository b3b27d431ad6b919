//! What does not fit together is refused when it is built, naming both sides.

use std::sync::Arc;

use mlops_core::{
    Error,
    inference::{ModelDescriptor, Predict},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors},
    testing::{predict::MockPredict, session::MockSession},
};
use mlops_serve::ensemble::{Ensemble, Step, Transform};

use crate::{halve, id, inline, model, spec, stack, summarise};

fn mock(name: &str, input: TensorSpec, output: TensorSpec) -> Arc<dyn Predict> {
    let signature = ModelSignature { inputs: vec![input], outputs: vec![output] };
    let descriptor = ModelDescriptor::new(Arc::new(id(name)), Arc::new(signature), "mock");
    Arc::new(MockPredict::new(descriptor, |_| Ok(NamedTensors::new())))
}

fn refused(steps: Vec<Step>) -> String {
    let builder = Ensemble::builder(id("broken"));
    let error = steps.into_iter().fold(builder, |builder, step| builder.step(step)).build();
    let error = error.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "ensemble", .. }), "{error}");
    error.to_string()
}

#[test]
fn clients_see_one_model() {
    let stack = stack(&MockSession::identity(4));
    let descriptor = stack.descriptor();
    assert_eq!(
        descriptor.signature.to_string(),
        "(bytes: UINT8[batch,4]) -> (whole: INT64[batch,4], total: FP32[batch,1])"
    );
    assert_eq!(descriptor.max_batch_size, Some(8), "the smallest of the steps");
    assert_eq!(&*descriptor.platform, "ensemble");
    assert_eq!(
        stack.to_string(),
        "Ensemble(Transform(halve/1) -> Batcher(model/1) -> Transform(summarise/1))"
    );
}

#[test]
fn symbols_of_different_models_are_not_the_same() {
    let open = |name: &str, symbol: &str| {
        TensorSpec::new(name, DataType::F32, ["batch", symbol].map(|s| Dim::Symbolic(s.into())))
    };
    let first = mock("first", open("x", "length"), open("y", "length"));
    let second = mock("second", open("y", "n"), open("z", "length"));
    let ensemble =
        Ensemble::builder(id("e")).step(Step::new(first)).step(Step::new(second)).build();
    let signature = ensemble.unwrap().descriptor().signature.to_string();
    assert_eq!(signature, "(x: FP32[batch,length]) -> (z: FP32[?,?])");
}

#[test]
fn a_step_that_does_not_fit_names_both_sides() {
    let halve = || Step::new(inline("halve", halve()));
    let takes = |shape: &[Dim], data_type| {
        let input = TensorSpec::new("x", data_type, shape.iter().cloned());
        Step::new(mock("next", input, spec("y", DataType::F32))).map_input("x", "halves")
    };
    let batch = || Dim::Symbolic("batch".into());
    for (step, taken) in [
        (takes(&[batch(), Dim::Fixed(4)], DataType::F64), "`x: FP64[batch,4]`"),
        (takes(&[batch()], DataType::F32), "`x: FP32[batch]`"),
        (takes(&[batch(), Dim::Fixed(5)], DataType::F32), "`x: FP32[batch,5]`"),
    ] {
        assert_eq!(
            refused(vec![halve(), step]),
            format!(
                "invalid ensemble: `halve/1` gives `halves: FP32[batch,4]`, but `next/1` takes it as {taken}"
            )
        );
    }
    // An open size may turn out right.
    let open = takes(&[batch(), Dim::Unknown], DataType::F32);
    Ensemble::builder(id("e")).step(halve()).step(open).build().unwrap();
}

#[test]
fn names_must_lead_somewhere() {
    let halve = || Step::new(inline("halve", halve()));
    let identity = || Step::new(model(&MockSession::identity(4)));
    assert_eq!(refused(vec![]), "invalid ensemble: it has no steps");
    assert_eq!(
        refused(vec![halve(), identity()]),
        "invalid ensemble: `model/1` takes `x` from `x`, which neither the client nor a step before \
         it gives (there are bytes, halves)"
    );
    assert_eq!(
        refused(vec![halve().map_output("half", "x")]),
        "invalid ensemble: `halve/1` has no output `half`, but halves"
    );
    assert_eq!(
        refused(vec![halve().map_input("byte", "x")]),
        "invalid ensemble: `halve/1` has no input `byte`, but bytes"
    );
    assert_eq!(
        refused(vec![
            halve().map_output("halves", "y"),
            identity().map_input("x", "y"),
            Step::new(inline("summarise", summarise())),
        ]),
        "invalid ensemble: `model/1` gives `y`, which `halve/1` gives too: map one of them to \
         another name"
    );
    assert_eq!(
        refused(vec![
            halve(),
            Step::new(mock("m", spec("bytes", DataType::U8), spec("y", DataType::F32)))
        ]),
        "invalid ensemble: nothing that `halve/1` gives is used"
    );
}

#[test]
fn a_transform_must_be_declared_as_it_is() {
    let wrong = Transform::array(
        spec("x", DataType::F32),
        spec("y", DataType::F32),
        |x: ndarray::ArrayViewD<'_, u8>| Ok(x.mapv(f32::from)),
    );
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "invalid transform: `x: FP32[batch,4]` is declared, but the function's type is UINT8"
    );
}
