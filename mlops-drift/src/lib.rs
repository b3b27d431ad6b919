//! Drift, data-quality and performance monitoring.
//!
//! **Nothing is here yet.** The seam this crate will plug into is in `mlops_core`: live predictions
//! arrive through `mlops_core::observe::PredictionObserver`, late labels as
//! `mlops_core::observe::Outcome`, and findings leave as `mlops_core::alert::Alert`.
