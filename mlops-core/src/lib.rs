//! The words and contracts shared by the `mlops-*` crates.
//!
//! A Rust service embeds these crates to take a model from training to production and to keep it
//! healthy there. This one holds what two of them need: values, traits, and the means to test an
//! implementation of the traits. It computes nothing by itself and starts nothing.
//!
//! ```
//! use mlops_core::{
//!     signature::{Dim, ModelSignature, TensorSpec},
//!     tensor::{DataType, NamedTensors, Tensor},
//! };
//! use ndarray::array;
//!
//! # fn main() -> mlops_core::Result<()> {
//! let batch = || Dim::Symbolic("batch".into());
//! let signature = ModelSignature {
//!     inputs: vec![TensorSpec::new("x", DataType::F32, [batch(), Dim::Fixed(2)])],
//!     outputs: vec![TensorSpec::new("y", DataType::F32, [batch()])],
//! };
//! let inputs = NamedTensors::single("x", Tensor::from_array(array![[1.0_f32, 2.0]]));
//! signature.validate_inputs(&inputs)?; // names the tensor, what was expected and what came
//! # Ok(())
//! # }
//! ```
//!
//! | word | is |
//! | --- | --- |
//! | [`tensor::Tensor`] | a type, a shape and shared bytes: wire body, batch row, checkpoint entry |
//! | [`signature::ModelSignature`] | what a model takes and gives |
//! | [`model`] | names, versions, references, and the package a model travels in |
//! | [`inference::InferenceSession`] | trait: a loaded model, one run at a time |
//! | [`inference::Predict`] | trait: anything that answers requests; wraps and composes |
//! | [`observe`] | traits that see predictions and, later, the truth |
//! | [`alert::AlertSink`] | trait: takes findings |
//! | [`registry::ModelRegistry`] | trait: versions, aliases with compare-and-set, packages |
//! | `artifact::ArtifactStore` | feature `artifacts`: files with digests in any object store |
//! | `gpu::GpuProbe` | feature `nvml`: utilisation and memory of GPUs |
//! | [`stats`] | special functions, tests of means and proportions, corrections |
//! | [`clock::Clock`], [`progress::Progress`], [`random::RandomKey`] | time, progress and randomness, injected |
//! | `testing` | feature `testing`: mocks, in-memory implementations, a conformance suite per trait |
//!
//! **Not here**: ONNX Runtime, HTTP, SQL, data frames, an async runtime. Those are in the sibling
//! crates, which depend on this one and never on one another.

pub mod alert;
#[cfg(feature = "artifacts")]
pub mod artifact;
pub mod clock;
pub mod digest;
mod error;
#[cfg(feature = "nvml")]
pub mod gpu;
pub mod inference;
pub mod model;
pub mod observe;
pub mod progress;
pub mod random;
pub mod registry;
pub mod relative_path;
pub mod signature;
pub mod stats;
pub mod tensor;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;

pub use self::{
    digest::Digest,
    error::{Error, Result},
};
pub use bytes;
pub use half;
pub use ndarray;
#[cfg(feature = "artifacts")]
pub use object_store;
pub use semver;
