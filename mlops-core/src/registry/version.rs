//! [`RegisteredVersion`].

use std::collections::BTreeMap;

use semver::Version;

use crate::{
    Digest,
    model::{Lineage, ModelCard, ModelId, PackageFile, Stage},
    signature::ModelSignature,
    timestamp::Timestamp,
};

/// A version of a model, as a registry knows it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RegisteredVersion {
    /// Which version of which model.
    pub id: ModelId,
    /// Its semantic version, if it was given one.
    pub semver: Option<Version>,
    /// When it was registered.
    pub created: Timestamp,
    /// How far it has come.
    pub stage: Stage,
    /// Free words about it.
    pub tags: BTreeMap<String, String>,
    /// What the model takes and gives.
    pub signature: ModelSignature,
    /// What people should know about it.
    pub card: ModelCard,
    /// Where it came from.
    pub lineage: Lineage,
    /// The files of its package.
    pub files: Vec<PackageFile>,
    /// The digest of its package.
    pub digest: Digest,
}

impl RegisteredVersion {
    /// A version in no stage, made of a package's manifest.
    ///
    /// # Errors
    /// Those of [`ModelPackage::digest`](crate::model::ModelPackage::digest).
    pub fn of_package(
        id: ModelId,
        package: &crate::model::ModelPackage,
        options: &RegisterOptions,
        created: Timestamp,
    ) -> crate::Result<Self> {
        Ok(Self {
            id,
            semver: options.semver.clone(),
            created,
            stage: Stage::None,
            tags: options.tags.clone(),
            signature: package.signature().clone(),
            card: package.card().clone(),
            lineage: package.lineage().clone(),
            files: package.files().to_vec(),
            digest: package.digest()?,
        })
    }
}

/// What a registry is told about a new version besides its package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisterOptions {
    /// Its semantic version, unique within the model.
    pub semver: Option<Version>,
    /// Free words about it.
    pub tags: BTreeMap<String, String>,
}

impl RegisterOptions {
    /// Gives it a semantic version.
    #[must_use]
    pub fn with_semver(mut self, semver: Version) -> Self {
        self.semver = Some(semver);
        self
    }

    /// Gives it a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }
}
