//! Mock models whose answers tell their version, and loaders that count and can be held up.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, InferenceSession},
    model::{ModelId, ModelVersion},
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockLog, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    host::{
        HostOptions, LoadedModel, LoaderFn, ModelHost, ModelState, ModelUpdate, Models, ServedModel,
    },
};
use ndarray::Array2;
use parking_lot::{Condvar, Mutex};
use tokio::task::JoinHandle;

pub(crate) const GRACE: Duration = Duration::from_secs(60);

pub(crate) fn host() -> Arc<ModelHost> {
    start(HostOptions::default())
}

pub(crate) fn start(options: HostOptions) -> Arc<ModelHost> {
    Arc::new(ModelHost::start(options).unwrap())
}

pub(crate) fn version(number: u64) -> ModelVersion {
    ModelVersion::new(number)
}

pub(crate) fn versions(numbers: &[u64]) -> Vec<ModelVersion> {
    numbers.iter().copied().map(ModelVersion::new).collect()
}

pub(crate) fn id(number: u64) -> ModelId {
    id_of("m", number)
}

pub(crate) fn id_of(name: &str, number: u64) -> ModelId {
    ModelId::new(name.parse().unwrap(), version(number))
}

/// Adds `number` to its input.
pub(crate) fn session(number: u64) -> MockSession {
    let signature = MockSession::identity(1).signature().as_ref().clone();
    MockSession::new(signature, move |inputs| {
        let sum = inputs.require("x")?.view::<f32>()?.mapv(|x| x + number as f32);
        Ok(NamedTensors::single("y", Tensor::from_array(sum)))
    })
}

/// What a loader does with the id it is given: a batcher with a thread of its own.
pub(crate) fn load(id: &ModelId, session: &MockSession) -> Result<LoadedModel> {
    load_placed(id, session, Placement::Thread)
}

pub(crate) fn load_placed(
    id: &ModelId,
    session: &MockSession,
    placement: Placement,
) -> Result<LoadedModel> {
    let batcher = batcher(id, session, placement)?;
    Ok(LoadedModel::new(ServedModel::new(Arc::<Batcher>::clone(&batcher))).with_batcher(batcher))
}

pub(crate) fn batcher(
    id: &ModelId,
    session: &MockSession,
    placement: Placement,
) -> Result<Arc<Batcher>> {
    let factory = MockFactory::new(session.clone());
    let options = BatcherOptions::default().with_placement(placement);
    let builder = Batcher::builder(id.clone(), factory, options).warm_up(WarmUp::None);
    Ok(Arc::new(builder.start()?))
}

/// A loader of [`session`] of the version it is asked for.
pub(crate) fn loader() -> LoaderFn {
    LoaderFn::new(|id, _| load(id, &session(id.version.get())))
}

/// A loader of this session, and a way to see whether any copy of it lives.
pub(crate) fn loader_of(session: MockSession) -> (LoaderFn, Weak<MockLog>) {
    let log = Arc::downgrade(&session.log());
    (LoaderFn::new(move |id, _| load(id, &session)), log)
}

pub(crate) fn failing(error: Error) -> LoaderFn {
    LoaderFn::new(move |_, _| Err(error.clone()))
}

pub(crate) async fn swap(host: &ModelHost, number: u64) -> Result<()> {
    host.update(ModelUpdate::swap(id(number), loader())).await
}

pub(crate) fn request(value: f32) -> InferenceRequest {
    let x = Tensor::from_array(Array2::from_elem((1, 1), value));
    InferenceRequest::new(NamedTensors::single("x", x))
}

pub(crate) fn value(response: &InferenceResponse) -> f32 {
    response.outputs.get("y").unwrap().clone().into_aligned().as_slice::<f32>().unwrap()[0]
}

pub(crate) async fn ask(host: &ModelHost, version: Option<ModelVersion>) -> Result<f32> {
    let model = host.find("m", version)?;
    Ok(value(&model.predict.predict(request(0.0)).await?))
}

pub(crate) type Answer = JoinHandle<Result<InferenceResponse>>;

/// Sends a request to the model that is the default now.
pub(crate) fn send(host: &ModelHost, value: f32) -> Answer {
    let model = host.find("m", None).unwrap();
    tokio::spawn(async move { model.predict.predict(request(value)).await })
}

pub(crate) fn states(host: &ModelHost) -> Vec<(u64, ModelState)> {
    host.list().into_iter().map(|status| (status.id.version.get(), status.state)).collect()
}

pub(crate) fn ready(numbers: &[u64]) -> Vec<(u64, ModelState)> {
    numbers.iter().map(|number| (*number, ModelState::Ready)).collect()
}

/// Waits until this many runs are held at the gate.
pub(crate) async fn until_held(log: &Arc<MockLog>, count: usize) {
    let log = Arc::clone(log);
    tokio::task::spawn_blocking(move || log.until_held(count)).await.unwrap();
}

/// Waits for what happens by itself on another thread.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "{what}");
        tokio::task::yield_now().await;
        thread::yield_now();
    }
}

pub(crate) fn is_gone(log: &Weak<MockLog>) -> bool {
    log.strong_count() == 0
}

/// Holds up loads, and counts how many are in it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
    entered: AtomicUsize,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn pass(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_inside.fetch_max(inside, Ordering::SeqCst);
        let mut open = self.open.lock();
        while !*open {
            self.changed.wait(&mut open);
        }
        drop(open);
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        *self.open.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) async fn until_entered(&self, count: usize) {
        eventually("nobody came to the gate", || self.entered.load(Ordering::SeqCst) >= count)
            .await;
    }

    pub(crate) fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }

    pub(crate) fn most_inside(&self) -> usize {
        self.most_inside.load(Ordering::SeqCst)
    }

    /// A loader that passes this gate first.
    pub(crate) fn loader(self: &Arc<Self>, session: &MockSession) -> LoaderFn {
        let (gate, session) = (Arc::clone(self), session.clone());
        LoaderFn::new(move |id, _| {
            gate.pass();
            load(id, &session)
        })
    }
}
