//! How models are planned for sizes that change.

use mlops_core::{
    inference::InferenceSession,
    signature::Dim,
    tensor::{NamedTensors, Tensor},
    testing::sample_inputs,
};
use mlops_serve::session::tract::{OptimizationLevel, TractOptions, TractSessionFactory};
use ndarray::Array2;

use crate::{digits, path, run};

#[test]
fn a_batch_axis_stays_open_in_one_plan() {
    let digits = TractSessionFactory::from_file(digits(), TractOptions::default());
    let mut session = digits.open_session().unwrap();
    assert!(session.has_symbolic_plan());
    for rows in [1, 7, 64, 2] {
        let inputs = sample_inputs(session.signature(), rows, rows as u64).unwrap();
        let outputs = run(&mut session, &inputs).unwrap();
        assert!(outputs.iter().all(|(_, tensor)| tensor.row_count() == Some(rows)));
    }
}

fn product(rows: usize, inner: usize, columns: usize) -> NamedTensors {
    let ones = |shape| Tensor::from_array(Array2::<f32>::ones(shape));
    let mut inputs = NamedTensors::single("a", ones((rows, inner)));
    inputs.insert("b", ones((inner, columns))).unwrap();
    inputs
}

/// Nothing says that the inner sizes of this product are equal, so that no plan fits all sizes.
#[test]
fn a_model_that_needs_it_gets_a_plan_for_each_shape() {
    let options = TractOptions::default().with_max_plans(2);
    let factory = TractSessionFactory::from_file(path("unnamed.onnx"), options);
    let mut session = factory.open_session().unwrap();
    assert!(!session.has_symbolic_plan());
    for round in 0..3 {
        for (rows, inner, columns) in [(2, 3, 4), (1, 5, 1), (4, 4, 4), (2, 3, 5)] {
            let outputs = run(&mut session, &product(rows, inner, columns)).unwrap();
            let y = outputs.require("y").unwrap();
            let expected = Array2::from_elem((rows, columns), inner as f32).into_dyn();
            assert_eq!(y.view::<f32>().unwrap(), expected, "round {round}");
        }
    }
    let mut inputs = product(2, 3, 4);
    inputs = NamedTensors::single("a", inputs.get("a").unwrap().clone());
    inputs.insert("b", Tensor::from_array(Array2::<f32>::ones((4, 4)))).unwrap();
    let error = run(&mut session, &inputs).unwrap_err();
    assert_eq!(error.code(), "backend", "{}", error.report());
    run(&mut session, &product(2, 3, 4)).unwrap();
}

#[test]
fn a_dimension_override_is_seen_in_the_signature() {
    let options = TractOptions::default().with_dimension_override("length", 3);
    let factory = TractSessionFactory::from_file(path("two_inputs.onnx"), options);
    let session = factory.open_session().unwrap();
    let shape = &session.signature().inputs[0].shape;
    assert_eq!(shape[..], [Dim::Symbolic("batch".into()), Dim::Fixed(3)]);
    assert_eq!(session.signature().outputs[1].shape[1], Dim::Fixed(3));
}

#[test]
fn options_are_read_from_json_and_misspelt_ones_refused() {
    let options: TractOptions = serde_json::from_str(r#"{"optimization":"none"}"#).unwrap();
    assert_eq!(options.optimization, OptimizationLevel::None);
    assert_eq!(options.max_plans, TractOptions::default().max_plans);
    assert!(serde_json::from_str::<TractOptions>(r#"{"threads":3}"#).is_err());
}
