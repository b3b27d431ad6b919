//! [ONNX Runtime](https://onnxruntime.ai) sessions on the CPU, CUDA and TensorRT.
//!
//! The runtime is a shared library, loaded once in a process by an explicit call:
//!
//! ```no_run
//! use mlops_serve::session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxSessionFactory, SessionOptions};
//! use mlops_core::inference::{InferenceSession, RunOptions, SessionFactory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let inputs = mlops_core::tensor::NamedTensors::new();
//! let runtime = OnnxRuntime::discover(&DiscoverOptions::default())?;
//! let factory = OnnxSessionFactory::from_file(&runtime, "model.onnx", SessionOptions::default());
//! let mut session = factory.open()?;
//! println!("{}", session.signature());
//! let outputs = session.run(&inputs, &RunOptions::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # Getting the library
//!
//! Any build of ONNX Runtime 1.18 or newer will do, for instance the one in the Python wheel
//! `onnxruntime` (CPU) or `onnxruntime-gpu`: `onnxruntime/capi/libonnxruntime.so.*`. The errors of
//! [`OnnxRuntime::load`] and [`OnnxRuntime::discover`] list every place that was looked at.
//!
//! # Linking it instead
//!
//! A host that links ONNX Runtime (statically, or at build time) depends on this crate with
//! `default-features = false, features = ["onnxruntime-base"]`, tells `ort-sys` where the library is
//! (`ORT_LIB_PATH`, or `ort`'s feature `download-binaries`, in its own manifest), and calls
//! `OnnxRuntime::linked` instead of `load`.
//!
//! A host that uses `ort` by itself, in the version that this crate depends on, hands its environment
//! to [`OnnxRuntime::adopt`].

mod convert;
mod error;
mod factory;
mod options;
mod provider;
mod runtime;
mod session;
mod signature;
mod strings;
mod weights;

#[cfg(feature = "onnxruntime")]
pub use self::runtime::DiscoverOptions;
pub use self::{
    error::OnnxRuntimeError,
    factory::OnnxSessionFactory,
    options::{OptimizationLevel, SessionOptions},
    provider::{
        ArenaExtendStrategy, CpuProvider, CudaProvider, ExecutionProvider, Int8Calibration,
        ShapeProfile, TensorRtProvider,
    },
    runtime::OnnxRuntime,
    session::OnnxSession,
};
