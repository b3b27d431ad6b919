//! How well a model does, with labels that come late and without any.
//!
//! | | |
//! | --- | --- |
//! | [`ClassificationMetrics`], [`RegressionMetrics`] | figures of rows with labels, with intervals; they add up |
//! | [`roc_auc`], [`average_precision`] | areas under curves, of scores; [`ScoreHistogram`]s for streams |
//! | [`PerformanceMetrics::compare`] | is it worse than it was? |
//! | [`compare_shares`], [`compare_means`], [`compare_estimates`] | the same of one figure |
//! | [`LabelledMonitor`] | predictions as they are answered, and labels when they come |
//! | [`Cbpe`], [`MulticlassCbpe`], [`Dle`] | estimates without labels, of classifiers and of regressors |
//! | [`SlicedLosses`], [`LossProfile`] | which segment got worse, and which drifted feature did it |
//! | [`Degradation`] | latency, errors, confidence and throughput beside a baseline |
//!
//! Each estimate says by its [`Validity`] whether it may be believed: it may not where rows lie outside what
//! the reference had, nor where a few labels show that the concept has changed.

mod averages;
mod calibration;
mod cbpe;
mod classes;
mod classification;
mod comparison;
mod confusion;
mod dle;
mod estimate;
mod figure;
mod isotonic;
mod labelled;
mod regression;
mod roc;
mod root_cause;
mod scores;
mod service;
mod slices;
mod validity;

pub use self::{
    calibration::CalibrationError,
    cbpe::{
        CalibrationCheck, Cbpe, CbpeEstimate, ExpectedConfusion, MulticlassCbpe, MulticlassEstimate,
    },
    classes::Classes,
    classification::{ClassificationFigures, ClassificationMetrics, UnknownClasses},
    comparison::{FigureDifference, compare_estimates, compare_means, compare_shares},
    confusion::{ClassFigures, ConfusionMatrix},
    dle::{Dle, DleEstimate, Features, LossCheck, LossModel, Ridge, RidgeOptions},
    estimate::Estimate,
    figure::Figure,
    isotonic::Isotonic,
    labelled::{
        ConceptDrift, FigureComparison, LabelledCounts, LabelledMonitor, LabelledOptions,
        LabelledSummary, PairsOf, PaneSummary, PerformanceComparison, PerformanceFigures,
        PerformanceMetrics, PredictedClass, RegressionFigures, Task,
    },
    regression::RegressionMetrics,
    roc::{AveragePrecision, RocAuc, average_precision, roc_auc},
    root_cause::{Cause, LossProfile, PartShift, RootCauses},
    scores::ScoreHistogram,
    service::{
        ConfidenceFrom, Degradation, DegradationOptions, FigureChange, LatencyHistogram,
        ServiceFigure, ServiceObserver, ServiceStats, ServiceVerdict,
    },
    slices::{
        Difference, FeatureEffects, LossRate, Part, Segment, SegmentChange, SegmentPart,
        SliceOptions, SliceReport, SliceTestOptions, SlicedLosses, Slicer,
    },
    validity::{Concern, Validity, ValidityOptions},
};
