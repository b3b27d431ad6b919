//! [`FetchedPackage`]: loads a package that was fetched, once every byte of it is checked.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mlops_core::{
    Digest, Error, Result,
    inference::CancelHandle,
    model::{ModelId, ModelPackage},
    progress::NoProgress,
};

use super::directory;
use crate::host::{LoadedModel, ModelLoader};

/// A package in a directory of its own, which is removed when the load has failed or the model is
/// gone.
#[derive(Debug)]
pub(super) struct FetchedPackage {
    pub(super) package: ModelPackage,
    /// What the registry says it is.
    pub(super) digest: Digest,
    /// How the application loads it.
    pub(super) loader: Arc<dyn ModelLoader>,
    pub(super) directory: Arc<OwnDirectory>,
}

/// A directory that somebody must remove: whoever claims it first.
#[derive(Debug)]
pub(super) struct OwnDirectory {
    path: PathBuf,
    is_claimed: AtomicBool,
}

impl OwnDirectory {
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, is_claimed: AtomicBool::new(false) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// True for the first to ask.
    fn claim(&self) -> bool {
        !self.is_claimed.swap(true, Ordering::AcqRel)
    }

    /// Removes it, unless a load has claimed it. Blocks on the file system.
    pub(super) fn give_up(&self) -> Result<()> {
        if self.claim() { directory::remove(&self.path) } else { Ok(()) }
    }
}

impl FetchedPackage {
    fn load_verified(&self, id: &ModelId, cancel: &CancelHandle) -> Result<LoadedModel> {
        let digest = self.package.digest()?;
        if digest != self.digest {
            let reason = format!("it is {digest}, but the registry says {}", self.digest);
            return Err(Error::corrupt("package", id, reason));
        }
        self.package.verify(&NoProgress)?;
        self.loader.load(id, cancel)
    }
}

fn remove(directory: &OwnDirectory) {
    if let Err(error) = directory::remove(directory.path()) {
        tracing::warn!(error = error.report(), "a package is left behind");
    }
}

impl ModelLoader for FetchedPackage {
    fn device(&self) -> &str {
        self.loader.device()
    }

    fn memory_bytes(&self) -> Result<u64> {
        self.loader.memory_bytes()
    }

    fn load(&self, id: &ModelId, cancel: &CancelHandle) -> Result<LoadedModel> {
        if !self.directory.claim() {
            return Err(Error::Cancelled);
        }
        let directory = Arc::clone(&self.directory);
        match self.load_verified(id, cancel) {
            Ok(model) => Ok(model.with_on_gone(move || remove(&directory))),
            Err(error) => {
                remove(&directory);
                Err(error)
            }
        }
    }
}
