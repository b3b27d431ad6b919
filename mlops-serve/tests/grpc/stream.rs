//! Streams of requests.

use std::sync::Arc;

use futures_util::stream;
use mlops_serve::protocol::oip::GrpcOptions;
use tokio::sync::mpsc;
use tonic::{Code, Request, Streaming};
use tonic_prost::ProstCodec;

use crate::{
    mock::{id, observed},
    proto::{
        ModelInferRequest, ModelStreamInferResponse, infer_parameter::ParameterChoice::BoolParam,
    },
    support::{MODEL_STREAM_INFER, Server, good, parameters, server, server_with},
};

type Answers = Streaming<ModelStreamInferResponse>;

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
    let server = server_with(GrpcOptions::default().with_max_stream_requests(2));
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
