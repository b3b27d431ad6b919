//! A session without an engine.

use std::{collections::VecDeque, fmt, sync::Arc};

use parking_lot::{Condvar, Mutex};

use crate::{
    Error, Result,
    inference::{Affinity, InferenceSession, RunOptions, SessionFactory},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, TensorName},
};

type Compute = dyn Fn(&NamedTensors) -> Result<NamedTensors> + Send + Sync;

/// A session that computes with a closure, keeps a log, and can be held up.
#[derive(Clone)]
pub struct MockSession {
    signature: Arc<ModelSignature>,
    affinity: Affinity,
    compute: Arc<Compute>,
    log: Arc<MockLog>,
}

impl MockSession {
    /// Computes all outputs of the signature from valid inputs with `compute`.
    pub fn new(
        signature: ModelSignature,
        compute: impl Fn(&NamedTensors) -> Result<NamedTensors> + Send + Sync + 'static,
    ) -> Self {
        Self {
            signature: Arc::new(signature),
            affinity: Affinity::AnyThread,
            compute: Arc::new(compute),
            log: Arc::default(),
        }
    }

    /// Gives back its input `x: FP32[batch, width]` as `y`, sharing the bytes: the cheapest session
    /// there can be.
    #[must_use]
    pub fn identity(width: usize) -> Self {
        let shape = || [Dim::Symbolic("batch".into()), Dim::Fixed(width)];
        let (x, y): (TensorName, TensorName) = ("x".into(), "y".into());
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new(Arc::clone(&x), DataType::F32, shape())],
            outputs: vec![TensorSpec::new(Arc::clone(&y), DataType::F32, shape())],
        };
        Self::new(signature, move |inputs| {
            Ok(NamedTensors::single(Arc::clone(&y), inputs.require(&x)?.clone()))
        })
    }

    /// Sets which threads may run it.
    #[must_use]
    pub fn with_affinity(mut self, affinity: Affinity) -> Self {
        self.affinity = affinity;
        self
    }

    /// What its runs write, shared by its clones.
    #[must_use]
    pub fn log(&self) -> Arc<MockLog> {
        Arc::clone(&self.log)
    }
}

impl fmt::Debug for MockSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockSession")
            .field("signature", &self.signature.to_string())
            .finish_non_exhaustive()
    }
}

impl InferenceSession for MockSession {
    fn signature(&self) -> &Arc<ModelSignature> {
        &self.signature
    }

    fn affinity(&self) -> Affinity {
        self.affinity
    }

    fn platform(&self) -> &str {
        "mock"
    }

    fn run(&mut self, inputs: &NamedTensors, options: &RunOptions) -> Result<NamedTensors> {
        self.signature.validate_inputs(inputs)?;
        let requested = options.requested_outputs.as_deref();
        if let Some(requested) = requested {
            self.signature.validate_requested(requested)?;
        }
        if options.cancel.as_ref().is_some_and(crate::inference::CancelHandle::is_cancelled) {
            return Err(Error::Cancelled);
        }
        let rows = inputs.iter().next().and_then(|(_, tensor)| tensor.row_count()).unwrap_or(1);
        self.log.run(rows)?;
        let all = (self.compute)(inputs)?;
        let Some(requested) = requested else {
            return Ok(all);
        };
        let mut outputs = NamedTensors::new();
        for name in requested {
            outputs.insert(Arc::clone(name), all.require(name)?.clone())?;
        }
        Ok(outputs)
    }
}

/// What [`MockSession`]s wrote down, and the gate in front of them.
#[derive(Debug, Default)]
pub struct MockLog {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    runs: Vec<usize>,
    failures: VecDeque<Error>,
    closed: bool,
    held: usize,
}

impl MockLog {
    /// The rows of every run so far.
    #[must_use]
    pub fn runs(&self) -> Vec<usize> {
        self.state.lock().runs.clone()
    }

    /// Makes the next run fail with this error; called again, the one after it.
    pub fn fail_next(&self, error: Error) {
        self.state.lock().failures.push_back(error);
    }

    /// Holds up every run from now on, until [`open_gate`](Self::open_gate).
    pub fn close_gate(&self) {
        self.state.lock().closed = true;
    }

    /// Lets held runs go on.
    pub fn open_gate(&self) {
        self.state.lock().closed = false;
        self.changed.notify_all();
    }

    /// Blocks until this many runs are held at the gate.
    pub fn until_held(&self, count: usize) {
        let mut state = self.state.lock();
        while state.held != count {
            self.changed.wait(&mut state);
        }
    }

    fn run(&self, rows: usize) -> Result<()> {
        let mut state = self.state.lock();
        state.runs.push(rows);
        if state.closed {
            state.held += 1;
            self.changed.notify_all();
            while state.closed {
                self.changed.wait(&mut state);
            }
            state.held -= 1;
        }
        state.failures.pop_front().map_or(Ok(()), Err)
    }
}

/// Opens clones of a [`MockSession`], or fails.
#[derive(Debug, Clone)]
pub struct MockFactory(Result<MockSession>);

impl MockFactory {
    /// Opens clones of `session`, which share its log.
    #[must_use]
    pub fn new(session: MockSession) -> Self {
        Self(Ok(session))
    }

    /// Fails with this error.
    #[must_use]
    pub fn failing(error: Error) -> Self {
        Self(Err(error))
    }
}

impl SessionFactory for MockFactory {
    fn open(&self) -> Result<Box<dyn InferenceSession>> {
        self.0.clone().map(|session| Box::new(session) as Box<dyn InferenceSession>)
    }
}
