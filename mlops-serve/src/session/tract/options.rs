//! [`TractOptions`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a model is prepared for `tract`. One run computes on the thread that calls it: parallelism
/// comes from several sessions, which share one copy of the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TractOptions {
    /// What is done to the graph when it is opened.
    pub optimization: OptimizationLevel,
    /// Sizes for symbolic dimensions, fixed when the model is opened: for models that `tract`
    /// cannot plan with dimensions left open, and so that more can be optimised.
    pub dimension_overrides: BTreeMap<String, usize>,
    /// Plans kept at most for a model that needs one for each combination of input shapes; the one
    /// longest unused is dropped for a new one. At least 1.
    pub max_plans: usize,
}

/// What is done to the graph when it is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizationLevel {
    /// Nothing: for comparing.
    None,
    /// Simplifies the graph and chooses kernels for this processor.
    #[default]
    All,
}

impl Default for TractOptions {
    fn default() -> Self {
        Self {
            optimization: OptimizationLevel::default(),
            dimension_overrides: BTreeMap::new(),
            max_plans: 16,
        }
    }
}

impl TractOptions {
    /// Sets what is done to the graph when it is opened.
    #[must_use]
    pub fn with_optimization(mut self, level: OptimizationLevel) -> Self {
        self.optimization = level;
        self
    }

    /// Fixes the size of a symbolic dimension.
    #[must_use]
    pub fn with_dimension_override(mut self, symbol: impl Into<String>, size: usize) -> Self {
        self.dimension_overrides.insert(symbol.into(), size);
        self
    }

    /// Sets how many plans are kept of a model that needs one for each combination of input shapes.
    #[must_use]
    pub fn with_max_plans(mut self, plans: usize) -> Self {
        self.max_plans = plans;
        self
    }
}
