//! What a model is known by, and the package it travels in.

mod alias;
mod card;
mod id;
mod labels;
mod lineage;
mod name;
mod package;
mod reference;
mod sample;
mod stage;
mod version;

#[cfg(feature = "artifacts")]
pub(crate) use self::package::{MANIFEST, MAX_MANIFEST_BYTES};
pub use self::{
    alias::Alias,
    card::{CardMetric, ModelCard},
    id::ModelId,
    lineage::{DatasetRef, Lineage},
    name::ModelName,
    package::{FileRole, ModelPackage, PackageBuilder, PackageFile},
    reference::ModelRef,
    sample::Sample,
    stage::Stage,
    version::ModelVersion,
};
