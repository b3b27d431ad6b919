//! A running set of models: loaded, swapped, rolled back and unloaded while it serves.

mod compatible;
mod control;
mod directory;
mod drain;
mod follower;
mod golden;
#[cfg(feature = "nvml")]
mod gpu;
mod load;
mod loader;
mod memory;
mod model_host;
mod models;
mod options;
mod policy;
mod repository;
mod roster;
mod route;
mod shared;
mod statistics;
mod table;
mod thread;
mod update;

#[cfg(feature = "nvml")]
pub use self::gpu::RequireGpus;
pub use self::{
    control::{LoadOptions, ModelControl},
    directory::ModelDirectory,
    follower::{FollowerOptions, FollowerStatus, RegistryFollower},
    golden::{GoldenCheck, Tolerance},
    load::Loading,
    loader::{LoadedModel, LoaderFn, ModelLoader},
    memory::DeviceMemory,
    model_host::ModelHost,
    models::{ModelState, ModelStatus, Models, ServedModel},
    options::{DeviceOptions, HostOptions, OnNoRoom},
    policy::VersionPolicy,
    repository::{ModelRepository, RepositoryControl},
    roster::HostedModel,
    statistics::{BatchCounts, Counted, ModelStatistics, StatisticsSnapshot},
    table::ModelTable,
    update::{ModelUpdate, Others, SignatureChange},
};
