//! Sessions of real models in the real ONNX Runtime.
#![cfg(feature = "onnxruntime")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use std::{sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mlops_core::{
    Error,
    inference::{Affinity, CancelHandle, InferenceSession, RunOptions, SessionFactory},
    model::{FileRole, PackageBuilder},
    signature::Dim,
    tensor::{DataType, NamedTensors, Tensor},
    testing::{Build, sample_inputs, session},
};
use mlops_serve::session::onnxruntime::{
    CpuProvider, CudaProvider, ExecutionProvider, OnnxSessionFactory, OptimizationLevel,
    SessionOptions, TensorRtProvider,
};
use ndarray::{Array1, Array2, ArrayD, IxDyn, arr0, array};
use proptest::prelude::*;

fn run(
    session: &mut dyn InferenceSession,
    inputs: &NamedTensors,
) -> mlops_core::Result<NamedTensors> {
    session.run(inputs, &RunOptions::default())
}

fn single(name: &str, tensor: Tensor) -> NamedTensors {
    NamedTensors::single(name, tensor)
}

// ---- conformance

struct Model(&'static str);

#[async_trait]
impl Build<session::Subject> for Model {
    type Guard = ();

    async fn build(&self) -> (session::Subject, ()) {
        let session = fixture::factory(self.0).open().unwrap();
        let samples =
            (0..2).map(|seed| sample_inputs(session.signature(), 3, seed).unwrap()).collect();
        (session::Subject { session, samples, tolerance: 1e-6 }, ())
    }
}

#[tokio::test]
async fn real_models_conform() {
    for name in ["two_inputs", "row_sum", "identity_bytes", "identity_bf16", "fixed", "external"] {
        let file: &'static str = Box::leak(format!("{name}.onnx").into_boxed_str());
        let report = session::test_all(&Model(file)).await;
        assert!(report.failed.is_empty(), "{name}:\n{report}");
    }
}

/// The suite must find a model whose rows are not independent: this one divides by the batch's sum.
#[tokio::test]
async fn a_model_that_mixes_rows_is_found() {
    let report = session::test_all(&Model("mixed_rows.onnx")).await;
    assert_eq!(report.broken_lines(), [9], "{report}");
}

// ---- signatures

#[test]
fn signatures_are_as_declared() {
    let signature = |name: &str| fixture::factory(name).open().unwrap().signature().to_string();
    assert_eq!(
        signature("two_inputs.onnx"),
        "(a: FP32[batch,length], b: FP32[batch,length]) -> (sum: FP32[batch,length], less: BOOL[batch,length])"
    );
    assert_eq!(signature("scalar.onnx"), "(x: FP32[]) -> (y: FP32[])");
    assert_eq!(signature("fixed.onnx"), "(x: FP32[2,3]) -> (y: FP32[2,3])");
}

#[test]
fn unnamed_dimensions_are_unknown_not_equal() {
    let mut session = fixture::factory("unnamed.onnx").open().unwrap();
    assert_eq!(session.signature().inputs[0].shape, [Dim::Unknown, Dim::Unknown]);
    let mut inputs = single("a", Tensor::from_array(Array2::<f32>::ones((2, 3))));
    inputs.insert("b", Tensor::from_array(Array2::<f32>::ones((3, 4)))).unwrap();
    let outputs = run(&mut *session, &inputs).unwrap();
    assert_eq!(
        outputs.require("y").unwrap().view::<f32>().unwrap(),
        Array2::from_elem((2, 4), 3.0).into_dyn()
    );
}

#[test]
fn a_dimension_override_is_seen_in_the_signature() {
    let options = SessionOptions::default().with_dimension_override("length", 3);
    let factory = OnnxSessionFactory::from_file(
        &fixture::runtime(),
        fixture::model("two_inputs.onnx"),
        options,
    );
    let session = factory.open().unwrap();
    assert_eq!(session.signature().inputs[0].shape[1], Dim::Fixed(3));
}

// ---- types

/// Sends elements of every type through an identity, at every alignment of their bytes.
fn identity(data_type: DataType, rows: usize, bits: &[u64]) {
    let name = format!("identity_{}.onnx", data_type.name().to_lowercase());
    let mut session = fixture::factory(&name).open().unwrap();
    let columns = bits.len();
    let tensor = match data_type.size_bytes() {
        None => {
            let strings = (0..rows)
                .flat_map(|_| bits)
                .map(|bits| Bytes::from(bits.to_le_bytes()[..(*bits % 9) as usize].to_vec()))
                .collect();
            Tensor::from_strings(&[rows, columns], strings).unwrap()
        }
        Some(size) => {
            let mut bytes = vec![0; 1];
            for bits in (0..rows).flat_map(|_| bits) {
                let bits = if data_type == DataType::Bool { bits % 2 } else { *bits };
                bytes.extend_from_slice(&bits.to_le_bytes()[..size]);
            }
            // Off by one: misaligned for every type of more than one byte.
            let bytes = Bytes::from(bytes).slice(1..);
            Tensor::from_bytes(data_type, &[rows, columns], bytes).unwrap()
        }
    };
    let outputs = run(&mut *session, &single("x", tensor.clone())).unwrap();
    assert_eq!(outputs.require("y").unwrap(), &tensor, "{data_type}");
}

#[test]
fn every_type_passes_unchanged_at_any_alignment() {
    let bits = [0, 1, 2, u64::MAX, 0x7ff8_0000_0000_0001, 0x0080_ff00_1234_5678];
    for data_type in DataType::ALL {
        identity(data_type, 3, &bits);
    }
}

#[test]
fn empty_tensors_pass() {
    for data_type in DataType::ALL {
        identity(data_type, 0, &[1, 2]);
        identity(data_type, 2, &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn strings_of_any_bytes_pass_unchanged(strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8)) {
        let strings: Vec<Bytes> = strings.into_iter().map(Bytes::from).collect();
        let tensor = Tensor::from_strings(&[1, strings.len()], strings).unwrap();
        let mut session = fixture::factory("identity_bytes.onnx").open().unwrap();
        let outputs = run(&mut *session, &single("x", tensor.clone())).unwrap();
        prop_assert_eq!(outputs.require("y").unwrap(), &tensor);
    }
}

#[test]
fn strings_with_nul_pass_unchanged() {
    let strings = ["", "\0", "a\0b", "\0\0", "ende\0"].map(Bytes::from).to_vec();
    let tensor = Tensor::from_strings(&[5, 1], strings).unwrap();
    let mut session = fixture::factory("identity_bytes.onnx").open().unwrap();
    let outputs = run(&mut *session, &single("x", tensor.clone())).unwrap();
    assert_eq!(outputs.require("y").unwrap(), &tensor);
}

#[test]
fn scalars_pass() {
    let mut session = fixture::factory("scalar.onnx").open().unwrap();
    let outputs = run(&mut *session, &single("x", Tensor::from_array(arr0(2.5_f32)))).unwrap();
    assert_eq!(outputs.require("y").unwrap().view::<f32>().unwrap(), arr0(5.0).into_dyn());
}

#[test]
fn outputs_are_not_copied_and_outlive_the_session() {
    let mut session = fixture::factory("identity_fp32.onnx").open().unwrap();
    let x = Tensor::from_array(Array2::from_elem((4, 4), 1.5_f32));
    let outputs = run(&mut *session, &single("x", x.clone())).unwrap();
    let y = outputs.require("y").unwrap().clone();
    let address = y.bytes().unwrap().as_ptr();
    drop((session, outputs));
    let elsewhere = thread::spawn(move || (y.bytes().unwrap().as_ptr().addr(), y));
    let (seen, y) = elsewhere.join().unwrap();
    assert_eq!(seen, address.addr());
    assert_eq!(y, x);
}

// ---- bad input

#[test]
fn wrong_inputs_name_the_tensor_and_reach_no_session() {
    let mut session = fixture::factory("row_sum.onnx").open().unwrap();
    let f32s = |shape: &[usize]| Tensor::from_array(ArrayD::<f32>::zeros(IxDyn(shape)));
    for (inputs, message) in [
        (NamedTensors::new(), "tensor `x`: expected FP32[batch,3], got nothing"),
        (single("y", f32s(&[1, 3])), "tensor `y`: expected only x, got an unknown name"),
        (single("x", f32s(&[1, 4])), "tensor `x`: expected FP32[batch,3], got FP32[1,4]"),
        (single("x", f32s(&[3])), "tensor `x`: expected FP32[batch,3], got FP32[3]"),
        (
            single("x", Tensor::from_array(Array2::<f64>::zeros((1, 3)))),
            "tensor `x`: expected FP32[batch,3], got FP64[1,3]",
        ),
    ] {
        let error = run(&mut *session, &inputs).unwrap_err();
        assert!(matches!(error, Error::InvalidTensor { .. }), "{error}");
        assert_eq!(error.to_string(), message);
    }
    let x = Tensor::from_array(array![[1.0_f32, 2.0, 3.0]]);
    let outputs = run(&mut *session, &single("x", x)).unwrap();
    assert_eq!(outputs.require("y").unwrap().as_slice::<f32>().unwrap(), [6.0]);
}

#[test]
fn symbols_must_agree() {
    let mut session = fixture::factory("two_inputs.onnx").open().unwrap();
    let mut inputs = single("a", Tensor::from_array(Array2::<f32>::zeros((2, 3))));
    inputs.insert("b", Tensor::from_array(Array2::<f32>::zeros((2, 4)))).unwrap();
    let error = run(&mut *session, &inputs).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor `b`: expected FP32[batch,length] with length = 3 as in `a`, got FP32[2,4]"
    );
}

#[test]
fn files_that_are_no_models_are_refused_with_their_name() {
    for (file, expected) in [
        ("missing.onnx", "not_found"),
        ("empty.onnx", "corrupt"),
        ("text.onnx", "corrupt"),
        ("truncated.onnx", "corrupt"),
        ("", "invalid_argument"),
    ] {
        let error = fixture::factory(file).open().unwrap_err();
        assert_eq!(error.code(), expected, "{file}: {}", error.report());
        assert!(error.report().contains(file), "{file}: {}", error.report());
    }
    let error = fixture::factory("unknown_operator.onnx").open().unwrap_err();
    assert!(error.report().contains("NoSuchOperator"), "{}", error.report());
    for (file, tensor) in [("float8.onnx", "`y`"), ("sequence.onnx", "`y`")] {
        let error = fixture::factory(file).open().unwrap_err();
        assert_eq!(error.code(), "unsupported", "{file}: {}", error.report());
        assert!(error.report().contains(tensor), "{file}: {}", error.report());
    }
    for bytes in [Bytes::new(), Bytes::from_static(b"this is not a model")] {
        let factory = OnnxSessionFactory::from_bytes(
            &fixture::runtime(),
            bytes,
            vec![],
            SessionOptions::default(),
        );
        assert_eq!(factory.open().unwrap_err().code(), "corrupt");
    }
}

#[test]
fn missing_external_data_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("external.onnx");
    std::fs::copy(fixture::model("external.onnx"), &path).unwrap();
    let factory =
        OnnxSessionFactory::from_file(&fixture::runtime(), &path, SessionOptions::default());
    let error = factory.open().unwrap_err();
    assert!(error.report().contains("external.weights"), "{}", error.report());
}

#[test]
fn a_run_out_of_memory_is_said_and_survived() {
    let mut session = fixture::factory("allocate.onnx").open().unwrap();
    let ask = |count: i64| single("x", Tensor::from_array(Array1::from_elem(1, count)));
    let error = run(&mut *session, &ask(1 << 50)).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { what: "onnxruntime" }), "{}", error.report());
    let outputs = run(&mut *session, &ask(7)).unwrap();
    assert_eq!(outputs.require("y").unwrap().shape(), [7]);
}

// ---- providers

#[test]
fn a_provider_that_is_not_there_fails_loudly() {
    let open = |provider: ExecutionProvider| {
        let options = SessionOptions::default().with_providers(vec![provider]);
        OnnxSessionFactory::from_file(&fixture::runtime(), fixture::model("row_sum.onnx"), options)
            .open_session()
    };
    for (provider, word) in [
        (ExecutionProvider::Cuda(CudaProvider::default()), "CUDA"),
        (ExecutionProvider::TensorRt(TensorRtProvider::default()), "ensor"),
    ] {
        let error = open(provider).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{}", error.report());
        assert!(error.report().contains(word), "{}", error.report());
    }
    let session = open(ExecutionProvider::Cpu(CpuProvider { arena: false })).unwrap();
    assert_eq!(session.providers(), ["CPUExecutionProvider"]);
    assert_eq!(session.affinity(), Affinity::AnyThread);
}

// ---- options and sources

#[test]
fn every_option_gives_the_same_answers() {
    let all = {
        let mut options = SessionOptions::default()
            .with_intra_threads(2)
            .with_inter_threads(2)
            .with_optimization(OptimizationLevel::None);
        options.spinning = true;
        options.memory_pattern = true;
        options.shrink_after_run = true;
        options
    };
    let x = || single("x", Tensor::from_array(array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    for options in [SessionOptions::default(), all] {
        let mut session = OnnxSessionFactory::from_file(
            &fixture::runtime(),
            fixture::model("row_sum.onnx"),
            options,
        )
        .open()
        .unwrap();
        for _ in 0..3 {
            let outputs = run(&mut *session, &x()).unwrap();
            assert_eq!(outputs.require("y").unwrap().as_slice::<f32>().unwrap(), [6.0, 15.0]);
        }
    }
}

#[test]
fn options_are_read_from_json_and_misspelt_ones_refused() {
    let options: SessionOptions =
        serde_json::from_str(r#"{"intra_threads":3,"optimization":"basic"}"#).unwrap();
    assert_eq!((options.intra_threads, options.optimization), (3, OptimizationLevel::Basic));
    assert_eq!(options.inter_threads, SessionOptions::default().inter_threads);
    assert!(serde_json::from_str::<SessionOptions>(r#"{"threads":3}"#).is_err());
}

#[test]
fn a_profile_is_written_when_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let options = SessionOptions::default().with_profile(directory.path().join("profile"));
    let factory =
        OnnxSessionFactory::from_file(&fixture::runtime(), fixture::model("row_sum.onnx"), options);
    let mut session = factory.open_session().unwrap();
    let x = Tensor::from_array(array![[1.0_f32, 2.0, 3.0]]);
    run(&mut session, &single("x", x)).unwrap();
    let file = session.end_profiling().unwrap();
    assert!(file.starts_with(directory.path()), "{}", file.display());
    let profile: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(!profile.as_array().unwrap().is_empty());
}

#[test]
fn file_memory_and_package_are_the_same_model() {
    let runtime = fixture::runtime();
    let (model, weights) = (fixture::model("external.onnx"), fixture::model("external.weights"));
    let memory = OnnxSessionFactory::from_bytes(
        &runtime,
        std::fs::read(&model).unwrap().into(),
        vec![("external.weights".into(), std::fs::read(&weights).unwrap().into())],
        SessionOptions::default(),
    );
    let file = fixture::factory("external.onnx");
    let directory = tempfile::tempdir().unwrap();
    let package = PackageBuilder::new(file.open().unwrap().signature().as_ref().clone())
        .file(FileRole::Model, "model.onnx".parse().unwrap(), &model)
        .file(FileRole::ExternalData, "external.weights".parse().unwrap(), &weights)
        .build(directory.path().join("package"))
        .unwrap();
    let package =
        OnnxSessionFactory::from_package(&runtime, &package, SessionOptions::default()).unwrap();
    let x = single("x", Tensor::from_array(array![[1.0_f32, 10.0, 100.0]]));
    for factory in [file, memory, package] {
        let mut session = factory.open().unwrap();
        let outputs = run(&mut *session, &x).unwrap();
        // x · arange(12).reshape(3, 4), by numpy.
        let y = outputs.require("y").unwrap().as_slice::<f32>().unwrap().to_vec();
        assert_eq!(y, [840.0, 951.0, 1062.0, 1173.0], "{factory:?}");
    }
}

// ---- cancellation

#[test]
fn a_running_session_is_cancelled_from_another_thread() {
    let mut session = fixture::factory("loop.onnx").open().unwrap();
    let inputs = |n: i64| {
        let mut inputs = single("n", Tensor::from_array(arr0(n)));
        inputs.insert("x", Tensor::from_array(array![0.0_f32])).unwrap();
        inputs
    };
    let outputs = run(&mut *session, &inputs(1000)).unwrap();
    assert_eq!(outputs.require("y").unwrap().as_slice::<f32>().unwrap(), [1000.0]);

    // Without the cancellation this would take years.
    let cancel = CancelHandle::new();
    let remote = cancel.clone();
    let canceller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        remote.cancel();
    });
    for requested in [None, Some(vec![Arc::from("y")])] {
        let mut options = RunOptions::default().with_cancel(cancel.clone());
        options.requested_outputs = requested;
        let error = session.run(&inputs(i64::MAX), &options).unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{}", error.report());
    }
    canceller.join().unwrap();
    run(&mut *session, &inputs(10)).unwrap();
}
