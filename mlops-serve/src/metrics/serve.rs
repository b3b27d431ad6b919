//! [`ServeMetrics`].

use std::sync::Arc;

use mlops_core::{Error, model::ModelId};
use prometheus_client::registry::Registry;

use super::{
    families::{Families, model_labels},
    model::ModelMetrics,
};
use crate::record::RequestRecorder;

/// The metrics of every model of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct ServeMetrics {
    families: Arc<Families>,
}

impl ServeMetrics {
    /// Adds the metrics to a registry. Once a registry: a second time would repeat their names.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        Self { families: Arc::new(Families::register(registry)) }
    }

    /// The metrics of one model, looked up once instead of at every request.
    #[must_use]
    pub fn model(&self, id: &ModelId) -> Arc<ModelMetrics> {
        Arc::new(ModelMetrics::new(Arc::clone(&self.families), id))
    }

    /// Drops the metrics of a version that is gone for good: those of every version that ever served would
    /// otherwise stay. What has been counting them counts unseen, even if the version is loaded again
    /// meanwhile: ask for [`model`](Self::model) anew after it.
    pub fn forget(&self, id: &ModelId) {
        self.families.forget(&model_labels(Some(id)));
    }
}

impl RequestRecorder for ServeMetrics {
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error) {
        let labels = model_labels(model.map(|id| &**id));
        self.families.requests(&labels, error.code()).inc();
    }
}
