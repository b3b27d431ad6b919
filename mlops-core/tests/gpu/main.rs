//! The GPU probe, on a library of our own in place of NVIDIA's.
#![cfg(all(feature = "nvml", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mlops_core::{
    Error,
    gpu::{GpuProbe, GpuProbeOptions},
};
use tempfile::TempDir;

/// `nvml.c`, compiled; what is written to its state decides what is wrong with it.
struct Library {
    directory: TempDir,
}

impl Library {
    fn compile() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = Self { directory };
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror"])
            .arg(format!("-DSTATE_FILE=\"{}\"", library.state().display()))
            .arg("-o")
            .arg(library.path())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gpu/nvml.c"))
            .status()
            .expect("a C compiler, `cc`, is needed for this test");
        assert!(status.success());
        library
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("libnvidia-ml.so.1")
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn open(&self) -> mlops_core::Result<GpuProbe> {
        GpuProbe::open(&GpuProbeOptions::default().with_library(self.path()))
    }
}

#[test]
fn gpus_are_told_with_what_they_do() {
    let library = Library::compile();
    let gpus = library.open().unwrap().gpus().unwrap();
    let seen: Vec<_> = gpus
        .iter()
        .map(|gpu| (gpu.index, &*gpu.uuid, &*gpu.name, gpu.utilization_percent))
        .collect();
    assert_eq!(seen, [(0, "GPU-1", "Paper 1", Some(42)), (1, "GPU-2", "Paper 2", None)]);
    assert_eq!((gpus[1].memory_used_bytes, gpus[1].memory_total_bytes), (2 << 30, 16 << 30));
}

#[test]
fn a_gpu_that_is_gone_is_missed() {
    let library = Library::compile();
    let probe = library.open().unwrap();
    probe.require(&[0, 1]).unwrap();
    fs::write(library.state(), "lost").unwrap();
    let error = probe.require(&[0, 1]).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains('1'), "{error}");
    assert_eq!(probe.gpus().unwrap().len(), 1);
    probe.require(&[0]).unwrap();
    // It may come back.
    fs::write(library.state(), "").unwrap();
    probe.require(&[0, 1]).unwrap();
    assert!(matches!(probe.require(&[2]).unwrap_err(), Error::Unavailable { .. }));
}

#[test]
fn a_library_that_is_absent_foreign_or_broken_is_a_typed_error() {
    let library = Library::compile();
    fs::write(library.state(), "broken").unwrap();
    assert!(matches!(library.open().unwrap_err(), Error::Unavailable { .. }));

    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.so");
    fs::write(&text, "not a library").unwrap();
    let foreign = directory.path().join("foreign.so");
    let source = directory.path().join("foreign.c");
    fs::write(&source, "int nothing_of_interest(void) { return 0; }").unwrap();
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&foreign).arg(&source).status();
    assert!(compiled.unwrap().success());
    for path in [directory.path().join("absent.so"), text, foreign] {
        let error = GpuProbe::open(&GpuProbeOptions::default().with_library(&path)).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
