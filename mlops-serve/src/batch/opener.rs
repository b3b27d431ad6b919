//! Opening sessions that are fit to serve: the first time, and anew.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use mlops_core::{
    Error, Result,
    clock::Clock,
    inference::{InferenceSession, SessionFactory},
    signature::ModelSignature,
    tensor::NamedTensors,
};

use super::run::panic_message;
use crate::warm_up::{InputShapes, WarmUp};

/// Opens sessions of one model.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) factory: Arc<dyn SessionFactory>,
    pub(super) warm_up: WarmUp,
    pub(super) facts: Facts,
    /// What a session is warmed up with.
    pub(super) shapes: Vec<InputShapes>,
    pub(super) clock: Arc<dyn Clock>,
}

/// How long runs of some inputs took.
pub(super) type TimedRuns = Vec<(NamedTensors, Duration)>;

/// What all sessions of a batcher must agree on.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) signature: Arc<ModelSignature>,
    pub(super) platform: Arc<str>,
}

impl Opener {
    /// Opens a session and warms it up.
    pub(super) fn open(&self) -> Result<(Box<dyn InferenceSession>, TimedRuns)> {
        let open = || {
            let mut session = self.factory.open()?;
            let runs = self.prepare(&mut *session)?;
            Ok((session, runs))
        };
        catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| {
            let message = panic_message(&*panic);
            Err(Error::backend("session factory", format!("it panicked: {message}")))
        })
    }

    /// Checks a session that is open, and warms it up.
    pub(super) fn prepare(&self, session: &mut dyn InferenceSession) -> Result<TimedRuns> {
        self.facts.check(session)?;
        self.warm_up.run(session, &self.shapes, &*self.clock)
    }
}

impl Facts {
    pub(super) fn of(session: &dyn InferenceSession) -> Self {
        Self { signature: Arc::clone(session.signature()), platform: session.platform().into() }
    }

    fn check(&self, session: &dyn InferenceSession) -> Result<()> {
        if *session.signature() == self.signature {
            return Ok(());
        }
        let reason = format!(
            "it opened a session of {} after one of {}",
            session.signature(),
            self.signature
        );
        Err(Error::invalid("session factory", reason))
    }
}
