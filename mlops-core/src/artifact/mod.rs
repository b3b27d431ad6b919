//! Files with digests in an object store: local, in memory, S3, GCS or Azure.
//!
//! [`object_store::ObjectStore`] is the trait; [`ArtifactStore`] adds what artifacts need on top of
//! it. Other clouds are features of `object_store` itself, switched on by the host.

mod error;
mod package;
mod store;
mod transfer;

pub use self::{store::ArtifactStore, transfer::Artifact};
