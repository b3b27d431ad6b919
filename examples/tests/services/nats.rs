//! Requests and answers on a real NATS server.

use std::{
    collections::BTreeMap,
    future::pending,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    HeaderMap,
    jetstream::{self, Message, consumer::pull},
};
use futures_util::StreamExt;
use mlops_core::{
    Error,
    inference::Predict,
    model::ModelId,
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    score::{
        nats::{NatsAuth, NatsConnection, NatsOptions, NatsSourceOptions},
        stream::{StreamOptions, StreamReport, StreamScoring},
    },
    session::onnxruntime::{OnnxRuntime, OnnxSessionFactory, SessionOptions},
};

use super::nats_server::{NatsServer, python};

fn id(name: &str) -> ModelId {
    ModelId::new(name.parse().unwrap(), "1".parse().unwrap())
}

fn identity() -> Arc<dyn Predict> {
    let session = MockFactory::new(MockSession::identity(2));
    Arc::new(Batcher::start(id("identity"), session, BatcherOptions::default()).unwrap())
}

fn options() -> NatsSourceOptions {
    NatsSourceOptions::new("REQUESTS", "scorer", "dead.letters")
        .with_ack_wait(Duration::from_millis(500))
}

fn json(number: usize) -> String {
    format!(
        r#"{{"id":"{number}","inputs":[{{"name":"x","datatype":"FP32","shape":[1,2],"data":[{number},0.5]}}]}}"#
    )
}

async fn publish(jetstream: &jetstream::Context, messages: impl IntoIterator<Item = String>) {
    for message in messages {
        let kept = jetstream.publish("requests.all", message.into()).await.unwrap();
        kept.await.unwrap();
    }
}

/// The messages that a stream holds.
async fn messages(jetstream: &jetstream::Context, stream: &str) -> Vec<Message> {
    let stream = jetstream.get_stream(stream).await.unwrap();
    let count = stream.cached_info().state.messages;
    let consumer = stream.create_consumer(pull::Config::default()).await.unwrap();
    let fetched = consumer.fetch().max_messages(count as usize + 1).messages().await.unwrap();
    fetched.map(|message| message.unwrap()).collect().await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap().as_str()
}

/// Waits until the consumer of this name has been given all requests, and has finished them.
async fn until_done(jetstream: &jetstream::Context, consumer: &str) {
    let stream = jetstream.get_stream("REQUESTS").await.unwrap();
    let mut consumer = stream.get_consumer::<pull::Config>(consumer).await.unwrap();
    loop {
        let info = consumer.info().await.unwrap();
        if info.num_pending + info.num_ack_pending as u64 == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Scores until nothing is left.
async fn score_all(
    nats: &NatsConnection,
    jetstream: &jetstream::Context,
    model: Arc<dyn Predict>,
) -> StreamReport {
    let source = nats.source(&options(), model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    StreamScoring::new(model, source, sink).run(until_done(jetstream, "scorer")).await.unwrap()
}

#[tokio::test]
async fn stock_clients_get_what_python_onnxruntime_gets() {
    let (server, jetstream) = NatsServer::with_streams().await;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = manifest.join("data/digits/models/digits/1/model.onnx");
    let client = |what: &str| {
        let mut command = Command::new(python());
        command.arg(manifest.join("tests/services/nats_client.py")).arg(what);
        command.arg(server.url()).arg(&path);
        tokio::task::spawn_blocking(move || assert!(command.status().unwrap().success()))
    };
    client("ask").await.unwrap();

    let library = manifest.join("../target/onnxruntime").join(format!(
        "{}onnxruntime{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    ));
    let runtime = OnnxRuntime::load(&library).unwrap();
    let factory = OnnxSessionFactory::from_file(&runtime, &path, SessionOptions::default());
    let model = Arc::new(Batcher::start(id("digits"), factory, BatcherOptions::default()).unwrap());
    let report = score_all(&server.connect().await, &jetstream, model).await;
    assert_eq!((report.answered, report.rejected), (202, 3));
    client("check").await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_no_request_becomes_a_dead_letter_as_it_was() {
    let (server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, [json(1), "{not json".to_owned(), json(2)]).await;
    let mut headers = HeaderMap::new();
    headers.insert("Inference-Header-Content-Length", "many");
    headers.insert("Who", "me");
    let sent = jetstream.publish_with_headers("requests.all", headers, "x".into()).await.unwrap();
    sent.await.unwrap();
    let report = score_all(&server.connect().await, &jetstream, identity()).await;
    assert_eq!((report.answered, report.rejected), (2, 2));

    let dead = messages(&jetstream, "DEAD").await;
    let found: BTreeMap<_, _> = dead
        .iter()
        .map(|letter| {
            let headers = letter.headers.as_ref().unwrap();
            let said = (header(headers, "error-code"), header(headers, "Error"));
            (header(headers, "Dead-Letter-Of"), (&letter.payload[..], said))
        })
        .collect();
    assert_eq!(found["REQUESTS/scorer/2"].0, b"{not json");
    assert_eq!(found["REQUESTS/scorer/2"].1.0, "invalid_argument");
    assert!(found["REQUESTS/scorer/2"].1.1.contains("JSON"), "{found:?}");
    assert!(found["REQUESTS/scorer/4"].1.1.contains("`many`"), "{found:?}");
    let headers = dead[1].headers.as_ref().unwrap();
    assert_eq!(header(headers, "Who"), "me");
}

#[tokio::test]
async fn dropped_in_the_middle_every_request_is_answered_and_kept_once() {
    let (server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, (0..300).map(json)).await;
    for _ in 0..5 {
        let nats = server.connect().await;
        let model = identity();
        let source = nats.source(&options(), model.descriptor()).await.unwrap();
        let sink = nats.sink("answers.all").await.unwrap();
        let run = StreamScoring::new(model, source, sink).run(pending());
        drop(tokio::time::timeout(Duration::from_millis(15), run).await);
    }
    score_all(&server.connect().await, &jetstream, identity()).await;
    let answers = messages(&jetstream, "ANSWERS").await;
    let mut ids: Vec<_> = answers
        .iter()
        .map(|answer| header(answer.headers.as_ref().unwrap(), "Nats-Msg-Id").to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    // What was answered twice is kept once.
    assert_eq!((ids.len(), answers.len()), (300, 300));
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_loses_nothing() {
    let (mut server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, (0..500).map(json)).await;
    let nats = server.connect().await;
    let model = identity();
    let source = nats.source(&options(), model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let until = async move {
        while !stopped.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let scoring = tokio::spawn(StreamScoring::new(model, source, sink).run(until));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        server.restart();
    }
    let jetstream = server.jetstream().await;
    publish(&jetstream, (500..600).map(json)).await;
    until_done(&jetstream, "scorer").await;
    stop.store(true, Ordering::Relaxed);
    let report = scoring.await.unwrap().unwrap();
    assert_eq!(report.rejected, 0);
    let mut numbers: Vec<usize> = messages(&jetstream, "ANSWERS")
        .await
        .iter()
        .map(|answer| {
            let text = String::from_utf8_lossy(&answer.payload).into_owned();
            let id = text.split("\"id\":\"").nth(1).unwrap();
            id.split('"').next().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..600).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_answer_that_no_message_holds_makes_its_request_a_dead_letter() {
    let (server, jetstream) = NatsServer::with_streams().await;
    // Short as text, and over a megabyte as binary data.
    let rows = 140_000;
    let data = vec!["0"; 2 * rows].join(",");
    let body = format!(
        r#"{{"inputs":[{{"name":"x","datatype":"FP32","shape":[{rows},2],"data":[{data}]}}]}}"#
    );
    assert!(body.len() < 1 << 20);
    publish(&jetstream, [body, json(1)]).await;
    let session = MockFactory::new(MockSession::identity(2));
    let batching = BatcherOptions::default().with_max_batch_size(rows);
    let model = Arc::new(Batcher::start(id("identity"), session, batching).unwrap());
    let report = score_all(&server.connect().await, &jetstream, model).await;
    assert_eq!((report.answered, report.rejected), (1, 1));
    let dead = messages(&jetstream, "DEAD").await;
    assert_eq!(header(dead[0].headers.as_ref().unwrap(), "error-code"), "too_large");
}

#[tokio::test]
async fn only_messages_of_the_subject_are_taken() {
    let (server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, [json(1)]).await;
    jetstream.publish("requests.some", json(2).into()).await.unwrap().await.unwrap();
    let model = identity();
    let nats = server.connect().await;
    let options = options().with_filter("requests.some");
    let source = nats.source(&options, model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    let scoring = StreamScoring::new(model, source, sink);
    assert_eq!(scoring.run(until_done(&jetstream, "scorer")).await.unwrap().answered, 1);
    assert!(
        String::from_utf8_lossy(&messages(&jetstream, "ANSWERS").await[0].payload)
            .contains("\"id\":\"2\"")
    );
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let (server, jetstream) = NatsServer::with_streams().await;
    let nats = server.connect().await;
    let model = identity();
    let open = async |options: NatsSourceOptions| {
        nats.source(&options, model.descriptor()).await.map(drop).unwrap_err()
    };
    let error = open(NatsSourceOptions::new("NONE", "scorer", "dead.letters")).await;
    assert!(matches!(&error, Error::NotFound { name, .. } if &**name == "NONE"), "{error}");
    let error = open(NatsSourceOptions::new("REQUESTS", "scorer", "nowhere")).await;
    assert!(matches!(&error, Error::NotFound { name, .. } if &**name == "nowhere"), "{error}");
    let error = open(NatsSourceOptions::new("REQUESTS", "sco.rer", "dead.letters")).await;
    assert!(error.is_invalid_request(), "{error}");
    let error =
        open(NatsSourceOptions::new("REQUESTS", "scorer", "dead.letters").with_prefetch(0)).await;
    assert!(matches!(error, Error::InvalidArgument { what: "prefetch", .. }), "{error}");
    let error = nats.sink("nowhere").await.map(drop).unwrap_err();
    assert!(matches!(&error, Error::NotFound { name, .. } if &**name == "nowhere"), "{error}");

    let stream = jetstream.get_stream("REQUESTS").await.unwrap();
    let lax = pull::Config {
        durable_name: Some("lax".to_owned()),
        ack_policy: jetstream::consumer::AckPolicy::None,
        ..pull::Config::default()
    };
    stream.create_consumer(lax).await.unwrap();
    let error = open(NatsSourceOptions::new("REQUESTS", "lax", "dead.letters")).await;
    assert!(error.to_string().contains("AckExplicit"), "{error}");

    let limited = pull::Config {
        durable_name: Some("limited".to_owned()),
        max_deliver: 3,
        ..pull::Config::default()
    };
    stream.create_consumer(limited).await.unwrap();
    let error = open(NatsSourceOptions::new("REQUESTS", "limited", "dead.letters")).await;
    assert!(error.to_string().contains("MaxDeliver"), "{error}");
    drop(nats.source(&options(), model.descriptor()).await.unwrap());
    let error = open(options().with_filter("requests.some")).await;
    assert!(error.to_string().contains("another filter"), "{error}");

    let url = server.url();
    drop(server);
    let error = NatsConnection::connect(&NatsOptions::new(url)).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let error =
        NatsConnection::connect(&NatsOptions::new("nats://:::")).await.map(drop).unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    let credentials = NatsOptions::new("nats://127.0.0.1:1")
        .with_auth(NatsAuth::Credentials("nothing in it".to_owned()));
    let error = NatsConnection::connect(&credentials).await.map(drop).unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
}

#[tokio::test]
async fn a_consumer_that_is_deleted_ends_the_work() {
    let (server, jetstream) = NatsServer::with_streams().await;
    let model = identity();
    let nats = server.connect().await;
    let source = nats.source(&options(), model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    let scoring = tokio::spawn(StreamScoring::new(model, source, sink).run(pending()));
    let stream = jetstream.get_stream("REQUESTS").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.delete_consumer("scorer").await.unwrap();
    let error = scoring.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn two_models_answer_the_same_requests_into_one_stream() {
    let (server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, (0..20).map(json)).await;
    let nats = server.connect().await;
    for (consumer, subject) in [("a", "answers.a"), ("b", "answers.b"), ("c", "answers.b")] {
        let model = identity();
        let options = NatsSourceOptions::new("REQUESTS", consumer, "dead.letters");
        let source = nats.source(&options, model.descriptor()).await.unwrap();
        let sink = nats.sink(subject).await.unwrap();
        let scored = StreamScoring::new(model, source, sink);
        assert_eq!(scored.run(until_done(&jetstream, consumer)).await.unwrap().answered, 20);
    }
    assert_eq!(messages(&jetstream, "ANSWERS").await.len(), 60);
}

#[tokio::test]
async fn a_dead_letter_too_large_for_its_headers_is_kept_without_what_it_says() {
    let (server, jetstream) = NatsServer::with_streams().await;
    // As large as a message may be, and no request.
    publish(&jetstream, ["x".repeat(1 << 20), json(1)]).await;
    let report = score_all(&server.connect().await, &jetstream, identity()).await;
    assert_eq!((report.answered, report.rejected), (1, 1));
    let dead = messages(&jetstream, "DEAD").await;
    let headers = dead[0].headers.as_ref().unwrap();
    assert_eq!(header(headers, "Dead-Letter-Of"), "REQUESTS/scorer/1");
    assert!(dead[0].payload.is_empty());
}

#[tokio::test]
async fn what_was_taken_ahead_is_given_back_when_the_work_is_stopped() {
    let (server, jetstream) = NatsServer::with_streams().await;
    publish(&jetstream, (0..50).map(json)).await;
    let model = identity();
    let nats = server.connect().await;
    // Nobody else gets them today, unless they are given back.
    let options = options().with_ack_wait(Duration::from_secs(24 * 3600));
    let source = nats.source(&options, model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    let scoring = StreamScoring::new(model, source, sink)
        .with_options(StreamOptions::default().with_max_in_flight(2, usize::MAX));
    scoring.run(tokio::time::sleep(Duration::from_millis(2))).await.unwrap();
    let model = identity();
    let source = nats.source(&options, model.descriptor()).await.unwrap();
    let sink = nats.sink("answers.all").await.unwrap();
    let scored = StreamScoring::new(model, source, sink).run(until_done(&jetstream, "scorer"));
    tokio::time::timeout(Duration::from_secs(60), scored).await.expect("all came again").unwrap();
    assert_eq!(messages(&jetstream, "ANSWERS").await.len(), 50);
}
