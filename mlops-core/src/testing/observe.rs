//! [`RecordingObserver`].

use parking_lot::Mutex;

use crate::{
    Error,
    observe::{Interest, PredictionObserver, PredictionRecord},
    tensor::NamedTensors,
};

/// Remembers every prediction it is shown.
#[derive(Debug)]
pub struct RecordingObserver {
    interest: Interest,
    records: Mutex<Vec<RecordedPrediction>>,
}

/// What a [`RecordingObserver`] remembers of a prediction.
#[derive(Debug, Clone)]
pub struct RecordedPrediction {
    /// The caller's name for the request.
    pub id: Option<String>,
    /// The inputs, if the observer asks for tensors.
    pub inputs: Option<NamedTensors>,
    /// The outputs, or what went wrong.
    pub result: Result<NamedTensors, Error>,
}

impl RecordingObserver {
    /// An observer with this interest that has seen nothing.
    #[must_use]
    pub fn new(interest: Interest) -> Self {
        Self { interest, records: Mutex::default() }
    }

    /// What it has seen, in order, leaving nothing behind.
    pub fn take(&self) -> Vec<RecordedPrediction> {
        std::mem::take(&mut self.records.lock())
    }
}

impl PredictionObserver for RecordingObserver {
    fn interest(&self) -> Interest {
        self.interest
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        self.records.lock().push(RecordedPrediction {
            id: record.context.and_then(|context| context.id.as_deref().map(String::from)),
            inputs: record.inputs.cloned(),
            result: record.result.map(|response| response.outputs.clone()).map_err(Clone::clone),
        });
    }
}
