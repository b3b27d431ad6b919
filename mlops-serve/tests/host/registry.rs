//! A registry in memory that can fail in the ways a remote one does.

use std::{
    fmt, fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    model::{Alias, FileRole, ModelName, ModelPackage, ModelVersion, PackageBuilder, Stage},
    registry::{
        AliasBinding, ModelRegistry, Page, Paged, RegisterOptions, RegisteredVersion, SetAlias,
    },
    signature::ModelSignature,
    testing::registry::MemoryRegistry,
};

#[derive(Debug, Default)]
pub(crate) struct FlakyRegistry {
    inner: MemoryRegistry,
    /// Nothing can be reached.
    pub(crate) is_down: AtomicBool,
    /// What is fetched has lost its last byte.
    pub(crate) is_corrupting: AtomicBool,
    /// A fetch writes half a package and never ends.
    pub(crate) is_stuck: AtomicBool,
    pub(crate) fetches: AtomicUsize,
}

impl FlakyRegistry {
    pub(crate) fn set(flag: &AtomicBool) {
        flag.store(true, Ordering::SeqCst);
    }

    pub(crate) fn clear(flag: &AtomicBool) {
        flag.store(false, Ordering::SeqCst);
    }

    /// Registers a model whose file holds this text, as the next version of `m`.
    pub(crate) async fn add(&self, content: &str) -> ModelVersion {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, content).unwrap();
        let package = PackageBuilder::new(ModelSignature { inputs: vec![], outputs: vec![] })
            .file(FileRole::Model, "model.onnx".parse().unwrap(), &file)
            .build(directory.path().join("package"))
            .unwrap();
        let options = RegisterOptions::default();
        let registered = self.register(&"m".parse().unwrap(), &package, &options).await.unwrap();
        registered.id.version
    }

    pub(crate) async fn point(&self, version: Option<ModelVersion>) {
        let (name, alias) = ("m".parse().unwrap(), "champion".parse().unwrap());
        self.inner.set_alias(&name, &alias, version, &SetAlias::default()).await.unwrap();
    }

    fn reach(&self) -> Result<()> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::unavailable("registry", "the network is down"));
        }
        Ok(())
    }
}

impl fmt::Display for FlakyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlakyRegistry")
    }
}

#[async_trait]
impl ModelRegistry for FlakyRegistry {
    async fn register(
        &self,
        name: &ModelName,
        package: &ModelPackage,
        options: &RegisterOptions,
    ) -> Result<RegisteredVersion> {
        self.inner.register(name, package, options).await
    }

    async fn get(&self, name: &ModelName, version: ModelVersion) -> Result<RegisteredVersion> {
        self.reach()?;
        self.inner.get(name, version).await
    }

    async fn fetch(
        &self,
        name: &ModelName,
        version: ModelVersion,
        directory: &Path,
    ) -> Result<ModelPackage> {
        self.reach()?;
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if self.is_stuck.load(Ordering::SeqCst) {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("model.onnx"), "half").unwrap();
            std::future::pending::<()>().await;
        }
        let package = self.inner.fetch(name, version, directory).await?;
        if self.is_corrupting.load(Ordering::SeqCst) {
            fs::write(package.model_path(), "damaged").unwrap();
        }
        Ok(package)
    }

    async fn list_models(&self, page: &Page) -> Result<Paged<ModelName>> {
        self.inner.list_models(page).await
    }

    async fn list_versions(
        &self,
        name: &ModelName,
        page: &Page,
    ) -> Result<Paged<RegisteredVersion>> {
        self.inner.list_versions(name, page).await
    }

    async fn get_alias(&self, name: &ModelName, alias: &Alias) -> Result<AliasBinding> {
        self.reach()?;
        self.inner.get_alias(name, alias).await
    }

    async fn list_aliases(&self, name: &ModelName) -> Result<Vec<(Alias, AliasBinding)>> {
        self.inner.list_aliases(name).await
    }

    async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        to: Option<ModelVersion>,
        change: &SetAlias,
    ) -> Result<Option<AliasBinding>> {
        self.inner.set_alias(name, alias, to, change).await
    }

    async fn set_stage(&self, name: &ModelName, version: ModelVersion, stage: Stage) -> Result<()> {
        self.inner.set_stage(name, version, stage).await
    }

    async fn set_tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        key: &str,
        value: Option<&str>,
    ) -> Result<()> {
        self.inner.set_tag(name, version, key, value).await
    }

    async fn delete_version(&self, name: &ModelName, version: ModelVersion) -> Result<()> {
        self.inner.delete_version(name, version).await
    }

    async fn delete_model(&self, name: &ModelName) -> Result<()> {
        self.inner.delete_model(name).await
    }
}
