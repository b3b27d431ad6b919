//! Models without an engine, and what they and their hosts write down.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    clock::SystemClock,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    model::ModelId,
    observe::{Interest, Observed, PredictionObserver, PredictionRecord},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    host::{LoadOptions, ModelControl, ModelStatistics, ServedModel},
    record::RequestRecorder,
};
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) fn id(name: &str, version: &str) -> ModelId {
    ModelId::new(name.parse().unwrap(), version.parse().unwrap())
}

pub(crate) fn batcher(id: ModelId, session: &MockSession) -> Arc<dyn Predict> {
    let options =
        BatcherOptions::default().with_max_batch_size(4).with_placement(Placement::Thread);
    let factory = MockFactory::new(session.clone());
    Arc::new(Batcher::builder(id, factory, options).warm_up(WarmUp::None).start().unwrap())
}

/// A model whose requests are counted.
pub(crate) fn counted(id: ModelId, session: &MockSession) -> ServedModel {
    let statistics = Arc::new(ModelStatistics::new());
    let factory = MockFactory::new(session.clone());
    let batcher = Batcher::builder(id, factory, BatcherOptions::default().with_max_batch_size(4))
        .warm_up(WarmUp::None)
        .observer(Arc::<ModelStatistics>::clone(&statistics))
        .start()
        .unwrap();
    let observer = Arc::<ModelStatistics>::clone(&statistics);
    let observed = Observed::wrap(Arc::new(batcher), vec![observer], Arc::new(SystemClock));
    ServedModel::new(observed).with_statistics(statistics)
}

/// A model that tells when a request has begun, and what became of it.
pub(crate) fn observed(
    id: ModelId,
    session: &MockSession,
) -> (Arc<dyn Predict>, UnboundedReceiver<&'static str>) {
    let (sender, events) = unbounded_channel();
    let outcomes = Arc::new(Outcomes(sender.clone()));
    let model = Observed::wrap(batcher(id, session), vec![outcomes], Arc::new(SystemClock));
    (Arc::new(Begun(model, sender)), events)
}

#[derive(Debug)]
struct Outcomes(UnboundedSender<&'static str>);

impl PredictionObserver for Outcomes {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        self.0.send(record.result.map_or_else(Error::code, |_| "ok")).ok();
    }
}

/// Whoever has been told of a request knows that it is in the queue: nothing happens in between.
#[derive(Debug)]
struct Begun(Arc<dyn Predict>, UnboundedSender<&'static str>);

impl std::fmt::Display for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Begun({})", self.0)
    }
}

#[async_trait]
impl Predict for Begun {
    fn descriptor(&self) -> &ModelDescriptor {
        self.0.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        self.1.send("begun").ok();
        self.0.predict(request).await
    }
}

/// Gives back an input of this type as `y`.
pub(crate) fn identity(data_type: DataType, shape: &[Dim]) -> MockSession {
    let spec = |name| TensorSpec::new(name, data_type, shape.iter().cloned());
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    })
}

/// `sum` and `product` of `a` and `b`, FP32 `[batch, 2]`.
pub(crate) fn arithmetic() -> MockSession {
    let shape = || [Dim::Symbolic("batch".into()), Dim::Fixed(2)];
    let spec = |name| TensorSpec::new(name, DataType::F32, shape());
    let signature = ModelSignature {
        inputs: vec![spec("a"), spec("b")],
        outputs: vec![spec("sum"), spec("product")],
    };
    MockSession::new(signature, |inputs| {
        let (a, b) = (inputs.require("a")?.clone(), inputs.require("b")?.clone());
        let (a, b) = (a.into_aligned(), b.into_aligned());
        let (a, b) = (a.view::<f32>()?, b.view::<f32>()?);
        let mut outputs = NamedTensors::single("sum", Tensor::from_array(&a + &b));
        outputs.insert("product", Tensor::from_array(&a * &b))?;
        Ok(outputs)
    })
}

/// Remembers what was refused, by model and code.
#[derive(Debug, Default)]
pub(crate) struct Refused(pub(crate) Mutex<BTreeMap<(String, &'static str), usize>>);

impl RequestRecorder for Refused {
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error) {
        let model = model.map_or_else(|| "unknown".into(), ToString::to_string);
        *self.0.lock().entry((model, error.code())).or_default() += 1;
    }
}

/// Remembers what it was asked; knows only `arithmetic`.
#[derive(Debug, Default)]
pub(crate) struct Control(pub(crate) Mutex<Vec<(String, Option<LoadOptions>)>>);

#[async_trait]
impl ModelControl for Control {
    async fn load(&self, name: &str, options: LoadOptions) -> Result<()> {
        self.0.lock().push((name.to_owned(), Some(options)));
        if name == "arithmetic" { Ok(()) } else { Err(Error::not_found("model", name)) }
    }

    async fn unload(&self, name: &str) -> Result<()> {
        self.0.lock().push((name.to_owned(), None));
        if name == "arithmetic" { Ok(()) } else { Err(Error::not_found("model", name)) }
    }
}

/// POSIX shared memory of a client, gone with this value.
#[cfg(feature = "shm")]
pub(crate) struct ClientMemory {
    pub(crate) key: String,
    pub(crate) file: std::fs::File,
}

#[cfg(feature = "shm")]
impl ClientMemory {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        use std::os::unix::fs::FileExt;

        let key = format!("/mlops-serve-test-{}-{name}", std::process::id());
        let (flags, mode) = (
            rustix::shm::OFlags::CREATE | rustix::shm::OFlags::RDWR,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        );
        let file = std::fs::File::from(rustix::shm::open(&*key, flags, mode).unwrap());
        file.set_len(bytes.len() as u64).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        Self { key, file }
    }

    pub(crate) fn read(&self, offset: u64, size: usize) -> Vec<u8> {
        use std::os::unix::fs::FileExt;

        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, offset).unwrap();
        bytes
    }
}

#[cfg(feature = "shm")]
impl Drop for ClientMemory {
    fn drop(&mut self) {
        rustix::shm::unlink(&*self.key).unwrap();
    }
}
