//! Clients that go away, over real sockets.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mlops_serve::protocol::{ServeOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    mock::{id, observed},
    support::{good, server},
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_cancels_its_request() {
    let server = server();
    let (model, mut events) = observed(id("watched", "1"), &server.session);
    server.table.publish(model);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.router.clone();
    tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
    let mut next = async || timeout(PATIENCE, events.recv()).await.unwrap().unwrap();

    // The first runs and is held; the second waits behind it.
    server.log.close_gate();
    let running = post(address).await;
    assert_eq!(next().await, "begun");
    let log = Arc::clone(&server.log);
    tokio::task::spawn_blocking(move || log.until_held(1)).await.unwrap();
    let queued = post(address).await;
    assert_eq!(next().await, "begun");
    // In half a request nothing has been asked yet.
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /v2/models/watched/infer HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        .await
        .unwrap();
    drop(half);

    // Each is cancelled while the session is still held: nobody waits for it to end.
    for stream in [queued, running] {
        drop(stream);
        assert_eq!(next().await, "cancelled");
    }
    server.log.open_gate();

    let mut other = post(address).await;
    let mut answer = vec![0; 15];
    timeout(PATIENCE, other.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");
    assert_eq!((next().await, next().await), ("begun", "ok"));
    // The one that was queued cost no run.
    assert_eq!(server.log.runs(), [2, 2]);
}
