//! A queue that lasts: what was neither acknowledged nor rejected is delivered again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    model::ModelId,
    ndarray::array,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
};
use mlops_serve::score::stream::{
    Answer, Delivery, Receipt, RequestSource, ResponseSink, StreamOptions, StreamReport,
    StreamScoring,
};
use tokio::sync::Notify;

/// What a queue knows.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<u64>,
    deliveries: BTreeMap<u64, u64>,
    unreadable: Vec<u64>,
    acknowledged: Vec<u64>,
    dead: BTreeMap<u64, String>,
    extended: u64,
    out_of_reach: usize,
    deaf: bool,
    no_letters: bool,
    open: bool,
    closed: bool,
}

impl Queue {
    /// A queue of these numbers that ends.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Arc<Self> {
        let waiting = numbers.into_iter().collect();
        Arc::new(Self {
            state: Mutex::new(State { waiting, ..State::default() }),
            ..Self::default()
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Goes on when there is no more: somebody may add something.
    pub(crate) fn stay_open(self: Arc<Self>) -> Arc<Self> {
        self.state().open = true;
        self
    }

    /// Makes the message of this number no request.
    pub(crate) fn garble(&self, number: u64) {
        self.state().unreadable.push(number);
    }

    /// Fails so often when asked for more.
    pub(crate) fn out_of_reach(&self, times: usize) {
        self.state().out_of_reach = times;
    }

    /// Has whoever waits look again.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Fails when told anything.
    pub(crate) fn go_deaf(&self) {
        self.state().deaf = true;
    }

    /// Cannot keep dead letters.
    pub(crate) fn refuse_letters(&self) {
        self.state().no_letters = true;
    }

    /// Says that a number has been delivered so often before.
    pub(crate) fn pretend_delivered(&self, number: u64, times: u64) {
        self.state().deliveries.insert(number, times);
    }

    /// Delivers again what was taken and never settled, as when the process that took it is gone.
    pub(crate) fn expire(&self) {
        let mut state = self.state();
        state.closed = false;
        let unsettled: Vec<_> = state
            .deliveries
            .keys()
            .filter(|number| {
                !state.acknowledged.contains(number)
                    && !state.dead.contains_key(number)
                    && !state.waiting.contains(number)
            })
            .copied()
            .collect();
        state.waiting.extend(unsettled);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    pub(crate) fn taken(&self) -> usize {
        self.state().deliveries.len()
    }

    /// Whether whoever took from it has said that it takes no more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub(crate) fn extended(&self) -> u64 {
        self.state().extended
    }

    /// What was acknowledged, in numerical order; twice if it was told twice.
    pub(crate) fn acknowledged(&self) -> Vec<u64> {
        let mut numbers = self.state().acknowledged.clone();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn dead(&self) -> BTreeMap<u64, String> {
        self.state().dead.clone()
    }
}

/// Takes from a queue.
#[derive(Debug)]
pub(crate) struct QueueSource(pub(crate) Arc<Queue>);

#[async_trait]
impl RequestSource for QueueSource {
    async fn next(&mut self) -> Result<Option<Delivery>> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.0.state();
                assert!(!state.closed, "asked after it was closed");
                if state.out_of_reach > 0 {
                    state.out_of_reach -= 1;
                    return Err(Error::unavailable("queue", "the network is gone"));
                }
                if let Some(number) = state.waiting.pop_front() {
                    let delivery = state.deliveries.entry(number).or_default();
                    *delivery += 1;
                    let attempt = *delivery;
                    let request = if state.unreadable.contains(&number) {
                        Err(Error::invalid("message", "it is no request"))
                    } else {
                        Ok(request(number))
                    };
                    let receipt = Box::new(QueueReceipt { queue: Arc::clone(&self.0), number });
                    let delivery = Delivery::new(number.to_string(), request, receipt);
                    return Ok(Some(delivery.with_attempt(attempt)));
                }
                if !state.open {
                    return Ok(None);
                }
            }
            changed.await;
        }
    }

    async fn close(&mut self) {
        self.0.state().closed = true;
    }
}

#[derive(Debug)]
struct QueueReceipt {
    queue: Arc<Queue>,
    number: u64,
}

impl QueueReceipt {
    fn tell(&self, what: impl FnOnce(&mut State)) -> Result<()> {
        let mut state = self.queue.state();
        if state.deaf {
            return Err(Error::unavailable("queue", "it does not listen"));
        }
        what(&mut state);
        Ok(())
    }
}

#[async_trait]
impl Receipt for QueueReceipt {
    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    async fn extend(&self) -> Result<()> {
        self.tell(|state| state.extended += 1)
    }

    async fn acknowledge(&self) -> Result<()> {
        self.tell(|state| state.acknowledged.push(self.number))
    }

    async fn reject(&self, error: &Error) -> Result<()> {
        if self.queue.state().no_letters {
            return Err(Error::not_found("stream", "dead letters"));
        }
        self.tell(|state| drop(state.dead.insert(self.number, error.report())))
    }

    async fn release(&self) -> Result<()> {
        self.tell(|state| {
            assert!(state.closed, "it would come back to where it was released");
            state.waiting.push_back(self.number);
        })
    }
}

/// A request whose answer is told from all others.
pub(crate) fn request(number: u64) -> InferenceRequest {
    let tensor = Tensor::from_array(array![[number as f32]]);
    InferenceRequest::new(NamedTensors::single("x", tensor))
}

type Script = dyn Fn(u64) -> Result<()> + Send + Sync;

/// A model that gives back the number, after a while, or fails as it is told.
pub(crate) struct Model {
    descriptor: ModelDescriptor,
    takes: Duration,
    script: Box<Script>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Model {
    pub(crate) fn new(
        takes: Duration,
        script: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let spec = |name: &str| {
            let shape = [Dim::Symbolic("batch".into()), Dim::Fixed(1)];
            TensorSpec::new(name, DataType::F32, shape)
        };
        let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
        let id = ModelId::new("double".parse().unwrap(), "1".parse().unwrap());
        let descriptor = ModelDescriptor::new(Arc::new(id), Arc::new(signature), "mock");
        let script = Box::new(script);
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { descriptor, takes, script, under_way, most })
    }

    /// One that never fails.
    pub(crate) fn sound() -> Arc<Self> {
        Self::new(Duration::from_millis(3), |_| Ok(()))
    }

    /// The most requests that were under way at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model")
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model")
    }
}

/// Counts itself out, however it ends.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Predict for Model {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        self.most.fetch_max(self.under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let _under_way = UnderWay(&self.under_way);
        tokio::time::sleep(self.takes).await;
        let x = request.inputs.require("x")?;
        (self.script)(x.as_slice::<f32>()?[0] as u64)?;
        let outputs = NamedTensors::single("y", x.clone());
        Ok(InferenceResponse::new(outputs, Arc::clone(&self.descriptor.id)))
    }
}

/// Keeps answers, or fails as it is told.
#[derive(Default)]
pub(crate) struct Kept {
    answers: Mutex<Vec<(u64, u64)>>,
    script: Option<Box<Script>>,
}

impl Kept {
    pub(crate) fn all() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn scripted(
        script: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { script: Some(Box::new(script)), ..Self::default() })
    }

    /// What was asked and what was answered, in numerical order.
    pub(crate) fn answers(&self) -> Vec<(u64, u64)> {
        let mut answers = self.answers.lock().unwrap().clone();
        answers.sort_unstable();
        answers
    }

    /// The numbers that were answered, each once; every answer is its own.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        for (asked, answered) in self.answers() {
            assert_eq!(asked, answered);
            numbers.push(asked);
        }
        numbers.dedup();
        numbers
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

#[async_trait]
impl ResponseSink for Kept {
    async fn write(&self, answer: Answer<'_>) -> Result<()> {
        let number = answer.id.parse().unwrap();
        if let Some(script) = &self.script {
            script(number)?;
        }
        let y = answer.response.outputs.require("y")?.as_slice::<f32>()?[0];
        self.answers.lock().unwrap().push((number, y as u64));
        Ok(())
    }
}

/// Scores a queue until it ends.
pub(crate) async fn score(
    queue: &Arc<Queue>,
    model: Arc<dyn Predict>,
    kept: &Arc<Kept>,
    options: StreamOptions,
) -> Result<StreamReport> {
    StreamScoring::new(model, QueueSource(Arc::clone(queue)), Arc::clone(kept))
        .with_options(options)
        .run(std::future::pending())
        .await
}
