//! A model that answers what a test says, when it says, and shows it to an observer.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use mlops_core::{
    Result,
    clock::{Clock, Seen, Signal},
    inference::{InferenceRequest, ModelDescriptor, Predict, RequestContext},
    model::{ModelId, ModelName, ModelVersion},
    observe::{Observed, Outcome, OutcomeObserver, OutcomeValue, PredictionObserver},
    signature::ModelSignature,
    tensor::{NamedTensors, Tensor},
    testing::predict::MockPredict,
    timestamp::Timestamp,
};

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(crate) fn model() -> ModelId {
    ModelId::new(ModelName::new("pets").unwrap(), ModelVersion::new(3))
}

/// A clock that shows what it is told.
#[derive(Debug)]
struct Told {
    start: Instant,
    elapsed: Mutex<Duration>,
    wall: Mutex<Timestamp>,
}

impl Clock for Told {
    fn monotonic(&self) -> Instant {
        self.start + *self.elapsed.lock().unwrap()
    }

    fn wall(&self) -> Timestamp {
        *self.wall.lock().unwrap()
    }

    fn wait(&self, signal: &Arc<Signal>, seen: Seen, deadline: Option<Instant>) {
        signal.wait(seen, deadline);
    }
}

#[derive(Debug)]
pub(crate) struct Served {
    observed: Arc<dyn Predict>,
    clock: Arc<Told>,
    next: Arc<Mutex<Option<Answer>>>,
}

/// After how long, and what.
type Answer = (Duration, Result<NamedTensors>);

impl Served {
    pub(crate) fn to(observer: &Arc<impl PredictionObserver>) -> Self {
        let clock = Arc::new(Told {
            start: Instant::now(),
            elapsed: Mutex::default(),
            wall: Mutex::default(),
        });
        let next: Arc<Mutex<Option<Answer>>> = Arc::default();
        let signature = ModelSignature { inputs: vec![], outputs: vec![] };
        let descriptor = ModelDescriptor::new(Arc::new(model()), Arc::new(signature), "test");
        let mock = MockPredict::new(descriptor, {
            let (clock, next) = (Arc::clone(&clock), Arc::clone(&next));
            move |_| {
                let (took, answer) = next.lock().unwrap().take().unwrap();
                *clock.elapsed.lock().unwrap() += took;
                answer
            }
        });
        let observer: Arc<dyn PredictionObserver> = Arc::<_>::clone(observer) as _;
        let observed =
            Observed::wrap(Arc::new(mock), vec![observer], Arc::clone(&clock) as Arc<dyn Clock>);
        Self { observed, clock, next }
    }

    /// Answers a request, at this time and after so long.
    pub(crate) fn answer(
        &self,
        id: Option<&str>,
        at: Timestamp,
        took: Duration,
        answer: Result<NamedTensors>,
    ) {
        *self.clock.wall.lock().unwrap() = at;
        *self.next.lock().unwrap() = Some((took, answer));
        let mut context = RequestContext::default();
        context.id = id.map(Arc::from);
        let request = InferenceRequest::new(NamedTensors::new()).with_context(context);
        let future = pin!(self.observed.predict(request));
        let polled = { future }.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(_)), "the model answers at once");
    }

    /// Answers a request with this output.
    pub(crate) fn predict(&self, id: &str, at: Timestamp, output: Tensor) {
        self.answer(Some(id), at, Duration::ZERO, Ok(NamedTensors::single("y", output)));
    }
}

pub(crate) fn tell(observer: &impl OutcomeObserver, id: &str, value: OutcomeValue) {
    observer.observe(&Outcome { request_id: id.into(), time: Timestamp::EPOCH, value });
}

pub(crate) fn class(name: &str) -> OutcomeValue {
    OutcomeValue::Class(name.into())
}
