//! Streams of requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use mlops_core::{
    inference::InferenceSession,
    signature::Dim,
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::MockSession,
};
use mlops_serve::protocol::oip::GrpcOptions;
use tokio::{sync::mpsc, time::timeout};
use tonic::{Code, Request, Streaming};
use tonic_prost::ProstCodec;

use crate::{
    mock::{id, identity, observed},
    proto::{
        ModelInferRequest, ModelStreamInferResponse, infer_parameter::ParameterChoice::BoolParam,
    },
    support::{MODEL_STREAM_INFER, Server, f32s, good, parameters, raw, server, server_with},
};

/// Long for something that should happen at once, and no part of a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

type Answers = Streaming<ModelStreamInferResponse>;

/// The outputs of a run, counted while they live.
struct Outputs(Vec<u8>, Arc<AtomicUsize>);

impl Outputs {
    fn new(bytes: Vec<u8>, live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, Ordering::SeqCst);
        Self(bytes, Arc::clone(live))
    }
}

impl AsRef<[u8]> for Outputs {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A stream: what is sent goes out, until the sender is dropped.
async fn open(server: &Server) -> (mpsc::UnboundedSender<ModelInferRequest>, Answers) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let requests = stream::unfold(receiver, async |mut receiver| {
        let message = receiver.recv().await?;
        Some((message, receiver))
    });
    let mut client = tonic::client::Grpc::new(server.router.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<ModelInferRequest, ModelStreamInferResponse>::default();
    let path = MODEL_STREAM_INFER.parse().unwrap();
    let answers = client.streaming(Request::new(Box::pin(requests)), path, codec).await.unwrap();
    (sender, answers.into_inner())
}

fn named(id: &str) -> ModelInferRequest {
    ModelInferRequest { id: id.into(), ..good() }
}

#[tokio::test]
async fn answers_come_in_order_and_errors_do_not_end_the_stream() {
    let server = server();
    let (requests, mut answers) = open(&server).await;
    requests.send(named("1")).unwrap();
    requests.send(ModelInferRequest { model_name: "nobody".into(), ..named("2") }).unwrap();
    let mut wrong = named("3");
    wrong.inputs[0].shape = vec![1];
    requests.send(wrong).unwrap();
    let wants_final = parameters([("triton_enable_empty_final_response", BoolParam(true))]);
    requests.send(ModelInferRequest { parameters: wants_final, ..named("4") }).unwrap();
    drop(requests);
    let mut seen = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let response = answer.infer_response.unwrap();
        assert_eq!(response.outputs.is_empty(), !answer.error_message.is_empty());
        let is_final = response.parameters.get("triton_final_response").cloned();
        seen.push((
            response.id,
            answer.error_message,
            is_final.map(|value| value.parameter_choice),
        ));
    }
    let ids: Vec<_> = seen.iter().map(|(id, ..)| &**id).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
    assert_eq!((&*seen[0].1, &*seen[3].1), ("", ""));
    assert!(seen[1].1.contains("`nobody`") && seen[2].1.contains("`a`"), "{seen:?}");
    assert_eq!((&seen[0].2, &seen[3].2), (&None, &Some(Some(BoolParam(true)))));
    assert_eq!(server.refused.0.lock().values().sum::<usize>(), 2);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_the_stream_after_the_answers() {
    let server = server();
    let (requests, mut answers) = open(&server).await;
    requests.send(named("1")).unwrap();
    requests.send(named(&"x".repeat(5000))).unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().infer_response.unwrap().id, "1");
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let refused = server.refused.0.lock().clone();
    assert_eq!(refused, [(("unknown".to_owned(), "too_large"), 1)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_are_bounded_and_end_with_the_stream() {
    let server = server_with(|server| server, GrpcOptions::default().with_max_stream_requests(2));
    let (model, mut events) = observed(id("watched", "1"), &server.session);
    server.table.publish(model);
    server.log.close_gate();
    let (requests, mut answers) = open(&server).await;
    for number in 0..5 {
        let message =
            ModelInferRequest { model_name: "watched".into(), ..named(&number.to_string()) };
        requests.send(message).unwrap();
    }
    // Somebody has to read for the requests to be read.
    let reading = tokio::spawn(async move { answers.message().await });
    for _ in 0..2 {
        assert_eq!(events.recv().await.unwrap(), "begun");
    }
    let log = Arc::clone(&server.log);
    tokio::task::spawn_blocking(move || log.until_held(1)).await.unwrap();
    // The client goes away: the two that were read are cancelled, the others were never begun.
    reading.abort();
    for _ in 0..2 {
        assert_eq!(events.recv().await.unwrap(), "cancelled");
    }
    server.log.open_gate();
    drop((server, requests));
    assert_eq!(events.recv().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_read_keeps_no_other_answers() {
    let live = Arc::new(AtomicUsize::new(0));
    let signature = identity(DataType::F32, &[Dim::Symbolic("batch".into()), Dim::Fixed(512)]);
    let session = MockSession::new(signature.signature().as_ref().clone(), {
        let live = Arc::clone(&live);
        move |inputs| {
            let x = inputs.require("x")?;
            let bytes = Bytes::from_owner(Outputs::new(x.bytes().unwrap().to_vec(), &live));
            Ok(NamedTensors::single("y", Tensor::from_bytes(DataType::F32, x.shape(), bytes)?))
        }
    });
    let (log, server) = (session.log(), server());
    let (model, mut events) = observed(id("watched", "1"), &session);
    server.table.publish(model);
    let row = || ModelInferRequest {
        model_name: "watched".into(),
        ..raw("FP32", &[1, 512], &f32s(&[1.0; 512]))
    };
    log.close_gate();
    let (requests, mut answers) = open(&server).await;
    requests.send(row()).unwrap();
    let first = tokio::spawn(async move { (answers.message().await, answers) });
    assert_eq!(events.recv().await.unwrap(), "begun");
    let held = Arc::clone(&log);
    tokio::task::spawn_blocking(move || held.until_held(1)).await.unwrap();
    // The second answer of the stream shares its batch with another request.
    requests.send(row()).unwrap();
    assert_eq!(events.recv().await.unwrap(), "begun");
    let alone = async { server.infer(row()).await.unwrap() };
    let open_gate = async {
        assert_eq!(events.recv().await.unwrap(), "begun");
        log.open_gate();
    };
    let (answer, ()) = tokio::join!(alone, open_gate);
    drop(answer);
    let (answer, _unread) = first.await.unwrap();
    drop(answer);
    assert_eq!(log.runs(), [1, 2]);
    timeout(PATIENCE, async {
        while live.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
