//! Requests that come as messages, each answered at least once.
//!
//! A [`RequestSource`] delivers, a model answers, a [`ResponseSink`] keeps the answer; only then is the
//! delivery acknowledged. Killed at any point, a source that lasts delivers again what it has no
//! acknowledgement of. What cannot be answered is rejected: the source keeps it as a dead letter.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{
//!     Error, Result,
//!     inference::{InferenceRequest, Predict},
//!     model::ModelId,
//!     tensor::{NamedTensors, Tensor},
//!     testing::session::{MockFactory, MockSession},
//! };
//! use mlops_serve::{
//!     batch::{Batcher, BatcherOptions},
//!     score::stream::{Answer, ResponseSink, StreamScoring, StreamSource},
//! };
//!
//! #[derive(Debug)]
//! struct Print;
//!
//! #[async_trait::async_trait]
//! impl ResponseSink for Print {
//!     async fn write(&self, answer: Answer<'_>) -> Result<()> {
//!         println!("{}: {:?}", answer.id, answer.response.outputs);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let id = ModelId::new("identity".parse()?, "1".parse()?);
//! let session = MockFactory::new(MockSession::identity(2));
//! let model: Arc<dyn Predict> = Arc::new(Batcher::start(id, session, BatcherOptions::default())?);
//! let requests = futures_util::stream::iter((0..3).map(|number| {
//!     let row = ndarray::array![[number as f32, 0.0]];
//!     InferenceRequest::new(NamedTensors::single("x", Tensor::from_array(row)))
//! }));
//! let letters = |id: &str, _request, error: Error| eprintln!("{id}: {}", error.report());
//! let source = StreamSource::new(requests, letters);
//! let report = StreamScoring::new(model, source, Print).run(std::future::pending()).await?;
//! assert_eq!(report.answered, 3);
//! # Ok(())
//! # }
//! ```

mod iterate;
mod job;
mod options;
mod sink;
mod source;

pub use self::{
    iterate::StreamSource,
    job::{StreamReport, StreamScoring},
    options::StreamOptions,
    sink::{Answer, ResponseSink},
    source::{Delivery, Receipt, RequestSource},
};
