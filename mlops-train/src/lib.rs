//! Durable checkpoints, training loops, ONNX export, pipelines, gates and retraining.
//!
//! **Nothing is here yet.** What a training run hands to the registry is already a word of
//! `mlops_core`: `mlops_core::model::ModelPackage`.
