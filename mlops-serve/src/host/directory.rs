//! [`ModelDirectory`].

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};

use super::{control::LoadOptions, loader::ModelLoader, repository::ModelRepository};
use crate::blocking::blocking;

type LoaderOf = dyn Fn(&ModelId, &Path) -> Result<Arc<dyn ModelLoader>> + Send + Sync;

/// A [`ModelRepository`] of directories `NAME/VERSION`, as Triton's model repositories have them.
///
/// What is not named like a model or not numbered like a version is passed over. It takes no
/// [`LoadOptions`].
pub struct ModelDirectory {
    path: PathBuf,
    loader_of: Box<LoaderOf>,
}

impl ModelDirectory {
    /// The models in the directory at `path`. `loader_of` says how the directory of a version is
    /// loaded, and returns at once.
    pub fn new(
        path: impl Into<PathBuf>,
        loader_of: impl Fn(&ModelId, &Path) -> Result<Arc<dyn ModelLoader>> + Send + Sync + 'static,
    ) -> Self {
        Self { path: path.into(), loader_of: Box::new(loader_of) }
    }

    /// Every version of every model there is now. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the directory is missing, and what the file system said.
    pub fn models(&self) -> Result<BTreeSet<ModelId>> {
        let mut models = BTreeSet::new();
        for name in directories(&self.path)? {
            let Ok(name) = name.parse::<ModelName>() else { continue };
            let versions = versions_in(&self.path.join(name.as_str()))?;
            models.extend(versions.into_iter().map(|version| ModelId::new(name.clone(), version)));
        }
        Ok(models)
    }
}

impl fmt::Debug for ModelDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelDirectory").field("path", &self.path).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ModelRepository for ModelDirectory {
    /// Needs a tokio runtime.
    async fn versions(&self, name: &ModelName) -> Result<BTreeSet<ModelVersion>> {
        let (path, name) = (self.path.join(name.as_str()), name.clone());
        blocking(move || match versions_in(&path) {
            Err(error) if error.is_not_found() => Err(Error::not_found("model", name)),
            versions => versions,
        })
        .await
    }

    fn loader(&self, id: &ModelId, options: &LoadOptions) -> Result<Arc<dyn ModelLoader>> {
        if *options != LoadOptions::default() {
            return Err(Error::unsupported("a model directory", "another configuration or files"));
        }
        let path = self.path.join(id.name.as_str()).join(id.version.to_string());
        (self.loader_of)(id, &path)
    }
}

fn versions_in(path: &Path) -> Result<BTreeSet<ModelVersion>> {
    let version = |text: String| {
        let version = text.parse::<ModelVersion>().ok()?;
        // `01` reads as 1, but is not where 1 is looked for.
        (version.to_string() == text).then_some(version)
    };
    Ok(directories(path)?.into_iter().filter_map(version).collect())
}

/// The names of the directories in a directory.
fn directories(path: &Path) -> Result<Vec<String>> {
    let list = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Through links too: they are how a version is often put in place.
            if entry.path().is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    };
    list().map_err(|error| Error::file(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finds_what_is_named_and_numbered() {
        let directory = tempfile::tempdir().unwrap();
        for path in ["a/1", "a/20", "a/latest", "a/01", "b/3", "c", " d/1"] {
            fs::create_dir_all(directory.path().join(path)).unwrap();
        }
        fs::write(directory.path().join("a/2"), "not a directory").unwrap();
        fs::write(directory.path().join("readme"), "not a directory").unwrap();
        let models = ModelDirectory::new(directory.path(), |id, path| {
            assert!(path.ends_with(format!("{}/{}", id.name, id.version)) && path.is_dir());
            Err(Error::Cancelled)
        });
        let found: Vec<_> = models.models().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a/1", "a/20", "b/3"]);
        for id in models.models().unwrap() {
            assert!(models.versions(&id.name).await.unwrap().contains(&id.version));
            let error = models.loader(&id, &LoadOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Cancelled), "{error}");
            let options = LoadOptions { config: Some("{}".into()), ..LoadOptions::default() };
            let error = models.loader(&id, &options).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        }
        assert!(models.versions(&"c".parse().unwrap()).await.unwrap().is_empty());
        let error = models.versions(&"z".parse().unwrap()).await.unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains("`z`"), "{error}");
        let nowhere = ModelDirectory::new("/nowhere", |_, _| Err(Error::Cancelled));
        assert!(nowhere.models().unwrap_err().is_not_found());
    }
}
