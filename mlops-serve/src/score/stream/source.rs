//! [`RequestSource`]: where requests come from.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use mlops_core::{Error, Result, inference::InferenceRequest};

/// Where requests come from: a queue, a log, a stream in this process.
///
/// # Contract
/// 1. A delivery that is neither acknowledged nor rejected MUST come again, if the source lasts longer
///    than the process: after [`Receipt::release`] soon, otherwise after its [`Receipt::patience`].
/// 2. A delivery that was acknowledged or rejected MUST NOT come again, unless that failed.
/// 3. `next` MUST be cancel safe: a delivery must not be lost because the future that would have
///    returned it was dropped.
/// 4. A message that cannot be read MUST be delivered, with the error as its request, so that it becomes a
///    dead letter; it MUST NOT end the source.
#[async_trait]
pub trait RequestSource: Debug + Send {
    /// The next delivery; `None` once there will be no more. Waits while there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the source cannot be reached: `next` is called again later. Any other
    /// error ends the work.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn next(&mut self) -> Result<Option<Delivery>>;

    /// Gives back what it has taken ahead: `next` is not called any more. Called before deliveries are
    /// released, so that none of them comes back here.
    ///
    /// # Cancel safety
    /// What was not given back is delivered again later.
    async fn close(&mut self);
}

/// One request, as a source delivers it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// What the source calls the request: the same each time it is delivered.
    pub id: Arc<str>,
    /// The request, or why the message is none.
    pub request: Result<InferenceRequest>,
    /// How often it has been delivered, this time included.
    pub attempt: u64,
    /// What to tell the source.
    pub receipt: Box<dyn Receipt>,
}

impl Delivery {
    /// A delivery for the first time.
    pub fn new(
        id: impl Into<Arc<str>>,
        request: Result<InferenceRequest>,
        receipt: Box<dyn Receipt>,
    ) -> Self {
        Self { id: id.into(), request, attempt: 1, receipt }
    }

    /// Sets how often it has been delivered, this time included.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u64) -> Self {
        self.attempt = attempt;
        self
    }
}

/// What to tell a source about a delivery. One of `acknowledge`, `reject` and `release` is called, or
/// none if the process ends first.
#[async_trait]
pub trait Receipt: Debug + Send + Sync {
    /// How long the source waits before it delivers again; `None` if it does not.
    fn patience(&self) -> Option<Duration>;

    /// Asks for as much time again.
    ///
    /// # Errors
    /// If the source could not be told: it may deliver again.
    async fn extend(&self) -> Result<()>;

    /// Says that the answer is kept.
    ///
    /// # Errors
    /// If the source could not be told: it may deliver again.
    async fn acknowledge(&self) -> Result<()>;

    /// Says that there will be no answer, and why. The source keeps the request as a dead letter.
    ///
    /// # Errors
    /// If the dead letter could not be kept: the request is still there and is delivered again.
    async fn reject(&self, error: &Error) -> Result<()>;

    /// Gives the request back, to be delivered again, here or to somebody else.
    ///
    /// # Errors
    /// If the source could not be told: it delivers again once its patience is over.
    async fn release(&self) -> Result<()>;
}
