//! [`FrameScoring`].

use std::{
    fmt,
    num::NonZeroUsize,
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Predict},
    progress::Progress,
    random::RandomKey,
    tensor::{NamedTensors, TensorName},
};
use polars::{io::expand_paths, prelude as pl};
use tokio::sync::{Semaphore, watch};

use super::{
    error::backend,
    folder::{FORMAT_VERSION, Folder, Job, SourceFile},
    inputs::{InputPlan, Rows},
    options::FrameOptions,
    outputs::{ERROR, OutputPlan, Piece},
    read::{Chunk, Reading},
    write::{Message, Scored, Writing, Written},
};
use crate::{
    blocking::blocking,
    score::{RetryOptions, retry::attempt},
};

/// Scores a frame into a folder.
pub struct FrameScoring {
    frame: pl::LazyFrame,
    model: Arc<dyn Predict>,
    options: FrameOptions,
    progress: Option<Arc<dyn Progress>>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameReport {
    /// Rows in the output.
    pub rows: u64,
    /// How many of them were there before this run.
    pub resumed_rows: u64,
    /// Rows of this run without outputs.
    pub failed_rows: u64,
    /// Files in the output.
    pub parts: u64,
    /// How long this run took.
    pub elapsed: Duration,
}

impl FrameScoring {
    /// The answers of this model to the rows of `frame`, which must give the same rows in the same order
    /// each time it is collected.
    #[must_use]
    pub fn new(frame: pl::LazyFrame, model: Arc<dyn Predict>) -> Self {
        Self { frame, model, options: FrameOptions::default(), progress: None }
    }

    /// Sets which columns are scored, what is kept, and how much is in memory at once.
    #[must_use]
    pub fn with_options(mut self, options: FrameOptions) -> Self {
        self.options = options;
        self
    }

    /// Reports rows. To know how many there are in all, the frame is counted first: that is quick for
    /// Parquet, and reads CSV once more.
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Scores what has not been scored yet, see [the module](super).
    ///
    /// # Errors
    /// - [`Error::InvalidTensor`] if columns are missing or cannot be the model's inputs,
    ///   [`Error::InvalidArgument`] for other options, [`Error::Unsupported`] for a model without a batch
    ///   axis: before anything is written.
    /// - [`Error::Conflict`] if the folder was begun with something else, or another process writes to it.
    /// - [`Error::Corrupt`] if files of the output are damaged or missing.
    /// - [`Error::Refused`] if more than [`FrameOptions::max_failed_rows`] fail.
    /// - The error of a model that is gone, or was out for too long; of files that cannot be read or written.
    ///
    /// After any of these it can be run again, and goes on after the last whole file.
    ///
    /// # Cancel safety
    /// Dropping the future stops reading and asking; a thread ends the file that was begun, which the next
    /// run goes on after.
    pub async fn run(self, folder: impl Into<PathBuf> + Send) -> Result<FrameReport> {
        let started = Instant::now();
        self.options.check()?;
        let descriptor = self.model.descriptor();
        let Some(max_rows) = descriptor.max_batch_size else {
            let feature = format!("model `{}`, which has no batch axis", descriptor.id);
            return Err(Error::unsupported("offline scoring", feature));
        };
        let Self { frame, model, options, progress } = self;
        let (plans, frame) = {
            let (model, options) = (Arc::clone(&model), options.clone());
            blocking(move || Ok((Plans::new(&frame, &*model, &options)?, frame))).await?
        };
        let Plans { inputs, outputs, schema, job, requested } = plans;
        let folder = folder.into();
        let (folder, done) = blocking(move || Folder::open(&folder, &job)).await?;
        let report = |written: Written| FrameReport {
            rows: done.rows + written.rows,
            resumed_rows: done.rows,
            failed_rows: written.failed_rows,
            parts: done.parts + written.parts,
            elapsed: started.elapsed(),
        };
        if let Some(progress) = &progress {
            let total = if done.complete { done.rows } else { count(frame.clone()).await? };
            progress.set_total(Some(total));
            progress.advance(done.rows);
        }
        if done.complete {
            if let Some(progress) = progress {
                progress.finish();
            }
            return Ok(report(Written::default()));
        }
        let max_in_flight = options.max_in_flight.min(Semaphore::MAX_PERMITS);
        let scorer = Scorer {
            model,
            requested,
            max_rows: options.max_request_rows.min(max_rows.max(1)),
            max_in_flight,
            in_flight: Semaphore::new(max_in_flight),
            retry: options.retry,
        };
        let fitting = options.chunk_bytes / inputs.row_bytes().max(1);
        let chunk_rows = options.chunk_rows.min(fitting);
        let reading = Reading {
            frame,
            inputs: Arc::new(inputs),
            keep: options.keep.iter().map(|name| name.as_str().into()).collect(),
            chunk_rows: NonZeroUsize::new(chunk_rows).unwrap_or(NonZeroUsize::MIN),
            skip: done.rows,
        };
        let writing = Writing {
            folder,
            outputs,
            schema,
            part_rows: options.part_rows as u64,
            max_failed_rows: options.max_failed_rows,
            next: done.rows,
        };
        let result = scorer.score_all(reading, writing, progress.as_deref()).await;
        if let Some(progress) = progress {
            progress.finish();
        }
        result.map(report)
    }
}

/// What is decided before anything is read.
struct Plans {
    inputs: InputPlan,
    outputs: OutputPlan,
    schema: pl::Schema,
    job: Job,
    requested: Option<Vec<TensorName>>,
}

impl Plans {
    fn new(frame: &pl::LazyFrame, model: &dyn Predict, options: &FrameOptions) -> Result<Self> {
        let descriptor = model.descriptor();
        let columns = frame.clone().collect_schema().map_err(backend)?;
        let inputs = InputPlan::new(&descriptor.signature, &options.features, &columns)?;
        let requested: Option<Vec<TensorName>> = options
            .outputs
            .as_ref()
            .map(|names| names.iter().map(|name| name.as_str().into()).collect());
        let outputs = OutputPlan::new(&descriptor.signature, requested.as_deref())?;
        let mut schema = pl::Schema::default();
        for name in &options.keep {
            let Some(data_type) = columns.get(name) else {
                return Err(Error::not_found("column", name));
            };
            schema.insert(name.as_str().into(), data_type.clone());
        }
        for (name, data_type) in outputs.schema() {
            if schema.insert(name.clone(), data_type).is_some() {
                let what = if name == ERROR { "the errors" } else { "an output" };
                let reason =
                    format!("the output has a column `{name}` for {what}: rename the other");
                return Err(Error::invalid("keep", reason));
            }
        }
        let files = source_files(frame)?;
        let job = Job {
            format_version: FORMAT_VERSION,
            model: descriptor.id.to_string(),
            features: options.features.clone(),
            outputs: options.outputs.clone(),
            keep: options.keep.clone(),
            plan: frame.describe_plan().map_err(backend)?,
            files,
        };
        Ok(Self { inputs, outputs, schema, job, requested })
    }
}

/// The local files that a frame is read from, patterns and folders expanded.
fn source_files(frame: &pl::LazyFrame) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for plan in &frame.logical_plan {
        let pl::DslPlan::Scan { sources: pl::ScanSources::Paths(paths), .. } = plan else {
            continue;
        };
        let local: Vec<_> = paths.iter().filter(|path| !path.has_scheme()).cloned().collect();
        let mut no_cloud = None;
        let expand = expand_paths(&local, true, &[], &mut no_cloud);
        let expanded = tokio::runtime::Handle::current().block_on(expand).map_err(backend)?;
        for path in expanded.iter() {
            files.push(SourceFile::of(path.as_std_path())?);
        }
    }
    Ok(files)
}

async fn count(frame: pl::LazyFrame) -> Result<u64> {
    let counted = move || {
        let counted = frame.select([pl::len()]).collect_with_engine(pl::Engine::Streaming);
        let counted = counted.map_err(backend)?.unwrap_single();
        let value = counted.columns()[0].get(0).map_err(backend)?;
        value.try_extract::<u64>().map_err(backend)
    };
    blocking(counted).await
}

/// Asks the model.
struct Scorer {
    model: Arc<dyn Predict>,
    requested: Option<Vec<TensorName>>,
    max_rows: usize,
    max_in_flight: usize,
    in_flight: Semaphore,
    retry: RetryOptions,
}

impl Scorer {
    async fn score_all(
        &self,
        reading: Reading,
        writing: Writing,
        progress: Option<&dyn Progress>,
    ) -> Result<Written> {
        let chunks = reading.start()?;
        let (sender, told) = writing.start()?;
        // One is asked about while requests of the one before are still under way.
        let scored =
            stream::unfold(chunks, async |mut chunks| Some((chunks.recv().await?, chunks)))
                .map(|chunk| async { self.score(chunk?).await })
                .buffered(2);
        let mut scored = std::pin::pin!(scored);
        let mut outcome = Ok(());
        while let Some(next) = scored.next().await {
            let message = match next {
                Ok(scored) => {
                    if let Some(progress) = progress {
                        progress.advance(scored.rows as u64);
                    }
                    Message::Rows(scored)
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            };
            // If it does not take more, it says why.
            if sender.send(message).await.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            drop(sender.send(Message::Complete).await);
        }
        drop(sender);
        let written = told.await.unwrap_or_else(|_| Err(backend("writing panicked")));
        outcome.and(written)
    }

    async fn score(&self, Chunk { rows, kept }: Chunk) -> Result<Scored> {
        let runs = rows.runs(self.max_rows);
        let mut pieces: Vec<Piece> = stream::iter(runs)
            .map(|run| self.score_run(&rows, run))
            .buffered(self.max_in_flight)
            .try_collect::<Vec<_>>()
            .await?
            .into_iter()
            .flatten()
            .collect();
        pieces.extend(
            rows.faults()
                .iter()
                .map(|(row, error)| Piece { rows: *row..row + 1, outputs: Err(error.clone()) }),
        );
        pieces.sort_by_key(|piece| piece.rows.start);
        Ok(Scored { kept, pieces, rows: rows.count() })
    }

    /// Asks about a run; if that fails, about its halves, until only the rows at fault have failed.
    async fn score_run(&self, rows: &Rows, run: Range<usize>) -> Result<Vec<Piece>> {
        let _permit = self.in_flight.acquire().await.map_err(backend)?;
        let (_never, mut stopping) = watch::channel(false);
        let mut jitter = RandomKey::from_seed(0).derive("score::frame").stream(run.start as u64);
        // Several rows are asked about again anyway.
        let at_once = self.retry.clone().with_max_attempts(1);
        let mut pending = vec![run];
        let mut pieces = Vec::with_capacity(1);
        while let Some(run) = pending.pop() {
            let inputs = rows.inputs(run.clone())?;
            let retry = if run.len() > 1 { &at_once } else { &self.retry };
            let ask = || self.ask(inputs.clone());
            match attempt(retry, &mut jitter, &mut stopping, ask).await? {
                Err(_) if run.len() > 1 => {
                    let middle = run.start + run.len() / 2;
                    pending.extend([middle..run.end, run.start..middle]);
                }
                outputs => pieces.push(Piece { rows: run, outputs }),
            }
        }
        Ok(pieces)
    }

    async fn ask(&self, inputs: NamedTensors) -> Result<NamedTensors> {
        let mut request = InferenceRequest::new(inputs);
        if let Some(names) = &self.requested {
            request = request.with_requested_outputs(names.iter().cloned());
        }
        Ok(self.model.predict(request).await?.outputs)
    }
}

impl fmt::Debug for FrameScoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameScoring")
            .field("model", &self.model.to_string())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
