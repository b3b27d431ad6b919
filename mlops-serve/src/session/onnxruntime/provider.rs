//! Execution providers: the hardware a session runs on.

use std::path::{Path, PathBuf};

use mlops_core::{Digest, Error, Result, digest::Digester};
use ort::ep::ExecutionProviderDispatch;
use serde::{Deserialize, Serialize};

/// A kind of hardware, and how to use it.
///
/// Asking for one that the library does not have, or that this build was not compiled for, is an
/// error when the session is opened, never a silent fall-back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExecutionProvider {
    /// The CPU, by ONNX Runtime's own kernels (MLAS).
    Cpu(CpuProvider),
    /// NVIDIA GPUs by CUDA and cuDNN. Needs the feature `cuda`.
    Cuda(CudaProvider),
    /// NVIDIA GPUs by TensorRT. Needs the feature `tensorrt`.
    TensorRt(TensorRtProvider),
}

/// How to use the CPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CpuProvider {
    /// Keep freed memory for the next run.
    pub arena: bool,
}

impl Default for CpuProvider {
    fn default() -> Self {
        Self { arena: true }
    }
}

/// How to use CUDA.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CudaProvider {
    /// Which GPU.
    pub device_id: u32,
    /// The most memory in bytes its arena may take; `None` for no limit.
    pub memory_limit_bytes: Option<usize>,
    /// How its arena grows.
    pub arena_extend_strategy: ArenaExtendStrategy,
    /// Compute `f32` with 10 bits of mantissa on tensor cores: faster, less exact.
    pub tf32: bool,
    /// Record the kernels of a run once and replay them. Needs fixed shapes; ties the session to its
    /// thread.
    pub cuda_graph: bool,
}

/// How a device's memory arena grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArenaExtendStrategy {
    /// By powers of two: fewer allocations.
    #[default]
    NextPowerOfTwo,
    /// By what is asked for: less memory.
    SameAsRequested,
}

/// How to use TensorRT.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TensorRtProvider {
    /// Which GPU.
    pub device_id: u32,
    /// The most memory in bytes that building an engine may take; `None` for TensorRT's own limit.
    pub workspace_bytes: Option<usize>,
    /// Let kernels compute in half precision.
    pub fp16: bool,
    /// Let kernels compute in bfloat16.
    pub bf16: bool,
    /// Let kernels compute in 8-bit integers.
    pub int8: Option<Int8Calibration>,
    /// Where built engines and timings are kept; without it every start builds anew, for minutes.
    ///
    /// Each combination of model, ONNX Runtime build, driver, GPU and options gets a directory of
    /// its own in it, so nothing outdated is ever used.
    pub cache: Option<PathBuf>,
    /// The shapes engines are built for: every dynamic input needs one, or a shape out of the range
    /// seen so far builds a new engine while requests wait.
    pub profiles: Vec<ShapeProfile>,
    /// Record the kernels of a run once and replay them. Needs fixed shapes; ties the session to its
    /// thread.
    pub cuda_graph: bool,
}

/// Where the ranges for 8-bit integers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Int8Calibration {
    /// The model quantises and dequantises explicitly.
    InModel,
    /// A calibration table of this name in the cache directory.
    Table(String),
}

/// The range of shapes of one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeProfile {
    /// The input's name.
    pub input: String,
    /// The smallest shape.
    pub min: Vec<usize>,
    /// The shape to be fastest at.
    pub opt: Vec<usize>,
    /// The largest shape.
    pub max: Vec<usize>,
}

/// What engines in a cache depend on besides the options.
#[derive(Debug, Clone)]
pub(super) struct CacheIdentity<'a> {
    pub(super) model: &'a Digest,
    pub(super) runtime_build: &'a str,
    /// Driver and GPU model, as [`gpu_identity`] reads them.
    pub(super) gpu: String,
}

impl ExecutionProvider {
    /// ONNX Runtime's name for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "CPUExecutionProvider",
            Self::Cuda(_) => "CUDAExecutionProvider",
            Self::TensorRt(_) => "TensorrtExecutionProvider",
        }
    }

    /// True if a session on it must stay on one thread.
    pub(super) fn is_bound_to_thread(&self) -> bool {
        match self {
            Self::Cpu(_) => false,
            Self::Cuda(cuda) => cuda.cuda_graph,
            Self::TensorRt(tensorrt) => tensorrt.cuda_graph,
        }
    }

    /// The device whose arena can be shrunk after a run, in ONNX Runtime's words.
    pub(super) fn arena_device(&self) -> Option<String> {
        match self {
            Self::Cpu(cpu) => cpu.arena.then(|| "cpu:0".into()),
            Self::Cuda(cuda) => Some(format!("gpu:{}", cuda.device_id)),
            Self::TensorRt(_) => None,
        }
    }

    /// What to register, with `identity` computed only if a cache needs it.
    pub(super) fn dispatch(
        &self,
        identity: impl FnOnce() -> Result<CacheKey>,
    ) -> Result<ExecutionProviderDispatch> {
        match self {
            Self::Cpu(cpu) => {
                // Registering the CPU without saying so would turn its arena off.
                let provider = ort::ep::CPU::default().with_arena_allocator(cpu.arena);
                Ok(provider.build().error_on_failure())
            }
            Self::Cuda(cuda) => cuda.dispatch(),
            Self::TensorRt(tensorrt) => {
                let cache = tensorrt.cache.as_ref().map(|_| identity()).transpose()?;
                tensorrt.dispatch(cache)
            }
        }
    }
}

/// The name of a cache's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CacheKey(String);

impl CacheKey {
    pub(super) fn new(identity: &CacheIdentity<'_>, options: &TensorRtProvider) -> Result<Self> {
        // The place of the cache and the choice of device are no part of what is in it.
        let options = TensorRtProvider { cache: None, device_id: 0, ..options.clone() };
        let mut digester = Digester::new();
        for part in [
            identity.model.to_string(),
            identity.runtime_build.to_owned(),
            identity.gpu.clone(),
            format!("{options:?}"),
        ] {
            digester.update(&(part.len() as u64).to_le_bytes());
            digester.update(part.as_bytes());
        }
        Ok(Self(digester.finish().to_hex()))
    }

    #[cfg(feature = "tensorrt")]
    fn directory(&self, cache: &Path) -> Result<PathBuf> {
        let directory = cache.join(&self.0);
        std::fs::create_dir_all(&directory).map_err(|error| Error::file(&directory, error))?;
        Ok(directory)
    }
}

/// Driver version and model of this GPU, from the driver's files in `/proc`; empty without them.
pub(super) fn gpu_identity(device_id: u32) -> String {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let version = read(Path::new("/proc/driver/nvidia/version"));
    let driver = version.lines().next().unwrap_or_default();
    let mut gpus: Vec<PathBuf> = std::fs::read_dir("/proc/driver/nvidia/gpus")
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    // CUDA's default order is by speed; the files are by bus. Machines that mix models of GPU may
    // therefore build an engine once more than needed, never use a wrong one: TensorRT checks too.
    gpus.sort();
    let model = gpus
        .get(usize::try_from(device_id).unwrap_or(usize::MAX))
        .map(|gpu| read(&gpu.join("information")))
        .and_then(|information| {
            information.lines().find(|line| line.starts_with("Model")).map(str::to_owned)
        });
    format!("{driver}\n{}", model.unwrap_or_default())
}

impl CudaProvider {
    #[cfg(feature = "cuda")]
    fn dispatch(&self) -> Result<ExecutionProviderDispatch> {
        use ort::ep::{self, cuda::ConvAlgorithmSearch};

        let strategy = match self.arena_extend_strategy {
            ArenaExtendStrategy::NextPowerOfTwo => ep::ArenaExtendStrategy::NextPowerOfTwo,
            ArenaExtendStrategy::SameAsRequested => ep::ArenaExtendStrategy::SameAsRequested,
        };
        let mut provider = ep::CUDA::default()
            .with_device_id(device_id(self.device_id)?)
            .with_arena_extend_strategy(strategy)
            .with_tf32(self.tf32)
            .with_cuda_graph(self.cuda_graph)
            // The exhaustive search would stall the first run of every new batch size.
            .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic);
        if let Some(limit) = self.memory_limit_bytes {
            provider = provider.with_memory_limit(limit);
        }
        Ok(provider.build().error_on_failure())
    }

    #[cfg(not(feature = "cuda"))]
    fn dispatch(&self) -> Result<ExecutionProviderDispatch> {
        Err(Error::unsupported("this build", "CUDA: compile mlops-serve with the feature `cuda`"))
    }
}

impl TensorRtProvider {
    #[cfg(feature = "tensorrt")]
    fn dispatch(&self, key: Option<CacheKey>) -> Result<ExecutionProviderDispatch> {
        let mut provider = ort::ep::TensorRT::default()
            .with_device_id(device_id(self.device_id)?)
            .with_fp16(self.fp16)
            .with_bf16(self.bf16)
            .with_cuda_graph(self.cuda_graph);
        if let Some(bytes) = self.workspace_bytes {
            provider = provider.with_max_workspace_size(bytes);
        }
        if let Some(calibration) = &self.int8 {
            provider = provider.with_int8(true);
            if let Int8Calibration::Table(name) = calibration {
                provider = provider.with_int8_calibration_table_name(name);
            }
        }
        if let (Some(cache), Some(key)) = (&self.cache, key) {
            let directory = key.directory(cache)?;
            let directory = directory.display();
            provider = provider
                .with_engine_cache(true)
                .with_engine_cache_path(&directory)
                .with_timing_cache(true)
                .with_timing_cache_path(&directory);
        }
        if !self.profiles.is_empty() {
            provider = provider
                .with_profile_min_shapes(self.shapes(|profile| &profile.min))
                .with_profile_opt_shapes(self.shapes(|profile| &profile.opt))
                .with_profile_max_shapes(self.shapes(|profile| &profile.max));
        }
        Ok(provider.build().error_on_failure())
    }

    #[cfg(not(feature = "tensorrt"))]
    fn dispatch(&self, _: Option<CacheKey>) -> Result<ExecutionProviderDispatch> {
        let feature = "TensorRT: compile mlops-serve with the feature `tensorrt`";
        Err(Error::unsupported("this build", feature))
    }

    /// `name:1x3x224x224,other:1x16`, as TensorRT's options want shapes.
    #[cfg(any(feature = "tensorrt", test))]
    fn shapes(&self, shape: impl Fn(&ShapeProfile) -> &Vec<usize>) -> String {
        let one = |profile: &ShapeProfile| {
            let sizes: Vec<_> = shape(profile).iter().map(ToString::to_string).collect();
            format!("{}:{}", profile.input, sizes.join("x"))
        };
        self.profiles.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

#[cfg(feature = "cuda")]
fn device_id(id: u32) -> Result<i32> {
    i32::try_from(id).map_err(|error| Error::invalid("device_id", format!("{id}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> TensorRtProvider {
        TensorRtProvider {
            fp16: true,
            profiles: vec![
                ShapeProfile {
                    input: "a".into(),
                    min: vec![1, 3],
                    opt: vec![8, 3],
                    max: vec![32, 3],
                },
                ShapeProfile { input: "b".into(), min: vec![1], opt: vec![8], max: vec![32] },
            ],
            ..TensorRtProvider::default()
        }
    }

    #[test]
    fn shapes_are_in_tensorrt_form() {
        assert_eq!(options().shapes(|profile| &profile.max), "a:32x3,b:32");
    }

    #[test]
    fn a_cache_key_changes_with_whatever_an_engine_depends_on() {
        let key = |model: &str, build: &str, gpu: &str, options: &TensorRtProvider| {
            let model = Digest::of(model.as_bytes());
            let identity =
                CacheIdentity { model: &model, runtime_build: build, gpu: gpu.to_owned() };
            CacheKey::new(&identity, options).unwrap()
        };
        let base = key("m", "b", "g", &options());
        let moved = TensorRtProvider { cache: Some("elsewhere".into()), device_id: 1, ..options() };
        assert_eq!(key("m", "b", "g", &moved), base);
        let mut wider = options();
        wider.profiles[0].max[0] = 64;
        for other in [
            key("n", "b", "g", &options()),
            key("m", "c", "g", &options()),
            key("m", "b", "h", &options()),
            key("m", "bg", "", &options()),
            key("m", "b", "g", &TensorRtProvider { fp16: false, ..options() }),
            key("m", "b", "g", &wider),
        ] {
            assert_ne!(other, base);
        }
    }

    #[test]
    fn options_are_read_from_json() {
        let json = r#"[{"cpu":{"arena":false}},{"cuda":{"device_id":1,"tf32":true}},
            {"tensor_rt":{"int8":{"table":"t"},"cache":"c"}}]"#;
        let providers: Vec<ExecutionProvider> = serde_json::from_str(json).unwrap();
        assert_eq!(providers[0], ExecutionProvider::Cpu(CpuProvider { arena: false }));
        let again = serde_json::to_string(&providers).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ExecutionProvider>>(&again).unwrap(), providers);
        assert!(serde_json::from_str::<ExecutionProvider>(r#"{"cuda":{"devise":1}}"#).is_err());
    }
}
