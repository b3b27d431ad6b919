//! Inference: the request and its answer, the session that computes it, and [`Predict`], which
//! batchers, routers, caches and remote models all are.

mod cancel;
mod predict;
mod request;
mod response;
mod session;

pub use self::{
    cancel::{CancelGuard, CancelHandle},
    predict::{ModelDescriptor, Predict},
    request::{InferenceRequest, Parameter, RequestContext},
    response::{InferenceResponse, Timings},
    session::{Affinity, InferenceSession, RunOptions, SessionFactory},
};
