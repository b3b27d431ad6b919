//! The server's limits, over real sockets.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    routing::get,
};
use mlops_core::Error;
use mlops_serve::protocol::{ServeOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Long for something that should happen at once, and no part of a test that passes.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<mlops_core::Result<()>>,
}

async fn start(router: Router, options: ServeOptions) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { drop(stopped.await) };
    let done = tokio::spawn(serve(listener, router, options, shutdown));
    Server { address, stop, done }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// Sends a request and reads until `until` has come.
async fn ask(stream: &mut TcpStream, path: &str, until: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_until(stream, until).await
}

async fn read_until(stream: &mut TcpStream, until: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.contains(until) {
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    text
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap() {
            Ok(0) | Err(_) => return true,
            Ok(_) => {}
        }
    }
}

#[tokio::test]
async fn connections_are_kept_and_shutdown_ends_idle_ones() {
    let server = start(hello(), ServeOptions::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        assert!(ask(&mut stream, "/", "hello").await.starts_with("HTTP/1.1 200"));
    }
    server.stop.send(()).unwrap();
    assert!(is_closed(&mut stream).await);
    timeout(PATIENCE, server.done).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let (begun, has_begun) = oneshot::channel::<()>();
    let (finish, may_finish) = oneshot::channel::<()>();
    let parts = std::sync::Arc::new(std::sync::Mutex::new(Some((begun, may_finish))));
    let slow = move || {
        let parts = parts.lock().unwrap().take();
        async move {
            let (begun, may_finish) = parts.unwrap();
            begun.send(()).unwrap();
            may_finish.await.unwrap();
            "finished"
        }
    };
    let server = start(Router::new().route("/", get(slow)), ServeOptions::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    has_begun.await.unwrap();
    server.stop.send(()).unwrap();
    finish.send(()).unwrap();
    assert!(read_until(&mut stream, "finished").await.starts_with("HTTP/1.1 200"));
    timeout(PATIENCE, server.done).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_endless_stream_does_not_outlive_the_drain() {
    struct Endless;

    impl futures_core::Stream for Endless {
        type Item = Result<Bytes, Infallible>;

        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            context.waker().wake_by_ref();
            std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"more"))))
        }
    }

    let router = Router::new().route("/", get(async || Body::from_stream(Endless)));
    let options = ServeOptions::default().with_drain_timeout(Duration::from_millis(50));
    let server = start(router, options).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/", "more\r\n4\r\nmore").await;
    server.stop.send(()).unwrap();
    let reader = tokio::spawn(async move { is_closed(&mut stream).await });
    let error = timeout(PATIENCE, server.done).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert!(reader.await.unwrap());
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let options = ServeOptions::default().with_header_timeout(Duration::from_millis(50));
    let server = start(hello(), options).await;
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    assert!(is_closed(&mut silent).await);
    assert!(is_closed(&mut slow).await);
    let mut other = server.connect().await;
    assert!(ask(&mut other, "/", "hello").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let server = start(hello(), ServeOptions::default().with_max_connections(1)).await;
    let mut first = server.connect().await;
    ask(&mut first, "/", "hello").await;
    // The kernel takes the second connection, the server does not yet.
    let mut second = server.connect().await;
    second.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut buffer = [0; 64];
    let waited = timeout(Duration::from_millis(50), second.read(&mut buffer)).await;
    assert!(waited.is_err(), "answered over the limit");
    drop(first);
    assert!(read_until(&mut second, "hello").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn nonsense_harms_nobody() {
    let server = start(hello(), ServeOptions::default()).await;
    let huge = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(1 << 20));
    for nonsense in [&b"\0\xff\r\n\r\n"[..], b"GET\r\n\r\n", huge.as_bytes()] {
        let mut stream = server.connect().await;
        // It may close before it has read everything.
        stream.write_all(nonsense).await.ok();
        assert!(is_closed(&mut stream).await);
    }
    let mut half_closed = server.connect().await;
    half_closed.shutdown().await.unwrap();
    assert!(is_closed(&mut half_closed).await);
    let mut stream = server.connect().await;
    assert!(ask(&mut stream, "/", "hello").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn dropping_the_server_closes_its_connections() {
    let server = start(hello(), ServeOptions::default()).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/", "hello").await;
    server.done.abort();
    assert!(is_closed(&mut stream).await);
}
