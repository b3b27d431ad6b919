//! A live monitor of performance: predictions as they are answered, and labels when they come.

mod comparison;
mod counts;
mod metrics;
mod monitor;
mod options;
mod output;
mod pair;
mod panes;
mod state;
mod summary;

pub use self::{
    comparison::{FigureComparison, PerformanceComparison},
    counts::LabelledCounts,
    metrics::{PerformanceFigures, PerformanceMetrics, RegressionFigures},
    monitor::LabelledMonitor,
    options::{LabelledOptions, Task},
    output::PredictedClass,
    summary::{ConceptDrift, LabelledSummary, PairsOf, PaneSummary},
};
