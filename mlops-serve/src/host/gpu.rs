//! [`RequireGpus`].

use std::sync::Arc;

use mlops_core::{Result, gpu::GpuProbe, model::ModelVersion};

use super::models::{ModelState, ModelStatus, Models, ServedModel};

/// Models that are not ready while a GPU they run on is gone, so that a load balancer turns to others.
///
/// [`list`](Models::list) asks the driver, which takes it a few milliseconds at most.
#[derive(Debug)]
pub struct RequireGpus {
    models: Arc<dyn Models>,
    probe: Arc<GpuProbe>,
    gpus: Vec<u32>,
}

impl RequireGpus {
    /// These models, which run on the GPUs of these numbers.
    ///
    /// # Errors
    /// [`Error::Unavailable`](mlops_core::Error::Unavailable) for the first of them that is not there.
    pub fn new(
        models: Arc<dyn Models>,
        probe: Arc<GpuProbe>,
        gpus: impl IntoIterator<Item = u32>,
    ) -> Result<Self> {
        let gpus: Vec<_> = gpus.into_iter().collect();
        probe.require(&gpus)?;
        Ok(Self { models, probe, gpus })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Models for RequireGpus {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>> {
        self.models.find(name, version)
    }

    /// Ready models are shown as failed, with the GPU, while one is gone.
    fn list(&self) -> Vec<ModelStatus> {
        let mut models = self.models.list();
        if let Err(error) = self.probe.require(&self.gpus) {
            let ready = models.iter_mut().filter(|model| model.state == ModelState::Ready);
            ready.for_each(|model| model.state = ModelState::Failed { reason: error.report() });
        }
        models
    }
}
