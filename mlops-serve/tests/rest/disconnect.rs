//! Clients that go away, over real sockets.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mlops_serve::protocol::{ServeOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::UnboundedReceiver,
    time::timeout,
};

use crate::{
    mock::{id, observed},
    support::{Server, good, server},
};

/// Long for something that should happen at once, and no part of a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn post(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = good().to_string();
    let head = format!(
        "POST /v2/models/watched/infer HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

/// A server on a socket, whose model `watched` tells what becomes of its requests.
async fn listening() -> (Server, SocketAddr, Events) {
    let server = server();
    let (model, events) = observed(id("watched", "1"), &server.session);
    server.table.publish(model);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.router.clone();
    tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
    (server, address, Events(events))
}

struct Events(UnboundedReceiver<&'static str>);

impl Events {
    async fn next(&mut self) -> &'static str {
        timeout(PATIENCE, self.0.recv()).await.unwrap().unwrap()
    }
}

async fn until_held(server: &Server) {
    let log = Arc::clone(&server.log);
    tokio::task::spawn_blocking(move || log.until_held(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_sent_ahead_do_not_hide_that_a_client_has_gone() {
    let (server, address, mut events) = listening().await;
    server.log.close_gate();
    let mut running = post(address).await;
    assert_eq!(events.next().await, "begun");
    until_held(&server).await;
    let mut queued = post(address).await;
    assert_eq!(events.next().await, "begun");
    // The first byte of the next request, which is not read on before this one is answered.
    for stream in [&mut queued, &mut running] {
        stream.write_all(b"P").await.unwrap();
    }
    for stream in [queued, running] {
        drop(stream);
        assert_eq!(events.next().await, "cancelled");
    }
    server.log.open_gate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_cancels_its_request() {
    let (server, address, mut events) = listening().await;
    // The first runs and is held; the second waits behind it.
    server.log.close_gate();
    let running = post(address).await;
    assert_eq!(events.next().await, "begun");
    until_held(&server).await;
    let queued = post(address).await;
    assert_eq!(events.next().await, "begun");
    // In half a request nothing has been asked yet.
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /v2/models/watched/infer HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        .await
        .unwrap();
    drop(half);

    // Each is cancelled while the session is still held: nobody waits for it to end.
    for stream in [queued, running] {
        drop(stream);
        assert_eq!(events.next().await, "cancelled");
    }
    server.log.open_gate();

    let mut other = post(address).await;
    let mut answer = vec![0; 15];
    timeout(PATIENCE, other.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");
    assert_eq!((events.next().await, events.next().await), ("begun", "ok"));
    // The one that was queued cost no run.
    assert_eq!(server.log.runs(), [2, 2]);
}
