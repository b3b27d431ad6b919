//! Experiment tracking, model registry, artifacts and dataset versions.
//!
//! **Nothing is here yet.** The contracts this crate will implement are in `mlops_core`: the
//! registry as `mlops_core::registry::ModelRegistry`, artifacts as the feature `artifacts`.
