//! ONNX models in [`tract`](https://github.com/sonos/tract): pure Rust, no shared library, for edge
//! builds.
//!
//! ```no_run
//! use mlops_core::inference::{InferenceSession, RunOptions, SessionFactory};
//! use mlops_serve::session::tract::{TractOptions, TractSessionFactory};
//!
//! # fn main() -> mlops_core::Result<()> {
//! # let inputs = mlops_core::tensor::NamedTensors::new();
//! let factory = TractSessionFactory::from_file("model.onnx", TractOptions::default());
//! let mut session = factory.open()?;
//! println!("{}", session.signature());
//! let outputs = session.run(&inputs, &RunOptions::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # Sizes that change
//! A model is planned once, with symbols for its open dimensions, if all sizes fit: then every batch
//! size runs with the same plan. A model whose sizes have to agree in ways that its signature does not
//! say (a product of two inputs whose dimensions have no names) gets a plan for each combination of
//! input shapes, the last [`TractOptions::max_plans`] of which are kept. Name the dimensions in the
//! model, or fix them by [`TractOptions::dimension_overrides`], to have one plan.
//!
//! # What it does not load
//! Each is an error that names the tensor, the operator or the file.
//!
//! | not loaded | of this crate's test models | why |
//! | --- | --- | --- |
//! | strings, BF16, 8-bit floats | `identity_bytes`, `identity_bf16`, `float8` | `tract` does not compute with them |
//! | sequences, maps, optionals | `sequence` | not tensors |
//! | operators that `tract` does not have | `loop` (`Loop`), `unknown_operator` | ONNX has more than it knows |
//! | operators whose output sizes depend on values | `allocate` (`ConstantOfShape`), `positive_rows` (`Compress`) | it plans sizes ahead, but for a few operators |
//!
//! # Running
//! One run computes on the thread that calls it. Sessions of one factory share weights and plans.
//! Cancelling takes effect between two operators. All outputs are computed, also if some are asked
//! for. Inputs are copied once, outputs not at all. A panic inside of `tract` is an error of that run
//! (the panic hook still prints it).

mod convert;
mod error;
mod factory;
mod graph;
mod options;
mod plan;
mod session;

pub use self::{
    factory::TractSessionFactory,
    options::{OptimizationLevel, TractOptions},
    session::TractSession,
};
