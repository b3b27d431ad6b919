//! [`FetchDirectory`]: where packages are fetched to.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use mlops_core::{Error, Result, model::ModelVersion};

const PREFIX: &str = "package-";

/// A directory that one follower fetches packages to. Each goes to a path of its own, used once, so
/// that what an earlier fetch left is never taken for a package.
#[derive(Debug)]
pub(super) struct FetchDirectory {
    path: PathBuf,
    /// Locked for as long as it is open; the system unlocks it when the process ends, however.
    _lock: File,
    fetches: u64,
}

impl FetchDirectory {
    /// Creates the directory, or removes what a follower left in it that is gone. Blocks on the file
    /// system.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let failed = |error| Error::file(&path, error);
        fs::create_dir_all(&path).map_err(failed)?;
        let lock = path.join("lock");
        let file = File::create(&lock).map_err(|error| Error::file(&lock, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = format_args!("`{}` is used by another one", path.display());
                return Err(Error::unavailable("directory of a follower", reason));
            }
            Err(TryLockError::Error(error)) => return Err(Error::file(&lock, error)),
        }
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A registry may write beside the path it was given before it renames.
            if entry.file_name().to_string_lossy().trim_start_matches('.').starts_with(PREFIX) {
                remove(&entry.path())?;
            }
        }
        Ok(Self { path, _lock: file, fetches: 0 })
    }

    /// A path where nothing lies.
    pub(super) fn next(&mut self, version: ModelVersion) -> PathBuf {
        self.fetches += 1;
        self.path.join(format!("{PREFIX}{version}-{}", self.fetches))
    }
}

/// Removes what lies at `path`, if anything. Blocks on the file system.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(path),
        result => result,
    }
    .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    .map_err(|error| Error::file(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_overs_go_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/directory");
        let mut opened = FetchDirectory::open(path.clone()).unwrap();
        let half = opened.next(ModelVersion::new(3));
        fs::create_dir(&half).unwrap();
        fs::write(half.join("model.onnx"), "half").unwrap();
        fs::create_dir(path.join(".package-3-2.partial")).unwrap();
        fs::write(path.join("package-file"), "").unwrap();
        fs::write(path.join("mine"), "not the follower's").unwrap();

        let error = FetchDirectory::open(path.clone()).unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(half.exists());
        drop(opened);

        let mut again = FetchDirectory::open(path.clone()).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock", "mine"]);
        assert_ne!(again.next(ModelVersion::new(3)), again.next(ModelVersion::new(3)));
        remove(&half).unwrap();
    }
}
