//! [`HotSwap`], and the simplest host that can do it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{
    inference::SessionFactory,
    model::{ModelId, ModelName, ModelVersion},
};
use mlops_serve::{
    batch::{BatchObserver, BatchRecord, Batcher, BatcherOptions},
    host::{ModelTable, Models, ServedModel},
};

use crate::Result;

/// A host whose model can be replaced while it answers requests.
pub trait HotSwap: Send + Sync + 'static {
    /// The model to ask now. Whoever holds it may go on asking it, replaced or not.
    ///
    /// # Errors
    /// If there is none.
    fn model(&self) -> Result<Arc<ServedModel>>;

    /// Opens the model anew, and replaces the one that answers. Blocks until the new one does.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn swap(&self) -> Result<()>;

    /// Rows that sessions have run for callers so far, in batches that succeeded.
    fn rows_run(&self) -> u64;
}

/// A [`ModelTable`] in which each swap publishes the next version and forgets the last one, which
/// goes when its last caller has its answer.
pub struct TableHost {
    table: ModelTable,
    name: ModelName,
    version: AtomicU64,
    factory: Arc<dyn SessionFactory>,
    options: BatcherOptions,
    rows: Arc<RowCounter>,
}

impl TableHost {
    /// Opens the first version.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn start(factory: Arc<dyn SessionFactory>, options: BatcherOptions) -> Result<Self> {
        let host = Self {
            table: ModelTable::new(),
            name: "soak".parse()?,
            version: AtomicU64::new(1),
            factory,
            options,
            rows: Arc::default(),
        };
        host.publish(1)?;
        Ok(host)
    }

    fn id(&self, version: u64) -> ModelId {
        ModelId::new(self.name.clone(), ModelVersion::new(version))
    }

    fn publish(&self, version: u64) -> Result<()> {
        let factory = Arc::clone(&self.factory);
        let batcher = Batcher::builder(self.id(version), factory, self.options.clone())
            .observer(Arc::<RowCounter>::clone(&self.rows))
            .start()?;
        self.table.publish(ServedModel::new(Arc::new(batcher)));
        Ok(())
    }
}

impl HotSwap for TableHost {
    fn model(&self) -> Result<Arc<ServedModel>> {
        Ok(self.table.find(self.name.as_str(), None)?)
    }

    fn swap(&self) -> Result<()> {
        let last = self.version.fetch_add(1, Ordering::Relaxed);
        self.publish(last + 1)?;
        self.table.remove(&self.id(last));
        Ok(())
    }

    fn rows_run(&self) -> u64 {
        self.rows.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for TableHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableHost").field("table", &self.table).finish_non_exhaustive()
    }
}

/// Counts the rows of batches that succeeded.
#[derive(Debug, Default)]
pub struct RowCounter(AtomicU64);

impl BatchObserver for RowCounter {
    fn observe(&self, record: &BatchRecord<'_>) {
        if record.error.is_none() {
            self.0.fetch_add(record.rows as u64, Ordering::Relaxed);
        }
    }
}
