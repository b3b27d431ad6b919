//! Tests of whole rows and of embeddings: against scikit-learn and formulas, against laws, and against
//! chance.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod domain_classifier;
mod embedding;
mod false_alarms;
mod golden;
mod laws;
mod pca;
mod power;
mod random_features;
mod refusals;
mod rows;
