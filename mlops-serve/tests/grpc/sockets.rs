//! Over real sockets: both transports on one port, clients that go away, shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mlops_serve::protocol::{ServeOptions, oip, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::{
    mock::{id, observed},
    proto::{ModelInferRequest, ModelInferResponse},
    support::{MODEL_INFER, good, server},
};

/// Long for something that should happen at once, and no part of a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

type Sender = hyper::client::conn::http2::SendRequest<tonic::body::Body>;

async fn start(
    router: Router,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<mlops_core::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { drop(stopped.await) };
    let done = tokio::spawn(serve(listener, router, ServeOptions::default(), shutdown));
    (address, stop, done)
}

/// A connection, and the task that drives it.
async fn connect(address: SocketAddr) -> (Sender, JoinHandle<hyper::Result<()>>) {
    drive(TcpStream::connect(address).await.unwrap()).await
}

async fn drive(stream: TcpStream) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    (sender, tokio::spawn(connection))
}

async fn infer(sender: Sender, model: &str) -> Result<ModelInferResponse, Status> {
    let service = tower::service_fn(move |request| sender.clone().send_request(request));
    let mut client = tonic::client::Grpc::with_origin(service, "http://test".parse().unwrap());
    client.ready().await.unwrap();
    let message = ModelInferRequest { model_name: model.into(), ..good() };
    let codec = ProstCodec::<ModelInferRequest, ModelInferResponse>::default();
    let answer = client.unary(Request::new(message), MODEL_INFER.parse().unwrap(), codec).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn one_port_speaks_both_transports() {
    let server = server();
    let models = Arc::clone(&server.table);
    let rest = oip::router(models, oip::RestOptions::default());
    let (address, stop, done) = start(server.router.clone().merge(rest)).await;
    let (sender, connection) = connect(address).await;
    let answer = timeout(PATIENCE, infer(sender.clone(), "arithmetic")).await.unwrap().unwrap();
    assert_eq!(answer.outputs.len(), 2);
    let mut http1 = TcpStream::connect(address).await.unwrap();
    http1.write_all(b"GET /v2 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    http1.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("mlops-serve"), "{text}");
    // An idle connection is told to go away, and goes.
    stop.send(()).unwrap();
    timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap();
    timeout(PATIENCE, done).await.unwrap().unwrap().unwrap();
    drop(sender);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_stream_and_a_lost_connection_cancel_their_requests() {
    let server = server();
    let (model, mut events) = observed(id("watched", "1"), &server.session);
    server.table.publish(model);
    let (address, stop, done) = start(server.router.clone()).await;
    let mut next = async || timeout(PATIENCE, events.recv()).await.unwrap().unwrap();

    // One runs and is held; one waits behind it on the same connection, one on another.
    server.log.close_gate();
    let (first, _driver) = connect(address).await;
    let running = tokio::spawn(infer(first.clone(), "watched"));
    assert_eq!(next().await, "begun");
    let log = Arc::clone(&server.log);
    tokio::task::spawn_blocking(move || log.until_held(1)).await.unwrap();
    let queued = tokio::spawn(infer(first.clone(), "watched"));
    assert_eq!(next().await, "begun");
    let lost = std::net::TcpStream::connect(address).unwrap();
    lost.set_nonblocking(true).unwrap();
    let stream = TcpStream::from_std(lost.try_clone().unwrap()).unwrap();
    let (second, _second_driver) = drive(stream).await;
    let other = tokio::spawn(infer(second, "watched"));
    assert_eq!(next().await, "begun");

    // Dropping a call resets its stream, and the connection stays.
    for call in [queued, running] {
        call.abort();
        assert_eq!(next().await, "cancelled");
    }
    lost.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(next().await, "cancelled");
    other.await.unwrap().unwrap_err();
    server.log.open_gate();
    let answer = timeout(PATIENCE, infer(first, "watched")).await.unwrap().unwrap();
    assert_eq!(answer.outputs.len(), 2);
    assert_eq!((next().await, next().await), ("begun", "ok"));
    // Those that were queued cost no run.
    assert_eq!(server.log.runs(), [2, 2]);
    stop.send(()).unwrap();
    timeout(PATIENCE, done).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_is_finished_at_shutdown() {
    let server = server();
    let (address, stop, done) = start(server.router.clone()).await;
    server.log.close_gate();
    let (sender, _driver) = connect(address).await;
    let call = tokio::spawn(infer(sender, "arithmetic"));
    let log = Arc::clone(&server.log);
    tokio::task::spawn_blocking(move || log.until_held(1)).await.unwrap();
    stop.send(()).unwrap();
    server.log.open_gate();
    assert_eq!(timeout(PATIENCE, call).await.unwrap().unwrap().unwrap().outputs.len(), 2);
    timeout(PATIENCE, done).await.unwrap().unwrap().unwrap();
}
