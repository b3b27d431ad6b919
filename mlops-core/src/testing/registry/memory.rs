//! A registry in memory.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::{
    Error, Result,
    clock::{Clock, SystemClock},
    model::{Alias, ModelId, ModelName, ModelPackage, ModelVersion, Stage},
    progress::NoProgress,
    registry::{
        AliasBinding, ModelRegistry, Page, Paged, RegisterOptions, RegisteredVersion, SetAlias,
    },
};

/// Keeps everything, packages included, in memory. For tests: it reads and writes package
/// directories on the caller's thread.
#[derive(Debug)]
pub struct MemoryRegistry {
    models: Mutex<BTreeMap<ModelName, Model>>,
    /// One count for all aliases, so that revisions never repeat, not even when a model is deleted.
    last_revision: AtomicU64,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Model {
    last_version: u64,
    versions: BTreeMap<ModelVersion, Version>,
    aliases: BTreeMap<Alias, AliasBinding>,
}

#[derive(Debug)]
struct Version {
    registered: RegisteredVersion,
    /// Path within the package, and content.
    content: Vec<(PathBuf, Bytes)>,
}

impl MemoryRegistry {
    /// An empty registry that takes the time from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { models: Mutex::default(), last_revision: AtomicU64::new(0), clock }
    }

    fn with_model<T>(
        &self,
        name: &ModelName,
        act: impl FnOnce(&mut Model) -> Result<T>,
    ) -> Result<T> {
        match self.models.lock().get_mut(name) {
            Some(model) => act(model),
            None => Err(Error::not_found("model", name)),
        }
    }

    fn with_version<T>(
        &self,
        name: &ModelName,
        version: ModelVersion,
        act: impl FnOnce(&mut Version) -> Result<T>,
    ) -> Result<T> {
        self.with_model(name, |model| match model.versions.get_mut(&version) {
            Some(found) => act(found),
            None => Err(version_not_found(name, version)),
        })
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl fmt::Display for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRegistry")
    }
}

#[async_trait]
impl ModelRegistry for MemoryRegistry {
    async fn register(
        &self,
        name: &ModelName,
        package: &ModelPackage,
        options: &RegisterOptions,
    ) -> Result<RegisteredVersion> {
        package.verify(&NoProgress)?;
        let mut content = Vec::new();
        let paths = package.files().iter().map(|file| PathBuf::from(file.path.as_str()));
        for path in paths.chain([PathBuf::from("manifest.json")]) {
            let source = package.directory().join(&path);
            let bytes = fs::read(&source).map_err(|error| Error::file(&source, error))?;
            content.push((path, bytes.into()));
        }

        let mut models = self.models.lock();
        let model = models.entry(name.clone()).or_default();
        if let Some(semver) = &options.semver
            && model.versions.values().any(|other| other.registered.semver.as_ref() == Some(semver))
        {
            return Err(Error::already_exists("model version", format_args!("{name}/{semver}")));
        }
        model.last_version += 1;
        let id = ModelId::new(name.clone(), ModelVersion::new(model.last_version));
        let registered = RegisteredVersion::of_package(id, package, options, self.clock.wall())?;
        let version = Version { registered: registered.clone(), content };
        model.versions.insert(registered.id.version, version);
        Ok(registered)
    }

    async fn get(&self, name: &ModelName, version: ModelVersion) -> Result<RegisteredVersion> {
        self.with_version(name, version, |version| Ok(version.registered.clone()))
    }

    async fn fetch(
        &self,
        name: &ModelName,
        version: ModelVersion,
        directory: &Path,
    ) -> Result<ModelPackage> {
        let content = self.with_version(name, version, |version| Ok(version.content.clone()))?;
        fs::create_dir(directory).map_err(|error| Error::file(directory, error))?;
        for (path, bytes) in content {
            let target = directory.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(|error| Error::file(parent, error))?;
            }
            fs::write(&target, bytes).map_err(|error| Error::file(&target, error))?;
        }
        ModelPackage::open(directory)
    }

    async fn list_models(&self, page: &Page) -> Result<Paged<ModelName>> {
        let names = self.models.lock().keys().cloned().collect();
        paged(names, page, ToString::to_string)
    }

    async fn list_versions(
        &self,
        name: &ModelName,
        page: &Page,
    ) -> Result<Paged<RegisteredVersion>> {
        let newest_first = self.with_model(name, |model| {
            Ok(model.versions.values().rev().map(|version| version.registered.clone()).collect())
        })?;
        paged(newest_first, page, |version: &RegisteredVersion| version.id.version.to_string())
    }

    async fn get_alias(&self, name: &ModelName, alias: &Alias) -> Result<AliasBinding> {
        self.with_model(name, |model| {
            let binding = model.aliases.get(alias).copied();
            binding.ok_or_else(|| Error::not_found("alias", format_args!("{name}@{alias}")))
        })
    }

    async fn list_aliases(&self, name: &ModelName) -> Result<Vec<(Alias, AliasBinding)>> {
        self.with_model(name, |model| {
            Ok(model.aliases.iter().map(|(alias, binding)| (alias.clone(), *binding)).collect())
        })
    }

    async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        to: Option<ModelVersion>,
        change: &SetAlias,
    ) -> Result<Option<AliasBinding>> {
        self.with_model(name, |model| {
            let found = model.aliases.get(alias).copied();
            if !change.expected.holds(found) {
                return Err(Error::Conflict {
                    kind: "alias",
                    name: format!("{name}@{alias}").into(),
                    reason: format!("expected {:?}, found {found:?}", change.expected).into(),
                });
            }
            if let Some(version) = to.filter(|version| !model.versions.contains_key(version)) {
                return Err(version_not_found(name, version));
            }
            let revision = self.last_revision.fetch_add(1, Ordering::Relaxed) + 1;
            let binding = to.map(|version| AliasBinding { version, revision });
            match binding {
                Some(binding) => model.aliases.insert(alias.clone(), binding),
                None => model.aliases.remove(alias),
            };
            Ok(binding)
        })
    }

    async fn set_stage(&self, name: &ModelName, version: ModelVersion, stage: Stage) -> Result<()> {
        self.with_version(name, version, |version| {
            version.registered.stage = stage;
            Ok(())
        })
    }

    async fn set_tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        key: &str,
        value: Option<&str>,
    ) -> Result<()> {
        self.with_version(name, version, |version| {
            match value {
                Some(value) => version.registered.tags.insert(key.into(), value.into()),
                None => version.registered.tags.remove(key),
            };
            Ok(())
        })
    }

    async fn delete_version(&self, name: &ModelName, version: ModelVersion) -> Result<()> {
        self.with_model(name, |model| {
            let reasons: Vec<Box<str>> = model
                .aliases
                .iter()
                .filter(|(_, binding)| binding.version == version)
                .map(|(alias, _)| format!("alias `{alias}` stands for {name}/{version}").into())
                .collect();
            if !reasons.is_empty() {
                let what = "deletion of a model version";
                return Err(Error::Refused { what, reasons: reasons.into() });
            }
            match model.versions.remove(&version) {
                Some(_) => Ok(()),
                None => Err(version_not_found(name, version)),
            }
        })
    }

    async fn delete_model(&self, name: &ModelName) -> Result<()> {
        match self.models.lock().remove(name) {
            Some(_) => Ok(()),
            None => Err(Error::not_found("model", name)),
        }
    }
}

fn version_not_found(name: &ModelName, version: ModelVersion) -> Error {
    Error::not_found("model version", format_args!("{name}/{version}"))
}

/// One page of `items`, whose token is the key of the item it starts with.
fn paged<T>(items: Vec<T>, page: &Page, key: impl Fn(&T) -> String) -> Result<Paged<T>> {
    let start = match &page.token {
        None => 0,
        Some(token) => items.iter().position(|item| key(item) == *token).ok_or_else(|| {
            Error::invalid("page token", format!("`{token}` is not of this list, or is outdated"))
        })?,
    };
    let next = items.get(start.saturating_add(page.limit.get())).map(&key);
    let items = items.into_iter().skip(start).take(page.limit.get()).collect();
    Ok(Paged { items, next })
}
