//! [`Remote`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict, Timings},
    tensor::NamedTensors,
};
use reqwest::Url;
use tokio::time::timeout;

use super::{
    client::{Client, require_runtime},
    decode::decode,
    encode::encode,
    error::{host, malformed},
    metadata::describe,
    options::RemoteOptions,
};

/// A model on another server.
///
/// Requests are checked here against what the server said of the model, so that what does not fit
/// costs no round trip. Tensors travel as binary data; outputs are slices of the answer's body.
/// Id, priority, parameters and `traceparent` travel along, and what is left of the deadline as
/// `timeout`.
///
/// Its connections are tasks of the tokio runtime that it is used in; they end with it.
pub struct Remote {
    client: Client,
    descriptor: ModelDescriptor,
    infer: Url,
    request_timeout: Duration,
}

impl Remote {
    /// Asks the server at `base` (`http://host:port`, or `https://…` with the certificates that the
    /// system trusts) what this model is.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an address or a name that is none, or outside of a tokio runtime,
    /// [`Error::NotFound`] if the
    /// server has no such model, [`Error::Unavailable`] if the server cannot be reached or no version
    /// is ready, [`Error::DeadlineExceeded`] after [`RemoteOptions::request_timeout`],
    /// [`Error::Backend`] if it does not speak the protocol.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn connect(base: &str, model: &str, options: RemoteOptions) -> Result<Self> {
        require_runtime()?;
        let client = Client::new(base, &options)?;
        let name = model.parse()?;
        let limit = options.request_timeout;
        let described = timeout(limit, describe(&client, &name, options.version)).await;
        let (descriptor, path) =
            described.map_err(|_elapsed| Error::DeadlineExceeded { elapsed: limit })??;
        let segments: Vec<_> = path.iter().map(String::as_str).chain(["infer"]).collect();
        let infer = client.url(&segments);
        Ok(Self { client, descriptor, infer, request_timeout: options.request_timeout })
    }

    async fn call(&self, request: &InferenceRequest, limit: Duration) -> Result<NamedTensors> {
        let (headers, body) = encode(request, limit)?;
        let answer = self.client.post(self.infer.clone(), headers, body).await?;
        decode(answer, &self.descriptor.signature, request.requested_outputs())
            .map_err(|error| malformed(self.client.base(), error.report()))
    }

    /// Rows of a request that fits the model; 1 if the model has no batch axis.
    fn check(&self, request: &InferenceRequest) -> Result<usize> {
        let signature = &self.descriptor.signature;
        signature.validate_inputs(&request.inputs)?;
        if let Some(requested) = request.requested_outputs() {
            signature.validate_requested(requested)?;
        }
        let Some(limit) = self.descriptor.max_batch_size else {
            return Ok(1);
        };
        let rows = request.inputs.iter().next().and_then(|(_, tensor)| tensor.row_count());
        let rows = rows.unwrap_or(1);
        if rows > limit {
            let (actual, limit) = (rows as u64, limit as u64);
            return Err(Error::TooLarge { what: "batch (rows)", actual, limit });
        }
        Ok(rows)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for Remote {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let started = Instant::now();
        let rows = self.check(&request)?;
        let limit = match request.deadline {
            Some(deadline) => deadline.saturating_duration_since(started),
            None => self.request_timeout,
        };
        if limit.is_zero() {
            return Err(Error::DeadlineExceeded { elapsed: Duration::ZERO });
        }
        require_runtime()?;
        let late = || Error::DeadlineExceeded { elapsed: started.elapsed() };
        // In time or not at all: dropping the call closes its connection.
        let outputs = match timeout(limit, self.call(&request, limit)).await {
            Ok(Err(Error::DeadlineExceeded { .. })) | Err(_) => return Err(late()),
            Ok(result) => result?,
        };
        let is_batched = self.descriptor.max_batch_size.is_some();
        if let Some((name, tensor)) =
            outputs.iter().find(|(_, tensor)| is_batched && tensor.row_count() != Some(rows))
        {
            let reason = format!("{rows} rows were sent, but `{name}` is {:?}", tensor.shape());
            return Err(malformed(self.client.base(), reason));
        }
        let mut timings = Timings::default();
        (timings.rows, timings.batch_rows) = (rows, rows);
        let response = InferenceResponse::new(outputs, Arc::clone(&self.descriptor.id));
        Ok(response.with_timings(timings))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({} at {})", self.descriptor.id, host(self.client.base()))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the whole address, which may hold a password.
        f.debug_struct("Remote")
            .field("server", &host(self.client.base()))
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}
