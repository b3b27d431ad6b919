//! Sessions: engines behind `mlops_core`'s `InferenceSession`.

#[cfg(feature = "onnxruntime-base")]
pub mod onnxruntime;
#[cfg(feature = "tract")]
pub mod tract;
