//! Models on other servers, over the [Open Inference
//! Protocol](https://github.com/kserve/open-inference-protocol) (KServe v2): this crate's own, Triton,
//! MLServer and others.
//!
//! A [`Remote`] is a [`Predict`](mlops_core::inference::Predict) like any other. One host can front
//! several:
//!
//! ```no_run
//! use std::sync::Arc;
//! use mlops_core::inference::Predict;
//! use mlops_serve::{
//!     balance::{Balance, BalanceOptions},
//!     host::ModelTable,
//!     remote::{Remote, RemoteOptions},
//! };
//!
//! # async fn example() -> mlops_core::Result<()> {
//! let mut replicas: Vec<Arc<dyn Predict>> = Vec::new();
//! for host in ["http://10.0.0.1:8000", "http://10.0.0.2:8000"] {
//!     let options = RemoteOptions::default().with_version("3".parse()?);
//!     replicas.push(Arc::new(Remote::connect(host, "digits", options).await?));
//! }
//! let digits: Arc<dyn Predict> = Arc::new(Balance::new(replicas, &BalanceOptions::default())?);
//! let models = ModelTable::new();
//! models.publish(digits); // and serve it: `protocol::oip::router`
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//! A server of this crate says which error it was, and it comes back as that variant; of others, the
//! status decides, by the table at [`mlops_core::Error`]. A server that cannot be reached is
//! [`Unavailable`](mlops_core::Error::Unavailable): the request certainly was not executed. A
//! connection that breaks later, or an answer that is malformed, is
//! [`Backend`](mlops_core::Error::Backend): it may have been.

mod client;
mod decode;
mod encode;
mod error;
mod metadata;
mod options;
mod predict;

pub use self::{options::RemoteOptions, predict::Remote};
