//! [`ArtifactStore`].

use std::{fmt, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, local::LocalFileSystem,
    memory::InMemory, path::Path as ObjectPath,
};

use super::{
    error::{check_digest, store_error},
    transfer::{Artifact, Source, transfer},
};
use crate::{Digest, Error, Result, progress::Progress, relative_path::RelativePath};

/// Artifacts in an object store: written with their digest, read back verified.
///
/// Paths are [`RelativePath`]s, so nothing outside of the store can be named. Objects appear whole
/// or not at all.
///
/// ```
/// use mlops_core::artifact::ArtifactStore;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mlops_core::Result<()> {
/// let store = ArtifactStore::in_memory();
/// let artifact = store.put(&"runs/1/metrics.json".parse()?, "{}".into()).await?;
/// assert_eq!(store.get(&artifact.path, Some(&artifact.digest)).await?, "{}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    store: Arc<dyn ObjectStore>,
}

impl ArtifactStore {
    /// Artifacts in this object store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Artifacts in a directory, which is created. Every write is flushed to disk.
    ///
    /// # Errors
    /// Those of creating the directory.
    pub fn local(directory: impl AsRef<Path>) -> Result<Self> {
        let directory = directory.as_ref();
        std::fs::create_dir_all(directory).map_err(|error| Error::file(directory, error))?;
        let store = LocalFileSystem::new_with_prefix(directory)
            .map_err(|error| store_error(error, &directory.display()))?;
        Ok(Self::new(Arc::new(store.with_fsync(true))))
    }

    /// Artifacts in memory, for tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Arc::new(InMemory::new()))
    }

    /// The object store below.
    #[must_use]
    pub fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Writes an artifact, in place of one that may be there.
    ///
    /// # Errors
    /// [`Error::Backend`] if the store fails.
    ///
    /// # Cancel safety
    /// The artifact is as before or as written, never in between.
    pub async fn put(&self, path: &RelativePath, content: Bytes) -> Result<Artifact> {
        self.put_opts(path, content, PutMode::Overwrite).await
    }

    /// Writes an artifact if there is none. Of several at once, exactly one succeeds.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is one; [`Error::Backend`] if the store fails.
    ///
    /// # Cancel safety
    /// As for [`put`](Self::put).
    pub async fn create(&self, path: &RelativePath, content: Bytes) -> Result<Artifact> {
        self.put_opts(path, content, PutMode::Create).await
    }

    async fn put_opts(
        &self,
        path: &RelativePath,
        content: Bytes,
        mode: PutMode,
    ) -> Result<Artifact> {
        let artifact = Artifact {
            path: path.clone(),
            size_bytes: content.len() as u64,
            digest: Digest::of(&content),
        };
        let options = PutOptions::from(mode);
        self.store
            .put_opts(&object_path(path)?, PutPayload::from_bytes(content), options)
            .await
            .map_err(|error| store_error(error, path))?;
        Ok(artifact)
    }

    /// Reads an artifact into memory and compares it with its digest, if that is known.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Corrupt`] if the content has another digest.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn get(&self, path: &RelativePath, expected: Option<&Digest>) -> Result<Bytes> {
        let object = object_path(path)?;
        let found = self.store.get(&object).await.map_err(|error| store_error(error, path))?;
        let content = found.bytes().await.map_err(|error| store_error(error, path))?;
        if let Some(expected) = expected {
            check_digest(path, &Digest::of(&content), expected)?;
        }
        Ok(content)
    }

    /// Copies a file into the store, in pieces. Reports bytes to `progress`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a missing file; [`Error::Corrupt`] if its content has another digest
    /// than expected: then nothing is stored.
    ///
    /// # Cancel safety
    /// As for [`put`](Self::put); pieces that were sent may have to be cleaned up by the store.
    pub async fn put_file(
        &self,
        path: &RelativePath,
        source: &Path,
        expected: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Artifact> {
        let files: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        let from = Source { store: files, path: local_path(source)?, name: &source.display() };
        transfer(from, &self.store, &object_path(path)?, path, expected, progress).await
    }

    /// Copies an artifact to a file, in pieces, in place of one that may be there. Reports bytes to
    /// `progress`.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Corrupt`] if the content has another digest than expected: then
    /// no file is written.
    ///
    /// # Cancel safety
    /// The file is as before or as written, never in between.
    pub async fn fetch_file(
        &self,
        path: &RelativePath,
        target: &Path,
        expected: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Artifact> {
        let files: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new().with_fsync(true));
        let from = Source { store: Arc::clone(&self.store), path: object_path(path)?, name: path };
        transfer(from, &files, &local_path(target)?, path, expected, progress).await
    }

    /// How many bytes an artifact has.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn size_of(&self, path: &RelativePath) -> Result<u64> {
        let found = self.store.head(&object_path(path)?).await;
        found.map(|object| object.size).map_err(|error| store_error(error, path))
    }

    /// Every artifact below a path (or in the whole store), by path, with its size.
    ///
    /// # Errors
    /// [`Error::Backend`] if the store fails.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn list(&self, below: Option<&RelativePath>) -> Result<Vec<(RelativePath, u64)>> {
        let prefix = below.map(object_path).transpose()?;
        let mut listing = self.store.list(prefix.as_ref());
        let mut found = Vec::new();
        while let Some(object) = listing.next().await {
            let object = object.map_err(|error| store_error(error, &"list"))?;
            found.push((object.location.as_ref().parse()?, object.size));
        }
        found.sort();
        Ok(found)
    }

    /// Deletes an artifact. One that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Backend`] if the store fails.
    ///
    /// # Cancel safety
    /// The artifact is there or it is not.
    pub async fn delete(&self, path: &RelativePath) -> Result<()> {
        match self.store.delete(&object_path(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_error(error, path)),
        }
    }
}

impl fmt::Display for ArtifactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtifactStore({})", self.store)
    }
}

pub(super) fn object_path(path: &RelativePath) -> Result<ObjectPath> {
    ObjectPath::parse(path.as_str()).map_err(|error| Error::invalid("path", error))
}

fn local_path(path: &Path) -> Result<ObjectPath> {
    let absolute = std::path::absolute(path).map_err(|error| Error::file(path, error))?;
    ObjectPath::from_absolute_path(absolute).map_err(|error| Error::invalid("path", error))
}
