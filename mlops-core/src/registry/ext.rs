//! [`ModelRegistryExt`].

use async_trait::async_trait;

use crate::{
    Error, Result,
    model::{ModelName, ModelRef},
    registry::{ModelRegistry, Page, RegisteredVersion},
};

/// What can be done with any [`ModelRegistry`].
///
/// # Cancel safety
/// These only read: dropping a call changes nothing.
#[async_trait]
pub trait ModelRegistryExt: ModelRegistry {
    /// The version a reference means now.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if no version fits.
    async fn resolve(&self, reference: &ModelRef) -> Result<RegisteredVersion>;

    /// The version of a model with the highest number.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a model without versions.
    async fn latest(&self, name: &ModelName) -> Result<RegisteredVersion>;
}

#[async_trait]
impl<R: ModelRegistry + ?Sized> ModelRegistryExt for R {
    async fn resolve(&self, reference: &ModelRef) -> Result<RegisteredVersion> {
        let name = reference.name();
        match reference {
            ModelRef::Version { version, .. } => self.get(name, *version).await,
            ModelRef::Alias { alias, .. } => {
                let binding = self.get_alias(name, alias).await?;
                self.get(name, binding.version).await
            }
            ModelRef::Stage { stage, .. } => {
                newest(self, name, |version| version.stage == *stage).await
            }
            ModelRef::Latest { .. } => newest(self, name, |_| true).await,
            ModelRef::SemVer { requirement, .. } => {
                // The newest is the one of the highest semantic version, not of the highest number:
                // 1.2.1 may well be registered after 1.3.0.
                let mut best: Option<RegisteredVersion> = None;
                let fits = |version: &RegisteredVersion| {
                    version.semver.as_ref().is_some_and(|semver| requirement.matches(semver))
                };
                each(self, name, |version| {
                    let better = |best: &RegisteredVersion| best.semver < version.semver;
                    if fits(&version) && best.as_ref().is_none_or(better) {
                        best = Some(version);
                    }
                    true
                })
                .await?;
                best
            }
            .ok_or_else(|| Error::not_found("model version", reference)),
        }
        .map_err(|error| match error {
            Error::NotFound { kind: "model version", .. } => {
                Error::not_found("model version", reference)
            }
            other => other,
        })
    }

    async fn latest(&self, name: &ModelName) -> Result<RegisteredVersion> {
        newest(self, name, |_| true).await
    }
}

async fn newest<R: ModelRegistry + ?Sized>(
    registry: &R,
    name: &ModelName,
    fits: impl Fn(&RegisteredVersion) -> bool + Send + Sync,
) -> Result<RegisteredVersion> {
    let mut found = None;
    each(registry, name, |version| {
        if fits(&version) {
            found = Some(version);
        }
        found.is_none()
    })
    .await?;
    found.ok_or_else(|| Error::not_found("model version", format_args!("{name} (any)")))
}

/// Shows every version, newest first, until `visit` returns false.
async fn each<R: ModelRegistry + ?Sized>(
    registry: &R,
    name: &ModelName,
    mut visit: impl FnMut(RegisteredVersion) -> bool + Send,
) -> Result<()> {
    let mut page = Page::default();
    loop {
        let versions = registry.list_versions(name, &page).await?;
        for version in versions.items {
            if !visit(version) {
                return Ok(());
            }
        }
        match versions.next {
            Some(token) => page.token = Some(token),
            None => return Ok(()),
        }
    }
}
