//! Packages in an artifact store.

use std::path::Path;

use super::store::ArtifactStore;
use crate::{
    Error, Result,
    model::{MANIFEST, MAX_MANIFEST_BYTES, ModelPackage},
    progress::Progress,
    relative_path::RelativePath,
};

impl ArtifactStore {
    /// Copies a package to below `prefix`, its manifest last: where there is a manifest, the package
    /// is complete. Every file is verified on the way. Reports bytes to `progress`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a file that is not as the manifest says, [`Error::NotFound`] for a
    /// missing one, [`Error::AlreadyExists`] if a package is there.
    ///
    /// # Cancel safety
    /// Without its manifest, what was copied is no package; calling again copies it anew.
    pub async fn put_package(
        &self,
        prefix: &RelativePath,
        package: &ModelPackage,
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.set_total(Some(package.size_bytes()));
        for file in package.files() {
            let path = prefix.join(&file.path)?;
            self.put_file(&path, &package.path_of(file), Some(&file.digest), progress).await?;
        }
        self.create(&prefix.join(&MANIFEST.parse()?)?, package.manifest_json()?.into()).await?;
        progress.finish();
        Ok(())
    }

    /// Copies the package below `prefix` to `directory` and opens it. The manifest comes last here
    /// too, and every file is verified on the way. Reports bytes to `progress`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no package; [`Error::Corrupt`] for a file that is not as the
    /// manifest says; [`Error::AlreadyExists`] if there is one in `directory`.
    ///
    /// # Cancel safety
    /// Without its manifest, what was copied is no package; calling again copies it anew.
    pub async fn fetch_package(
        &self,
        prefix: &RelativePath,
        directory: &Path,
        progress: &dyn Progress,
    ) -> Result<ModelPackage> {
        let local = Self::local(directory)?;
        let manifest: RelativePath = MANIFEST.parse()?;
        if local.get(&manifest, None).await.is_ok() {
            return Err(Error::already_exists("package", directory.display()));
        }
        let stored = prefix.join(&manifest)?;
        let size_bytes = self.size_of(&stored).await?;
        if size_bytes > MAX_MANIFEST_BYTES {
            return Err(Error::corrupt("manifest", &stored, "larger than 16 MiB"));
        }
        let json = self.get(&stored, None).await?;
        let package = ModelPackage::parse(directory.into(), &json)?;
        progress.set_total(Some(package.size_bytes()));
        for file in package.files() {
            let path = prefix.join(&file.path)?;
            let target = package.path_of(file);
            self.fetch_file(&path, &target, Some(&file.digest), progress).await?;
        }
        local.create(&manifest, json).await?;
        progress.finish();
        Ok(package)
    }
}
