//! [`LabelledMonitor`].

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use mlops_core::{
    Result,
    observe::{
        Interest, Outcome, OutcomeObserver, OutcomeValue, PredictionObserver, PredictionRecord,
    },
    timestamp::Timestamp,
};

use super::{
    counts::{LabelledCounts, Observed, count},
    metrics::PerformanceMetrics,
    options::{LabelledOptions, Task},
    output::{Unread, read},
    pair::Truth,
    state::{Event, State},
    summary::{ConceptDrift, LabelledSummary, PairsOf, PaneSummary, readings},
};
use crate::{alert::Reading, online::ChangeDetector};

/// How well a model does in service, as labels come in: pairs each outcome with its prediction by the id
/// of the request, and keeps metrics of the pairs, overall and by the time of the prediction.
///
/// It watches one model: it is a [`PredictionObserver`] of that model and an [`OutcomeObserver`]. (Of two
/// versions that share the traffic each has its monitor, and to each the outcomes of the other are without a
/// prediction.) To observe is to put into a bounded queue, which never waits for whoever collects; what finds no room is
/// [counted](LabelledCounts). The work is done by whoever calls [`collect`](Self::collect), which the host
/// does every second or so; no thread is started.
///
/// An id stands for one row: an answer with several is counted and left out. A second prediction of an id
/// replaces the first while its outcome is out; a second outcome finds nothing, nor does one that is seen
/// before its prediction. Ages and panes go by the time at which predictions were answered, and by the time
/// that `collect` is told; one of the future counts as now.
///
/// ```
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::{
///     online::DdmOptions,
///     performance::{Classes, LabelledMonitor, LabelledOptions, PredictedClass, Task, PairsOf},
/// };
///
/// # fn main() -> mlops_core::Result<()> {
/// let task = Task::Classification {
///     classes: Classes::new(["cat", "dog"])?,
///     predicted: PredictedClass::Probabilities { output: "probabilities".into() },
/// };
/// let monitor = LabelledMonitor::new(LabelledOptions::new(task))?
///     .with_detector(DdmOptions::default().build()?);
/// // Show it the predictions of the model, and outcomes, and every second:
/// monitor.collect(Timestamp::EPOCH);
/// let readings = monitor.readings(PairsOf::Overall)?; // for an `AlertMonitor`
/// assert_eq!((readings[0].kind.as_str(), readings[0].value), ("accuracy", None)); // no rows yet
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LabelledMonitor {
    options: LabelledOptions,
    queue: SyncSender<Event>,
    observed: Observed,
    /// Locked by those who collect and read; never by those who observe.
    state: Mutex<(Receiver<Event>, State)>,
}

impl LabelledMonitor {
    /// A monitor that has seen nothing. The room of its queue is taken now.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if a limit is 0, the queue is of more
    /// than 2²⁴, a pane is shorter than a millisecond or longer than 2³² seconds, or the task contradicts
    /// itself.
    pub fn new(options: LabelledOptions) -> Result<Self> {
        options.check()?;
        let (queue, events) = sync_channel(options.max_queued);
        let state = Mutex::new((events, State::new(&options)));
        Ok(Self { options, queue, observed: Observed::default(), state })
    }

    /// Shows each error to a change detector, in the order in which outcomes come: 1 and 0 of a
    /// classifier, their size of a regression.
    #[must_use]
    pub fn with_detector(self, detector: impl ChangeDetector + 'static) -> Self {
        self.state().1.detector = Some((Box::new(detector), ConceptDrift::default()));
        self
    }

    /// Takes in what was observed, and returns how much it was: at most a queue full, so that it ends
    /// while others observe. What is older than `now` by more than the
    /// [age](LabelledOptions::max_age) is given up.
    pub fn collect(&self, now: Timestamp) -> usize {
        let (events, state) = &mut *self.state();
        state.now = now;
        for taken in 0..self.options.max_queued {
            let Ok(event) = events.try_recv() else {
                return taken;
            };
            state.take(event);
        }
        self.options.max_queued
    }

    /// The metrics of the pairs of a window, which can be [compared](PerformanceMetrics::compare) with
    /// those of a reference.
    ///
    /// # Errors
    /// None for metrics that this monitor made.
    pub fn metrics(&self, window: PairsOf) -> Result<PerformanceMetrics> {
        let (_, state) = &*self.state();
        match window {
            PairsOf::Overall => Ok(state.overall.clone()),
            PairsOf::Last(length) => state.panes.since(state.now.saturating_sub(length)),
        }
    }

    /// The figures of a window, for an [`AlertMonitor`](crate::alert::AlertMonitor): of the kinds
    /// `accuracy`, `balanced_accuracy`, `macro_precision`, `macro_f1`, `weighted_precision`,
    /// `weighted_f1`, `matthews_correlation`, `cohens_kappa`, `log_loss`, `brier_score`, `roc_auc`,
    /// `average_precision`, `expected_calibration_error`, and `precision`, `recall`, `specificity` and `f1`
    /// with the label `class`; or `bias`, `mean_absolute_error`, `root_mean_squared_error` and
    /// `r_squared`. Those of fewer rows than [`min_rows`](LabelledOptions::min_rows) have no value: of a
    /// class, fewer rows that are of it, or for the precision that are predicted as it. With a detector there is `concept_drift` too: 1 if it found a change in the window, 0 if not.
    ///
    /// # Errors
    /// None for metrics that this monitor made.
    pub fn readings(&self, window: PairsOf) -> Result<Vec<Reading>> {
        let mut readings = readings(&self.options, &self.metrics(window)?.figures(CONFIDENCE)?);
        let (_, state) = &*self.state();
        if let Some((_, drift)) = &state.detector {
            let changed = drift.last_change.is_some_and(|at| match window {
                PairsOf::Overall => true,
                PairsOf::Last(length) => at >= state.now.saturating_sub(length),
            });
            let mut reading = Reading::new("concept_drift", Some(f64::from(changed)));
            reading.model.clone_from(&self.options.model);
            readings.push(reading);
        }
        Ok(readings)
    }

    /// Everything it knows, with intervals of this confidence.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for a confidence that is not between
    /// 0 and 1.
    pub fn summary(&self, confidence: f64) -> Result<LabelledSummary> {
        let (_, state) = &*self.state();
        let pane = |(start, metrics): (Timestamp, &PerformanceMetrics)| {
            let (rows, figures) = (metrics.rows(), metrics.figures(confidence)?);
            Ok(PaneSummary { start, rows, figures })
        };
        Ok(LabelledSummary {
            counts: state.counts(&self.observed),
            overall: state.overall.figures(confidence)?,
            panes: state.panes.iter().map(pane).collect::<Result<_>>()?,
            concept_drift: state.detector.as_ref().map(|(_, drift)| *drift),
        })
    }

    /// What became of everything that was observed.
    #[must_use]
    pub fn counts(&self) -> LabelledCounts {
        self.state().1.counts(&self.observed)
    }

    fn state(&self) -> MutexGuard<'_, (Receiver<Event>, State)> {
        // After a panic of a detector the metrics are still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn truth(&self, value: &OutcomeValue) -> Option<Truth> {
        match (&self.options.task, value) {
            (Task::Classification { classes, .. }, OutcomeValue::Class(name)) => {
                Some(Truth::Class(classes.index(name)))
            }
            (Task::Classification { .. }, OutcomeValue::Correct(true)) => Some(Truth::Right),
            (Task::Classification { .. }, OutcomeValue::Correct(false)) => Some(Truth::Wrong),
            (Task::Regression { .. }, OutcomeValue::Number(number)) if number.is_finite() => {
                Some(Truth::Number(*number))
            }
            _ => None,
        }
    }

    fn is_long(&self, id: &str) -> bool {
        let long = id.len() > self.options.max_id_bytes;
        if long {
            count(&self.observed.long_ids);
        }
        long
    }
}

/// Of intervals that nobody sees.
const CONFIDENCE: f64 = 0.95;

impl PredictionObserver for LabelledMonitor {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        let Ok(response) = record.result else {
            return count(&self.observed.failed);
        };
        let Some(id) = record.context.and_then(|context| context.id.as_ref()) else {
            return count(&self.observed.without_id);
        };
        if self.is_long(id) {
            return;
        }
        match read(&self.options.task, &response.outputs) {
            Ok(predicted) => {
                let event = Event::Prediction { id: Arc::clone(id), at: record.at, predicted };
                if self.queue.try_send(event).is_err() {
                    count(&self.observed.dropped_predictions);
                }
            }
            Err(Unread::SeveralRows) => count(&self.observed.several_rows),
            Err(Unread::Unreadable) => count(&self.observed.unreadable),
        }
    }
}

impl OutcomeObserver for LabelledMonitor {
    fn observe(&self, outcome: &Outcome) {
        let Some(truth) = self.truth(&outcome.value) else {
            return count(&self.observed.unusable);
        };
        if self.is_long(&outcome.request_id) {
            return;
        }
        let event = Event::Outcome { id: Arc::clone(&outcome.request_id), truth };
        if self.queue.try_send(event).is_err() {
            count(&self.observed.dropped_outcomes);
        }
    }
}
