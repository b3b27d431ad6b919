//! [`SessionOptions`].

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::provider::{CpuProvider, ExecutionProvider};

/// How a session is opened and run.
///
/// The defaults suit a server whose parallelism comes from several sessions: one thread each, no
/// spinning, every graph optimisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Execution providers in order of preference; operators none of them takes run on the CPU.
    pub providers: Vec<ExecutionProvider>,
    /// Fail to open, instead of running on the CPU what the providers do not take.
    pub forbid_cpu_fallback: bool,
    /// Threads within one operator; 0 lets ONNX Runtime take one per physical core.
    pub intra_threads: usize,
    /// Operators of one run that execute at once; above 1, independent branches run in parallel.
    pub inter_threads: usize,
    /// Let idle threads spin for the next operator: a little faster, at the price of whole cores.
    pub spinning: bool,
    /// What is done to the graph when it is opened.
    pub optimization: OptimizationLevel,
    /// Plan memory for each combination of input shapes when it is first run, and keep the plans: for
    /// models that always see the same few shapes. Batches of varying size do not.
    pub memory_pattern: bool,
    /// Give memory back to the system after every run: for rare large batches.
    pub shrink_after_run: bool,
    /// Keep the weights once for all sessions of a factory, instead of once for each. On the CPU only.
    ///
    /// What kernels pack for themselves (matrices) is then kept twice in all, as stored and as packed,
    /// where a session by itself keeps it once: that saves memory from three sessions on. What they do not
    /// pack (embeddings) is kept once in all. The model's bytes are read once more whenever a session is
    /// opened. Packing still happens for each session before it is thrown away; glibc keeps some of what
    /// that frees, unless the process is started with `MALLOC_MMAP_THRESHOLD_=65536`.
    pub share_weights: bool,
    /// Sizes for symbolic dimensions, fixed when the model is opened so that more can be optimised.
    pub dimension_overrides: BTreeMap<String, usize>,
    /// Write a profile of all runs to a file that starts with this path; it is complete once
    /// [`OnnxSession::end_profiling`](super::OnnxSession::end_profiling) has been called.
    pub profile: Option<PathBuf>,
}

/// What is done to the graph when it is opened (ONNX Runtime, "Graph Optimizations").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizationLevel {
    /// Nothing.
    None,
    /// What keeps the meaning on every provider: constant folding, redundant nodes.
    Basic,
    /// Also fusions for the chosen providers.
    Extended,
    /// Also the memory layout.
    #[default]
    All,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            providers: vec![ExecutionProvider::Cpu(CpuProvider::default())],
            forbid_cpu_fallback: false,
            intra_threads: 1,
            inter_threads: 1,
            spinning: false,
            optimization: OptimizationLevel::default(),
            memory_pattern: false,
            shrink_after_run: false,
            share_weights: false,
            dimension_overrides: BTreeMap::new(),
            profile: None,
        }
    }
}

impl SessionOptions {
    /// Sets the execution providers, in order of preference.
    #[must_use]
    pub fn with_providers(mut self, providers: Vec<ExecutionProvider>) -> Self {
        self.providers = providers;
        self
    }

    /// Fails to open, instead of running on the CPU what the providers do not take.
    #[must_use]
    pub fn without_cpu_fallback(mut self) -> Self {
        self.forbid_cpu_fallback = true;
        self
    }

    /// Sets the threads within one operator; 0 for one per physical core.
    #[must_use]
    pub fn with_intra_threads(mut self, threads: usize) -> Self {
        self.intra_threads = threads;
        self
    }

    /// Sets how many operators of one run execute at once.
    #[must_use]
    pub fn with_inter_threads(mut self, threads: usize) -> Self {
        self.inter_threads = threads;
        self
    }

    /// Sets what is done to the graph when it is opened.
    #[must_use]
    pub fn with_optimization(mut self, level: OptimizationLevel) -> Self {
        self.optimization = level;
        self
    }

    /// Keeps the weights once for all sessions of a factory.
    #[must_use]
    pub fn with_shared_weights(mut self) -> Self {
        self.share_weights = true;
        self
    }

    /// Fixes the size of a symbolic dimension.
    #[must_use]
    pub fn with_dimension_override(mut self, symbol: impl Into<String>, size: usize) -> Self {
        self.dimension_overrides.insert(symbol.into(), size);
        self
    }

    /// Writes a profile of all runs to a file that starts with this path.
    #[must_use]
    pub fn with_profile(mut self, prefix: impl Into<PathBuf>) -> Self {
        self.profile = Some(prefix.into());
        self
    }
}
