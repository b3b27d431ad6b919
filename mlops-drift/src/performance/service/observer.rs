//! [`ServiceObserver`].

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use mlops_core::{
    Error,
    observe::{Interest, PredictionObserver, PredictionRecord},
    tensor::NamedTensors,
    timestamp::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    latency::{BINS, LatencyHistogram, bin},
    stats::{STEPS, ServiceStats},
};
use crate::element::each_number;

/// A probability may be above 1 by so much: rounding of 16-bit numbers.
const TOLERANCE: f64 = 0.01;

/// Which output says how confident a model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ConfidenceFrom {
    /// A probability for each class along the last axis: the largest of each row.
    Probabilities {
        /// The name of the output.
        output: String,
    },
    /// The probability of one of two classes for each row: that of the likelier one.
    Probability {
        /// The name of the output.
        output: String,
    },
}

/// Counts what a service does, in constant memory (10 KB).
///
/// To observe is to add to a few atomic counters, after one pass over the output that has the confidence, if
/// it is looked at. Every row of a batch has a confidence.
#[derive(Debug)]
pub struct ServiceObserver {
    confidence: Option<ConfidenceFrom>,
    latencies: Box<[AtomicU64]>,
    failed: AtomicU64,
    invalid: AtomicU64,
    cancelled: AtomicU64,
    unreadable: AtomicU64,
    rows: AtomicU64,
    sum: AtomicU64,
    sum_squares: AtomicU64,
    /// Since when, in microseconds.
    since: AtomicI64,
}

impl ServiceObserver {
    /// Begins now, without looking at outputs.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let zero = AtomicU64::default;
        Self {
            confidence: None,
            latencies: std::iter::repeat_with(zero).take(BINS).collect(),
            failed: zero(),
            invalid: zero(),
            cancelled: zero(),
            unreadable: zero(),
            rows: zero(),
            sum: zero(),
            sum_squares: zero(),
            since: AtomicI64::new(now.as_micros()),
        }
    }

    /// Looks at confidence too.
    #[must_use]
    pub fn with_confidence(mut self, from: ConfidenceFrom) -> Self {
        self.confidence = Some(from);
        self
    }

    /// What was observed since the last time, or since the beginning, and begins anew.
    ///
    /// Requests that are observed meanwhile are in either part, each of their counts in one of both.
    pub fn take(&self, now: Timestamp) -> ServiceStats {
        let since = Timestamp::from_micros(self.since.swap(now.as_micros(), Ordering::Relaxed));
        let taken = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let counts: Box<[u64]> = self.latencies.iter().map(taken).collect();
        ServiceStats {
            // They can only be refused for a sum that no counter reaches.
            latency: LatencyHistogram::try_from(counts).unwrap_or_default(),
            failed: taken(&self.failed),
            invalid: taken(&self.invalid),
            cancelled: taken(&self.cancelled),
            unreadable: taken(&self.unreadable),
            observed: now.saturating_since(since),
            rows: taken(&self.rows),
            sum: taken(&self.sum),
            sum_squares: taken(&self.sum_squares),
        }
    }

    fn observe_confidence(&self, from: &ConfidenceFrom, outputs: &NamedTensors) {
        let Some(sums) = confidence(from, outputs) else {
            add(&self.unreadable, 1);
            return;
        };
        add(&self.rows, sums.rows);
        add(&self.sum, sums.sum);
        add(&self.sum_squares, sums.sum_squares);
    }
}

impl PredictionObserver for ServiceObserver {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        match record.result {
            Ok(response) => {
                add(&self.latencies[bin(record.elapsed)], 1);
                if let Some(from) = &self.confidence {
                    self.observe_confidence(from, &response.outputs);
                }
            }
            Err(Error::Cancelled) => add(&self.cancelled, 1),
            Err(error) if error.is_invalid_request() => add(&self.invalid, 1),
            Err(_) => add(&self.failed, 1),
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Of the rows of an answer, in steps.
#[derive(Default)]
struct Sums {
    rows: u64,
    sum: u64,
    sum_squares: u64,
}

/// `None` unless every row has a confidence.
fn confidence(from: &ConfidenceFrom, outputs: &NamedTensors) -> Option<Sums> {
    let (output, is_single) = match from {
        ConfidenceFrom::Probabilities { output } => (output, false),
        ConfidenceFrom::Probability { output } => (output, true),
    };
    let tensor = outputs.get(output)?;
    let width = if is_single { 1 } else { *tensor.shape().last()? };
    let mut sums = Sums::default();
    let (mut largest, mut place, mut usable) = (0.0_f64, 0, true);
    each_number(tensor, &mut |number| {
        usable &= (0.0..=1.0 + TOLERANCE).contains(&number);
        largest = largest.max(if is_single { number.max(1.0 - number) } else { number });
        place += 1;
        if place == width {
            let steps = (largest.min(1.0) * STEPS).round() as u64;
            sums.rows += 1;
            sums.sum += steps;
            sums.sum_squares += steps * steps;
            (largest, place) = (0.0, 0);
        }
    })?;
    usable.then_some(sums)
}
