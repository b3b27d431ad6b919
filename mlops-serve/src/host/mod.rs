//! A running set of models.

mod control;
mod models;
mod statistics;
mod table;

pub use self::{
    control::{LoadOptions, ModelControl},
    models::{ModelState, ModelStatus, Models, ServedModel},
    statistics::{BatchCounts, Counted, ModelStatistics, StatisticsSnapshot},
    table::ModelTable,
};
