//! [`ModelRegistry`]: names, versions and aliases of models, and the packages behind them.

mod alias;
mod ext;
mod page;
mod version;

use std::{
    fmt::{Debug, Display},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;

pub use self::{
    alias::{AliasBinding, AliasWatch, Expected, SetAlias},
    ext::ModelRegistryExt,
    page::{Page, Paged},
    version::{RegisterOptions, RegisteredVersion},
};
use crate::{
    Result,
    model::{Alias, ModelName, ModelPackage, ModelVersion, Stage},
};

/// Keeps versions of models and says which one is meant.
///
/// The seam between training, which registers packages, and serving, which follows an alias.
///
/// # Contract
/// 1. [`register`](Self::register) MUST give 1 to the first version of a model and, to each later
///    one, a number greater than any the model ever had.
/// 2. [`get`](Self::get) MUST return what `register` returned, tags and stage as changed since.
/// 3. [`fetch`](Self::fetch) MUST write a package equal (by digest) to the registered one, even if
///    the directory it was registered from is gone.
/// 4. Anything about an unknown model, version or alias MUST be
///    [`Error::NotFound`](crate::Error::NotFound) naming it.
/// 5. Lists MUST be complete and free of duplicates over all pages, models by name, versions newest
///    first, and never longer than the page's limit.
/// 6. An alias MUST stand for the version it was last set to, and its revision MUST grow with every
///    change, also over removal: A → B → A is seen as two changes.
/// 7. [`set_alias`](Self::set_alias) with an expectation that does not hold MUST fail with
///    [`Error::Conflict`](crate::Error::Conflict) and change nothing; of several at once with the
///    same expectation, exactly one MUST succeed.
/// 8. An alias MUST NOT be set to a version that is not there.
/// 9. Stages and tags MUST be as last set; setting MUST NOT touch other versions.
/// 10. A version that an alias stands for MUST NOT be deleted: that is
///     [`Error::Refused`](crate::Error::Refused). A deleted version MUST be gone from `get`,
///     `fetch` and lists.
/// 11. A deleted model MUST be gone with its versions and aliases; under the same name, a later
///     model's aliases MUST have greater revisions, so that whoever polls sees the change.
/// 12. Registering a second version with the same semantic version MUST fail with
///     [`Error::AlreadyExists`](crate::Error::AlreadyExists).
///
/// # Cancel safety
/// A call whose future is dropped has happened as a whole or not at all.
///
/// # Implementing
/// The suite is `testing::registry`; contract line *n* is its case *n*.
#[async_trait]
pub trait ModelRegistry: Debug + Display + Send + Sync + 'static {
    /// Stores a package as the next version of the model, which comes into being with its first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) if the package's files are not what its manifest
    /// says; [`Error::AlreadyExists`](crate::Error::AlreadyExists) for a semantic version in use.
    async fn register(
        &self,
        name: &ModelName,
        package: &ModelPackage,
        options: &RegisterOptions,
    ) -> Result<RegisteredVersion>;

    /// One version.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    async fn get(&self, name: &ModelName, version: ModelVersion) -> Result<RegisteredVersion>;

    /// Writes a version's package to `directory`, which must not exist, and opens it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound);
    /// [`Error::AlreadyExists`](crate::Error::AlreadyExists) for the directory.
    async fn fetch(
        &self,
        name: &ModelName,
        version: ModelVersion,
        directory: &Path,
    ) -> Result<ModelPackage>;

    /// Models by name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a foreign page token.
    async fn list_models(&self, page: &Page) -> Result<Paged<ModelName>>;

    /// Versions of a model, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound);
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a foreign page token.
    async fn list_versions(
        &self,
        name: &ModelName,
        page: &Page,
    ) -> Result<Paged<RegisteredVersion>>;

    /// What an alias stands for.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    async fn get_alias(&self, name: &ModelName, alias: &Alias) -> Result<AliasBinding>;

    /// Every alias of a model, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    async fn list_aliases(&self, name: &ModelName) -> Result<Vec<(Alias, AliasBinding)>>;

    /// Sets (or with `None` removes) an alias if it is as `change` expects; returns the new binding.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), [`Error::Conflict`](crate::Error::Conflict), or
    /// [`Error::Refused`](crate::Error::Refused) by a gate.
    async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        to: Option<ModelVersion>,
        change: &SetAlias,
    ) -> Result<Option<AliasBinding>>;

    /// Moves a version to a stage.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), or [`Error::Refused`](crate::Error::Refused) by
    /// a gate.
    async fn set_stage(&self, name: &ModelName, version: ModelVersion, stage: Stage) -> Result<()>;

    /// Sets (or with `None` removes) a tag of a version.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    async fn set_tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        key: &str,
        value: Option<&str>,
    ) -> Result<()>;

    /// Deletes a version that no alias stands for.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), [`Error::Refused`](crate::Error::Refused).
    async fn delete_version(&self, name: &ModelName, version: ModelVersion) -> Result<()>;

    /// Deletes a model with all its versions and aliases.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    async fn delete_model(&self, name: &ModelName) -> Result<()>;
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<R: ModelRegistry + ?Sized> ModelRegistry for Arc<R> {
    async fn register(
        &self,
        name: &ModelName,
        package: &ModelPackage,
        options: &RegisterOptions,
    ) -> Result<RegisteredVersion> {
        (**self).register(name, package, options).await
    }

    async fn get(&self, name: &ModelName, version: ModelVersion) -> Result<RegisteredVersion> {
        (**self).get(name, version).await
    }

    async fn fetch(
        &self,
        name: &ModelName,
        version: ModelVersion,
        directory: &Path,
    ) -> Result<ModelPackage> {
        (**self).fetch(name, version, directory).await
    }

    async fn list_models(&self, page: &Page) -> Result<Paged<ModelName>> {
        (**self).list_models(page).await
    }

    async fn list_versions(
        &self,
        name: &ModelName,
        page: &Page,
    ) -> Result<Paged<RegisteredVersion>> {
        (**self).list_versions(name, page).await
    }

    async fn get_alias(&self, name: &ModelName, alias: &Alias) -> Result<AliasBinding> {
        (**self).get_alias(name, alias).await
    }

    async fn list_aliases(&self, name: &ModelName) -> Result<Vec<(Alias, AliasBinding)>> {
        (**self).list_aliases(name).await
    }

    async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        to: Option<ModelVersion>,
        change: &SetAlias,
    ) -> Result<Option<AliasBinding>> {
        (**self).set_alias(name, alias, to, change).await
    }

    async fn set_stage(&self, name: &ModelName, version: ModelVersion, stage: Stage) -> Result<()> {
        (**self).set_stage(name, version, stage).await
    }

    async fn set_tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        key: &str,
        value: Option<&str>,
    ) -> Result<()> {
        (**self).set_tag(name, version, key, value).await
    }

    async fn delete_version(&self, name: &ModelName, version: ModelVersion) -> Result<()> {
        (**self).delete_version(name, version).await
    }

    async fn delete_model(&self, name: &ModelName) -> Result<()> {
        (**self).delete_model(name).await
    }
}

const _: Option<&dyn ModelRegistry> = None;
