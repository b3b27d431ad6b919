//! Several sessions of one model: the weights they share, the cores their threads stay on.
#![cfg(feature = "onnxruntime")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use std::{fs, thread};

use async_trait::async_trait;
use mlops_core::{
    Error,
    inference::{InferenceSession, RunOptions, SessionFactory},
    model::ModelId,
    tensor::{NamedTensors, Tensor},
    testing::{Build, sample_inputs, session},
};
use mlops_serve::batch::{Batcher, BatcherOptions, Placement};
use mlops_serve::session::onnxruntime::{
    CpuProvider, CudaProvider, ExecutionProvider, OnnxSessionFactory, SessionOptions,
};
use ndarray::Array2;

fn sharing(file: &str) -> OnnxSessionFactory {
    let options = SessionOptions::default().with_shared_weights();
    OnnxSessionFactory::from_file(&fixture::runtime(), fixture::model(file), options)
}

/// Runs `dense.onnx` on rows of `value` and compares with the sums done here.
fn check_dense(session: &mut dyn InferenceSession, rows: usize, value: f32) {
    let x = Tensor::from_array(Array2::from_elem((rows, 32), value));
    let outputs = session.run(&NamedTensors::single("x", x), &RunOptions::default()).unwrap();
    let y = outputs.require("y").unwrap().as_slice::<f32>().unwrap().to_vec();
    let expected = |column: usize| {
        let weight = |row: usize| ((row * 64 + column) % 7) as f32 - 3.0;
        (0..32).map(weight).sum::<f32>() * value + column as f32
    };
    let row: Vec<f32> = (0..64).map(expected).collect();
    assert_eq!(y, row.repeat(rows));
}

struct Sharing(&'static str);

#[async_trait]
impl Build<session::Subject> for Sharing {
    type Guard = Box<dyn InferenceSession>;

    /// The subject shares the weights of the guard.
    async fn build(&self) -> (session::Subject, Self::Guard) {
        let factory = sharing(self.0);
        let (session, other) = (factory.open().unwrap(), factory.open().unwrap());
        let samples =
            (0..2).map(|seed| sample_inputs(session.signature(), 3, seed).unwrap()).collect();
        (session::Subject { session, samples, tolerance: 1e-6 }, other)
    }
}

#[tokio::test]
async fn sessions_that_share_weights_conform() {
    for file in ["dense.onnx", "external.onnx", "two_inputs.onnx", "identity_bytes.onnx"] {
        let report = session::test_all(&Sharing(file)).await;
        assert!(report.failed.is_empty(), "{file}:\n{report}");
    }
}

#[test]
fn sessions_that_share_weights_come_and_go_in_any_order() {
    let factory = sharing("dense.onnx");
    let mut sessions: Vec<_> = (0..4).map(|_| factory.open().unwrap()).collect();
    for dropped in [0, 2, 0] {
        drop(sessions.remove(dropped));
        sessions.iter_mut().for_each(|session| check_dense(&mut **session, 3, 2.0));
        sessions.push(factory.open().unwrap());
    }
    // They outlive the factory, and the last of them stands by itself.
    drop(factory);
    while let Some(mut last) = sessions.pop() {
        check_dense(&mut *last, 1, -1.0);
    }
}

#[test]
fn sessions_are_opened_anew_while_others_run() {
    let factory = sharing("dense.onnx");
    thread::scope(|scope| {
        for instance in 0..4 {
            let factory = &factory;
            scope.spawn(move || {
                for round in 0..20 {
                    let mut session = factory.open().unwrap();
                    for rows in 1..6 {
                        check_dense(&mut *session, rows, (instance + round) as f32);
                    }
                }
            });
        }
    });
}

/// The weights in use are those of other bytes: nobody mixes them.
#[test]
fn a_file_that_changes_brings_its_own_weights() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.onnx");
    let original = fs::read(fixture::model("dense.onnx")).unwrap();
    fs::write(&path, &original).unwrap();
    let options = SessionOptions::default().with_shared_weights();
    let factory = OnnxSessionFactory::from_file(&fixture::runtime(), &path, options);
    let mut before = factory.open().unwrap();
    // Each weight of 3 becomes 4.
    let (three, four) = (3.0_f32.to_le_bytes(), 4.0_f32.to_le_bytes());
    let start = original.windows(4).position(|bytes| bytes == (-3.0_f32).to_le_bytes()).unwrap();
    let mut changed = original.clone();
    for weight in changed[start..start + 32 * 64 * 4].chunks_exact_mut(4) {
        if weight == three {
            weight.copy_from_slice(&four);
        }
    }
    assert_ne!(changed, original);
    fs::write(&path, &changed).unwrap();
    let mut after = factory.open().unwrap();
    check_dense(&mut *before, 2, 1.0);
    let y = |session: &mut dyn InferenceSession| {
        let x = Tensor::from_array(Array2::from_elem((1, 32), 1.0_f32));
        let outputs = session.run(&NamedTensors::single("x", x), &RunOptions::default()).unwrap();
        outputs.require("y").unwrap().as_slice::<f32>().unwrap().to_vec()
    };
    let (before, after) = (y(&mut *before), y(&mut *after));
    for (column, (before, after)) in before.iter().zip(&after).enumerate() {
        let threes = (0..32).filter(|row| (row * 64 + column) % 7 == 6).count();
        assert_eq!(after - before, threes as f32, "column {column}");
    }
}

#[test]
fn weights_are_shared_on_the_cpu_alone() {
    let options = SessionOptions::default().with_shared_weights().with_providers(vec![
        ExecutionProvider::Cuda(CudaProvider::default()),
        ExecutionProvider::Cpu(CpuProvider::default()),
    ]);
    let factory =
        OnnxSessionFactory::from_file(&fixture::runtime(), fixture::model("dense.onnx"), options);
    let error = factory.open().unwrap_err();
    assert!(
        matches!(&error, Error::InvalidArgument { what, .. } if *what == "session options"),
        "{error}"
    );
}

#[test]
fn files_that_are_no_models_are_refused_with_shared_weights_too() {
    for file in ["text.onnx", "truncated.onnx", "empty.onnx"] {
        let error = sharing(file).open().unwrap_err();
        assert!(matches!(&error, Error::Corrupt { .. }), "{file}: {error}");
        assert!(error.to_string().contains(file), "{error}");
    }
    assert!(sharing("nowhere.onnx").open().unwrap_err().is_not_found());
}

#[test]
fn a_weight_that_is_not_as_large_as_it_says_is_refused() {
    let mut model = fs::read(fixture::model("dense.onnx")).unwrap();
    // The dimensions 32 and 64, each behind its tag.
    let dims = model.windows(4).position(|bytes| bytes == [0x08, 32, 0x08, 64]).unwrap();
    model[dims + 1] = 33;
    let options = SessionOptions::default().with_shared_weights();
    let factory =
        OnnxSessionFactory::from_bytes(&fixture::runtime(), model.into(), Vec::new(), options);
    let error = factory.open().unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("weights"), "{error}");
}

// ---- memory

#[test]
fn memory_is_told_from_the_files() {
    let size = |file: &str| fs::metadata(fixture::model(file)).unwrap().len();
    let dense = size("dense.onnx");
    assert_eq!(fixture::factory("dense.onnx").memory_bytes(3).unwrap(), 3 * dense);
    assert_eq!(sharing("dense.onnx").memory_bytes(3).unwrap(), 2 * dense);
    let external = size("external.onnx") + size("external.weights");
    assert_eq!(fixture::factory("external.onnx").memory_bytes(1).unwrap(), external);
    let memory = OnnxSessionFactory::from_bytes(
        &fixture::runtime(),
        fs::read(fixture::model("external.onnx")).unwrap().into(),
        vec![(
            "external.weights".into(),
            fs::read(fixture::model("external.weights")).unwrap().into(),
        )],
        SessionOptions::default(),
    );
    assert_eq!(memory.memory_bytes(2).unwrap(), 2 * external);

    let directory = tempfile::tempdir().unwrap();
    let alone = directory.path().join("alone.onnx");
    fs::copy(fixture::model("external.onnx"), &alone).unwrap();
    let alone =
        OnnxSessionFactory::from_file(&fixture::runtime(), &alone, SessionOptions::default());
    let error = alone.memory_bytes(1).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("external.weights"), "{error}");
    assert!(fixture::factory("nowhere.onnx").memory_bytes(1).unwrap_err().is_not_found());
    assert!(matches!(
        fixture::factory("text.onnx").memory_bytes(1).unwrap_err(),
        Error::Corrupt { .. }
    ));
}

// ---- cores

fn id() -> ModelId {
    ModelId::new("dense".parse().unwrap(), "1".parse().unwrap())
}

/// The cores that each thread of this process may run on, in the kernel's words.
#[cfg(target_os = "linux")]
fn allowed() -> Vec<String> {
    let status = |task: std::io::Result<fs::DirEntry>| {
        // A thread may have ended since it was listed.
        let status = fs::read_to_string(task.unwrap().path().join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"))?;
        line.split_whitespace().nth(1).map(str::to_owned)
    };
    fs::read_dir("/proc/self/task").unwrap().filter_map(status).collect()
}

/// The thread that runs the session, and those that ONNX Runtime starts for it.
#[cfg(target_os = "linux")]
#[test]
fn the_threads_of_a_session_stay_on_its_cores() {
    use mlops_serve::threads::{ThreadBudget, ThreadDemand};

    let machine = ThreadBudget::of_machine().unwrap();
    let demand = ThreadDemand::new("dense", machine.threads()).with_intra_threads(1);
    let mut cores = machine.divide(&[demand]).unwrap().remove(0).cores;
    let core = cores.pop().unwrap();
    let on_core = || allowed().iter().filter(|list| **list == core[0].to_string()).count();
    let before = on_core();
    let options = BatcherOptions::default().with_cores([core.clone()]);
    let factory = OnnxSessionFactory::from_file(
        &fixture::runtime(),
        fixture::model("dense.onnx"),
        SessionOptions::default().with_intra_threads(3),
    );
    let batcher = Batcher::start(id(), factory, options).unwrap();
    // Callers stay where they are, so it is not they who run.
    assert_eq!(batcher.placement(), Placement::Thread);
    assert_eq!(on_core(), before + 3);
}

#[test]
fn cores_that_cannot_be_had_are_refused() {
    let start = |options: BatcherOptions| {
        Batcher::start(id(), fixture::factory("dense.onnx"), options).unwrap_err().to_string()
    };
    let options = BatcherOptions::default;
    for (options, reason) in [
        (options().with_cores([vec![0], vec![0]]), "2 lists for 1 instances"),
        (options().with_cores([vec![]]), "a list without a core"),
        (options().with_cores([vec![0]]).with_placement(Placement::CallerRuns), "caller runs"),
        (options().with_cores([vec![1023]]), "1023"),
        (options().with_cores([vec![5000]]), "5000"),
    ] {
        let error = start(options);
        assert!(error.contains(reason), "{error}");
    }
}
