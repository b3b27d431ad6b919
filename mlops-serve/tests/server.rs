//! The server's limits, over real sockets.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::Request,
    routing::{get, post},
};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mlops_core::Error;
use mlops_serve::protocol::{ServeOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
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
    hello_at("/")
}

fn hello_at(path: &str) -> Router {
    Router::new().route(path, get(async || "hello"))
}

/// The client's preface of HTTP/2, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

type Http2 = hyper::client::conn::http2::SendRequest<Body>;

/// An HTTP/2 connection, and the task that drives it.
async fn http2(server: &Server) -> (Http2, JoinHandle<hyper::Result<()>>) {
    let stream = TokioIo::new(server.connect().await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (sender, connection) = handshake.await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn ask_http2(sender: &mut Http2) -> hyper::Result<Bytes> {
    let request = Request::get("http://test/").body(Body::empty()).unwrap();
    Ok(sender.send_request(request).await?.into_body().collect().await?.to_bytes())
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

/// Answers when it is told to.
fn held() -> (Router, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let (begun, has_begun) = mpsc::unbounded_channel();
    let hold = async move || {
        let (finish, may_finish) = oneshot::channel();
        begun.send(finish).unwrap();
        may_finish.await.unwrap();
        "held"
    };
    (Router::new().route("/", get(hold)), has_begun)
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_one_in_use() {
    let (router, mut requests) = held();
    let server = start(router, ServeOptions::default().with_max_connections(1)).await;
    let mut first = server.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let finish_first = requests.recv().await.unwrap();
    let mut second = server.connect().await;
    second.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let waited = timeout(Duration::from_millis(250), requests.recv()).await;
    assert!(waited.is_err(), "served over the limit");
    finish_first.send(()).unwrap();
    read_until(&mut first, "held").await;
    requests.recv().await.unwrap().send(()).unwrap();
    read_until(&mut second, "held").await;
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_the_one_idle_for_longest() {
    let server = start(hello(), ServeOptions::default().with_max_connections(3)).await;
    let mut connections = Vec::new();
    for _ in 0..3 {
        connections.push(server.connect().await);
    }
    for last_used in [1, 0, 2] {
        ask(&mut connections[last_used], "/", "hello").await;
        // Longer than the resolution in which idle times are compared.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut new = server.connect().await;
    ask(&mut new, "/", "hello").await;
    assert!(is_closed(&mut connections[1]).await);
    for kept in [0, 2] {
        ask(&mut connections[kept], "/", "hello").await;
    }
}

#[tokio::test]
async fn connections_that_never_say_anything_give_way_too() {
    let server = start(hello(), ServeOptions::default().with_max_connections(2)).await;
    let (mut silent, mut slow) = (server.connect().await, server.connect().await);
    slow.write_all(b"GET / HT").await.unwrap();
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    ask(&mut first, "/", "hello").await;
    ask(&mut second, "/", "hello").await;
    assert!(is_closed(&mut silent).await && is_closed(&mut slow).await);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let options = ServeOptions::default().with_stall_timeout(Duration::from_millis(50));
    let read = async |body: Body| match body.collect().await {
        Ok(_) => "whole".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    let server = start(Router::new().route("/", post(read)), options).await;
    let mut slow = server.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\na";
    slow.write_all(head).await.unwrap();
    read_until(&mut slow, "nothing came for 50ms").await;
    assert!(is_closed(&mut slow).await);
}

/// An answer without end, and whether it was dropped.
fn endless() -> (Router, mpsc::UnboundedReceiver<()>) {
    struct Told(mpsc::UnboundedSender<()>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }

    let (dropped, was_dropped) = mpsc::unbounded_channel();
    let answer = async move || {
        let told = Told(dropped.clone());
        Body::from_stream(futures_util::stream::repeat_with(move || {
            let _held = &told;
            Ok::<_, Infallible>(Bytes::from_static(&[0; 4096]))
        }))
    };
    (Router::new().route("/", get(answer)), was_dropped)
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let (router, mut was_dropped) = endless();
    let options = ServeOptions::default().with_stall_timeout(Duration::from_millis(50));
    let server = start(router, options).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    timeout(PATIENCE, was_dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_ends_with_its_client() {
    let (router, mut was_dropped) = endless();
    let server = start(router, ServeOptions::default()).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/", "200 OK").await;
    drop(stream);
    timeout(PATIENCE, was_dropped.recv()).await.unwrap().unwrap();
    // With HTTP/2 only the one stream ends.
    let (mut sender, _connection) = http2(&server).await;
    for _ in 0..2 {
        let request = Request::get("http://test/").body(Body::empty()).unwrap();
        let mut body = sender.send_request(request).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        timeout(PATIENCE, was_dropped.recv()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn clients_that_go_away_in_a_head_or_a_body_leave_their_place() {
    let read = async |body: Bytes| body;
    let options = ServeOptions::default().with_max_connections(1);
    let server = start(hello().route("/", post(read)), options).await;
    for part in [&b"POST / HT"[..], b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{"]
    {
        let mut gone = server.connect().await;
        gone.write_all(part).await.unwrap();
        drop(gone);
        let mut next = server.connect().await;
        assert!(ask(&mut next, "/", "hello").await.starts_with("HTTP/1.1 200"));
    }
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

#[tokio::test]
async fn http2_is_spoken_on_the_same_port_and_ends_with_shutdown() {
    let server = start(hello(), ServeOptions::default()).await;
    let (mut sender, driver) = http2(&server).await;
    for _ in 0..3 {
        assert_eq!(ask_http2(&mut sender).await.unwrap(), "hello");
    }
    let mut http1 = server.connect().await;
    assert!(ask(&mut http1, "/", "hello").await.starts_with("HTTP/1.1 200"));
    // A client that has begun to speak HTTP/2 and says nothing more.
    let mut silent = server.connect().await;
    silent.write_all(PREFACE).await.unwrap();
    let mut settings = [0; 9];
    silent.read_exact(&mut settings).await.unwrap();
    server.stop.send(()).unwrap();
    timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    // It is not waited for until the drain ends.
    timeout(PATIENCE, server.done).await.unwrap().unwrap().unwrap();
    assert!(is_closed(&mut silent).await);
}

#[tokio::test]
async fn http2_connections_without_requests_are_closed() {
    let options = ServeOptions::default().with_header_timeout(Duration::from_millis(50));
    let server = start(hello(), options).await;
    let (mut sender, driver) = http2(&server).await;
    assert_eq!(ask_http2(&mut sender).await.unwrap(), "hello");
    timeout(PATIENCE, driver).await.unwrap().unwrap().unwrap();
    // Neither half a preface nor a whole one keeps a connection.
    for sent in [&PREFACE[..7], PREFACE] {
        let mut silent = server.connect().await;
        silent.write_all(sent).await.unwrap();
        assert!(is_closed(&mut silent).await);
    }
}

#[tokio::test]
async fn an_http2_answer_that_takes_long_is_no_idle_connection() {
    let (finish, may_finish) = tokio::sync::watch::channel(false);
    let slow = move || {
        let mut may_finish = may_finish.clone();
        async move {
            may_finish.wait_for(|finish| *finish).await.unwrap();
            "finished"
        }
    };
    let options = ServeOptions::default().with_header_timeout(Duration::from_millis(20));
    let server =
        start(Router::new().route("/", get(slow)).merge(hello_at("/quick")), options).await;
    let (mut sender, _driver) = http2(&server).await;
    let mut other = sender.clone();
    let answer = tokio::spawn(async move { ask_http2(&mut other).await.unwrap() });
    // Another connection is closed for being idle meanwhile; this one is not.
    let (_, idle) = http2(&server).await;
    timeout(PATIENCE, idle).await.unwrap().unwrap().unwrap();
    let request = Request::get("http://test/quick").body(Body::empty()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    finish.send(true).unwrap();
    assert_eq!(answer.await.unwrap(), "finished");
}

#[tokio::test]
async fn http2_streams_over_the_limit_wait_for_the_others() {
    let (finish, may_finish) = tokio::sync::watch::channel(false);
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let slow = move || {
        begun.send(()).unwrap();
        let mut may_finish = may_finish.clone();
        async move {
            may_finish.wait_for(|finish| *finish).await.unwrap();
            "hello"
        }
    };
    let options = ServeOptions::default().with_max_concurrent_streams(2);
    let server = start(Router::new().route("/", get(slow)), options).await;
    let (mut sender, _driver) = http2(&server).await;
    // The settings of the server are known once something was answered.
    let missing = Request::get("http://test/missing").body(Body::empty()).unwrap();
    assert_eq!(sender.send_request(missing).await.unwrap().status(), 404);
    let asked: Vec<_> = (0..3)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { ask_http2(&mut sender).await.unwrap() })
        })
        .collect();
    for _ in 0..2 {
        timeout(PATIENCE, has_begun.recv()).await.unwrap().unwrap();
    }
    assert!(has_begun.try_recv().is_err(), "a third stream over the limit");
    finish.send(true).unwrap();
    for answer in asked {
        assert_eq!(timeout(PATIENCE, answer).await.unwrap().unwrap(), "hello");
    }
}

#[tokio::test]
async fn dropping_the_server_ends_http2_streams() {
    struct Told(Option<oneshot::Sender<()>>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.take().unwrap().send(()).ok();
        }
    }

    let (dropped, is_dropped) = oneshot::channel();
    let (begun, has_begun) = oneshot::channel();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Some((Told(Some(dropped)), begun))));
    let never = move || {
        let (told, begun) = told.lock().unwrap().take().unwrap();
        async move {
            begun.send(()).unwrap();
            let _told = told;
            std::future::pending::<&'static str>().await
        }
    };
    let server = start(Router::new().route("/", get(never)), ServeOptions::default()).await;
    let (mut sender, _driver) = http2(&server).await;
    let call = tokio::spawn(async move { ask_http2(&mut sender).await });
    has_begun.await.unwrap();
    server.done.abort();
    timeout(PATIENCE, is_dropped).await.unwrap().unwrap();
    assert!(timeout(PATIENCE, call).await.unwrap().unwrap().is_err());
}
