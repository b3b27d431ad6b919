//! Requests while the model is replaced again and again: none may be lost, mixed up or run twice.

mod host;
mod report;
mod run;

pub use self::{host::SoakHost, report::SoakReport, run::Soak};
