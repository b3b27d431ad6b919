//! GPUs in metrics and readiness, on a library of our own in place of NVIDIA's.
#![cfg(all(feature = "nvml", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path, process::Command, sync::Arc};

use mlops_core::{
    gpu::{GpuProbe, GpuProbeOptions},
    inference::Predict,
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    host::{ModelState, ModelTable, Models, RequireGpus},
};

/// Compiles the fake library of `mlops-core`'s tests into this folder; its file `state` says what is wrong.
fn probe(directory: &Path) -> Arc<GpuProbe> {
    let library = directory.join("libnvidia-ml.so.1");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlops-core/tests/gpu/nvml.c");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC"])
        .arg(format!("-DSTATE_FILE=\"{}\"", directory.join("state").display()))
        .arg("-o")
        .arg(&library)
        .arg(source)
        .status()
        .expect("a C compiler, `cc`, is needed for this test");
    assert!(status.success());
    Arc::new(GpuProbe::open(&GpuProbeOptions::default().with_library(library)).unwrap())
}

#[test]
fn models_are_ready_while_their_gpus_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let probe = probe(directory.path());
    let table = Arc::new(ModelTable::new());
    let id = mlops_core::model::ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
    table.announce(&id);
    let factory = MockFactory::new(MockSession::identity(4));
    let batcher = Batcher::start(id, factory, BatcherOptions::default()).unwrap();
    table.publish(Arc::new(batcher) as Arc<dyn Predict>);

    let needs = |gpus: &[u32]| {
        RequireGpus::new(Arc::clone(&table) as Arc<dyn Models>, Arc::clone(&probe), gpus.to_vec())
    };
    let (first, both) = (needs(&[0]).unwrap(), needs(&[0, 1]).unwrap());
    assert!(needs(&[7]).unwrap_err().to_string().contains('7'));
    let state = |models: &RequireGpus| models.list().remove(0).state;
    assert_eq!(state(&both), ModelState::Ready);
    fs::write(directory.path().join("state"), "lost").unwrap();
    assert_eq!(state(&first), ModelState::Ready);
    let ModelState::Failed { reason } = state(&both) else { panic!("{:?}", state(&both)) };
    assert!(reason.contains("GPU") && reason.contains('1'), "{reason}");
    fs::write(directory.path().join("state"), "").unwrap();
    assert_eq!(state(&both), ModelState::Ready);
}

#[cfg(feature = "prometheus")]
#[test]
fn gauges_are_of_the_gpus_that_answer() {
    use mlops_serve::metrics::{
        Format, encode, prometheus_client::registry::Registry, register_gpus,
    };

    let directory = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    register_gpus(&mut registry, probe(directory.path()));
    let text = encode(&registry, Format::Classic);
    for line in [
        "mlops_gpu_utilization_ratio{gpu=\"0\",uuid=\"GPU-1\"} 0.42",
        "mlops_gpu_memory_used_bytes{gpu=\"1\",uuid=\"GPU-2\"} 2147483648",
        "mlops_gpu_memory_total_bytes{gpu=\"1\",uuid=\"GPU-2\"} 17179869184",
    ] {
        assert!(text.contains(line), "{text}");
    }
    // It does not tell: that is not 0.
    assert!(!text.contains("utilization_ratio{gpu=\"1\""), "{text}");
    fs::write(directory.path().join("state"), "lost").unwrap();
    let text = encode(&registry, Format::Classic);
    assert!(text.contains("gpu=\"0\"") && !text.contains("gpu=\"1\""), "{text}");
}
