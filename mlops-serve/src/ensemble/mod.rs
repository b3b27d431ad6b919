//! Models behind one another, and functions before, between and behind them.
//!
//! An [`Ensemble`] calls its steps in order: what one gives, a later one takes, by name. Each step is
//! a [`Predict`](mlops_core::inference::Predict): a batcher, a remote model, another ensemble, or a
//! [`Transform`], which is a Rust function with a declared signature. Pre- and post-processing are
//! transforms around a model:
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{
//!     inference::Predict,
//!     model::ModelId,
//!     signature::{Dim, TensorSpec},
//!     tensor::DataType,
//! };
//! use mlops_serve::ensemble::{Ensemble, Step, Transform};
//!
//! # fn id(name: &str) -> mlops_core::Result<ModelId> { Ok(ModelId::new(name.parse()?, "1".parse()?)) }
//! # fn example(model: Arc<dyn Predict>) -> mlops_core::Result<()> {
//! let pixels = |name, data_type| {
//!     TensorSpec::new(name, data_type, [Dim::Symbolic("batch".into()), Dim::Fixed(64)])
//! };
//! let scale = Transform::array(
//!     pixels("image", DataType::U8),
//!     pixels("scaled", DataType::F32),
//!     |image: ndarray::ArrayViewD<'_, u8>| Ok(image.mapv(|pixel| f32::from(pixel) / 255.0)),
//! )?;
//! let classify = Ensemble::builder(id("classify")?)
//!     .step(Step::new(Arc::new(scale.inline(id("scale")?))))
//!     .step(Step::new(model).map_input("input", "scaled"))
//!     .build()?;
//! println!("{classify}: {}", classify.descriptor().signature);
//! # Ok(())
//! # }
//! ```
//!
//! # Where a transform runs
//! [`Transform::inline`] runs it on the caller's thread, which is right for microseconds. For more,
//! a [`Batcher`](crate::batch::Batcher) takes a transform as it takes a model (a [`Transform`] is a
//! `SessionFactory`): with threads, a bounded queue, deadlines and shutdown.

mod builder;
mod inline;
mod predict;
mod transform;

pub use self::{
    builder::{EnsembleBuilder, Step},
    inline::InlineTransform,
    predict::Ensemble,
    transform::{Transform, TransformSession},
};
