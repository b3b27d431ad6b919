//! [`OnnxSessionFactory`].

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use mlops_core::{
    Digest, Error, Result,
    digest::Digester,
    inference::{Affinity, InferenceSession, SessionFactory},
    model::ModelPackage,
};
use ort::{
    ep::ExecutionProvider as _,
    session::{
        Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
};

use super::{
    error::open_error,
    options::{OptimizationLevel, SessionOptions},
    provider::{CacheIdentity, CacheKey, ExecutionProvider, gpu_identity},
    runtime::OnnxRuntime,
    session::OnnxSession,
    signature::signature,
    weights::{SharedWeights, WeightsInUse, external_files},
};

/// Opens sessions of one ONNX model.
#[derive(Debug, Clone)]
pub struct OnnxSessionFactory {
    runtime: OnnxRuntime,
    source: Source,
    options: SessionOptions,
    weights: Arc<WeightsInUse>,
}

#[derive(Debug, Clone)]
enum Source {
    /// A file; external data lies beside it.
    File(PathBuf),
    Package {
        model: PathBuf,
        digest: Digest,
    },
    Memory {
        model: Bytes,
        external_data: Vec<(PathBuf, Arc<[u8]>)>,
    },
}

impl OnnxSessionFactory {
    /// Sessions of the model in this file. Weights in external files are found beside it.
    #[must_use]
    pub fn from_file(
        runtime: &OnnxRuntime,
        path: impl Into<PathBuf>,
        options: SessionOptions,
    ) -> Self {
        Self::new(runtime, Source::File(path.into()), options)
    }

    /// Sessions of the model in this package.
    ///
    /// # Errors
    /// Those of [`ModelPackage::digest`].
    pub fn from_package(
        runtime: &OnnxRuntime,
        package: &ModelPackage,
        options: SessionOptions,
    ) -> Result<Self> {
        let source = Source::Package { model: package.model_path(), digest: package.digest()? };
        Ok(Self::new(runtime, source, options))
    }

    /// Sessions of a model in memory; `external_data` holds the files its weights are in, by the
    /// names the model calls them.
    #[must_use]
    pub fn from_bytes(
        runtime: &OnnxRuntime,
        model: Bytes,
        external_data: Vec<(PathBuf, Arc<[u8]>)>,
        options: SessionOptions,
    ) -> Self {
        let source = Source::Memory { model, external_data };
        Self::new(runtime, source, options)
    }

    fn new(runtime: &OnnxRuntime, source: Source, options: SessionOptions) -> Self {
        Self { runtime: runtime.clone(), source, options, weights: Arc::default() }
    }

    /// About how many bytes so many sessions keep, from the sizes of the model's files: their weights.
    ///
    /// What runs take on top grows with the batches, up to the largest that was run. While a session is
    /// opened there is one more copy of the weights for a moment. Reads the model's file.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a missing file, also of external data, [`Error::Corrupt`] for one that is
    /// not ONNX.
    pub fn memory_bytes(&self, instances: usize) -> Result<u64> {
        let weights = match &self.source {
            Source::File(path) | Source::Package { model: path, .. } => {
                check_file(path)?;
                let model = std::fs::read(path).map_err(|error| Error::file(path, error))?;
                let mut size_bytes = model.len() as u64;
                for external in external_files(&self.source, model.into())? {
                    let path = path.with_file_name(external);
                    check_file(&path)?;
                    let metadata =
                        std::fs::metadata(&path).map_err(|error| Error::file(&path, error))?;
                    size_bytes += metadata.len();
                }
                size_bytes
            }
            Source::Memory { model, external_data } => {
                let external = external_data.iter().map(|(_, content)| content.len() as u64);
                model.len() as u64 + external.sum::<u64>()
            }
        };
        // Shared weights are kept as stored and as packed.
        let copies = if self.options.share_weights { 2 } else { instances as u64 };
        Ok(weights.saturating_mul(copies))
    }

    /// Opens a session. [`SessionFactory::open`] does the same behind the trait.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a missing file, [`Error::Corrupt`] for one that is not ONNX,
    /// [`Error::Unsupported`] for a provider that is not there or a tensor type that the protocol
    /// cannot say, [`Error::Backend`] for whatever else ONNX Runtime says.
    pub fn open_session(&self) -> Result<OnnxSession> {
        // `ort` asserts on value types that it does not know, such as sequences of sequences.
        catch_unwind(AssertUnwindSafe(|| self.open_unguarded())).unwrap_or_else(|_panic| {
            Err(Error::unsupported("onnxruntime", format_args!("the model `{}`", self.source)))
        })
    }

    fn open_unguarded(&self) -> Result<OnnxSession> {
        let options = &self.options;
        let open_error = |error: ort::Error| open_error(&self.source.to_string(), error);
        let weights = self.shared_weights()?;
        let mut builder = self.builder()?;
        if let Some(weights) = &weights {
            builder = weights.give_to(builder).map_err(open_error)?;
        }
        let session = match &self.source {
            Source::File(model) | Source::Package { model, .. } => {
                check_file(model)?;
                builder.commit_from_file(model).map_err(open_error)?
            }
            Source::Memory { model, .. } => {
                if model.is_empty() {
                    return Err(Error::corrupt("model", &self.source, "no bytes"));
                }
                builder.commit_from_memory(model).map_err(open_error)?
            }
        };
        let signature = Arc::new(signature(session.inputs(), session.outputs())?);
        let bound = options.providers.iter().any(ExecutionProvider::is_bound_to_thread);
        let affinity = if bound { Affinity::OneThread } else { Affinity::AnyThread };
        let arenas = || {
            let devices: Vec<_> =
                options.providers.iter().filter_map(ExecutionProvider::arena_device).collect();
            (!devices.is_empty()).then(|| devices.join(";"))
        };
        let shrink = if options.shrink_after_run { arenas() } else { None };
        let mut providers: Vec<_> = options.providers.iter().map(ExecutionProvider::name).collect();
        if !options.forbid_cpu_fallback && !providers.contains(&ort::ep::CPU::NAME) {
            providers.push(ort::ep::CPU::NAME);
        }
        Ok(OnnxSession::new(session, signature, providers, affinity, shrink, weights))
    }

    fn builder(&self) -> Result<SessionBuilder> {
        let SessionOptions {
            providers,
            forbid_cpu_fallback,
            intra_threads,
            inter_threads,
            spinning,
            optimization,
            memory_pattern,
            shrink_after_run: _,
            share_weights: _,
            dimension_overrides,
            profile,
        } = &self.options;
        let registered = providers
            .iter()
            .map(|provider| {
                require_available(provider)?;
                provider.dispatch(|| self.cache_key(provider))
            })
            .collect::<Result<Vec<_>>>()?;
        let level = match optimization {
            OptimizationLevel::None => GraphOptimizationLevel::Disable,
            OptimizationLevel::Basic => GraphOptimizationLevel::Level1,
            OptimizationLevel::Extended => GraphOptimizationLevel::Level2,
            OptimizationLevel::All => GraphOptimizationLevel::All,
        };
        let build = || -> ort::Result<SessionBuilder> {
            let mut builder = Session::builder(self.runtime.environment())?
                .with_optimization_level(level)?
                .with_intra_threads(*intra_threads)?
                .with_inter_threads(*inter_threads)?
                .with_parallel_execution(*inter_threads > 1)?
                .with_intra_op_spinning(*spinning)?
                .with_inter_op_spinning(*spinning)?
                .with_memory_pattern(*memory_pattern)?
                .with_execution_providers(registered)?;
            if *forbid_cpu_fallback {
                builder = builder.with_disable_cpu_fallback()?;
            }
            for (symbol, size) in dimension_overrides {
                let size = i64::try_from(*size).unwrap_or(i64::MAX);
                builder = builder.with_dimension_override(symbol, size)?;
            }
            if let Some(prefix) = profile {
                builder = builder.with_profiling(prefix)?;
            }
            if let Source::Memory { external_data, .. } = &self.source {
                for (name, content) in external_data {
                    builder = builder
                        .with_external_initializer_file_in_memory(name, Arc::clone(content))?;
                }
            }
            Ok(builder)
        };
        build().map_err(|error| open_error(&self.source.to_string(), error))
    }

    fn shared_weights(&self) -> Result<Option<Arc<SharedWeights>>> {
        if !self.options.share_weights {
            return Ok(None);
        }
        let on_cpu = |provider: &ExecutionProvider| matches!(provider, ExecutionProvider::Cpu(_));
        if !self.options.providers.iter().all(on_cpu) {
            let reason =
                "share_weights is for sessions on the CPU alone: a device has a copy for each";
            return Err(Error::invalid("session options", reason));
        }
        let weights = match &self.source {
            Source::File(path) | Source::Package { model: path, .. } => {
                check_file(path)?;
                let failed = |error| Error::file(path, error);
                let (digest, _) = File::open(path).and_then(Digest::of_reader).map_err(failed)?;
                let read = || std::fs::read(path).map(Bytes::from).map_err(failed);
                self.weights.of(&self.source, &digest, read)?
            }
            Source::Memory { model, .. } => {
                self.weights.of(&self.source, &Digest::of(model), || Ok(model.clone()))?
            }
        };
        Ok(Some(weights))
    }

    fn cache_key(&self, provider: &ExecutionProvider) -> Result<CacheKey> {
        let ExecutionProvider::TensorRt(tensorrt) = provider else {
            return Err(Error::invalid("execution provider", "only TensorRT has a cache"));
        };
        let model = self.source.digest()?;
        let identity = CacheIdentity {
            model: &model,
            runtime_build: self.runtime.build_info(),
            gpu: gpu_identity(tensorrt.device_id),
        };
        CacheKey::new(&identity, tensorrt)
    }
}

impl SessionFactory for OnnxSessionFactory {
    fn open(&self) -> Result<Box<dyn InferenceSession>> {
        Ok(Box::new(self.open_session()?))
    }
}

impl Source {
    /// What the model is known by in caches. External data of a plain file is not looked at: a
    /// package's is.
    fn digest(&self) -> Result<Digest> {
        match self {
            Self::Package { digest, .. } => Ok(digest.clone()),
            Self::File(path) => File::open(path)
                .and_then(Digest::of_reader)
                .map(|(digest, _)| digest)
                .map_err(|error| Error::file(path, error)),
            Self::Memory { model, external_data } => {
                let mut digester = Digester::new();
                digester.update(model);
                for (_, content) in external_data {
                    digester.update(content);
                }
                Ok(digester.finish())
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) | Self::Package { model: path, .. } => path.display().fmt(f),
            Self::Memory { .. } => f.write_str("(in memory)"),
        }
    }
}

fn check_file(path: &PathBuf) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found("model file", path.display()),
        _ => Error::file(path, error),
    })?;
    if !metadata.is_file() {
        return Err(Error::invalid("model file", format!("`{}` is not a file", path.display())));
    }
    if metadata.len() == 0 {
        return Err(Error::corrupt("model", path.display(), "the file is empty"));
    }
    Ok(())
}

/// ONNX Runtime would say that a provider is unknown; this says which library lacks it.
fn require_available(provider: &ExecutionProvider) -> Result<()> {
    let available: ort::Result<bool> = match provider {
        ExecutionProvider::Cpu(_) => Ok(true),
        #[cfg(feature = "cuda")]
        ExecutionProvider::Cuda(_) => ort::ep::CUDA::is_available(),
        #[cfg(feature = "tensorrt")]
        ExecutionProvider::TensorRt(_) => ort::ep::TensorRT::is_available(),
        // Compiled without the feature: `dispatch` says so.
        #[cfg(not(all(feature = "cuda", feature = "tensorrt")))]
        _ => Ok(true),
    };
    match available {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::unsupported(
            "the loaded ONNX Runtime library",
            format_args!(
                "{}: load one that was built with it (the wheel `onnxruntime-gpu`)",
                provider.name()
            ),
        )),
        Err(error) => Err(Error::backend("onnxruntime", error)),
    }
}
