//! [`Tuner`].

use std::{fmt, sync::Arc, time::Instant};

use mlops_core::{
    Result,
    inference::SessionFactory,
    progress::{NoProgress, Progress},
    tensor::NamedTensors,
};

use super::{measure::measure, options::TuneOptions, report::TuneReport, search, setting::Setting};
use crate::batch::BatcherOptions;

/// Finds the setting that a model serves best with, by trying.
///
/// From one session of one thread it climbs: it tries what is one step away from the best so far (twice
/// or half the sessions, the threads or the batch) until nothing is better. Each setting is put under a
/// closed loop of callers.
pub struct Tuner<F> {
    factory: F,
    inputs: NamedTensors,
    options: TuneOptions,
    batcher: BatcherOptions,
    progress: Arc<dyn Progress>,
}

impl<F> Tuner<F>
where
    F: Fn(Setting) -> Result<Arc<dyn SessionFactory>>,
{
    /// Of sessions that `factory` opens with the setting's threads; `inputs` are those of each request.
    #[must_use]
    pub fn new(factory: F, inputs: NamedTensors, options: TuneOptions) -> Self {
        let batcher = BatcherOptions::default();
        Self { factory, inputs, options, batcher, progress: Arc::new(NoProgress) }
    }

    /// Sets what batchers have in common: everything but the instances and the batch size, which are
    /// tried.
    #[must_use]
    pub fn with_batcher(mut self, options: BatcherOptions) -> Self {
        self.batcher = options;
        self
    }

    /// Tells `progress` of every setting that was tried. How many there will be is not known before.
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Tries settings until none is better or time is up. Blocks for as long as that takes, and keeps
    /// the processor busy; what it starts has ended when it returns.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for options with a zero; whatever
    /// kept the factory or a batcher from starting, or a request from being answered.
    pub fn run(&self) -> Result<TuneReport> {
        self.options.check()?;
        let result = self.climb();
        self.progress.finish();
        result
    }

    fn climb(&self) -> Result<TuneReport> {
        let Self { factory, inputs, options, batcher, progress } = self;
        let started = Instant::now();
        let mut measured = Vec::new();
        progress.set_total(None);
        while let Some(setting) = search::next(options, &measured) {
            if !measured.is_empty() && started.elapsed() >= options.max_time {
                return Ok(TuneReport::new(options.clone(), measured, false));
            }
            let measurement = measure(setting, factory(setting)?, batcher, inputs, options)?;
            tracing::debug!(%setting, ?measurement, "a setting was tried");
            measured.push(measurement);
            progress.advance(1);
        }
        let complete = measured.len() < options.max_settings;
        Ok(TuneReport::new(options.clone(), measured, complete))
    }
}

impl<F> fmt::Debug for Tuner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tuner")
            .field("options", &self.options)
            .field("batcher", &self.batcher)
            .finish_non_exhaustive()
    }
}
