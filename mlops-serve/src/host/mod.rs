//! A running set of models.

mod control;
#[cfg(feature = "nvml")]
mod gpu;
mod models;
mod statistics;
mod table;

#[cfg(feature = "nvml")]
pub use self::gpu::RequireGpus;
pub use self::{
    control::{LoadOptions, ModelControl},
    models::{ModelState, ModelStatus, Models, ServedModel},
    statistics::{BatchCounts, Counted, ModelStatistics, StatisticsSnapshot},
    table::ModelTable,
};
