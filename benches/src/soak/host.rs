//! [`SoakHost`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mlops_core::{
    inference::SessionFactory,
    model::{ModelId, ModelName, ModelVersion},
};
use mlops_serve::{
    batch::{BatchObserver, BatchRecord, Batcher, BatcherOptions},
    host::{HostOptions, LoadedModel, LoaderFn, ModelHost, ModelUpdate, Models, ServedModel},
};

use crate::Result;

/// A [`ModelHost`] with one model, in which each swap loads the next version.
#[derive(Debug)]
pub struct SoakHost {
    host: ModelHost,
    name: ModelName,
    version: AtomicU64,
    factory: Arc<dyn SessionFactory>,
    options: BatcherOptions,
    rows: Arc<RowCounter>,
}

impl SoakHost {
    /// A host without a model yet.
    ///
    /// # Errors
    /// If its threads cannot be started.
    pub fn start(factory: Arc<dyn SessionFactory>, options: BatcherOptions) -> Result<Self> {
        Ok(Self {
            host: ModelHost::start(HostOptions::default())?,
            name: "soak".parse()?,
            version: AtomicU64::new(0),
            factory,
            options,
            rows: Arc::default(),
        })
    }

    /// The model to ask now. Whoever holds it may go on asking it, replaced or not.
    ///
    /// # Errors
    /// If there is none.
    pub fn model(&self) -> Result<Arc<ServedModel>> {
        Ok(self.host.find(self.name.as_str(), None)?)
    }

    /// Loads the next version, which replaces the one that answers.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub async fn swap(&self) -> Result<()> {
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let id = ModelId::new(self.name.clone(), ModelVersion::new(version));
        let (factory, options) = (Arc::clone(&self.factory), self.options.clone());
        let rows = Arc::clone(&self.rows);
        let loader = LoaderFn::new(move |id, _| {
            let rows = Arc::<RowCounter>::clone(&rows);
            let batcher = Batcher::builder(id.clone(), Arc::clone(&factory), options.clone());
            let batcher = Arc::new(batcher.observer(rows).start()?);
            let served = ServedModel::new(Arc::<Batcher>::clone(&batcher));
            Ok(LoadedModel::new(served).with_batcher(batcher))
        });
        Ok(self.host.update(ModelUpdate::swap(id, loader)).await?)
    }

    /// Rows that sessions have run for callers so far, in batches that succeeded.
    pub fn rows_run(&self) -> u64 {
        self.rows.0.load(Ordering::Relaxed)
    }
}

/// Counts the rows of batches that succeeded.
#[derive(Debug, Default)]
struct RowCounter(AtomicU64);

impl BatchObserver for RowCounter {
    fn observe(&self, record: &BatchRecord<'_>) {
        if record.error.is_none() {
            self.0.fetch_add(record.rows as u64, Ordering::Relaxed);
        }
    }
}
