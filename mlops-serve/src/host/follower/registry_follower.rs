//! [`RegistryFollower`].

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use mlops_core::{
    Digest, Error, Result,
    model::{ModelId, ModelPackage, ModelVersion},
    random::RandomKey,
    registry::{AliasBinding, AliasWatch, ModelRegistry},
};
use tokio::sync::watch;

use super::{
    back_off::BackOff,
    directory::FetchDirectory,
    options::FollowerOptions,
    package::{FetchedPackage, OwnDirectory},
};
use crate::{
    blocking::blocking,
    host::{ModelHost, ModelLoader, ModelUpdate},
};

type LoaderOf = dyn Fn(&ModelPackage) -> Result<Arc<dyn ModelLoader>> + Send + Sync;

/// Serves whatever version an alias of a registry stands for.
///
/// It fetches a version into a directory of its own, checks every digest, and swaps it in. Whatever
/// fails on the way (the registry, the package, the load), the version before goes on serving, and
/// it tries again, after waits that grow up to a bound. If the alias is deleted the last version
/// serves on too; [`FollowerStatus::alias`] says so.
///
/// The host drives it, with [`run`](Self::run) in a task of its own or with [`step`](Self::step).
///
/// ```no_run
/// # use std::{path::Path, sync::Arc};
/// # use mlops_core::{Result, model::ModelPackage, registry::ModelRegistry};
/// # use mlops_serve::host::{FollowerOptions, ModelHost, ModelLoader, RegistryFollower};
/// # async fn example(
/// #     host: Arc<ModelHost>,
/// #     registry: Arc<dyn ModelRegistry>,
/// #     load: fn(&ModelPackage) -> Result<Arc<dyn ModelLoader>>,
/// #     stop: tokio::sync::oneshot::Receiver<()>,
/// # ) -> Result<()> {
/// let (name, alias) = ("digits".parse()?, "champion".parse()?);
/// let options = FollowerOptions::new(name, alias, "/var/cache/service/digits");
/// let mut follower = RegistryFollower::open(host, registry, options, load)?;
/// let status = follower.status();
/// tokio::spawn(async move {
///     follower.run(async { drop(stop.await) }).await;
/// });
/// println!("{:?}", status.borrow().serving);
/// # Ok(())
/// # }
/// ```
///
/// # Its directory
/// It is locked while the follower lives. What a killed process left there is removed when the next
/// one opens it; the package of a version is removed when nothing of the version runs any more.
pub struct RegistryFollower {
    host: Arc<ModelHost>,
    registry: Arc<dyn ModelRegistry>,
    options: FollowerOptions,
    loader_of: Box<LoaderOf>,
    directory: FetchDirectory,
    watch: AliasWatch,
    back_off: BackOff,
    status: watch::Sender<FollowerStatus>,
    /// What the alias stands for and is not served yet.
    wanted: Option<AliasBinding>,
    /// What was swapped in last.
    served: Option<(ModelVersion, Digest)>,
    /// Where a fetch was begun that did not come to be loaded.
    left_over: Option<Arc<OwnDirectory>>,
}

/// How a follower is doing.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FollowerStatus {
    /// Looks at the registry so far, failed ones too.
    pub looks: u64,
    /// What the alias stood for at the last look that succeeded; `None` if it was not set.
    pub alias: Option<AliasBinding>,
    /// The version that it last made the host serve.
    pub serving: Option<ModelVersion>,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Why the last look failed, or the fetch or load that followed from it.
    pub last_error: Option<Error>,
}

impl RegistryFollower {
    /// Prepares to follow: locks the directory and removes what a former follower left there.
    /// `loader_of` says how a package is loaded, and returns at once.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for options that contradict one another;
    /// [`Error::Unavailable`] if another follower uses the directory; what the file system said.
    pub fn open(
        host: Arc<ModelHost>,
        registry: Arc<dyn ModelRegistry>,
        options: FollowerOptions,
        loader_of: impl Fn(&ModelPackage) -> Result<Arc<dyn ModelLoader>> + Send + Sync + 'static,
    ) -> Result<Self> {
        options.check()?;
        let directory = FetchDirectory::open(options.directory.clone())?;
        // A hasher's keys are drawn anew in each process.
        let seed = options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        let random = RandomKey::from_seed(seed).derive("follower");
        Ok(Self {
            host,
            registry,
            loader_of: Box::new(loader_of),
            directory,
            watch: AliasWatch::new(options.name.clone(), options.alias.clone()),
            back_off: BackOff::new(options.first_retry, options.longest_retry, random),
            status: watch::Sender::default(),
            wanted: None,
            served: None,
            left_over: None,
            options,
        })
    }

    /// How it is doing, now and after every look.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<FollowerStatus> {
        self.status.subscribe()
    }

    /// Follows until `shutdown` is done. Failures are logged and in the [`status`](Self::status).
    /// Needs a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    /// Like that of [`step`](Self::step).
    pub async fn run(&mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        loop {
            let stepped = tokio::select! {
                biased;
                () = &mut shutdown => return,
                stepped = self.step() => stepped,
            };
            let wait = match stepped {
                Ok(()) => self.options.poll_interval,
                Err((error, wait)) => {
                    tracing::warn!(
                        model = %self.options.name, alias = %self.options.alias, ?wait,
                        error = error.report(), "cannot follow the alias for now"
                    );
                    wait
                }
            };
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Looks once, and swaps if there is something to swap. For hosts that have a timer of their own.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// What failed, and how long to wait before the next step: from the registry, from the file
    /// system, [`Error::Corrupt`] for a package that is not what the registry says, and what
    /// [`ModelHost::update`] returns.
    ///
    /// # Cancel safety
    /// A dropped step leaves the model as it was; the next one begins it anew.
    pub async fn step(&mut self) -> Result<(), (Error, Duration)> {
        let result = self.try_step().await;
        let failed = match result {
            Ok(()) => {
                self.back_off.reset();
                None
            }
            Err(error) => Some((error, self.back_off.fail())),
        };
        self.status.send_modify(|status| {
            status.looks += 1;
            status.serving = self.served.as_ref().map(|(version, _)| *version);
            status.failures = self.back_off.failures();
            status.last_error = failed.as_ref().map(|(error, _)| error.clone());
        });
        failed.map_or(Ok(()), Err)
    }

    async fn try_step(&mut self) -> Result<()> {
        if let Some(directory) = self.left_over.clone() {
            blocking(move || directory.give_up()).await?;
            self.left_over = None;
        }
        if let Some(alias) = self.watch.look(&*self.registry).await? {
            self.wanted = alias;
            self.back_off.reset();
            self.status.send_modify(|status| status.alias = alias);
        }
        let Some(AliasBinding { version, .. }) = self.wanted else {
            return Ok(());
        };
        let registered = self.registry.get(&self.options.name, version).await?;
        // A number alone does not tell: a model may be deleted, and another one take its name.
        let wanted = (version, registered.digest);
        if self.served.as_ref() != Some(&wanted) {
            self.swap(&wanted).await?;
            self.served = Some(wanted);
        }
        self.wanted = None;
        Ok(())
    }

    async fn swap(&mut self, (version, digest): &(ModelVersion, Digest)) -> Result<()> {
        let name = &self.options.name;
        let directory = OwnDirectory::new(self.directory.next(*version));
        self.left_over = Some(Arc::clone(&directory));
        let package = self.registry.fetch(name, *version, directory.path()).await?;
        let loader = (self.loader_of)(&package)?;
        let fetched = FetchedPackage { package, digest: digest.clone(), loader, directory };
        let update = ModelUpdate::swap(ModelId::new(name.clone(), *version), fetched)
            .with_signature(self.options.signature);
        self.host.update(update).await
    }
}

impl fmt::Debug for RegistryFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryFollower")
            .field("options", &self.options)
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}
