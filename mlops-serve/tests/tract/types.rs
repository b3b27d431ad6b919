//! Element types, shapes and sources.

use std::{sync::Arc, thread};

use bytes::Bytes;
use mlops_core::{
    inference::InferenceSession,
    model::{FileRole, PackageBuilder},
    signature::Dim,
    tensor::{DataType, Tensor},
};
use mlops_serve::session::tract::{TractOptions, TractSessionFactory};
use ndarray::{Array2, arr0, array};

use crate::{open, path, run, single};

fn computed() -> impl Iterator<Item = DataType> {
    let unsupported = [DataType::Bf16, DataType::Bytes];
    DataType::ALL.into_iter().filter(move |data_type| !unsupported.contains(data_type))
}

fn identity(data_type: DataType, rows: usize, bits: &[u64]) {
    let size = data_type.size_bytes().unwrap();
    let mut bytes = vec![0; 1];
    for bits in (0..rows).flat_map(|_| bits) {
        let bits = if data_type == DataType::Bool { bits % 2 } else { *bits };
        bytes.extend_from_slice(&bits.to_le_bytes()[..size]);
    }
    // Off by one: misaligned for every type of more than one byte.
    let bytes = Bytes::from(bytes).slice(1..);
    let tensor = Tensor::from_bytes(data_type, &[rows, bits.len()], bytes).unwrap();
    let mut session = open(&format!("identity_{}", data_type.name().to_lowercase()));
    let outputs = run(&mut session, &single("x", tensor.clone())).unwrap();
    assert_eq!(outputs.require("y").unwrap(), &tensor, "{data_type}");
}

#[test]
fn every_type_passes_unchanged_at_any_alignment() {
    let bits = [0, 1, 2, u64::MAX, 0x7ff8_0000_0000_0001, 0x0080_ff00_1234_5678];
    for data_type in computed() {
        identity(data_type, 3, &bits);
    }
}

#[test]
fn empty_tensors_pass() {
    for data_type in computed() {
        identity(data_type, 0, &[1, 2]);
        identity(data_type, 2, &[]);
    }
}

#[test]
fn scalars_pass() {
    let outputs = run(&mut open("scalar"), &single("x", Tensor::from_array(arr0(2.5_f32))));
    let outputs = outputs.unwrap();
    assert_eq!(outputs.require("y").unwrap().view::<f32>().unwrap(), arr0(5.0).into_dyn());
}

#[test]
fn outputs_outlive_the_session_on_other_threads() {
    let mut session = open("row_sum");
    let x = Tensor::from_array(array![[1.0_f32, 2.0, 3.0]]);
    let outputs = run(&mut session, &single("x", x)).unwrap();
    drop(session);
    let sum = thread::spawn(move || outputs.require("y").unwrap().as_slice::<f32>().unwrap()[0]);
    assert_eq!(sum.join().unwrap(), 6.0);
}

#[test]
fn signatures_keep_the_names_of_tensors_and_symbols() {
    let signature = |name: &str| open(name).signature().to_string();
    assert_eq!(
        signature("two_inputs"),
        "(a: FP32[batch,length], b: FP32[batch,length]) -> (sum: FP32[batch,length], less: BOOL[batch,length])"
    );
    assert_eq!(signature("scalar"), "(x: FP32[]) -> (y: FP32[])");
    assert_eq!(signature("fixed"), "(x: FP32[2,3]) -> (y: FP32[2,3])");
    assert_eq!(open("unnamed").signature().inputs[0].shape, [Dim::Unknown, Dim::Unknown]);
}

#[test]
fn file_memory_and_package_are_the_same_model() {
    let (model, weights) = (path("external.onnx"), path("external.weights"));
    let file = TractSessionFactory::from_file(&model, TractOptions::default());
    let memory = TractSessionFactory::from_bytes(
        std::fs::read(&model).unwrap().into(),
        vec![("external.weights".into(), std::fs::read(&weights).unwrap().into())],
        TractOptions::default(),
    );
    let directory = tempfile::tempdir().unwrap();
    let signature = file.open_session().unwrap().signature().as_ref().clone();
    let package = PackageBuilder::new(signature)
        .file(FileRole::Model, "model.onnx".parse().unwrap(), &model)
        .file(FileRole::ExternalData, "external.weights".parse().unwrap(), &weights)
        .build(directory.path().join("package"))
        .unwrap();
    let package = TractSessionFactory::from_package(&package, TractOptions::default());
    let x = single("x", Tensor::from_array(array![[1.0_f32, 10.0, 100.0]]));
    for factory in [file, memory, package] {
        let outputs = run(&mut factory.open_session().unwrap(), &x).unwrap();
        // x · arange(12).reshape(3, 4), by numpy.
        let y = outputs.require("y").unwrap().as_slice::<f32>().unwrap().to_vec();
        assert_eq!(y, [840.0, 951.0, 1062.0, 1173.0], "{factory:?}");
    }
}

#[test]
fn sessions_of_a_factory_share_the_model_and_run_side_by_side() {
    let factory = Arc::new(crate::factory("row_sum"));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let factory = Arc::clone(&factory);
            thread::spawn(move || {
                let mut session = factory.open_session().unwrap();
                let signature = Arc::clone(session.signature());
                let x = Tensor::from_array(Array2::from_elem((2, 3), n as f32));
                for _ in 0..50 {
                    let outputs = run(&mut session, &single("x", x.clone())).unwrap();
                    let y = outputs.require("y").unwrap();
                    assert_eq!(y.as_slice::<f32>().unwrap(), [3.0 * n as f32; 2]);
                }
                (session, signature)
            })
        })
        .collect();
    let opened: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(opened.iter().all(|(_, signature)| Arc::ptr_eq(signature, &opened[0].1)));
}
