//! The server that one would write by hand in an hour, as a baseline: it takes the binary form,
//! batches greedily on one thread a model, answers, and does nothing else: no validation, no limits,
//! no deadlines, no metrics, no errors worth the name. What the project's server costs beyond it is
//! the price of everything else.
//!
//!     axum_ort LIBRARY MODELS ADDRESS
#![expect(clippy::print_stderr, reason = "a program talks to its terminal")]

use std::{collections::HashMap, error::Error, path::Path, sync::Arc, sync::mpsc};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as Segment, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use ort::{
    environment::Environment,
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};
use serde_json::Value;
use tokio::sync::oneshot;

const MAX_BATCH: usize = 64;

struct Job {
    row: Vec<f32>,
    answer: oneshot::Sender<Vec<f32>>,
}

type Queues = Arc<HashMap<String, mpsc::SyncSender<Job>>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let [library, models, address] =
        <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
            .map_err(|given| format!("usage: axum_ort LIBRARY MODELS ADDRESS, not {given:?}"))?;
    let environment = ort::init_from(library)?.build()?;
    let mut queues = HashMap::new();
    for (name, width) in [("small", 64), ("big", 512)] {
        let path = Path::new(&models).join(name).join("1/model.onnx");
        queues.insert(name.to_owned(), start(&environment, &path, width)?);
    }
    let router =
        Router::new().route("/v2/models/{model}/infer", post(infer)).with_state(Arc::new(queues));
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}\nready", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

/// A thread that owns the session and takes whatever is queued.
fn start(
    environment: &Environment,
    path: &Path,
    width: usize,
) -> Result<mpsc::SyncSender<Job>, Box<dyn Error>> {
    let mut session = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .commit_from_file(path)?;
    let (queue, jobs) = mpsc::sync_channel::<Job>(4096);
    std::thread::spawn(move || {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            let input: Vec<f32> = batch.iter().flat_map(|job| job.row.iter().copied()).collect();
            let rows = batch.len();
            let value = TensorRef::from_array_view(([rows, width], &input[..])).expect("a tensor");
            let outputs = session.run(ort::inputs![value]).expect("a run");
            let (_, values) = outputs[0].try_extract_tensor::<f32>().expect("floats");
            for (job, row) in batch.into_iter().zip(values.chunks(values.len() / rows)) {
                job.answer.send(row.to_vec()).ok();
            }
        }
    });
    Ok(queue)
}

async fn infer(
    State(queues): State<Queues>,
    Segment(model): Segment<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let length = headers
        .get("inference-header-content-length")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(body.len());
    let Ok(_json) = serde_json::from_slice::<Value>(&body[..length]) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let row = body[length..]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let (answer, answered) = oneshot::channel();
    if queues[&model].try_send(Job { row, answer }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Ok(values) = answered.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let head = format!(
        r#"{{"model_name":"{model}","model_version":"1","outputs":[{{"name":"output","datatype":"FP32","shape":[1,{}],"parameters":{{"binary_data_size":{}}}}}]}}"#,
        values.len(),
        4 * values.len(),
    );
    let length = head.len().to_string();
    let mut body = head.into_bytes();
    values.iter().for_each(|value| body.extend_from_slice(&value.to_le_bytes()));
    let headers = [
        ("inference-header-content-length", length),
        ("content-type", "application/octet-stream".to_owned()),
    ];
    (headers, body).into_response()
}
