//! The [Open Inference Protocol](https://github.com/kserve/open-inference-protocol) (KServe v2) over
//! REST, with Triton's binary tensor extension.
//!
//! | route | |
//! | --- | --- |
//! | `GET /v2` | server metadata |
//! | `GET /v2/health/live` | 200 while the process answers |
//! | `GET /v2/health/ready` | 200 once every model is loaded and warm, else 503 |
//! | `GET /v2/models` | names of the models |
//! | `GET /v2/models/{model}[/versions/{version}]` | what the model takes and gives |
//! | `GET /v2/models/{model}[/versions/{version}]/ready` | 200, or 503 while it is loading |
//! | `POST /v2/models/{model}[/versions/{version}]/infer` | inference |
//!
//! Errors are `{"error": "…"}` with the status of the table at [`mlops_core::Error`].

mod binary;
mod classification;
mod config;
mod metadata;
mod parameters;
mod repository;
mod request;
mod rest;
mod server;
mod statistics;

pub use self::rest::{RestOptions, router};
