//! What `tract` cannot load or run is refused by name, and nothing panics.

use bytes::Bytes;
use mlops_core::{
    Error,
    inference::{InferenceSession, SessionFactory},
    signature::{Dim, ModelSignature},
    tensor::{NamedTensors, Tensor},
    testing::sample_inputs,
};
use mlops_serve::session::tract::{TractOptions, TractSessionFactory};
use ndarray::{Array2, ArrayD, IxDyn, array};

use crate::{factory, open, path, run, single};

#[test]
fn files_that_are_no_models_are_refused_with_their_name() {
    for (file, code) in [
        ("missing.onnx", "not_found"),
        ("empty.onnx", "corrupt"),
        ("text.onnx", "corrupt"),
        ("truncated.onnx", "corrupt"),
        ("", "invalid_argument"),
    ] {
        let factory = TractSessionFactory::from_file(path(file), TractOptions::default());
        let error = factory.open().unwrap_err();
        assert_eq!(error.code(), code, "{file}: {}", error.report());
        assert!(error.report().contains(file), "{file}: {}", error.report());
    }
    for bytes in [Bytes::new(), Bytes::from_static(b"this is not a model")] {
        let factory = TractSessionFactory::from_bytes(bytes, vec![], TractOptions::default());
        assert_eq!(factory.open().unwrap_err().code(), "corrupt");
    }
}

#[test]
fn every_prefix_of_a_model_is_refused_or_loaded() {
    let whole: Bytes = std::fs::read(path("two_inputs.onnx")).unwrap().into();
    for length in 0..whole.len() {
        let part = whole.slice(..length);
        let factory = TractSessionFactory::from_bytes(part, vec![], TractOptions::default());
        drop(factory.open());
    }
}

#[test]
fn a_model_with_a_wrong_byte_is_refused_or_runs() {
    for name in ["row_sum.onnx", "two_inputs.onnx", "scalar.onnx"] {
        let good = std::fs::read(path(name)).unwrap();
        for (index, flip) in
            (0..good.len()).flat_map(|index| [(index, 1), (index, 0x55), (index, 0x80)])
        {
            let mut model = good.clone();
            model[index] ^= flip;
            let factory =
                TractSessionFactory::from_bytes(model.into(), vec![], TractOptions::default());
            if let Ok(mut session) = factory.open_session()
                && let Ok(inputs) = small_inputs(session.signature())
            {
                drop(run(&mut session, &inputs));
            }
        }
    }
}

/// Inputs of a few elements; an error if the signature asks for more.
fn small_inputs(signature: &ModelSignature) -> mlops_core::Result<NamedTensors> {
    let is_small = |dim: &Dim| !matches!(dim, Dim::Fixed(size) if *size > 100);
    if signature.inputs.iter().flat_map(|spec| &spec.shape).all(is_small) {
        return sample_inputs(signature, 2, 1);
    }
    Err(Error::invalid("size", "too large for a test"))
}

#[test]
fn what_tract_does_not_have_is_named() {
    for (name, culprit) in [
        ("unknown_operator", "NoSuchOperator"),
        ("identity_bytes", "`x`"),
        ("identity_bf16", "`x`"),
        ("loop", "Loop"),
        ("float8", "`y`"),
        ("sequence", "`y`"),
    ] {
        let error = factory(name).open().unwrap_err();
        assert_eq!(error.code(), "unsupported", "{name}: {}", error.report());
        assert!(error.report().contains(culprit), "{name}: {}", error.report());
    }
    for name in ["allocate", "positive_rows"] {
        let error = factory(name).open().unwrap_err();
        assert_eq!(error.code(), "backend", "{name}: {}", error.report());
        assert!(error.report().contains(name), "{}", error.report());
    }
}

#[test]
fn missing_external_data_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("external.onnx");
    std::fs::copy(path("external.onnx"), &copy).unwrap();
    let file = TractSessionFactory::from_file(&copy, TractOptions::default());
    let model: Bytes = std::fs::read(&copy).unwrap().into();
    let memory = |data: &[u8]| {
        let external = vec![("external.weights".into(), data.into())];
        TractSessionFactory::from_bytes(model.clone(), external, TractOptions::default())
    };
    let none = TractSessionFactory::from_bytes(model.clone(), vec![], TractOptions::default());
    assert_eq!(none.open().unwrap_err().code(), "not_found");
    assert_eq!(memory(&[0; 4]).open().unwrap_err().code(), "corrupt");
    for factory in [file, none] {
        let error = factory.open().unwrap_err();
        assert!(error.report().contains("external.weights"), "{}", error.report());
    }
}

#[test]
fn wrong_inputs_name_the_tensor() {
    let mut session = open("row_sum");
    let f32s = |shape: &[usize]| Tensor::from_array(ArrayD::<f32>::zeros(IxDyn(shape)));
    for (inputs, message) in [
        (NamedTensors::new(), "tensor `x`: expected FP32[batch,3], got nothing"),
        (single("y", f32s(&[1, 3])), "tensor `y`: expected only x, got an unknown name"),
        (single("x", f32s(&[1, 4])), "tensor `x`: expected FP32[batch,3], got FP32[1,4]"),
        (
            single("x", Tensor::from_array(Array2::<f64>::zeros((1, 3)))),
            "tensor `x`: expected FP32[batch,3], got FP64[1,3]",
        ),
    ] {
        let error = run(&mut session, &inputs).unwrap_err();
        assert!(matches!(error, Error::InvalidTensor { .. }), "{error}");
        assert_eq!(error.to_string(), message);
    }
    let x = Tensor::from_array(array![[1.0_f32, 2.0, 3.0]]);
    let outputs = run(&mut session, &single("x", x)).unwrap();
    assert_eq!(outputs.require("y").unwrap().as_slice::<f32>().unwrap(), [6.0]);
}
