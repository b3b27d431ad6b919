//! `tract` and ONNX Runtime give the same answers.

use mlops_core::{
    inference::{InferenceSession, RunOptions, SessionFactory},
    tensor::{NamedTensors, Tensor},
    testing::{approx_eq, sample_inputs},
};
use mlops_serve::session::{
    onnxruntime::{OnnxSessionFactory, SessionOptions},
    tract::{TractOptions, TractSessionFactory},
};
use ndarray::Array2;

use crate::{MODELS, digits, factory, fixture};

fn compare(
    ours: &dyn SessionFactory,
    theirs: &dyn SessionFactory,
    inputs: &[NamedTensors],
    what: &str,
) {
    let (mut ours, mut theirs) = (ours.open().unwrap(), theirs.open().unwrap());
    assert_eq!(ours.signature(), theirs.signature(), "{what}");
    for inputs in inputs {
        let options = RunOptions::default();
        let (ours, theirs) = (ours.run(inputs, &options), theirs.run(inputs, &options));
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert!(approx_eq(&ours, &theirs, 1e-5), "{what}");
    }
}

#[test]
fn on_every_small_model() {
    for name in MODELS {
        let theirs = fixture::factory(&format!("{name}.onnx"));
        let signature = theirs.open().unwrap().signature().as_ref().clone();
        let inputs: Vec<_> = [1, 2, 3]
            .into_iter()
            // The sizes inside of its product must agree, which its signature does not say.
            .filter(|rows| name != "unnamed" || *rows == 2)
            .map(|rows| sample_inputs(&signature, rows, rows as u64).unwrap())
            .collect();
        compare(&factory(name), &theirs, &inputs, name);
    }
}

#[test]
fn on_the_digits() {
    let ours = TractSessionFactory::from_file(digits(), TractOptions::default());
    let options = SessionOptions::default();
    let theirs = OnnxSessionFactory::from_file(&fixture::runtime(), digits(), options);
    let pixels = std::fs::read_to_string(digits().with_file_name("../../../test.csv")).unwrap();
    let images: Vec<f32> = pixels
        .lines()
        .skip(1)
        .flat_map(|line| line.split(',').take(64).map(|pixel| pixel.parse::<f32>().unwrap()))
        .collect();
    let images = Array2::from_shape_vec((images.len() / 64, 64), images).unwrap();
    assert_eq!(images.nrows(), 360);
    let inputs = NamedTensors::single("input", Tensor::from_array(images));
    compare(&ours, &theirs, &[inputs], "digits");
}
